"""`stop: round | user`: the rest of the round is left out; with `user`, this user leaves as well. Not a failure."""

from perfspec.language.nodes import Mapping, Scalar
from perfspec.steps.kinds import Stop
from perfspec.steps.reading import Ends, Names, Reading, Tally
from perfspec.steps.runtime import STOP_ROUND, STOP_USER, Build, EndRound, Lane, Program, Run

__all__ = ["bind", "describe", "names", "read", "weigh"]


def read(node: Mapping, parent: str, reading: Reading) -> Stop | None:
    said = node.entry("stop")
    if said is None or not isinstance(said.value, Scalar) or said.value.text not in ("round", "user"):
        return None
    at = reading.address(parent, "stop")
    return Stop(at, said.key.span, "user" if said.value.text == "user" else "round")


def names(step: Stop) -> Names:
    yield Ends(step.what, step.span)


def describe(step: Stop) -> str:
    return "end the round" if step.what == "round" else "the user leaves"


def weigh(_step: Stop, _tally: Tally) -> None:
    """Nothing is sent. What follows is counted all the same: who stops how often, only the run can say."""


def bind(step: Stop, _build: Build) -> Program:
    kind = STOP_ROUND if step.what == "round" else STOP_USER

    def program(_lane: Lane) -> Run:
        yield from ()
        raise EndRound(kind)

    return program
