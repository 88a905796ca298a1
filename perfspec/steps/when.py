"""`when: ${condition}` with `steps`, and `otherwise`."""

from perfspec.language import templates
from perfspec.language.nodes import Mapping, Scalar
from perfspec.steps.kinds import When
from perfspec.steps.reading import Names, OneOf, Reading, Tally, reads
from perfspec.steps.runtime import Build, Lane, Program, Run
from perfspec.steps.sequence import evaluated, in_turn

__all__ = ["bind", "describe", "names", "read", "weigh"]


def read(node: Mapping, parent: str, reading: Reading) -> When | None:
    condition = node.entry("when")
    if condition is None or not isinstance(condition.value, Scalar):
        return None
    if not templates.check_whole(condition.value, "when", reading.out):
        return None
    at = reading.address(parent, "when")
    steps = reading.steps(node.get("steps"), at)
    otherwise = reading.steps(node.get("otherwise"), f"{at}.otherwise")
    return When(at, condition.key.span, templates.text(condition.value), steps, otherwise)


def names(step: When) -> Names:
    yield from reads(step.condition)
    yield OneOf((step.steps, step.otherwise))


def describe(step: When) -> str:
    return f"when {step.condition.source}"


def weigh(step: When, tally: Tally) -> None:
    share = tally.share(step.condition)
    tally.times(share, step.steps)
    tally.times(1 - share, step.otherwise)


def bind(step: When, build: Build) -> Program:
    holds = evaluated(step.condition, step.at, build)
    then, otherwise = in_turn(step.steps, build), in_turn(step.otherwise, build)

    def program(lane: Lane) -> Run:
        yield from (then if holds(lane.vars) else otherwise)(lane)

    return program
