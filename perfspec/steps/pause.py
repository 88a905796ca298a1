"""`pause: 2s`, `1s to 3s` (even), `about 2s` (log-normal: the median; nine in ten between half and double)."""

from math import exp, log
from statistics import NormalDist

from perfspec.base import random
from perfspec.base.units import format_duration
from perfspec.language.nodes import Mapping, Scalar
from perfspec.language.phrase_grammar import parse_pause
from perfspec.steps.kinds import Pause
from perfspec.steps.reading import Names, Reading, Tally
from perfspec.steps.runtime import Build, Lane, Program, Run, Vars

__all__ = ["bind", "describe", "names", "read", "weigh"]

_SIGMA = log(2) / NormalDist().inv_cdf(0.95)


def read(node: Mapping, parent: str, reading: Reading) -> Pause | None:
    value = node.entry("pause")
    if value is None or not isinstance(value.value, Scalar):
        return None
    said = parse_pause(value.value, reading.out)
    if said is None:
        return None
    return Pause(at=reading.address(parent, "pause"), span=value.key.span, range=said)


def names(_step: Pause) -> Names:
    yield from ()


def describe(step: Pause) -> str:
    said = step.range
    low, high = format_duration(said.low_ns), format_duration(said.high_ns)
    text = {"fixed": low, "even": f"{low} to {high}", "about": f"about {low}"}[said.shape]
    return f"pause {text}" + (f", at most {format_duration(step.cap_ns)}" if step.cap_ns else "")


def weigh(step: Pause, tally: Tally) -> None:
    mean = (step.range.low_ns + step.range.high_ns) // 2
    tally.pause(min(mean, step.cap_ns) if step.cap_ns else mean)


def bind(step: Pause, _build: Build) -> Program:
    low, spread = step.range.low_ns, step.range.high_ns - step.range.low_ns
    cap = step.cap_ns or 1 << 62
    where = random.site(step.at)
    normal = NormalDist().inv_cdf

    def fixed(_names: Vars) -> int:
        return low

    def even(names: Vars) -> int:
        return low + int(spread * random.draw(names.base, where, names.step))

    def about(names: Vars) -> int:
        drawn = max(random.draw(names.base, where, names.step), 1e-9)
        return int(low * exp(_SIGMA * normal(drawn)))

    length = {"fixed": fixed, "even": even, "about": about}[step.range.shape]

    def program(lane: Lane) -> Run:
        begin = lane.now()
        lane.pause(min(length(lane.vars), cap))
        yield
        lane.paused_ns += lane.due - begin

    return program
