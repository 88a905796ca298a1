"""A request with `until`: sent again `every` so often until its answer is as wanted, or it gives up.

The whole wait is one outcome (timer `wait`, from the moment the first poll was due); single polls are timed apart
(timer `poll`). A poll without an answer is not the end: the next one may be better, until `give_up_after`.
"""

from perfspec.base.units import format_duration
from perfspec.language.nodes import Mapping, Scalar
from perfspec.language.phrase_grammar import parse_duration
from perfspec.steps import request
from perfspec.steps.answers import judge
from perfspec.steps.kinds import WaitUntil
from perfspec.steps.measures import first_bytes, measures
from perfspec.steps.reading import Names, Reading, Tally
from perfspec.steps.runtime import STOPPED, UNFINISHED, Build, EndRound, Lane, Outcome, Program, Recorder, Run

__all__ = ["bind", "describe", "names", "read", "weigh"]

EVERY_NS = 1_000_000_000
GIVE_UP_AFTER_NS = 30_000_000_000


def read(node: Mapping, parent: str, reading: Reading) -> WaitUntil | None:
    sent = request.read(node, parent, reading)
    if sent is None:
        return None
    return WaitUntil(
        at=f"{sent.at}.wait",
        span=sent.span,
        request=sent,
        until=request.checks(node.get("until"), reading),
        every_ns=_duration(node, "every", reading) or EVERY_NS,
        give_up_after_ns=_duration(node, "give_up_after", reading) or GIVE_UP_AFTER_NS,
    )


def _duration(node: Mapping, key: str, reading: Reading) -> int | None:
    value = node.get(key)
    return parse_duration(value, key, reading.out) if isinstance(value, Scalar) else None


def names(step: WaitUntil) -> Names:
    yield from request.expected_reads(step.until)
    yield from request.names(step.request)


def describe(step: WaitUntil) -> str:
    wanted = " and ".join(str(c) for c in step.until)
    every, most = format_duration(step.every_ns), format_duration(step.give_up_after_ns)
    return f"{request.describe(step.request)} every {every} until {wanted}, for at most {most}"


def weigh(step: WaitUntil, tally: Tally) -> None:
    tally.wait(step.request.name, step.every_ns, step.request.tags)


def bind(step: WaitUntil, build: Build) -> Program:
    call = build.call(step.request, step.until)
    name, tags = step.request.name, tuple((k, t.source) for k, t in step.request.tags)
    poll, wait = build.recorder(name, tags, "poll"), build.recorder(name, tags, "wait")
    reached = judge(step.until, (), build.constants)
    says_status = any(check.subject == "status" for check in step.until)
    sent = step.request
    final = judge(sent.expect, sent.capture, build.constants, any_status=says_status, at=sent.at)
    first_byte, keeper = first_bytes(sent, build), build.keeper(sent, "wait")
    measured = measures(sent, build, is_wait=True)
    every_ns, give_up_after_ns = step.every_ns, step.give_up_after_ns

    def program(lane: Lane) -> Run:
        polls, waits = (r(lane.vars) if callable(r) else r for r in (poll, wait))
        begin = 0
        try:
            while True:
                lane.request(call)
                outcome = yield
                assert isinstance(outcome, Outcome)
                begin = begin or outcome.due
                missed = outcome.error or reached(outcome, lane.vars)
                is_not_yet = missed is None or missed.startswith("check ") or (says_status and 0 < outcome.status < 500)
                failed = None if is_not_yet else missed
                polls.record(outcome, failed)
                if first_byte is not None:
                    first_byte(outcome, failed, lane.vars)
                if missed is None:
                    kind = final(outcome, lane.vars)
                    break
                if lane.now() + every_ns > begin + give_up_after_ns:
                    kind = "gave up"
                    outcome.last = lane.now()
                    break
                lane.pause(every_ns)
                yield
        except EndRound as end:
            raise EndRound(_cut_off(waits, lane, begin) if begin else end.kind) from end
        outcome.due = outcome.sent = begin
        waits.record(outcome, kind)
        if measured is not None:
            measured(outcome, kind, lane.vars)
        if kind is not None or outcome.last - outcome.due > keeper.slower_than:
            keeper.keep(call, lane.vars, outcome, kind)
        if kind is not None:
            lane.failures += 1
            lane.failure = kind
            raise EndRound(kind)

    return program


def _cut_off(waits: Recorder, lane: Lane, begin_ns: int) -> str:
    """The kind by which a wait ends that was not over when the load was. If it has broken all its limits by then, it
    took at least so long, however it would have ended: left out, it would make a service that hangs look good.
    """
    outcome, now = lane.outcome, lane.now()
    if not waits.limits or now - begin_ns <= waits.limits[-1]:
        return UNFINISHED
    outcome.due = outcome.sent = begin_ns
    outcome.last, outcome.error = now, None
    waits.record(outcome, None)
    return STOPPED
