"""A document as text again, with a remark for each line that says where it comes from.

Maps and lists that stood on one line in brackets stay so, everything else has a line per key. What is read back from
the text is the same document.
"""

import json
from collections.abc import Callable, Iterator
from collections.abc import Mapping as Table
from typing import Final, TypeAlias

from perfspec.diagnostics.source import Source, Span
from perfspec.language.flow_layout import is_flow
from perfspec.language.nodes import Entry, Mapping, Node, Scalar, Sequence

__all__ = ["written"]

_COLUMN: Final = 60
"""Remarks begin here, where the line leaves room."""
Sources: TypeAlias = Table[str, Source]


def written(root: Mapping, sources: Sources, remark: Callable[[Span], str]) -> str:
    """The document. `sources`: the files it comes from; `remark`: what to say of a key or entry by its place."""
    return "".join(
        f"{text}{' ' * max(_COLUMN - len(text), 2)}# {remark(span)}\n" for text, span in _lines(root, sources, 0)
    )


def _lines(node: Mapping | Sequence, sources: Sources, indent: int) -> Iterator[tuple[str, Span]]:
    for child in node:
        head, value = (f"{_scalar(child.key)}:", child.value) if isinstance(child, Entry) else ("-", child)
        span = child.key.span if isinstance(child, Entry) else _first(child)
        start = " " * indent + head
        if isinstance(value, Scalar) or _on_one_line(value, sources):
            yield f"{start} {_inline(value)}".rstrip(), span
        elif isinstance(child, Entry):
            yield start, span
            yield from _lines(value, sources, indent + 2)
        else:
            below = _lines(value, sources, indent + 2)
            text, place = next(below)
            yield f"{start} {text.lstrip(' ')}", place
            yield from below


def _first(node: Node) -> Span:
    """Where the first word of an entry stands: a map that adjusts another one has keys from both."""
    if isinstance(node, Mapping) and node.entries:
        return node.entries[0].key.span
    return node.span


def _on_one_line(node: Mapping | Sequence, sources: Sources) -> bool:
    """Did all of it stand in brackets on one line, or is it empty?"""
    if not len(node):
        return True
    places = {(span.path, span.line, span.end_line) for span in _spans(node)}
    source = sources.get(node.span.path)
    return len(places) == 1 and node.span.width > 0 and source is not None and is_flow(source, node)


def _spans(node: Node) -> Iterator[Span]:
    match node:
        case Scalar():
            yield node.span
        case Mapping():
            for entry in node:
                yield entry.key.span
                yield from _spans(entry.value)
        case Sequence():
            for item in node:
                yield from _spans(item)


def _inline(node: Node) -> str:
    match node:
        case Mapping():
            return "{" + ", ".join(f"{_inline(e.key)}: {_inline(e.value)}" for e in node) + "}"
        case Sequence():
            return "[" + ", ".join(map(_inline, node)) + "]"
    return _scalar(node)


def _scalar(node: Scalar) -> str:
    """As it stood: quotes decide what a `${...}` gives. A text over several lines gets them, because it needs them."""
    if node.quoted or "\n" in node.text:
        return json.dumps(node.text, ensure_ascii=False)
    return node.text
