"""The document: what stands in a file, with a Span for every key and value. Words and places, no meaning.

A Scalar keeps the text as written and the typed value of the YAML 1.2 core schema. Which of the two counts is decided
by the field: `service: no` is a text, `json: {flag: false}` is a boolean.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from perfspec.diagnostics.source import Span

__all__ = ["Entry", "Mapping", "Node", "Scalar", "Sequence"]


@dataclass(frozen=True, slots=True)
class Scalar:
    text: str
    """After quotes and escapes are undone, before any type is read into it."""
    value: bool | int | float | str | None
    span: Span
    content: Span
    """The span without its quotes. Its width equals len(text) where each character of text stands as itself."""
    quoted: bool = False

    def at(self, start: int, end: int) -> Span:
        """The place of characters [start, end) of the text; the whole where escapes make that uncertain."""
        return self.content.part(start, end) if self.content.width == len(self.text) else self.content


@dataclass(frozen=True, slots=True)
class Entry:
    key: Scalar
    value: "Node"


@dataclass(frozen=True, slots=True)
class Mapping:
    entries: tuple[Entry, ...]
    span: Span

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def entry(self, key: str) -> Entry | None:
        return next((e for e in self.entries if e.key.text == key), None)

    def get(self, key: str) -> "Node | None":
        entry = self.entry(key)
        return entry.value if entry else None


@dataclass(frozen=True, slots=True)
class Sequence:
    items: tuple["Node", ...]
    span: Span

    def __iter__(self) -> Iterator["Node"]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


Node = Scalar | Mapping | Sequence
