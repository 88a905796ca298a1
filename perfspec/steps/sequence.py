"""Steps one after another, once or in passes, as one program."""

from collections.abc import Callable

from perfspec.diagnostics.source import Span
from perfspec.language import templates
from perfspec.language.codegen import Generator
from perfspec.language.failures import why
from perfspec.language.templates import Body, Text
from perfspec.steps.kinds import Step
from perfspec.steps.runtime import Build, EndRound, Lane, Program, Run, Vars

__all__ = ["PASSES", "computed", "evaluated", "in_turn"]

PASSES = 1009
"""A prime above the longest list: numbers the passes of nested loops without collisions."""


def in_turn(steps: tuple[Step, ...], build: Build) -> Program:
    """A single step is its own program: a wrapper would cost a generator per round."""
    programs = tuple(build.program(step) for step in steps)
    if len(programs) == 1:
        return programs[0]

    def program(lane: Lane) -> Run:
        for each in programs:
            yield from each(lane)

    return program


def evaluated(text: Text, place: str, build: Build) -> Callable[[Vars], object]:
    """The value of a whole `${...}`. Raises EndRound with its line where the data does not fit.

    `place`: an address of its own, for what is drawn in it.
    """
    generator = Generator(build.constants, place)
    (hole,) = templates.holes(text.source)
    return _guarded(generator.function([f"return {generator.expression(hole.tree)}"]), text.span)


def computed(body: Body, span: Span, place: str, build: Build) -> Callable[[Vars], object]:
    """A value as written in the spec, its holes filled. Raises EndRound with its line where the data does not fit."""
    generator = Generator(build.constants, place)
    return _guarded(generator.function([f"return {generator.kept(body)}"]), span)


def _guarded(value: Callable[[Vars], object], span: Span) -> Callable[[Vars], object]:
    failed = f"expression {span.path}:{span.line}"

    def guarded(names: Vars) -> object:
        try:
            return value(names)
        except (LookupError, TypeError, ValueError) as error:
            raise EndRound(f"{failed} {why(error)}") from error

    return guarded
