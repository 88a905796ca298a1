"""Maps and lists in brackets, on one line: no space inside the brackets, one behind `,` and `:`, more where the author
lined things up with the line above or below.
"""

from perfspec.diagnostics.source import Source
from perfspec.language.nodes import Entry, Mapping, Node, Sequence

__all__ = ["flow_text", "is_flow"]


def is_flow(source: Source, node: Node) -> bool:
    """Is a map or list written in brackets?"""
    return source.line(node.span.line)[node.span.column - 1 : node.span.column] in ("{", "[")


def flow_text(source: Source, node: Node) -> str:
    """The text of a value that stands on one line."""
    line = source.line(node.span.line)
    if not isinstance(node, Mapping | Sequence) or not is_flow(source, node):
        return line[node.span.column - 1 : node.span.end_column - 1]
    parts: list[str] = []
    at = node.span.column  # from 0: behind the bracket
    for child in node:
        start, end = _ends(child)
        if parts:
            _, _, behind = line[at:start].partition(",")
            parts.append("," + _gap(source, node.span.line, start, len(behind)))
        parts.append(_entry(source, child) if isinstance(child, Entry) else flow_text(source, child))
        at = end
    opener, closer = ("{", "}") if isinstance(node, Mapping) else ("[", "]")
    return opener + "".join(parts) + closer


def _ends(child: Entry | Node) -> tuple[int, int]:
    """Where it begins and ends on its line, from 0."""
    if isinstance(child, Entry):
        return child.key.span.column - 1, max(child.key.span.end_column, child.value.span.end_column) - 1
    return child.span.column - 1, child.span.end_column - 1


def _entry(source: Source, entry: Entry) -> str:
    line, key, value = source.line(entry.key.span.line), entry.key.span, entry.value.span
    _, _, behind = line[key.end_column - 1 : value.column - 1].partition(":")
    name = line[key.column - 1 : key.end_column - 1]
    text = flow_text(source, entry.value)
    gap = _gap(source, key.line, value.column - 1, len(behind))
    return f"{name}:{gap}{text}" if text else f"{name}:"


def _gap(source: Source, line: int, at: int, wide: int) -> str:
    """What stands before offset `at`: one space, or as many as there are where a line above or below is lined up."""
    if wide > 1 and any(_begins(source, line + side, at) for side in (-1, 1)):
        return " " * wide
    return " "


def _begins(source: Source, line: int, at: int) -> bool:
    """Does something begin at this offset, behind a space?"""
    text = source.line(line) if 0 < line <= len(source.lines) else ""
    return at < len(text) and text[at] != " " and text[at - 1] == " "
