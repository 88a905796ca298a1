"""Where something stands: a file's text, and a stretch of it. Lines and columns count from 1, in characters."""

import re
from bisect import bisect_right

import msgspec

__all__ = ["Source", "Span"]


class Span(msgspec.Struct, frozen=True, array_like=True, order=True):
    """A stretch of a file, the end exclusive. Sorts by file, line, column."""

    path: str
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"

    @property
    def width(self) -> int:
        """Characters, if the span stays on one line; else 0."""
        return self.end_column - self.column if self.line == self.end_line else 0

    def part(self, start: int, end: int) -> "Span":
        """The characters [start, end) of a one-line span; of a longer span the whole."""
        if not self.width:
            return self
        return Span(self.path, self.line, self.column + start, self.line, self.column + end)


_LINE_BREAK = re.compile(r"\r\n|\r|\n")


class Source:
    """A file's name and text, cut into lines as editors cut them. A byte order mark at the start is dropped."""

    __slots__ = ("_starts", "lines", "path", "text")

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text.removeprefix("\ufeff")
        self.lines = _LINE_BREAK.split(self.text)
        self._starts: list[int] | None = None

    def line(self, number: int) -> str:
        """Line `number`, counting from 1; empty past the end."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""

    def span(self, start: int, end: int) -> Span:
        """The characters [start, end) of the text, wherever lines break."""
        return Span(self.path, *self._position(start), *self._position(end))

    def _position(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self._line_starts(), offset)
        return line, offset - self._line_starts()[line - 1] + 1

    def offset(self, line: int, column: int) -> int:
        """Where in the text a line and column are, both counted from 1."""
        return self._line_starts()[line - 1] + column - 1

    def _line_starts(self) -> list[int]:
        if self._starts is None:
            self._starts = [0, *(found.end() for found in _LINE_BREAK.finditer(self.text))]
        return self._starts
