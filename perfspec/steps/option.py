"""A way that `choose` may take. Not a step of the language: it is read with its `choose`."""

from perfspec.language.nodes import Mapping
from perfspec.steps.kinds import Option
from perfspec.steps.reading import Names, Reading, Tally
from perfspec.steps.runtime import Build, Program
from perfspec.steps.sequence import in_turn

__all__ = ["bind", "describe", "names", "read", "weigh"]


def read(_node: Mapping, _parent: str, _reading: Reading) -> None:
    return None


def names(step: Option) -> Names:
    yield from step.steps


def describe(step: Option) -> str:
    return f"{step.share:.0%}"


def weigh(step: Option, tally: Tally) -> None:
    tally.times(step.share, step.steps)


def bind(step: Option, build: Build) -> Program:
    return in_turn(step.steps, build)
