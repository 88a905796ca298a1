"""`for_each: ${list}` with `as: name`: the steps once for every entry."""

from perfspec.language import templates
from perfspec.language.codegen import Generator
from perfspec.language.functions import MAX_ENTRIES
from perfspec.language.nodes import Mapping, Scalar
from perfspec.steps.kinds import ForEach
from perfspec.steps.reading import Bind, Names, Read, Reading, Tally
from perfspec.steps.runtime import Build, EndRound, Lane, Program, Run
from perfspec.steps.sequence import in_turn

__all__ = ["bind", "describe", "names", "read", "weigh"]

_PASSES = 1009
"""A prime above MAX_ENTRIES: numbers the passes of nested loops without collisions."""


def read(node: Mapping, parent: str, reading: Reading) -> ForEach | None:
    items, name = node.entry("for_each"), node.get("as")
    if items is None or not isinstance(items.value, Scalar) or not isinstance(name, Scalar):
        return None
    if not templates.check_whole(items.value, "for_each", reading.out):
        return None
    at = reading.address(parent, f"each-{name.text}")
    steps = reading.steps(node.get("steps"), at)
    return ForEach(at, items.key.span, templates.text(items.value), name.text, name.span, steps)


def names(step: ForEach) -> Names:
    for path, span in step.items.reads():
        yield Read(path, span)
    yield Bind(step.name, step.name_span, "loop")
    yield from step.steps


def describe(step: ForEach) -> str:
    return f"for each `{step.name}` of {step.items.source}"


def weigh(step: ForEach, tally: Tally) -> None:
    tally.times(tally.items(step.items), step.steps)


def bind(step: ForEach, build: Build) -> Program:
    generator = Generator(build.constants, step.at)
    (hole,) = templates.holes(step.items.source)
    entries = generator.function([f"return {generator.expression(hole.tree)}"])
    body, name = in_turn(step.steps, build), step.name
    failed = f"expression {step.items.span.path}:{step.items.span.line}"

    def program(lane: Lane) -> Run:
        scope = lane.vars
        try:
            found = entries(scope)
        except (LookupError, TypeError, ValueError) as error:
            raise EndRound(failed) from error
        if not isinstance(found, (list, tuple)) or len(found) > MAX_ENTRIES:
            raise EndRound(failed)
        outer = scope.step
        for number, entry in enumerate(found, 1):
            scope[name] = entry
            scope.step = outer * _PASSES + number
            yield from body(lane)
        scope.step = outer

    return program
