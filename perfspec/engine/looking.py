"""What a step wants of an answer, one by one: everything that holds and everything that does not."""

from collections.abc import Mapping
from dataclasses import dataclass

from perfspec.steps.answers import compile_checks, judge
from perfspec.steps.captures import header, take
from perfspec.steps.decoding import decode
from perfspec.steps.kinds import Captured, Check, Request
from perfspec.steps.matchers import predicate
from perfspec.steps.paths import MISSING, parsed
from perfspec.steps.runtime import Outcome, Vars
from perfspec.steps.stream import EVENT_STREAM, Listener

__all__ = ["Looked", "look"]


@dataclass(frozen=True, slots=True)
class Looked:
    """One expectation or capture."""

    what: str
    """expect, until or capture."""
    text: str
    holds: bool
    value: object = None
    """What was captured."""
    secret: bool = False


def look(
    step: Request,
    until: tuple[Check, ...],
    outcome: Outcome,
    names: Vars,
    constants: Mapping[str, object],
    stream: Listener | None = None,
) -> tuple[Looked, ...]:
    """All of them, in the order of the spec; none where no answer came. `stream`: who heard it, where it was one."""
    if outcome.error is not None:
        return ()
    if outcome.head is not None and outcome.head.coding:
        decode(outcome)
    document = parsed(outcome.body)
    found = [_status(step, until, outcome, names, constants)]
    for what, checks in (("expect", step.expect), ("until", until)):
        rest = tuple(check for check in checks if check.subject in ("header", "json"))
        compiled = zip(rest, compile_checks(rest, constants), strict=True)
        for check, (needs_body, holds, _) in compiled:
            readable = not needs_body or document is not MISSING
            found.append(Looked(what, str(check), readable and holds(outcome, document, names)))
    if stream is not None:
        found += _streamed(step, outcome, stream, names, constants)
    found += [_captured(each, step.at, outcome, document, names) for each in step.capture]
    return tuple(found)


def _status(
    step: Request, until: tuple[Check, ...], outcome: Outcome, names: Vars, constants: Mapping[str, object]
) -> Looked:
    """As a run counts it: a poll may have any status below 500 where `until` says which, else one of success."""
    wanted = tuple(check for check in step.expect if check.subject == "status")
    waited = tuple(check for check in until if check.subject == "status")
    if waited and not wanted:
        holds = outcome.status < 500 or judge(waited, (), constants)(outcome, names) is None
        return Looked("expect", "status below 500", holds)
    text = str(wanted[0]) if wanted else "status below 400"
    return Looked("expect", text, judge(wanted, (), constants)(outcome, names) is None)


def _streamed(
    step: Request, outcome: Outcome, stream: Listener, names: Vars, constants: Mapping[str, object]
) -> list[Looked]:
    kind = stream.failure(outcome)
    if kind == "no stream":
        kind += (
            f", the answer is `{header(outcome, b'content-type') or 'without a Content-Type'}`, not `{EVENT_STREAM}`"
        )
    found = [Looked("expect", f"a whole stream: {kind}" if kind else "a whole stream", kind is None)]
    for check in step.expect:
        if check.subject == "events":
            holds = predicate(check.matcher, constants)(stream.n, names)
            found.append(Looked("expect", f"{check} ({stream.n} came)", holds))
    return found


def _captured(captured: Captured, at: str, outcome: Outcome, document: object, names: Vars) -> Looked:
    value = take(captured, at)(outcome, document, names)
    secret = captured.capture.secret
    if value is MISSING:
        return Looked("capture", f"{captured.name}: nothing at `{captured.capture.place}`", False, secret=secret)
    return Looked("capture", captured.name, True, value, secret=secret)
