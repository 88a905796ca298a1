"""Questions and what answers to them are worth. Both follow from the assessment's id, so nothing is left to chance.

An assessment's score is the mean over all its questions, 0 for one that was not answered, as a whole number from 0 to
100. A multiple-choice answer is worth all or nothing. A short answer is worth half for being at least eight words long
(less in proportion), and half for the share of the expected words that it mentions.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from perfspec.base.random import mix, site

__all__ = ["CHOICES", "MULTIPLE_CHOICE", "SHORT_ANSWER", "Question", "points", "questions", "score"]

MULTIPLE_CHOICE, SHORT_ANSWER = "multiple-choice", "short-answer"
CHOICES = ("A", "B", "C", "D")
_LONG_ENOUGH = 8
_STEMS = (
    "Which of these describes {topic} best?",
    "What has to be known before anything about {topic} can be shown?",
    "Where is {topic} used, and what for?",
    "What is a common mistake about {topic}?",
    "How would you explain {topic} to a beginner?",
    "Which step comes first in working with {topic}?",
    "What changes about {topic} when numbers grow large?",
    "Which example shows {topic} most clearly?",
)
_EXPECTED = ("because", "example", "measure", "compare", "first", "result", "rule", "reason", "part", "whole")


@dataclass(frozen=True, slots=True)
class Question:
    id: str
    text: str
    expected: str
    """A letter, or the words that a good answer mentions."""


def questions(assessment: str, topic: str, kind: str, count: int) -> Iterator[Question]:
    chance = site(assessment)
    for number in range(count):
        drawn = mix(chance, number)
        stem = _STEMS[(chance + number) % len(_STEMS)]
        words = " ".join(_EXPECTED[(drawn + step) % len(_EXPECTED)] for step in (0, 3, 7))
        expected = CHOICES[drawn % len(CHOICES)] if kind == MULTIPLE_CHOICE else words
        yield Question(f"{assessment}-{number + 1:02d}", stem.format(topic=topic), expected)


def points(kind: str, expected: str, given: str) -> float:
    """From 0 to 1."""
    if kind == MULTIPLE_CHOICE:
        return float(given == expected)
    said = given.casefold().split()
    wanted = expected.split()
    mentioned = sum(word in said for word in wanted) / len(wanted)
    return min(1.0, len(said) / _LONG_ENOUGH) / 2 + mentioned / 2


def score(kind: str, expected: Sequence[tuple[str, str]], given: Mapping[str, str]) -> int:
    """`expected` by question; what is missing in `given` counts as nothing."""
    worth = [points(kind, wanted, given[question]) if question in given else 0.0 for question, wanted in expected]
    return round(100 * sum(worth) / len(worth)) if worth else 0
