"""Text with holes: `/v1/docs/${doc_id}` is a text, a hole, and nothing else. `${x}` alone is one whole hole."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Span
from perfspec.language.expressions import Expression, ExpressionError, Path, parse_prefix, paths
from perfspec.language.nodes import Mapping, Node, Scalar, Sequence

__all__ = [
    "OTHER_HOLE",
    "Array",
    "Body",
    "Hole",
    "Literal",
    "Object",
    "Template",
    "Text",
    "body",
    "check",
    "holes",
    "parse",
    "texts",
    "whole",
]


OTHER_HOLE = re.compile(r"[%$#]?\{\{\s*(?P<in>[A-Za-z_][\w.]*)\s*\}\}|\$(?P<bare>[a-z_]\w{0,30})")
"""A hole that fills a text, as other tools write it: `{{id}}`, `$id`."""


class Text(msgspec.Struct, frozen=True, array_like=True):
    """A template as written. `span` covers the text itself, without quotes around it."""

    source: str
    span: Span

    def __str__(self) -> str:
        return self.source

    @property
    def has_holes(self) -> bool:
        return "${" in self.source

    def at(self, start: int, end: int) -> Span:
        """The span of characters [start, end); the whole where escapes or line breaks make that uncertain."""
        return self.span.part(start, end) if self.span.width == len(self.source) else self.span

    def reads(self) -> Iterator[tuple[Path, Span]]:
        """Every name read in a hole, with its place."""
        for hole in holes(self.source):
            for path in paths(hole.tree):
                yield path, self.at(path.start, path.end)


@dataclass(frozen=True, slots=True)
class Hole:
    tree: Expression
    start: int
    """Offset of `${`."""
    end: int
    """Offset behind `}`."""


@lru_cache(maxsize=4096)
def parse(source: str) -> tuple[str | Hole, ...]:
    """Texts and holes in turn. Raises ExpressionError, with offsets into `source`."""
    out: list[str | Hole] = []
    at = 0
    while (start := source.find("${", at)) >= 0:
        if start > at:
            out.append(source[at:start])
        tree, end = parse_prefix(source, start + 2)
        if end >= len(source):
            raise ExpressionError("`${` is never closed", start, len(source), "add `}`")
        out.append(Hole(tree, start, end + 1))
        at = end + 1
    if at < len(source):
        out.append(source[at:])
    return tuple(out)


def holes(source: str) -> tuple[Hole, ...]:
    """The holes alone; none where the text does not parse, which `check` has reported."""
    try:
        return tuple(part for part in parse(source) if isinstance(part, Hole))
    except ExpressionError:
        return ()


def whole(source: str) -> Hole | None:
    """The hole that a text is made of, where it is one alone."""
    found = holes(source)
    return found[0] if len(found) == 1 and found[0].end - found[0].start == len(source) else None


def text(scalar: Scalar) -> Text:
    return Text(scalar.text, scalar.content)


def check(scalar: Scalar, out: Diagnostics) -> bool:
    """Report what is wrong inside the holes of a text. True if nothing is."""
    try:
        parse(scalar.text)
    except ExpressionError as error:
        out.add(error.code, error.message, text(scalar).at(error.start, error.end), error.hint)
        return False
    return True


def check_whole(scalar: Scalar, key: str, out: Diagnostics) -> bool:
    """Report a value that is not one whole `${...}` (a condition, a list to go through). True if it is."""
    if not check(scalar, out):
        return False
    parts = parse(scalar.text)
    if len(parts) == 1 and isinstance(parts[0], Hole):
        return True
    bare = scalar.text.strip()
    hint = f"write `{key}: ${{{bare}}}`" if "${" not in bare else "put the whole of it into one `${ }`"
    out.add("PS305", f"`{key}` takes one `${{...}}`", scalar.span, hint)
    return False


class Literal(msgspec.Struct, frozen=True, tag="literal"):
    value: None | bool | int | float | str


class Template(msgspec.Struct, frozen=True, tag="template"):
    text: Text
    typed: bool
    """One whole hole, and not quoted in what is sent: the value keeps its type."""


class Array(msgspec.Struct, frozen=True, tag="array"):
    items: tuple["Literal | Template | Array | Object", ...]


class Object(msgspec.Struct, frozen=True, tag="object"):
    members: tuple[tuple[str, "Literal | Template | Array | Object"], ...]


Body = Literal | Template | Array | Object


def body(node: Node, *, is_sent: bool = True) -> Body:
    """A JSON body as written, holes kept. A value that is not sent keeps its type in quotes, too."""
    match node:
        case Mapping():
            return Object(tuple((e.key.text, body(e.value, is_sent=is_sent)) for e in node))
        case Sequence():
            return Array(tuple(body(item, is_sent=is_sent) for item in node))
        case Scalar() if "${" in node.text:
            return Template(text(node), whole(node.text) is not None and not (node.quoted and is_sent))
    return Literal(node.value)


def texts(tree: Body) -> Iterator[Text]:
    """Every text with holes in a body."""
    match tree:
        case Template(text=found):
            yield found
        case Array(items=items):
            for item in items:
                yield from texts(item)
        case Object(members=members):
            for _, member in members:
                yield from texts(member)
