"""From an answer to its one error kind: checks and captures, compiled once per request.

The body is parsed only where a check or a capture reads it, and then once. A check that fails gives the kind
`check FILE:LINE WORDS`, a capture that finds nothing `capture FILE:LINE NAME`: the place in the spec is the identity.
"""

import re
from collections.abc import Callable

import orjson

from perfspec.language.codegen import value_of
from perfspec.language.phrases import Capture, Limit, Matcher, Path
from perfspec.language.templates import Hole, parse
from perfspec.steps.kinds import Captured, Check
from perfspec.steps.runtime import Outcome, Vars

__all__ = ["Judge", "compile_checks", "judge", "kind_of_capture", "kind_of_check"]

Judge = Callable[[Outcome, Vars], str | None]
Predicate = Callable[[object, Vars], bool]
_MISSING = object()


def kind_of_check(check: Check) -> str:
    """The error kind under which a failure of this check is counted."""
    if check.subject == "status":
        return "status"
    return f"check {check.span.path}:{check.span.line} {check}"


def kind_of_capture(captured: Captured) -> str:
    return f"capture {captured.span.path}:{captured.span.line} {captured.name}"


def judge(expect: tuple[Check, ...], capture: tuple[Captured, ...]) -> Judge:
    """One function from a whole answer to its error kind, None if all is as expected. Captures are stored on the
    way.
    """
    accepts = _status(tuple(c for c in expect if c.subject == "status"))
    rest = compile_checks(tuple(c for c in expect if c.subject != "status"))
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
        for _, holds, kind in rest:
            if not holds(outcome, document, names):
                return kind
        for _, name, take, kind in takers:
            value = take(outcome, document, names)
            if value is _MISSING:
                return kind
            names[name] = value
        return None

    return full


Holds = Callable[[Outcome, object, Vars], bool]


def compile_checks(checks: tuple[Check, ...]) -> tuple[tuple[bool, Holds, str], ...]:
    """(reads the body, does it hold?, error kind) for each."""
    return tuple((check.subject == "json", _holds(check), kind_of_check(check)) for check in checks)


def _holds(check: Check) -> Holds:
    predicate = _predicate(check.matcher)
    if check.subject == "header":
        name = check.argument.lower().encode("latin-1")
        return lambda outcome, _, names: predicate(_header(outcome, name), names)
    if check.subject == "status":
        return lambda outcome, _, names: predicate(outcome.status, names)
    reach = _reach(check.path)
    return lambda _, document, names: predicate(reach(document), names)


def _status(checks: tuple[Check, ...]) -> Predicate:
    """Without `expect.status`, 400 and above fails."""
    if not checks:
        return lambda status, _: type(status) is int and status < 400
    matcher = checks[0].matcher
    if matcher.kind == "equals" and type(matcher.operand) is int:
        wanted = matcher.operand
        return lambda status, _: status == wanted
    return _predicate(matcher)


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
    fallback: object = _MISSING if capture.fallback is None else capture.fallback
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


def _predicate(matcher: Matcher) -> Predicate:
    if matcher.kind in ("equals", "one of"):
        base = _equality(matcher)
    elif matcher.kind == "limit":
        base = _within(matcher.limit)
    else:
        base = _SHAPES[matcher.kind](matcher)
    if matcher.negated:
        return lambda value, names: not base(value, names)
    return base


def _equality(matcher: Matcher) -> Predicate:
    operand = matcher.operand
    if matcher.kind == "one of":
        entries = operand if isinstance(operand, tuple) else (operand,)
        return lambda value, _: any(_same(value, entry) for entry in entries)
    if isinstance(operand, str) and "${" in operand:
        expected = _operand(operand)
        return lambda value, names: _same(value, expected(names))
    return lambda value, _: _same(value, operand)


def _same(value: object, expected: object) -> bool:
    """JSON's equality: true is not 1; a header's or cookie's text equals a number written the same way."""
    if isinstance(value, bool) or isinstance(expected, bool):
        return value is expected
    return value == expected


def _operand(source: str) -> Callable[[Vars], object]:
    parts = parse(source)
    if len(parts) == 1 and isinstance(parts[0], Hole):
        hole = parts[0]
        return lambda names: value_of(hole, names)
    return lambda names: "".join(p if isinstance(p, str) else str(value_of(p, names)) for p in parts)


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
