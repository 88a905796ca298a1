"""What is kept of an answer beside its times: its size and its first byte, where a limit is about them, and the numbers
that `record` names.

A request that failed has none of them, and is over every limit on them, as it is on its times. An answer without the
number that was to be recorded counts in the same way, as `record FILE:LINE NAME`; the request itself has not failed.
"""

from collections.abc import Callable
from typing import TypeAlias

from perfspec.base.units import BYTE_NS, NUMBER_NS
from perfspec.steps.decoding import decode
from perfspec.steps.kinds import Recorded, Request
from perfspec.steps.paths import MISSING, parsed, reach_all
from perfspec.steps.runtime import Build, Outcome, Recorder, Vars

__all__ = ["Measure", "first_bytes", "kind_of_recorded", "measures"]

LARGEST = 10**12
Measure: TypeAlias = Callable[[Outcome, str | None, Vars], None]


def kind_of_recorded(recorded: Recorded) -> str:
    """The error kind of an answer that does not hold the number."""
    return f"record {recorded.span.path}:{recorded.span.line} {recorded.name}"


def first_bytes(step: Request, build: Build) -> Measure | None:
    """From sending to the first byte of the answer, of every request: None without a limit on it."""
    if not build.wants(step.name, "first_byte"):
        return None
    recorder = build.recorder(step.name, tuple((k, t.source) for k, t in step.tags), "first_byte")

    def measure(outcome: Outcome, kind: str | None, names: Vars) -> None:
        if _at(recorder, names).value(outcome.due, outcome.first - outcome.sent, kind):
            outcome.missed = True

    return measure


def measures(step: Request, build: Build, *, is_wait: bool = False) -> Measure | None:
    """Called once per request, after it was recorded itself; None where there is nothing to measure. What is over the
    limit that it is held to makes the round no good one. `is_wait`: its polls are measured one by one.
    """
    first = None if is_wait else first_bytes(step, build)
    tags = tuple((k, t.source) for k, t in step.tags)
    size = build.recorder(step.name, tags, "size") if build.wants(step.name, "size") else None
    numbers = tuple(
        (build.recorder(step.name, tags, each.name), reach_all(each.path), kind_of_recorded(each))
        for each in step.record
    )
    if size is None and not numbers:
        return first

    def measure(outcome: Outcome, kind: str | None, names: Vars) -> None:
        due, missed = outcome.due, False
        if first is not None:
            first(outcome, kind, names)
        if size is not None:
            missed = _at(size, names).value(due, (len(outcome.body) + outcome.dropped) * BYTE_NS, kind)
        document = _parsed(outcome) if numbers and kind is None else MISSING
        for recorder, reach, without in numbers:
            number = _number(reach(document))
            missing = kind or (without if number is None else None)
            series = _at(recorder, names)
            missed |= series.value(due, int((number or 0) * NUMBER_NS), missing) and series.is_held
        if missed:
            outcome.missed = True

    return measure


def _at(recorder: Recorder | Callable[[Vars], Recorder], names: Vars) -> Recorder:
    return recorder(names) if callable(recorder) else recorder


def _parsed(outcome: Outcome) -> object:
    if outcome.head is not None and outcome.head.coding and not decode(outcome):
        return MISSING
    return parsed(outcome.body)


def _number(found: list[object]) -> float | None:
    """The first number that was found: from 0 on, and of a size that can be counted."""
    for value in found:
        if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= LARGEST:
            return value
    return None
