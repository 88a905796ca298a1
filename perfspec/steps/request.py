"""`get|post|put|patch|delete|head|options: PATH` and what goes with it: one request, its checks and captures."""

import re
from collections.abc import Iterator
from posixpath import dirname, join, normpath

from msgspec.structs import replace

from perfspec.diagnostics.diagnostic import Severity
from perfspec.diagnostics.source import Span
from perfspec.language import templates
from perfspec.language.expressions import paths
from perfspec.language.json_path import is_slow
from perfspec.language.nodes import Mapping, Node, Scalar
from perfspec.language.phrase_grammar import (
    parse_capture,
    parse_duration,
    parse_json_path,
    parse_matcher,
    parse_subject,
)
from perfspec.language.phrases import Capture, Matcher
from perfspec.language.templates import Text
from perfspec.language.timers import OWN_TIMERS
from perfspec.steps.answers import good_status, judge
from perfspec.steps.authorization import NOBODY, read_authorization, with_headers
from perfspec.steps.kinds import Captured, Check, Recorded, Request, Upload
from perfspec.steps.measures import measures
from perfspec.steps.reading import Bind, Names, Read, Reading, Tally, reads
from perfspec.steps.runtime import Build, EndRound, Lane, Outcome, Program, Run

__all__ = [
    "CONSTANT_ROOTS",
    "METHODS",
    "bind",
    "checks",
    "describe",
    "expected_reads",
    "header_table",
    "names",
    "needs_name",
    "read",
    "table",
    "weigh",
]

METHODS = ("get", "post", "put", "patch", "delete", "head", "options")
_STATUS_CLASS = re.compile("[1-5][xX]{2}")
_UNREAD = Capture("header", "")
"""Stands in for a capture that cannot be read, which has been reported: its name is known all the same."""
_FRAMED = "the sender counts the bytes of each body"
FRAMING = {
    "content-length": _FRAMED,
    "transfer-encoding": _FRAMED,
    "connection": "connections are kept from one request to the next",
}
"""Headers that are the sender's -> why."""
CONSTANT_ROOTS = frozenset({"run", "values", "secret"})
"""Names that are the same in every request of a run."""


def read(node: Mapping, parent: str, reading: Reading, *, of_stream: bool = False) -> Request | None:
    """The request that a step mapping says; None where its path is unusable, which has been reported.

    `of_stream`: its answer has no body that could be looked into, but a number of events.
    """
    method = next((e for e in node if e.key.text in METHODS), None)
    if method is None or not isinstance(method.value, Scalar):
        return None
    path = templates.text(method.value)
    _begins_with_slash(path, reading)
    name = _name(node, method.key.text, path)
    timeout = node.get("timeout")
    timeout_ns = parse_duration(timeout, "timeout", reading.out) if isinstance(timeout, Scalar) else None
    json, body = node.get("json"), node.get("body")
    form = node.get("form")
    headers, basic = _headers(node, reading)
    sent = Request(
        at=reading.address(parent, name),
        span=method.key.span,
        name=name,
        name_span=_name_span(node, method.key.span),
        method=method.key.text.upper(),
        path=path,
        timeout_ns=timeout_ns or reading.timeout_ns,
        query=table(node.get("query"), reading),
        headers=headers,
        basic=basic,
        json=None if json is None else templates.body(json),
        form=None if form is None else table(form, reading),
        files=_files(form, reading),
        body=templates.text(body) if isinstance(body, Scalar) else None,
        tags=_tags(node, reading),
        expect=checks(node.get("expect"), reading, of_stream=of_stream),
        capture=_captures(node.get("capture"), reading),
        record=_recorded(node.get("record"), reading),
        traced=reading.traced,
        follows=reading.follows,
    )
    if of_stream:
        _only_head(sent, reading)
    for where, text in _json_paths(sent):
        _slow(where, text, parent, reading)
    return _secretive(sent)


def _begins_with_slash(path: Text, reading: Reading) -> None:
    """A path may be one hole: an address that the service has told. More than that begins with `/`."""
    found = templates.holes(path.source)
    if not path.source.startswith("${") or not found or templates.whole(path.source):
        return
    hole, rest = path.source[: found[0].end], path.source[found[0].end :]
    fix = (
        f"write `{hole}` alone, and the rest as `query`"
        if rest.startswith(("?", "&"))
        else f"write `/{path.source}`, with values that hold no `/`"
    )
    message = "a path begins with `/`; a hole before the rest of it is escaped, so it can be no path"
    reading.out.add("PS241", message, path.at(0, len(hole)), fix)


def _secretive(step: Request) -> Request:
    """What comes back for a secret is a secret."""
    if not step.capture or not any(p.root == "secret" for text in _body_texts(step) for p, _ in text.reads()):
        return step
    hidden = (replace(c, capture=replace(c.capture, secret=True)) for c in step.capture)
    return replace(step, capture=tuple(hidden))


def _json_paths(step: Request) -> Iterator[tuple[Span, str]]:
    yield from ((check.span, check.argument) for check in step.expect if check.subject == "json")
    yield from ((c.span, c.capture.argument) for c in step.capture if c.capture.source == "json")
    yield from ((each.span, each.path) for each in step.record)


def _slow(span: Span, path: str, parent: str, reading: Reading) -> None:
    if parent.startswith("flows.") and is_slow(path):
        message = f"`{path}` looks at much of the answer, in a step that runs often"
        reading.out.add(
            "PS451", message, span, "write the way to it, such as `$.items[*].id`", severity=Severity.WARNING
        )


def _name(node: Mapping, method: str, path: Text) -> str:
    """As given, else method and path; `needs_name` says where that is not enough."""
    given = node.get("name")
    if isinstance(given, Scalar):
        return given.text
    bare, _, _ = path.source.partition("?")
    return f"{method} {bare}"


def needs_name(step: Request) -> bool:
    """Has it none, and a hole in its path that changes within a run? Every address would be a row of its own."""
    if step.name_span != step.span:
        return False
    bare, _, _ = step.path.source.partition("?")
    return any(p.root not in CONSTANT_ROOTS for hole in templates.holes(bare) for p in paths(hole.tree))


def _name_span(node: Mapping, otherwise: Span) -> Span:
    given = node.get("name")
    return given.span if isinstance(given, Scalar) else otherwise


def table(node: Node | None, reading: Reading) -> tuple[tuple[str, Text], ...]:
    """Names and their templates; a name that holds `${...}` has been reported."""
    if not isinstance(node, Mapping):
        return ()
    for entry in node:
        if "${" in entry.key.text:
            reading.out.add("PS113", "a name cannot hold `${...}`", entry.key.span, "put it into the value")
            return ()
    return tuple((e.key.text, templates.text(e.value)) for e in node if isinstance(e.value, Scalar))


def header_table(node: Node | None, reading: Reading) -> tuple[tuple[str, Text], ...]:
    """The same of headers. Those that frame a message are nobody's to say but the sender's."""
    for entry in node if isinstance(node, Mapping) else ():
        if (why := FRAMING.get(entry.key.text.strip().lower())) is not None:
            reading.out.add("PS431", f"`{entry.key.text}` cannot be set: {why}", entry.key.span, "remove it")
    return table(node, reading)


def _tags(node: Mapping, reading: Reading) -> tuple[tuple[str, Text], ...]:
    own = table(node.get("tags"), reading)
    named = {name for name, _ in own}
    return (*(tag for tag in reading.tags if tag[0] not in named), *own)


def _headers(node: Mapping, reading: Reading) -> tuple[tuple[tuple[str, Text], ...], Text | None]:
    auth = node.get("auth")
    authorization = read_authorization(auth, reading) if isinstance(auth, Scalar) else reading.authorization
    return with_headers(authorization or NOBODY, header_table(node.get("headers"), reading), reading)


def _files(node: Node | None, reading: Reading) -> tuple[Upload, ...]:
    """The fields of a form that are files: `{file: PATH}`, relative to the file that says it."""
    found = []
    for entry in node if isinstance(node, Mapping) else ():
        path = entry.value.get("file") if isinstance(entry.value, Mapping) else None
        if isinstance(path, Scalar) and "${" in path.text:
            reading.out.add("PS113", "a file is the same in every request", path.span, "write its path out")
        elif isinstance(path, Scalar):
            kind = entry.value.get("type") if isinstance(entry.value, Mapping) else None
            where = normpath(join(dirname(path.span.path), path.text))
            found.append(Upload(entry.key.text, where, path.span, kind.text if isinstance(kind, Scalar) else ""))
    return tuple(found)


def _only_head(step: Request, reading: Reading) -> None:
    """A stream brings its answer piece by piece: nothing of it is kept."""
    lines = [(check.span, check.argument) for check in step.expect if check.subject == "json"]
    lines += [(c.span, c.name) for c in step.capture if c.capture.source in ("json", "regex", "css")]
    lines += [(each.span, each.name) for each in step.record]
    for span, text in lines:
        message = f"`{text}` is about a body, and a stream is not kept as one"
        reading.out.add("PS420", message, span, "expect `events`, `status` or `header NAME`")


def checks(node: Node | None, reading: Reading, *, of_stream: bool = False) -> tuple[Check, ...]:
    """The lines of an `expect` or `until` table."""
    if not isinstance(node, Mapping):
        return ()
    found = []
    for entry in node:
        matcher, subject = parse_matcher(entry.value, reading.out), parse_subject(entry.key, reading.out)
        if subject is not None and subject.kind == "events" and not of_stream:
            fix = "add `stream: {silence: 10s}`, or expect something else"
            reading.out.add("PS421", "only a request with `stream` has events", entry.key.span, fix)
            continue
        if matcher is not None and subject is not None and _is_possible(subject.kind, matcher, entry.value, reading):
            found.append(Check(subject.kind, subject.argument, subject.path, matcher, entry.key.span))
    return tuple(found)


def _is_possible(subject: str, matcher: Matcher, node: Node, reading: Reading) -> bool:
    """A status is a number; anything else could never be as expected."""
    if subject != "status" or matcher.kind == "limit" or (isinstance(node, Scalar) and "${" in node.text):
        return True
    wanted = matcher.operand if isinstance(matcher.operand, tuple) else (matcher.operand,)
    if matcher.kind in ("equals", "one of") and all(type(each) is int and 100 <= each <= 599 for each in wanted):
        return True
    text = node.text if isinstance(node, Scalar) else ""
    hint = (
        f"write `between {text[0]}00 and {text[0]}99`" if _STATUS_CLASS.fullmatch(text) else "write 200 or [200, 201]"
    )
    reading.out.add("PS203", "a status is a number from 100 to 599", node.span, hint)
    return False


def _captures(node: Node | None, reading: Reading) -> tuple[Captured, ...]:
    if not isinstance(node, Mapping):
        return ()
    found = []
    for entry in node:
        capture = parse_capture(entry.value, reading.out) if isinstance(entry.value, Scalar) else None
        found.append(Captured(entry.key.text, capture or _UNREAD, entry.key.span))
    return tuple(found)


def _recorded(node: Node | None, reading: Reading) -> tuple[Recorded, ...]:
    found = []
    for entry in node if isinstance(node, Mapping) else ():
        if not isinstance(entry.value, Scalar):
            continue
        if entry.key.text in OWN_TIMERS:
            message = f"`{entry.key.text}` is measured anyway; a metric needs a name of its own"
            reading.out.add("PS423", message, entry.key.span, f"write for example `my_{entry.key.text}`")
        else:
            readable = parse_json_path(entry.value.text, entry.value.content, reading.out) is not None
            found.append(Recorded(entry.key.text, entry.value.text if readable else "$", entry.key.span))
    return tuple(found)


def names(step: Request) -> Names:
    basic = () if step.basic is None else (step.basic,)
    for text in (*(t for _, t in step.headers), *basic, *(t for _, t in step.tags)):
        yield from reads(text)
    for text in _sent(step):
        yield from reads(text, is_sent=True)
    yield from expected_reads(step.expect)
    for captured in step.capture:
        yield Bind(captured.name, captured.span, "capture", proves=captured.capture.source in ("regex", "css"))


def _sent(step: Request) -> list[Text]:
    """What makes this request differ from others; headers and tags are not meant to."""
    return [step.path, *(t for _, t in step.query), *_body_texts(step)]


def _body_texts(step: Request) -> list[Text]:
    out = [] if step.json is None else list(templates.texts(step.json))
    out += [t for _, t in step.form or ()]
    return out if step.body is None else [*out, step.body]


def expected_reads(checks: tuple[Check, ...]) -> Iterator[Read]:
    """The names that checks compare with. A check knows the place of its line alone."""
    for check in checks:
        operand = check.matcher.operand
        for entry in operand if isinstance(operand, tuple) else (operand,):
            if isinstance(entry, str):
                for hole in templates.holes(entry):
                    yield from (Read(path, check.span) for path in paths(hole.tree))


def describe(step: Request) -> str:
    return f"send {step.method} {step.path.source} as `{step.name}`"


def weigh(step: Request, tally: Tally) -> None:
    tally.request(step.name, step.tags)


def bind(step: Request, build: Build) -> Program:
    """Send, judge, record. A request that brought no answer, or not what later steps need, ends the round."""
    call = build.call(step)
    recorder = build.recorder(step.name, tuple((k, t.source) for k, t in step.tags))
    record = None if callable(recorder) else recorder.record
    judged = judge(step.expect, step.capture, build.constants, at=step.at)
    good = good_status(step)
    needed, measured, keeper = bool(step.capture), measures(step, build), build.keeper(step)

    def program(lane: Lane) -> Run:
        lane.request(call)
        outcome: Outcome = yield  # type: ignore[assignment]  # what a request is resumed with; checked nowhere, for speed
        kind = outcome.error
        if kind is None and outcome.status != good:
            kind = judged(outcome, lane.vars)
        (record or recorder(lane.vars).record)(outcome, kind)  # type: ignore[operator]
        if measured is not None:
            measured(outcome, kind, lane.vars)
        if kind is None:
            if outcome.last - outcome.due > keeper.slower_than:
                keeper.keep(call, lane.vars, outcome, None)
        else:
            keeper.keep(call, lane.vars, outcome, kind)
            lane.failures += 1
            lane.failure = kind
            if needed or outcome.error is not None:
                raise EndRound(kind)

    return program
