"""`set: {name: ${...}}`: names for values that are computed, one after the other."""

from perfspec.language import templates
from perfspec.language.nodes import Mapping
from perfspec.steps.kinds import Set
from perfspec.steps.reading import Bind, Names, Reading, Tally, reads
from perfspec.steps.runtime import Build, Lane, Program, Run
from perfspec.steps.sequence import computed

__all__ = ["bind", "describe", "names", "read", "weigh"]


def read(node: Mapping, parent: str, reading: Reading) -> Set | None:
    said = node.entry("set")
    if said is None or not isinstance(said.value, Mapping):
        return None
    found = tuple((each.key.text, templates.body(each.value, is_sent=False), each.key.span) for each in said.value)
    return Set(reading.address(parent, "set"), said.key.span, found)


def names(step: Set) -> Names:
    for name, value, span in step.names:
        for text in templates.texts(value):
            yield from reads(text)
        yield Bind(name, span, "set")


def describe(step: Set) -> str:
    return "set " + ", ".join(f"`{name}` to {_shown(value)}" for name, value, _ in step.names)


def _shown(value: templates.Body) -> str:
    match value:
        case templates.Template(text=text):
            return text.source
        case templates.Array():
            return "a list"
        case templates.Object():
            return "a map"
    return f"`{value.value}`"


def weigh(_step: Set, _tally: Tally) -> None:
    """Nothing is sent."""


def bind(step: Set, build: Build) -> Program:
    values = tuple((name, computed(value, span, f"{step.at}.{name}", build)) for name, value, span in step.names)

    def program(lane: Lane) -> Run:
        scope = lane.vars
        for name, value in values:
            scope[name] = value(scope)
        yield from ()

    return program
