"""Steps one after another, as one program."""

from perfspec.steps.kinds import Step
from perfspec.steps.runtime import Build, Lane, Program, Run

__all__ = ["in_turn"]


def in_turn(steps: tuple[Step, ...], build: Build) -> Program:
    """A single step is its own program: a wrapper would cost a generator per round."""
    programs = tuple(build.program(step) for step in steps)
    if len(programs) == 1:
        return programs[0]

    def program(lane: Lane) -> Run:
        for each in programs:
            yield from each(lane)

    return program
