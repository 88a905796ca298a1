"""`repeat: 3 times | 2 to 5 times`: the steps that often; how often is drawn once for the whole loop."""

from perfspec.base import random
from perfspec.language.nodes import Mapping, Scalar
from perfspec.language.phrase_grammar import parse_times
from perfspec.steps.kinds import Repeat
from perfspec.steps.reading import Loop, Names, Reading, Tally
from perfspec.steps.runtime import Build, Lane, Program, Run
from perfspec.steps.sequence import PASSES, in_turn

__all__ = ["bind", "describe", "names", "read", "weigh"]


def read(node: Mapping, parent: str, reading: Reading) -> Repeat | None:
    said = node.entry("repeat")
    if said is None or not isinstance(said.value, Scalar):
        return None
    times = parse_times(said.value, reading.out)
    at = reading.address(parent, "repeat")
    steps = reading.steps(node.get("steps"), at)
    return None if times is None else Repeat(at, said.key.span, times, steps)


def names(step: Repeat) -> Names:
    yield Loop(step.steps, None, step.times.low > 0, step.span, step.times.high > 1)


def describe(step: Repeat) -> str:
    low, high = step.times.low, step.times.high
    return f"repeat {low} to {high} times" if low < high else "once" if low == 1 else f"repeat {low} times"


def weigh(step: Repeat, tally: Tally) -> None:
    tally.times((step.times.low + step.times.high) / 2, step.steps)


def bind(step: Repeat, build: Build) -> Program:
    low, spread = step.times.low, step.times.high - step.times.low + 1
    where, body = random.site(step.at), in_turn(step.steps, build)

    def program(lane: Lane) -> Run:
        scope = lane.vars
        outer = scope.step
        for number in range(1, low + int(random.draw(scope.base, where, outer) * spread) + 1):
            scope.step = outer * PASSES + number
            yield from body(lane)
        scope.step = outer

    return program
