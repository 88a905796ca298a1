"""From an answer to its one error kind: checks and captures, compiled once per request.

The body is parsed only where a check or a capture reads it, and then once. A check that fails gives the kind
`check FILE:LINE WORDS`, a capture that finds nothing `capture FILE:LINE NAME`: the place in the spec is the identity.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

import orjson
from msgspec.structs import replace

from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Span
from perfspec.language.codegen import Generator, as_text
from perfspec.language.phrase_grammar import parse_limit_text
from perfspec.language.phrases import Capture, Limit, Matcher, Path
from perfspec.language.scalars import resolve
from perfspec.language.templates import Hole, parse
from perfspec.steps.kinds import Captured, Check
from perfspec.steps.runtime import Outcome, Vars

__all__ = ["Judge", "compile_checks", "judge", "kind_of_capture", "kind_of_check"]

Judge = Callable[[Outcome, Vars], str | None]
Predicate = Callable[[object, Vars], bool]
_MISSING = object()
_NONE: Mapping[str, object] = MappingProxyType({})
_NOWHERE = Span("", 1, 1, 1, 1)
_UNFIT = (LookupError, TypeError, ValueError, re.error)
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


def kind_of_check(check: Check) -> str:
    """The error kind under which a failure of this check is counted."""
    if check.subject == "status":
        return "status"
    return f"check {check.span.path}:{check.span.line} {check}"


def kind_of_capture(captured: Captured) -> str:
    return f"capture {captured.span.path}:{captured.span.line} {captured.name}"


def judge(
    expect: tuple[Check, ...], capture: tuple[Captured, ...], constants: Mapping[str, object] = _NONE,
    *, any_status: bool = False,
) -> Judge:  # fmt: skip
    """One function from a whole answer to its error kind, None if all is as expected.

    Captures are stored on the way. `any_status`: without `expect.status`, whatever came is good.
    """
    accepts = (
        (lambda _status, _names: True)
        if any_status and not _names_status(expect)
        else _status(tuple(c for c in expect if c.subject == "status"), constants)
    )
    rest = compile_checks(tuple(c for c in expect if c.subject != "status"), constants)
    takers = tuple(_taker(c) for c in capture)
    if not rest and not takers:

        def plain(outcome: Outcome, names: Vars) -> str | None:
            return None if accepts(outcome.status, names) else f"status {outcome.status}"

        return plain

    reads_body = any(r for r, *_ in rest) or any(r for r, *_ in takers)

    def full(outcome: Outcome, names: Vars) -> str | None:
        if not accepts(outcome.status, names):
            return f"status {outcome.status}"
        document = _parsed(outcome.body) if reads_body else _MISSING
        for needs_body, holds, kind in rest:
            if (needs_body and document is _MISSING) or not holds(outcome, document, names):
                return kind  # of a body that is no JSON nothing can be said, not even that something is absent
        for _, name, take, kind in takers:
            value = take(outcome, document, names)
            if value is _MISSING:
                return kind
            names[name] = value
        return None

    return full


Holds = Callable[[Outcome, object, Vars], bool]


def _names_status(expect: tuple[Check, ...]) -> bool:
    return any(check.subject == "status" for check in expect)


def compile_checks(
    checks: tuple[Check, ...], constants: Mapping[str, object] = _NONE
) -> tuple[tuple[bool, Holds, str], ...]:
    """(reads the body, does it hold?, error kind) for each."""
    return tuple((check.subject == "json", _holds(check, constants), kind_of_check(check)) for check in checks)


def _holds(check: Check, constants: Mapping[str, object]) -> Holds:
    if check.subject == "header":
        name = check.argument.lower().encode("latin-1")
        of_text = _predicate(_as_text(check.matcher), constants)
        if check.matcher.kind == "limit":
            return lambda outcome, _, names: of_text(_number(_header(outcome, name)), names)
        return lambda outcome, _, names: of_text(_header(outcome, name), names)
    predicate = _predicate(check.matcher, constants)
    if check.subject == "status":
        return lambda outcome, _, names: predicate(outcome.status, names)
    reach = _reach(check.path)
    return lambda _, document, names: predicate(reach(document), names)


def _as_text(matcher: Matcher) -> Matcher:
    """A header is a text: it equals a number that is written the same way."""
    operand = matcher.operand
    if matcher.kind == "equals" and not isinstance(operand, str):
        return replace(matcher, operand=matcher.text)
    if matcher.kind == "one of" and isinstance(operand, tuple):
        texts = tuple(e if isinstance(e, str) else orjson.dumps(e).decode() for e in operand)
        return replace(matcher, operand=texts)
    return matcher


def _number(value: object) -> object:
    """The number that a header says; its text where it says none."""
    return float(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else value


def _status(checks: tuple[Check, ...], constants: Mapping[str, object]) -> Predicate:
    """Without `expect.status`, 400 and above fails."""
    if not checks:
        return lambda status, _: type(status) is int and status < 400
    matcher = checks[0].matcher
    if matcher.kind == "equals" and type(matcher.operand) is int:
        wanted = matcher.operand
        return lambda status, _: status == wanted
    return _predicate(matcher, constants)


def _parsed(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return _MISSING


def _reach(path: Path) -> Callable[[object], object]:
    """Maps by name, lists by number; anything that is not there is missing."""

    def reach(value: object) -> object:
        for part in path:
            if isinstance(part, str):
                if not isinstance(value, dict) or part not in value:
                    return _MISSING
                value = value[part]
            elif isinstance(value, list) and -len(value) <= part < len(value):
                value = value[part]
            else:
                return _MISSING
        return value

    return reach


def _header(outcome: Outcome, name: bytes) -> object:
    headers = outcome.head.headers if outcome.head else ()
    found = [value for key, value in headers if key == name]
    return b", ".join(found).decode("latin-1") if found else _MISSING


def _taker(captured: Captured) -> tuple[bool, str, Holds | Callable[[Outcome, object, Vars], object], str]:
    capture, kind = captured.capture, kind_of_capture(captured)
    fallback: object = _MISSING if capture.fallback is None else resolve(capture.fallback)
    if capture.source == "header":
        name = capture.argument.lower().encode("latin-1")
        return False, captured.name, lambda o, _d, _v: _or(_header(o, name), fallback), kind
    reach = _reach(capture.path)
    return True, captured.name, lambda _o, d, _v: _or(_taken(reach(d), capture), fallback), kind


def _taken(value: object, capture: Capture) -> object:
    if capture.take == "count":
        return len(value) if isinstance(value, list) else _MISSING
    return value


def _or(value: object, fallback: object) -> object:
    return fallback if value is _MISSING else value


def _predicate(matcher: Matcher, constants: Mapping[str, object]) -> Predicate:
    negated = matcher.negated
    if not _has_holes(matcher):
        base = _fixed(matcher)
        return (lambda value, names: not base(value, names)) if negated else base
    drawn = _drawn(matcher, constants)

    def holds(value: object, names: Vars) -> bool:
        try:
            return drawn(value, names) is not negated
        except _UNFIT:  # where it cannot be said what is expected, nothing is as expected
            return False

    return holds


def _has_holes(matcher: Matcher) -> bool:
    operand = matcher.operand if isinstance(matcher.operand, tuple) else (matcher.operand,)
    return any(isinstance(entry, str) and "${" in entry for entry in operand)


def _fixed(matcher: Matcher) -> Predicate:
    operand = matcher.operand
    if matcher.kind == "equals":
        return lambda value, _: _same(value, operand)
    if matcher.kind == "one of":
        entries = operand if isinstance(operand, tuple) else (operand,)
        return lambda value, _: any(_same(value, entry) for entry in entries)
    if matcher.kind == "limit":
        return _within(matcher.limit)
    return _SHAPES[matcher.kind](matcher)


def _drawn(matcher: Matcher, constants: Mapping[str, object]) -> Predicate:
    """What is expected holds `${...}`, so it differs from round to round."""
    if isinstance(matcher.operand, tuple):
        entries = tuple(_operand(entry, constants) for entry in matcher.operand)
        return lambda value, names: any(_same(value, entry(names)) for entry in entries)
    expected = _operand(matcher.operand, constants)
    if matcher.kind == "equals":
        return lambda value, names: _same(value, expected(names))
    if matcher.kind == "limit":
        return lambda value, names: _within(_limit(as_text(expected(names))))(value, names)
    shape = _SHAPES[matcher.kind]
    return lambda value, names: shape(replace(matcher, operand=as_text(expected(names))))(value, names)


def _limit(text: str) -> Limit:
    """A limit whose holes are filled in. Raises ValueError for a text that is none."""
    limit = parse_limit_text(text, _NOWHERE, Diagnostics())
    if limit is None:
        raise ValueError(f"`{text}` is no limit")
    return limit


def _same(value: object, expected: object) -> bool:
    """JSON's equality: true is not 1."""
    if isinstance(value, bool) or isinstance(expected, bool):
        return value is expected
    return value == expected


def _operand(source: object, constants: Mapping[str, object]) -> Callable[[Vars], object]:
    """One hole alone keeps its type; anything longer is a text."""
    if not isinstance(source, str) or "${" not in source:
        return lambda _: source
    generator = Generator(constants)
    parts = parse(source)
    if len(parts) == 1 and isinstance(parts[0], Hole):
        return generator.function([f"return {generator.expression(parts[0].tree)}"])
    arguments: list[str] = []
    pattern = generator.text(source, "text", arguments)
    return generator.function([f"return ({generator.format(pattern, arguments)}).decode()"])


def _within(limit: Limit | None) -> Predicate:
    assert limit is not None
    low, high, relation = limit.quantity.value, limit.high.value if limit.high else None, limit.relation
    counts = limit.quantity.unit == "entries"

    def within(value: object, _: Vars) -> bool:
        if counts:
            if not isinstance(value, (list, dict, str)):
                return False
            value = len(value)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        if relation == "between":
            return high is not None and low <= value <= high
        return {"under": value < low, "at most": value <= low, "over": value > low}.get(relation, value >= low)

    return within


def _contains(matcher: Matcher) -> Predicate:
    wanted = matcher.operand

    def contains(value: object, _: Vars) -> bool:
        if isinstance(value, str):
            return str(wanted) in value
        return wanted in value if isinstance(value, (list, dict)) else False

    return contains


def _starts_with(matcher: Matcher) -> Predicate:
    wanted = str(matcher.operand)
    return lambda value, _: isinstance(value, str) and value.startswith(wanted)


def _matches(matcher: Matcher) -> Predicate:
    pattern = re.compile(str(matcher.operand))
    return lambda value, _: isinstance(value, str) and pattern.search(value) is not None


def _empty(value: object, _: Vars) -> bool:
    return value is None or value is _MISSING or (isinstance(value, (str, list, dict)) and not value)


_SHAPES: dict[str, Callable[[Matcher], Predicate]] = {
    "contains": _contains,
    "starts with": _starts_with,
    "matches": _matches,
    "present": lambda _: lambda value, _names: value is not _MISSING,
    "absent": lambda _: lambda value, _names: value is _MISSING,
    "empty": lambda _: _empty,
    "not empty": lambda _: lambda value, names: not _empty(value, names),
}
