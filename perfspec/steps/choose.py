"""`choose`: one of several ways, drawn by their weights, anew at every pass."""

from bisect import bisect_right
from itertools import accumulate

from perfspec.base import random
from perfspec.language.nodes import Mapping, Scalar, Sequence
from perfspec.steps.kinds import Choose, Option
from perfspec.steps.reading import Names, OneOf, Reading, Tally
from perfspec.steps.runtime import Build, Lane, Program, Run
from perfspec.steps.sequence import in_turn

__all__ = ["bind", "describe", "names", "read", "weigh"]


def read(node: Mapping, parent: str, reading: Reading) -> Choose | None:
    said = node.entry("choose")
    if said is None or not isinstance(said.value, Sequence):
        return None
    ways = [item for item in said.value if isinstance(item, Mapping)]
    weights = [_weight(way) for way in ways]
    at = reading.address(parent, "choose")
    if not sum(weights) > 0:
        reading.out.add("PS416", "no way has a weight above zero", said.key.span, "write `weight: 1`")
    whole = sum(weights) or 1.0
    options = []
    for number, (way, weight) in enumerate(zip(ways, weights, strict=True), 1):
        place = f"{at}.{number}"
        options.append(Option(place, way.span, weight / whole, reading.steps(way.get("steps"), place)))
    return Choose(at, said.key.span, tuple(options))


def _weight(way: Mapping) -> float:
    said = way.get("weight")
    value = said.value if isinstance(said, Scalar) else 1
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else 1.0


def names(step: Choose) -> Names:
    yield OneOf(tuple(option.steps for option in step.steps if option.share))


def describe(_step: Choose) -> str:
    return "choose one"


def weigh(step: Choose, tally: Tally) -> None:
    for option in step.steps:
        tally.times(option.share, option.steps)


def bind(step: Choose, build: Build) -> Program:
    where = random.site(step.at)
    ways = tuple(in_turn(option.steps, build) for option in step.steps)
    edges = list(accumulate(option.share for option in step.steps))[:-1]
    """Without the last one: rounding never draws past the end."""

    def program(lane: Lane) -> Run:
        names = lane.vars
        yield from ways[bisect_right(edges, random.draw(names.base, where, names.step))](lane)

    return program
