"""From an answer to its one error kind: checks and captures, compiled once per request.

The body is parsed only where a check or a capture reads it, and then once. A check that fails gives the kind
`check FILE:LINE WORDS`, a capture that finds nothing `capture FILE:LINE NAME from WORDS`: the place in the spec is the
identity.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

import orjson
from msgspec.structs import replace

from perfspec.language.phrase_grammar import is_singular
from perfspec.language.phrases import Matcher
from perfspec.steps.captures import Take, header, take
from perfspec.steps.decoding import UNDECODABLE, decode
from perfspec.steps.kinds import Captured, Check, Request
from perfspec.steps.looks import into_body
from perfspec.steps.matchers import Predicate, for_every, predicate
from perfspec.steps.paths import MISSING, parsed, reach, reach_all
from perfspec.steps.runtime import Outcome, Vars

__all__ = ["Judge", "compile_checks", "good_status", "judge", "kind_of_capture", "kind_of_check"]

Judge = Callable[[Outcome, Vars], str | None]
_NONE: Mapping[str, object] = MappingProxyType({})
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


def kind_of_check(check: Check) -> str:
    """The error kind under which a failure of this check is counted."""
    if check.subject == "status":
        return "status"
    return f"check {check.span.path}:{check.span.line} {check}"


def kind_of_capture(captured: Captured) -> str:
    return f"capture {captured.span.path}:{captured.span.line} {captured.name} from {captured.capture.place}"


def judge(
    expect: tuple[Check, ...], capture: tuple[Captured, ...], constants: Mapping[str, object] = _NONE,
    *, any_status: bool = False, at: str = "",
) -> Judge:  # fmt: skip
    """One function from a whole answer to its error kind, None if all is as expected.

    Captures are stored on the way. `any_status`: without `expect.status`, whatever came is good. `at`: the address of
    the step.
    """
    accepts = (
        (lambda _status, _names: True)
        if any_status and not _names_status(expect)
        else _status(tuple(c for c in expect if c.subject == "status"), constants)
    )
    usual = _usual_status(expect)
    rest = compile_checks(tuple(c for c in expect if c.subject != "status"), constants)
    takers = tuple(_taker(c, at) for c in capture)
    if not rest and not takers:
        return lambda outcome, names: None if accepts(outcome.status, names) else f"status {outcome.status}"

    reads_body = any(r for r, *_ in rest) or any(r for r, *_ in takers)
    looks_inside = into_body(expect, capture)

    def full(outcome: Outcome, names: Vars) -> str | None:
        if outcome.status != usual and not accepts(outcome.status, names):
            return f"status {outcome.status}"
        if looks_inside and outcome.head is not None and outcome.head.coding and not decode(outcome):
            return UNDECODABLE
        document = parsed(outcome.body) if reads_body else MISSING
        for needs_body, holds, kind in rest:
            if (needs_body and document is MISSING) or not holds(outcome, document, names):
                return kind  # of a body that is no JSON nothing can be said, not even that something is absent
        for _, name, taken, kind in takers:
            value = taken(outcome, document, names)
            if value is MISSING:
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
        of_text = predicate(_as_text(check.matcher), constants)
        if check.matcher.kind == "limit":
            return lambda outcome, _, names: of_text(_number(_header(outcome, name)), names)
        return lambda outcome, _, names: of_text(_header(outcome, name), names)
    if check.subject == "json" and not is_singular(check.argument):
        of_all, every = for_every(check.matcher, constants), reach_all(check.argument)
        return lambda _, document, names: of_all(every(document), names)
    as_expected = predicate(check.matcher, constants)
    if check.subject == "status":
        return lambda outcome, _, names: as_expected(outcome.status, names)
    single = reach(check.path)
    return lambda _, document, names: as_expected(single(document), names)


def _header(outcome: Outcome, name: bytes) -> object:
    found = header(outcome, name)
    return MISSING if found is None else found


def _taker(captured: Captured, at: str) -> tuple[bool, str, Take, str]:
    return captured.capture.source == "json", captured.name, take(captured, at), kind_of_capture(captured)


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
    """Without `expect.status`, 400 and above fails, and so does an upgrade (101) that nobody asked for."""
    if not checks:
        return lambda status, _: type(status) is int and 200 <= status < 400
    matcher = checks[0].matcher
    if matcher.kind == "equals" and type(matcher.operand) is int:
        wanted = matcher.operand
        return lambda status, _: status == wanted
    return predicate(matcher, constants)


def good_status(step: Request) -> int:
    """The status that is all a step asks of its answers; 0 where there is more to look at."""
    more = step.capture or any(check.subject != "status" for check in step.expect)
    return 0 if more else _usual_status(step.expect)


def _usual_status(checks: tuple[Check, ...]) -> int:
    """One that is accepted without being looked at any further; 0 where none is known."""
    matchers = [check.matcher for check in checks if check.subject == "status"]
    if not matchers:
        return 200
    operand = matchers[0].operand
    return operand if matchers[0].kind == "equals" and type(operand) is int else 0
