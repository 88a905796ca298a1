"""Slips of the finger: one letter left out, added, hit wrongly, or two swapped. Nearer than any likeness of words."""

from collections.abc import Iterable

__all__ = ["is_slip", "respelt_start", "slipped"]


def is_slip(word: str, known: str) -> bool:
    """Does one slip make `word` of `known`?"""
    if word == known or abs(len(word) - len(known)) > 1:
        return False
    start = 0
    while start < min(len(word), len(known)) and word[start] == known[start]:
        start += 1
    here, there = word[start:], known[start:]
    if len(here) == len(there):
        return here[1:] == there[1:] or (here[:2] == there[1::-1] and here[2:] == there[2:])
    longer, shorter = (here, there) if len(here) > len(there) else (there, here)
    return longer[1:] == shorter


def slipped(word: str, known: Iterable[str]) -> list[str]:
    """The known words that are one slip away, in their order."""
    return [each for each in known if is_slip(word, each)]


def respelt_start(text: str, phrases: Iterable[str]) -> str | None:
    """A text that begins with a slip of one of the phrases, begun rightly: `at mist 3s` -> `at most 3s`."""
    for phrase in phrases:
        count = phrase.count(" ") + 1
        words = text.split(" ", count)
        if len(words) > count and is_slip(" ".join(words[:count]), phrase):
            return f"{phrase} {words[count]}"
    return None
