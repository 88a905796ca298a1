"""`group: NAME`: steps that are timed as one, with their pauses and without."""

from perfspec.language.nodes import Mapping, Scalar
from perfspec.steps.kinds import Group
from perfspec.steps.reading import Names, Reading, Tally
from perfspec.steps.runtime import CUT_OFF, ON_PURPOSE, Build, EndRound, Lane, Program, Run
from perfspec.steps.sequence import in_turn

__all__ = ["bind", "describe", "names", "read", "timed", "weigh"]


def read(node: Mapping, parent: str, reading: Reading) -> Group | None:
    said = node.entry("group")
    if said is None or not isinstance(said.value, Scalar):
        return None
    at = reading.address(parent, f"group-{said.value.text}")
    return Group(at, said.key.span, said.value.text, said.value.span, reading.steps(node.get("steps"), at))


def names(step: Group) -> Names:
    yield from step.steps


def describe(step: Group) -> str:
    return f"timed as `{step.name}`"


def weigh(step: Group, tally: Tally) -> None:
    tally.group(step.name)
    tally.times(1, step.steps)


def bind(step: Group, build: Build) -> Program:
    return timed(step.name, in_turn(step.steps, build), build)


def timed(name: str, body: Program, build: Build) -> Program:
    """`body` as one transaction. It has failed if a request in it has; it is in no number if it sent nothing, or if the
    end of the load cut it off.
    """
    own, whole = build.recorder(name, (), "group"), build.recorder(name, (), "group with pauses")
    assert not callable(own)
    assert not callable(whole)
    own_value, whole_value, held_to = own.value, whole.value, own.held_to

    def over(lane: Lane, begin: int, paused: int, kind: str | None) -> None:
        if kind is not None or lane.outcome.due >= begin:
            whole_ns = lane.now() - begin
            own_ns = whole_ns - (lane.paused_ns - paused)
            own_value(begin, own_ns, kind)
            whole_value(begin, whole_ns, kind)
            if own_ns > held_to:  # the round is no good one
                lane.outcome.missed = True

    def program(lane: Lane) -> Run:
        begin, paused, failures = lane.due or lane.now(), lane.paused_ns, lane.failures
        try:
            yield from body(lane)
        except EndRound as end:
            if end.kind not in CUT_OFF:
                over(lane, begin, paused, None if end.kind in ON_PURPOSE else end.kind)
            raise
        over(lane, begin, paused, None if lane.failures == failures else lane.failure)

    return program
