"""Text -> nodes, from the events of the C YAML reader. Every key and value keeps its place.

Never `yaml.load` or `yaml.compose`: they lose places, keep the last of two equal keys, and on deep nesting end the
process. Depth, number of nodes and size are counted on events, so that hostile input stops at once. What the language
leaves out of YAML (anchors, tags, merge keys, several documents, tabs) is reported and read on where that is possible.

A text that only lacks quotes (PS003) is masked by harmless characters of the same width and the reading begun again:
places stay right, the node gets the text that was meant, and one such mistake hides no other.
"""

import re
from typing import TYPE_CHECKING, NoReturn, Protocol

import yaml
from yaml import events

from perfspec.diagnostics.diagnostic import Diagnostics, Edit, Severity
from perfspec.diagnostics.source import Source, Span
from perfspec.language import quotes
from perfspec.language.nodes import Entry, Mapping, Node, Scalar, Sequence
from perfspec.language.scalars import lookalike, resolve
from perfspec.language.yaml_errors import explain, glued

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MAX_CHARACTERS", "MAX_DEPTH", "MAX_NODES", "compose"]

MAX_DEPTH = 40
MAX_NODES = 50_000
MAX_CHARACTERS = 1_000_000
_MAX_REPAIRS = 20

_INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_PROPERTY = re.compile(r"([&!][^\s,\[\]{}]*)\s*")
_COMMA = re.compile(r"((?:(?:under|over|at most|at least) )?\d+),(\d+ ?(?:%|[a-z]{1,3}|/[a-z]+)?)")
_ONE_OF = re.compile(r"(?:one of|any of|in)[: ]\s*(\S.*)")
_LEADING_ZEROS = re.compile(r"[-+]?0[0-9]+")
_TABBED = re.compile(r" *\t[ \t]*(?=[^\s#])")


def compose(source: Source, out: Diagnostics) -> Node | None:
    """The document, or None where the text cannot be read; then `out` says why."""
    if _refused(source, out):
        return None
    text = source.text
    masks: list[quotes.Stretch] = []
    while True:
        found = Diagnostics()
        composer = _Composer(source, text, masks, found)
        try:
            node = composer.document()
        except yaml.MarkedYAMLError as error:
            in_brackets = bool(composer.in_brackets)
            hole = _begun_by_hole(text, error, in_brackets=in_brackets)
            stretch = hole or (_lacks_quotes(text, error) if in_brackets else None)
            if stretch and len(masks) < _MAX_REPAIRS:
                if hole:
                    quotes.report_hole(source, hole, out, in_brackets=in_brackets)
                else:
                    quotes.report(source, stretch, out)
                masks.append(stretch)
                text = text[: stretch.start] + "_" * (stretch.end - stretch.start) + text[stretch.end :]
                continue
            if stretch is None:
                explain(source, error, found)
            node = None
        except _LimitReached:
            node = None
        out.extend(found)
        return node


def _refused(source: Source, out: Diagnostics) -> bool:
    if len(source.text) > MAX_CHARACTERS:
        span = Span(source.path, 1, 1, 1, 1)
        out.add("PS008", f"the file has more than {MAX_CHARACTERS:,} characters", span, "split it into several files")
        return True
    if bad := _INVISIBLE.search(source.text):
        span = source.span(bad.start(), bad.end())
        out.add("PS002", f"the invisible character U+{ord(bad[0]):04X} stands here", span, "remove it")
        return True
    return False


def _lacks_quotes(text: str, error: yaml.MarkedYAMLError) -> quotes.Stretch | None:
    mark = error.context_mark if "alias" in (error.context or "") else error.problem_mark
    return quotes.find(text, mark.index) if mark else None


def _begun_by_hole(text: str, error: yaml.MarkedYAMLError, *, in_brackets: bool) -> quotes.Stretch | None:
    mark = error.problem_mark
    return quotes.begun_by_hole(text, mark.index, in_brackets=in_brackets) if mark else None


class _Mark(Protocol):
    """A place as the reader counts it: from 0, in characters."""

    index: int
    line: int
    column: int


def _marks(event: events.Event) -> tuple[_Mark, _Mark]:
    assert event.start_mark
    assert event.end_mark
    return event.start_mark, event.end_mark


class _LimitReached(Exception):
    pass


class _Composer:
    __slots__ = ("_count", "_depth", "_events", "_masks", "_out", "_source", "_texts", "in_brackets")

    def __init__(self, source: Source, text: str, masks: list[quotes.Stretch], out: Diagnostics) -> None:
        self._source = source
        self._masks = masks
        self._out = out
        self._events: Iterator[events.Event] = yaml.parse(text, Loader=yaml.CSafeLoader)
        self._count = 0
        self._depth = 0
        self._texts: set[int] = set()
        """Lines that continue a text: a tab there is part of it."""
        self.in_brackets = 0
        """How many `{` and `[` are open."""

    def document(self) -> Node | None:
        """The one document. Raises MarkedYAMLError."""
        next(self._events)
        start = next(self._events)
        if not isinstance(start, events.DocumentStartEvent):
            self._nothing()
            return None
        if start.version or start.tags:
            span = self._point(start)
            self._out.add("PS005", "a spec has no lines that begin with `%`", span, "remove the line")
        node = self._value(next(self._events))
        next(self._events)
        while isinstance(after := next(self._events), events.DocumentStartEvent):
            span = self._span(after)
            self._out.add("PS010", "a second document begins here", span, "keep one per file; remove `---`")
            node = _joined(node, self._value(next(self._events)))
            next(self._events)
        if isinstance(node, Scalar) and not node.text and not node.quoted:
            self._nothing()
            return None
        self._tabs()
        return node

    def _nothing(self) -> None:
        self._out.add("PS009", "the file is empty", Span(self._source.path, 1, 1, 1, 1), "begin with `perfspec: 1`")

    def _tabs(self) -> None:
        for number, line in enumerate(self._source.lines, 1):
            if "\t" in line and number not in self._texts and (tabs := _TABBED.match(line)):
                span = Span(self._source.path, number, 1, number, tabs.end() + 1)
                self._out.add("PS001", "tabs cannot indent a line", span, "use spaces, two for each level")

    def _value(self, event: events.Event) -> Node:
        node = self._node(event)
        if isinstance(node, Scalar) and not node.quoted and (meant := lookalike(node.text)):
            fix = f'write {meant}, or "{node.text}" if the text is meant'
            self._out.add("PS007", f"`{node.text}` is a text here", node.span, fix, severity=Severity.WARNING)
        elif isinstance(node, Scalar) and not node.quoted and _LEADING_ZEROS.fullmatch(node.text):
            fix = f'write {node.value}, or "{node.text}" if the text is meant'
            message = f"`{node.text}` is the number {node.value} here"
            self._out.add("PS007", message, node.span, fix, severity=Severity.WARNING)
        elif isinstance(node, Scalar) and self._is_printed(node):
            message = f"`{node.text[0]}` is no quote to YAML but part of the text"
            fix = f"write {quotes.quoted(node.text[1:-1])}"
            self._out.add("PS242", message, node.span, fix, severity=Severity.WARNING)
        return node

    def _is_printed(self, node: Scalar) -> bool:
        """Where it stands in brackets, and cannot be read without quotes, it has been said."""
        if node.quoted or not quotes.is_printed(node.text):
            return False
        at = self._source.offset(node.span.line, node.span.column)
        return not any(mask.start <= at < mask.end for mask in self._masks)

    def _node(self, event: events.Event) -> Node:
        self._count += 1
        if self._count > MAX_NODES:
            self._limit(f"the file has more than {MAX_NODES:,} keys and values", event, "split it into several files")
        if isinstance(event, events.AliasEvent):
            return self._alias(event)
        assert isinstance(event, events.NodeEvent)
        self._properties(event)
        if isinstance(event, events.ScalarEvent):
            return self._scalar(event)
        if hole := self._other_hole(event):
            return hole
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._limit(f"this is nested more than {MAX_DEPTH} deep", event, "check for a forgotten `}` or `]`")
        assert isinstance(event, events.CollectionStartEvent)
        self.in_brackets += bool(event.flow_style)
        mapping = isinstance(event, events.MappingStartEvent)
        node: Node = self._mapping(event) if mapping else self._sequence(event)
        self.in_brackets -= bool(event.flow_style)
        self._depth -= 1
        return node

    def _limit(self, message: str, event: events.Event, fix: str) -> NoReturn:
        self._out.add("PS008", message, self._point(event), fix)
        raise _LimitReached

    def _sequence(self, start: events.CollectionStartEvent) -> Sequence:
        items: list[Node] = []
        while not isinstance(event := next(self._events), events.SequenceEndEvent):
            items.append(self._value(event))
        if start.flow_style:
            return Sequence(tuple(items), _cover(self._point(start), self._span(event)))
        return Sequence(tuple(items), _cover(self._point(start), items[-1].span if items else self._span(start)))

    def _mapping(self, start: events.CollectionStartEvent) -> Mapping:
        entries: dict[str, Entry] = {}
        span = self._point(start)
        while not isinstance(event := next(self._events), events.MappingEndEvent):
            key = self._key(event)
            value = self._value(next(self._events))
            span = _cover(span, value.span)
            if key is None:
                continue
            if start.flow_style and self._comma(key, value, entries):
                continue
            if first := entries.get(key.text):
                self._out.add("PS004", f"`{key.text}` is here twice; only one of them can count", key.span, "keep one",
                              related=((first.key.span, "first"),))  # fmt: skip
            else:
                entries[key.text] = Entry(key, value)
        if start.flow_style:
            span = _cover(span, self._span(event))
        return Mapping(tuple(entries.values()), span)

    def _key(self, event: events.Event) -> Scalar | None:
        node = self._node(event)
        if not isinstance(node, Scalar) or node.span.line != node.span.end_line:
            self._out.add("PS011", "a key is a text on one line", node.span, "write the key before its `:`")
            return None
        if not node.quoted and node.text == "<<":
            self._out.add(
                "PS006",
                "specs do not merge maps with `<<`",
                node.span,
                "write the keys out, or share them by `include`",
            )
            return None
        if not node.quoted and not node.text:
            self._out.add("PS011", "a key is missing before `:`", node.span, "write one, or remove the `:`")
            return None
        return node

    def _comma(self, key: Scalar, value: Node, before: dict[str, Entry]) -> bool:
        """`{status: one of 201, 202}`: the comma has cut a text in two. True if it has, and `202` is no key."""
        if value.span.width or value.span.column != key.span.end_column or value.span.line != key.span.line:
            return False
        if found := glued(key.text):
            word, rest = found
            span = Span(key.span.path, key.span.line, key.span.column, key.span.line, key.span.column + len(word))
            at = Span(span.path, span.line, span.end_column + 1, span.line, key.span.end_column)
            fix = f"{word}: {rest}"
            self._out.add("PS002", f"a blank is missing behind `{word}:`", key.span, f"write `{fix}`",
                          edits=(Edit(key.span, fix),))  # fmt: skip
            before.setdefault(word, Entry(Scalar(word, word, span, span), Scalar(rest, resolve(rest), at, at)))
            return True
        last = before[next(reversed(before))] if before else None
        if not last or not isinstance(last.value, Scalar) or last.value.quoted or last.key.span.line != key.span.line:
            self._without_value(key, before)
            return True
        start, end = last.value.span.column - 1, key.span.end_column - 1
        whole = self._source.line(key.span.line)[start:end]
        span = Span(key.span.path, key.span.line, start + 1, key.span.line, end + 1)
        meant: Node = Scalar(whole, whole, span, span)
        fix = quotes.quoted(whole)
        if comma := _COMMA.fullmatch(whole):
            fix = f"{comma[1]}.{comma[2]}"
            text = "a number has a point, not a comma"
            self._out.add("PS003", text, span, f"write `{fix}`", edits=(Edit(span, fix),))
            before[last.key.text] = Entry(last.key, Scalar(fix, resolve(fix), span, span))
            return True
        if listed := _ONE_OF.fullmatch(whole):
            words = [word.strip() for word in listed[1].split(",")]
            meant = Sequence(tuple(Scalar(word, resolve(word), span, span) for word in words), span)
            fix = f"[{', '.join(words)}]"
        text = f"the comma before `{key.text}` ends the value, because it stands inside `{{ }}`"
        self._out.add("PS003", text, key.span, f"write {fix}", edits=(Edit(span, fix),))
        before[last.key.text] = Entry(last.key, meant)
        return True

    def _without_value(self, key: Scalar, before: dict[str, Entry]) -> None:
        """`{job $.job}`: the colon may be what is missing."""
        word, _, rest = key.text.partition(" ")
        if not (rest and word.isidentifier()):
            self._out.add("PS003", f"`{key.text}` has no value", key.span, f"write `{key.text}: ...`")
            return
        fix = f"{word}: {rest}"
        self._out.add("PS003", f"`{key.text}` has no value", key.span, f"write `{fix}`", edits=(Edit(key.span, fix),))
        before.setdefault(word, Entry(Scalar(word, word, key.span, key.span),
                                      Scalar(rest, resolve(rest), key.span, key.span)))  # fmt: skip

    def _alias(self, event: events.AliasEvent) -> Scalar:
        span = self._span(event)
        text = f"*{event.anchor}"
        self._out.add("PS006", f"`{text}` would repeat what stands elsewhere, which specs do not do", span,
                      f'write "{text}" if it is a text; to share steps use `fragments`')  # fmt: skip
        return Scalar(text, text, span, span)

    def _other_hole(self, event: events.NodeEvent) -> Scalar | None:
        """`{{id}}` without quotes: read on as what was meant, so that it is told once."""
        stretch = quotes.hole_at(self._source.text, _marks(event)[0].index)
        if stretch is None or not isinstance(event, events.MappingStartEvent):
            return None
        open_maps = 1
        while open_maps:
            within = next(self._events)
            open_maps += isinstance(within, events.MappingStartEvent) - isinstance(within, events.MappingEndEvent)
        quotes.report_hole(self._source, stretch, self._out, in_brackets=bool(self.in_brackets))
        return self._meant(stretch)

    def _meant(self, stretch: quotes.Stretch) -> Scalar:
        """What a value that begins with `{{id}}` was meant as. Places inside of it are right where it has no blanks."""
        span = self._source.span(stretch.start, stretch.end)
        text = quotes.with_holes(self._source.text[stretch.start : stretch.end])
        return Scalar(text, text, span, self._source.span(stretch.start, stretch.start + len(text)))

    def _properties(self, event: events.NodeEvent) -> None:
        if event.anchor is None and getattr(event, "tag", None) is None:
            return
        at = _marks(event)[0].index
        while word := _PROPERTY.match(self._source.text, at):
            span = self._source.span(word.start(1), word.end(1))
            code, does = ("PS006", "name a value to repeat it") if word[0][0] == "&" else ("PS005", "set a type")
            self._out.add(code, f"`{word[1]}` would {does}, which specs do not do", span,
                          f'remove it, or write "{word[1]}" if it is a text')  # fmt: skip
            at = word.end()

    def _scalar(self, event: events.ScalarEvent) -> Scalar:
        start, end = _marks(event)
        span = self._span(event)
        self._texts.update(range(start.line + 2, end.line + 2))
        if event.style in ("|", ">"):
            return self._block(event, span)
        if event.style in ("'", '"'):
            content = Span(span.path, span.line, span.column + 1, span.end_line, span.end_column - 1)
            text = event.value
            if any(start.index < mask.start and mask.end < end.index for mask in self._masks):
                text = self._source.text[start.index + 1 : end.index - 1]
            return Scalar(text, text, span, content, quoted=True)
        text = event.value
        if any(mask.start < end.index and start.index < mask.end for mask in self._masks):
            if quotes.hole_at(self._source.text, start.index):
                return self._meant(quotes.Stretch(start.index, end.index, start.index))
            text = self._source.text[start.index : end.index]
        return Scalar(text, resolve(text), span, span)

    def _block(self, event: events.ScalarEvent, span: Span) -> Scalar:
        """`|` and `>`: the reader's end is the next word of the file, ours the last line with text."""
        end = _marks(event)[1]
        last = end.line + (end.column > 0)
        while last > span.line and not self._source.line(last).strip():
            last -= 1
        span = Span(span.path, span.line, span.column, last, len(self._source.line(last)) + 1)
        first = min(span.line + 1, last)
        body = self._source.line(first)
        content = Span(span.path, first, len(body) - len(body.lstrip()) + 1, last, span.end_column)
        return Scalar(event.value, event.value, span, content if last > span.line else span, quoted=True)

    def _point(self, event: events.Event) -> Span:
        """Where an event begins."""
        span = self._span(event)
        return Span(span.path, span.line, span.column, span.line, span.column)

    def _span(self, event: events.Event) -> Span:
        start, end = _marks(event)
        return Span(self._source.path, start.line + 1, start.column + 1, end.line + 1, end.column + 1)


def _joined(first: Node, second: Node) -> Node:
    """Both as one document, so that nothing is missed that only stands behind a `---`."""
    if not isinstance(first, Mapping) or not isinstance(second, Mapping):
        return first
    more = tuple(entry for entry in second.entries if first.entry(entry.key.text) is None)
    return Mapping(first.entries + more, _cover(first.span, second.span))


def _cover(first: Span, last: Span) -> Span:
    return Span(first.path, first.line, first.column, last.end_line, last.end_column)
