"""A finding as lines of plain text: place and message, the source, a caret under what is meant with the fix beside it.

    01.yaml:7:1 error PS101: unknown key `threshhold` in a spec
        7 | threshhold:
          | ^^^^^^^^^^ did you mean `thresholds`?

Carets count terminal columns, not characters: wide characters take two, combining ones none. A long line is cut to a
window around the caret.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final

from perfspec.diagnostics.diagnostic import Diagnostic
from perfspec.diagnostics.source import Source, Span

__all__ = ["render", "render_all"]

_WINDOW: Final = 120
"""Terminal columns of source that are shown."""
_BEFORE: Final = 40
_NEAR: Final = 1000
"""Characters; more than enough for a window of wide and combining ones."""
_TAB: Final = "    "


def render_all(found: Iterable[Diagnostic], sources: Mapping[str, Source]) -> str:
    """All findings, in the order given, each with its lines; empty for none."""
    return "".join(f"{render(diagnostic, sources)}\n" for diagnostic in found)


def render(diagnostic: Diagnostic, sources: Mapping[str, Source]) -> str:
    """One finding, without a line break at its end. Without its source, the header and the fix alone."""
    span = diagnostic.span
    related = "".join(f" ({_where(span, other, label)})" for other, label in diagnostic.related)
    lines = [f"{span} {diagnostic.severity.value} {diagnostic.code}: {diagnostic.message}{related}"]
    source = sources.get(span.path)
    if source is None:
        return "\n".join(lines + ([f"      | {diagnostic.help}"] if diagnostic.help else []))
    shown, offset, width = _cut(source.line(span.line), span)
    lines.append(f"{span.line:5} | {shown}".rstrip())
    lines.append(f"      | {' ' * offset}{'^' * width} {diagnostic.help}".rstrip())
    return "\n".join(lines)


def _where(span: Span, other: Span, label: str) -> str:
    place = f"line {other.line}" if other.path == span.path else f"{other.path}:{other.line}"
    return f"{label} {'on' if other.path == span.path else 'in'} {place}" if label else place


def _cut(line: str, span: Span) -> tuple[str, int, int]:
    """What to show of a line, the caret's column in it, and the caret's width."""
    # What is far from the caret cannot be shown, and a line may have a million characters.
    cut_off = max(min(span.column - 1, len(line)) - _NEAR, 0)
    near = line[cut_off : cut_off + 3 * _NEAR]
    cells = [_cell(char) for char in near]
    start = min(span.column - 1 - cut_off, len(cells))
    end = min(span.end_column - 1 - cut_off, len(cells)) if span.end_line == span.line else len(cells)
    first, last = 0, len(cells)
    if len(near) < len(line) or sum(width for _, width in cells) > _WINDOW:
        while sum(width for _, width in cells[max(start - _BEFORE, 0) : start][first:]) > _BEFORE:
            first += 1
        first += max(start - _BEFORE, 0)
        last, room = first, _WINDOW
        while last < len(cells) and cells[last][1] <= room:
            room -= cells[last][1]
            last += 1
    shown = "".join(text for text, _ in cells[first:last])
    offset = sum(width for _, width in cells[first:start])
    width = sum(width for _, width in cells[start : min(end, last)])
    lead = "…" if first or cut_off else ""
    return f"{lead}{shown}{'…' if cut_off + last < len(line) else ''}", offset + len(lead), max(width, 1)


def _cell(char: str) -> tuple[str, int]:
    """How a character is shown, and how many columns that takes."""
    if char == "\t":
        return _TAB, len(_TAB)
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me"):
        return char, 0
    if not char.isprintable():
        return "\N{REPLACEMENT CHARACTER}", 1
    return char, 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1
