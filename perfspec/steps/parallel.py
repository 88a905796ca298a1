"""`parallel: NAME`: children that happen at once, each on connections of its own; timed as one."""

from perfspec.language.nodes import Mapping, Scalar
from perfspec.steps.group import timed
from perfspec.steps.kinds import Parallel
from perfspec.steps.reading import AtOnce, Names, Reading, Tally
from perfspec.steps.runtime import Build, EndRound, Lane, Program, Run

__all__ = ["bind", "describe", "names", "read", "weigh"]


def read(node: Mapping, parent: str, reading: Reading) -> Parallel | None:
    said = node.entry("parallel")
    if said is None or not isinstance(said.value, Scalar):
        return None
    at = reading.address(parent, f"parallel-{said.value.text}")
    return Parallel(at, said.key.span, said.value.text, said.value.span, reading.steps(node.get("steps"), at))


def names(step: Parallel) -> Names:
    yield AtOnce(tuple((child,) for child in step.steps))


def describe(step: Parallel) -> str:
    return f"at once, timed as `{step.name}`"


def weigh(step: Parallel, tally: Tally) -> None:
    tally.group(step.name)
    tally.at_once(step.steps)


def bind(step: Parallel, build: Build) -> Program:
    branches = tuple(build.program(child) for child in step.steps)

    def program(lane: Lane) -> Run:
        lane.fork(branches)
        lost = yield
        if isinstance(lost, str):
            raise EndRound(lost)

    return timed(step.name, program, build)
