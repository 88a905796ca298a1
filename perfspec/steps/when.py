"""`when: ${condition}` with `steps`, and `otherwise`."""

from perfspec.language import templates
from perfspec.language.codegen import Generator
from perfspec.language.nodes import Mapping, Scalar
from perfspec.steps.kinds import When
from perfspec.steps.reading import Names, Read, Reading, Tally
from perfspec.steps.runtime import Build, EndRound, Lane, Program, Run
from perfspec.steps.sequence import in_turn

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
    for path, span in step.condition.reads():
        yield Read(path, span)
    yield from step.steps
    yield from step.otherwise


def describe(step: When) -> str:
    return f"when {step.condition.source}"


def weigh(step: When, tally: Tally) -> None:
    share = tally.share(step.condition)
    tally.times(share, step.steps)
    tally.times(1 - share, step.otherwise)


def bind(step: When, build: Build) -> Program:
    generator = Generator(build.constants, step.at)
    (hole,) = templates.holes(step.condition.source)
    holds = generator.function([f"return {generator.expression(hole.tree)}"])
    then, otherwise = in_turn(step.steps, build), in_turn(step.otherwise, build)
    failed = f"expression {step.condition.span.path}:{step.condition.span.line}"

    def program(lane: Lane) -> Run:
        try:
            chosen = then if holds(lane.vars) else otherwise
        except (LookupError, TypeError, ValueError) as error:
            raise EndRound(failed) from error
        yield from chosen(lane)

    return program
