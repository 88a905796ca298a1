"""A spec in its one layout: the same document, every comment in its place, the same again when laid out again.

Two spaces per level, lists indented below their key, one space behind `- ` and `:`, at most one blank line in a row.
What an author lined up stays lined up: values of neighbouring lines that begin in one column, and comments behind
values, which keep their column where the line leaves room. Texts are taken over as they stand. `laid_out` compares the
documents before and after, and gives back the text as it was where they would differ.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Source, Span
from perfspec.language.compose import compose
from perfspec.language.flow_layout import flow_text, is_flow
from perfspec.language.nodes import Entry, Mapping, Node, Scalar, Sequence

__all__ = ["laid_out", "same"]

_LEVEL: Final = 2
_MOST_TURNS: Final = 20
_MARKER: Final = re.compile(r"---\s*(#.*)?$|\.\.\.\s*$")
_BLOCK_TEXT: Final = re.compile(r"[|>](?:[+-]?(?P<fixed>[1-9])?[+-]?)")


def laid_out(source: Source) -> str | None:
    """The text in its layout; None where it cannot be read as a document."""
    text = _once(source)
    for _ in range(_MOST_TURNS):  # what was lined up with a line that has moved is not any more
        if text is None or text == source.text:
            break
        source = Source(source.path, text)
        text = _once(source)
    return text


def _once(source: Source) -> str | None:
    out = Diagnostics()
    root = compose(source, out)
    if root is None or out.has_errors:
        return None
    try:
        text = _Layout(source, root).text()
    except _Unusual:
        return source.text
    again = Diagnostics()
    after = compose(Source(source.path, text), again)
    return text if after is not None and not again.has_errors and same(root, after) else source.text


def same(one: Node, other: Node) -> bool:
    """Do two documents say the same, places left aside?"""
    match one, other:
        case Mapping(), Mapping():
            pairs = zip(one, other, strict=False)
            return len(one) == len(other) and all(same(a.key, b.key) and same(a.value, b.value) for a, b in pairs)
        case Sequence(), Sequence():
            return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=False))
        case Scalar(), Scalar():
            return (one.text, one.quoted) == (other.text, other.quoted)
        case _:
            return False


class _Unusual(Exception):
    """A line is made of something that this file does not know."""


@dataclass(slots=True)
class _Piece:
    """A dash, a key with its colon, or the first line of a value."""

    column: int
    """In the source, from 1."""
    end: int
    """Behind it, in the source."""
    text: str
    gap: int = 1
    """Spaces in front of it, if it is not the first of its line."""


@dataclass(slots=True)
class _Line:
    indent: int
    """Spaces, in the layout."""
    pieces: list[_Piece] = field(default_factory=list)


class _Layout:
    def __init__(self, source: Source, root: Node) -> None:
        self.source = source
        self.lines: dict[int, _Line] = {}
        self.inside: dict[int, int] = {}
        """Lines that continue a value -> how far they move to the right."""
        if not isinstance(root, Mapping) or is_flow(source, root):
            raise _Unusual
        self._block(root, 0)

    # What stands where.

    def _put(self, line: int, column: int, end: int, text: str, indent: int) -> None:
        self.lines.setdefault(line, _Line(indent)).pieces.append(_Piece(column, end, text))

    def _block(self, node: Mapping | Sequence, indent: int) -> None:
        if isinstance(node, Mapping):
            for entry in node:
                self._entry(entry, indent)
            self._line_up(node)
            return
        for item in node:
            line, column = self._dash(item)
            self._put(line, column, column + 1, "-", indent)
            self._value(item, indent, line)

    def _entry(self, entry: Entry, indent: int) -> None:
        key = entry.key.span
        line = self.source.line(key.line)
        colon = line.find(":", key.end_column - 1)
        if colon < 0 or line[key.end_column - 1 : colon].strip():
            raise _Unusual
        self._put(key.line, key.column, colon + 2, f"{line[key.column - 1 : key.end_column - 1]}:", indent)
        self._value(entry.value, indent, key.line)

    def _value(self, node: Node, indent: int, head: int) -> None:
        """A value below a key or dash at `indent`, which stands on line `head`."""
        if not isinstance(node, Scalar) and not is_flow(self.source, node):
            self._block(node, indent + _LEVEL)
            return
        span = node.span
        if (span.line, span.column) == (span.end_line, span.end_column):
            return  # nothing is written
        if span.line == span.end_line:
            self._put(span.line, span.column, span.end_column, flow_text(self.source, node), indent + _LEVEL)
            return
        line = self.source.line(span.line)
        end = len(line)
        if header := _BLOCK_TEXT.match(line, span.column - 1):
            end = header.end()
        self._put(span.line, span.column, end + 1, line[span.column - 1 : end], indent + _LEVEL)
        self._continued(span, indent, head, header)

    def _continued(self, span: Span, indent: int, head: int, header: re.Match[str] | None) -> None:
        """The lines of a value behind its first one keep their shape."""
        body = range(span.line + 1, span.end_line + 1)
        old = self.source.line(head)
        move = self.lines[head].indent - (len(old) - len(old.lstrip(" ")))
        if header and not header["fixed"]:
            texts = [self.source.line(number) for number in body]
            used = next((len(text) - len(text.lstrip(" ")) for text in texts if text.strip()), 0)
            move = indent + _LEVEL - used
        self.inside.update(dict.fromkeys(body, move))

    def _dash(self, item: Node) -> tuple[int, int]:
        """Line and column of the `-` of a list entry: before it on its line, or on one above."""
        number, before = item.span.line, self.source.line(item.span.line)[: item.span.column - 1]
        while not before.rstrip().endswith("-"):
            number -= 1
            if number < 1 or (before.strip() and not before.strip().startswith("#")):
                raise _Unusual
            before = re.split(r"(?:^|\s)#", self.source.line(number), maxsplit=1)[0]
        return number, len(before.rstrip())

    def _line_up(self, node: Mapping) -> None:
        """Values of neighbouring lines that begin in one column still do."""
        runs: list[list[tuple[int, _Piece, _Piece]]] = []
        for entry in node:
            found = self._pair(entry)
            if found is None:
                continue
            if runs and runs[-1][-1][0] == found[0] - 1 and runs[-1][-1][2].column == found[2].column:
                runs[-1].append(found)
            else:
                runs.append([found])
        for run in runs:
            widest = max(len(key.text) for _, key, _ in run)
            for _, key, value in run if len(run) > 1 else ():
                value.gap = 1 + widest - len(key.text)

    def _pair(self, entry: Entry) -> tuple[int, _Piece, _Piece] | None:
        """A key and the value beside it, on one line."""
        line, value = self.lines[entry.key.span.line], entry.value.span
        if value.line != entry.key.span.line or line.pieces[-1].column != value.column or len(line.pieces) < 2:
            return None
        return value.line, line.pieces[-2], line.pieces[-1]

    # The text.

    def text(self) -> str:
        """All lines. Raises _Unusual."""
        out: list[str] = []
        for number, line in enumerate(self.source.lines, 1):
            if number in self.lines:
                out.append(self._whole(number, line))
            elif number in self.inside:
                out.append(_moved(line, self.inside[number]))
            elif not line.strip():
                if out and out[-1]:
                    out.append("")
            elif line.lstrip().startswith("#"):
                out.append(" " * self._comment_indent(number) + line.strip())
            elif _MARKER.match(line):
                out.append(line.rstrip())
            else:
                raise _Unusual
        return "\n".join(out).rstrip("\n") + "\n"

    def _whole(self, number: int, line: str) -> str:
        placed = self.lines[number]
        text = " " * placed.indent + placed.pieces[0].text
        for piece in placed.pieces[1:]:
            text += " " * piece.gap + piece.text
        rest = line[placed.pieces[-1].end - 1 :]
        comment = rest.strip()
        if not comment:
            return text
        if not comment.startswith("#"):
            raise _Unusual
        column = len(line) - len(rest.lstrip())
        return text + " " * max(column - len(text), 1) + comment

    def _comment_indent(self, number: int) -> int:
        """As the line below it, or as the line above that it is in line with."""
        text = self.source.line(number)
        column = len(text) - len(text.lstrip()) + 1
        below = next((n for n in range(number + 1, len(self.source.lines) + 1) if n in self.lines), None)
        if below is not None and self.lines[below].pieces[0].column == column:
            return self.lines[below].indent
        for above in range(number - 1, 0, -1):
            if above in self.lines and self.lines[above].pieces[0].column == column:
                return self.lines[above].indent
        return self.lines[below].indent if below is not None else 0


def _moved(line: str, by: int) -> str:
    """A line of a longer value, further to the right or left. Blank ones keep what they have behind the indentation."""
    if by >= 0:
        return " " * by + line if line.strip() else line
    return line[-by:] if not line[:-by].strip() else line
