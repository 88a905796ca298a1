"""What the search service finds: phrases in order of popularity, and documents made from them.

The documents are the same in every process and for every seed, so totals and rankings can be relied on. A document has
one main phrase and mentions two others of its language; phrases are drawn by popularity, rank r with weight
1 / (r + 30). The first documents take one phrase each, so that every phrase finds something.
"""

import json
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import accumulate

from perfspec.base.random import mix, unit

__all__ = ["SOURCE", "Document", "Phrase", "documents", "phrases"]

SOURCE = "seed"
"""The source of the documents that are there from the start."""

_CHANCE = mix(0, 20_231)
_SENTENCES = 4


@dataclass(frozen=True, slots=True)
class Phrase:
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class Document:
    id: str
    title: str
    body: str
    source: str
    language: str


@dataclass(frozen=True, slots=True)
class _Words:
    """What the texts of one language are made of."""

    titles: list[str]
    sentences: list[str]
    things: list[str]
    qualities: list[str]
    places: list[str]


@dataclass(frozen=True, slots=True)
class _Seed:
    phrases: tuple[Phrase, ...]
    words: dict[str, _Words]


class _Popular:
    """Phrases with the running sum of their weights, to draw from."""

    def __init__(self, ranked: Sequence[tuple[int, Phrase]]) -> None:
        self._phrases = [phrase for _, phrase in ranked]
        self._sums = list(accumulate(1 / (rank + 30) for rank, _ in ranked))

    def draw(self, share: float) -> Phrase:
        return self._phrases[bisect_right(self._sums, share * self._sums[-1], hi=len(self._sums) - 1)]


def phrases() -> tuple[Phrase, ...]:
    """The most popular first. The same list as fixtures/search-phrases.csv, which specs draw from."""
    return _seed().phrases


def documents(count: int) -> Iterator[Document]:
    ranked = list(enumerate(phrases()))
    everything = _Popular(ranked)
    words = _seed().words
    same_language = {
        language: _Popular([(rank, phrase) for rank, phrase in ranked if phrase.language == language])
        for language in words
    }
    for number in range(count):
        draws = _Draws(mix(_CHANCE, number))
        main = ranked[number][1] if number < len(ranked) else everything.draw(draws.share())
        title, body = _text(words[main.language], main.text, same_language[main.language], draws)
        yield Document(f"doc-{number + 1:05d}", title, body, SOURCE, main.language)


class _Draws:
    """One document's draws, one after the other."""

    def __init__(self, chance: int) -> None:
        self._chance = chance
        self._index = 0

    def share(self) -> float:
        self._index += 1
        return unit(self._chance, self._index)

    def one_of(self, choices: Sequence[str]) -> str:
        return choices[int(self.share() * len(choices))]


def _text(words: _Words, main: str, others: _Popular, draws: _Draws) -> tuple[str, str]:
    first, second = (others.draw(draws.share()).text for _ in range(2))
    templates = [words.titles, *([words.sentences] * _SENTENCES)]
    title, *sentences = (
        draws.one_of(choices).format(
            phrase=main,
            other=first if place % 2 else second,
            thing=draws.one_of(words.things),
            quality=draws.one_of(words.qualities),
            place=draws.one_of(words.places),
        )
        for place, choices in enumerate(templates)
    )
    return title[0].upper() + title[1:], " ".join([*sentences, f"{main} / {first} / {second}"])


@cache
def _seed() -> _Seed:
    data = json.loads(files("perfspec.reference").joinpath("data/search.json").read_text(encoding="utf-8"))
    return _Seed(
        phrases=tuple(Phrase(text, language) for text, language in data["phrases"]),
        words={language: _Words(**lists) for language, lists in data["languages"].items()},
    )
