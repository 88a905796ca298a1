"""Floor 3: the kinds of step. Each kind's file says how it is read, what it names, what it does, and what it costs.

A new kind: its shape in kinds.py, its file, its row here, its words in the schema.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from perfspec.language.nodes import Mapping, Node, Sequence
from perfspec.steps import for_each, pause, request, wait_until, when
from perfspec.steps.kinds import ForEach, Pause, Request, Step, WaitUntil, When
from perfspec.steps.reading import Bind, Names, Read, Reading, Tally
from perfspec.steps.runtime import Build, Program

__all__ = ["Bind", "Read", "bind", "describe", "names", "read_steps", "request_of", "requests", "walk", "weigh"]


@dataclass(frozen=True, slots=True)
class Kind:
    read: Callable[[Mapping, str, Reading], Step | None]
    names: Callable[[Any], Names]
    describe: Callable[[Any], str]
    weigh: Callable[[Any, Tally], None]
    bind: Callable[[Any, Build], Program]


KINDS: dict[type, Kind] = {
    Request: Kind(request.read, request.names, request.describe, request.weigh, request.bind),
    WaitUntil: Kind(wait_until.read, wait_until.names, wait_until.describe, wait_until.weigh, wait_until.bind),
    Pause: Kind(pause.read, pause.names, pause.describe, pause.weigh, pause.bind),
    ForEach: Kind(for_each.read, for_each.names, for_each.describe, for_each.weigh, for_each.bind),
    When: Kind(when.read, when.names, when.describe, when.weigh, when.bind),
}
VERBS: tuple[tuple[str, type], ...] = (
    ("until", WaitUntil),  # before the methods: it is a request and something more
    *((method, Request) for method in request.METHODS),
    ("pause", Pause),
    ("for_each", ForEach),
    ("when", When),
)


def read_steps(node: Node | None, parent: str, reading: Reading) -> tuple[Step, ...]:
    """The steps of a list; what cannot be read has been reported and is left out."""
    found = []
    for item in node if isinstance(node, Sequence) else ():
        if not isinstance(item, Mapping):
            continue
        kind = next((kind for verb, kind in VERBS if item.get(verb) is not None), None)
        step = KINDS[kind].read(item, parent, reading) if kind else None
        if step is not None:
            found.append(step)
    return tuple(found)


def names(steps: tuple[Step, ...]) -> Iterator[Read | Bind]:
    """What the steps read and bind, in the order it happens."""
    for step in steps:
        for name in KINDS[type(step)].names(step):
            if isinstance(name, (Read, Bind)):
                yield name
            else:
                yield from names((name,))


def walk(steps: tuple[Step, ...]) -> Iterator[Step]:
    """Every step, parents before children."""
    for step in steps:
        yield step
        if isinstance(step, (ForEach, When)):
            yield from walk(step.steps)
        if isinstance(step, When):
            yield from walk(step.otherwise)


def request_of(step: Step) -> Request | None:
    """What a step sends: a request itself, or the one a wait sends again and again."""
    if isinstance(step, WaitUntil):
        return step.request
    return step if isinstance(step, Request) else None


def requests(steps: tuple[Step, ...]) -> Iterator[Request]:
    """Every request of the steps, those of waits too, in the order of the spec."""
    for step in walk(steps):
        request = request_of(step)
        if request is not None:
            yield request


def describe(step: Step) -> str:
    """One English sentence, without a full stop."""
    return KINDS[type(step)].describe(step)


def weigh(step: Step, tally: Tally) -> None:
    """Say to the tally what this step is expected to send."""
    KINDS[type(step)].weigh(step, tally)


def bind(step: Step, build: Build) -> Program:
    """The program that carries the step out."""
    return KINDS[type(step)].bind(step, build)
