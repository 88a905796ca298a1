"""`for_each: ${list}` with `as: name`: the steps once for every entry."""

from perfspec.language import templates
from perfspec.language.expressions import Call
from perfspec.language.functions import MAX_ENTRIES, NEVER_EMPTY, kind_of
from perfspec.language.nodes import Mapping, Scalar
from perfspec.steps.kinds import ForEach
from perfspec.steps.reading import Bind, Loop, Names, Reading, Tally, reads
from perfspec.steps.runtime import Build, EndRound, Lane, Program, Run
from perfspec.steps.sequence import PASSES, evaluated, in_turn

__all__ = ["bind", "describe", "names", "read", "weigh"]


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
    yield from reads(step.items)
    tree = templates.holes(step.items.source)[0].tree
    is_sure = isinstance(tree, Call) and tree.function in NEVER_EMPTY
    yield Loop(step.steps, Bind(step.name, step.name_span, "loop"), is_sure, step.span)


def describe(step: ForEach) -> str:
    return f"for each `{step.name}` of {step.items.source}"


def weigh(step: ForEach, tally: Tally) -> None:
    tally.times(tally.items(step.items), step.steps)


def bind(step: ForEach, build: Build) -> Program:
    entries, body, name = evaluated(step.items, step.at, build), in_turn(step.steps, build), step.name
    failed = f"expression {step.items.span.path}:{step.items.span.line}"

    def program(lane: Lane) -> Run:
        scope = lane.vars
        found = entries(scope)
        if not isinstance(found, (list, tuple)):
            raise EndRound(f"{failed} `for_each` goes through a list, and this is {kind_of(found)}")
        if len(found) > MAX_ENTRIES:
            raise EndRound(f"{failed} a list of more than {MAX_ENTRIES:,} entries")
        outer = scope.step
        for number, entry in enumerate(found, 1):
            scope[name] = entry
            scope.step = outer * PASSES + number
            yield from body(lane)
        scope.step = outer

    return program
