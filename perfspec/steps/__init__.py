"""Floor 3: the kinds of step. Each kind's file says how it is read, what it names, what it does, and what it costs.

A new kind: its shape in kinds.py, its file, its row here, its words in the schema.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from perfspec.language.nodes import Mapping, Node, Scalar, Sequence
from perfspec.steps import (
    choose,
    for_each,
    group,
    option,
    parallel,
    pause,
    repeat,
    request,
    set_names,
    stop,
    stream,
    use,
    wait_until,
    when,
)
from perfspec.steps.kinds import (
    Choose,
    ForEach,
    Group,
    Option,
    Parallel,
    Pause,
    Repeat,
    Request,
    Set,
    Step,
    Stop,
    Stream,
    Use,
    WaitUntil,
    When,
)
from perfspec.steps.reading import AtOnce, Bind, Ends, Inside, Loop, Names, OneOf, Read, Reading, Tally
from perfspec.steps.runtime import Build, Program

__all__ = [
    "Bind",
    "Read",
    "bind",
    "changed",
    "children",
    "describe",
    "groups",
    "names",
    "read_steps",
    "request_of",
    "requests",
    "seen",
    "walk",
    "weigh",
]


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
    Stream: Kind(stream.read, stream.names, stream.describe, stream.weigh, stream.bind),
    Pause: Kind(pause.read, pause.names, pause.describe, pause.weigh, pause.bind),
    Group: Kind(group.read, group.names, group.describe, group.weigh, group.bind),
    Parallel: Kind(parallel.read, parallel.names, parallel.describe, parallel.weigh, parallel.bind),
    Repeat: Kind(repeat.read, repeat.names, repeat.describe, repeat.weigh, repeat.bind),
    ForEach: Kind(for_each.read, for_each.names, for_each.describe, for_each.weigh, for_each.bind),
    When: Kind(when.read, when.names, when.describe, when.weigh, when.bind),
    Choose: Kind(choose.read, choose.names, choose.describe, choose.weigh, choose.bind),
    Option: Kind(option.read, option.names, option.describe, option.weigh, option.bind),
    Use: Kind(use.read, use.names, use.describe, use.weigh, use.bind),
    Set: Kind(set_names.read, set_names.names, set_names.describe, set_names.weigh, set_names.bind),
    Stop: Kind(stop.read, stop.names, stop.describe, stop.weigh, stop.bind),
}
VERBS: tuple[tuple[str, type], ...] = (
    ("until", WaitUntil),  # before the methods: these are requests and something more
    ("stream", Stream),
    *((method, Request) for method in request.METHODS),
    ("pause", Pause),
    ("group", Group),
    ("parallel", Parallel),
    ("repeat", Repeat),
    ("for_each", ForEach),
    ("when", When),
    ("choose", Choose),
    ("use", Use),
    ("set", Set),
    ("stop", Stop),
)
HOLD = ("steps", "otherwise")
"""The fields in which a step has others."""


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
        else:
            reading.lost.update(_given_names(item))
    return tuple(found)


def _given_names(node: Node) -> Iterator[str]:
    """Every name that a step without a usable verb gives to something, its children's too."""
    for entry in node if isinstance(node, Mapping) else ():
        if entry.key.text in ("capture", "set") and isinstance(entry.value, Mapping):
            yield from (each.key.text for each in entry.value)
        elif entry.key.text in ("name", "as", "group", "parallel") and isinstance(entry.value, Scalar):
            yield entry.value.text
        else:
            yield from _given_names(entry.value)
    for item in node if isinstance(node, Sequence) else ():
        yield from _given_names(item)


def names(steps: tuple[Step, ...]) -> Iterator[Read | Bind]:
    """What the steps read and bind, in the order of the spec; of fragments what their caller can see."""
    for step in steps:
        for found in KINDS[type(step)].names(step):
            match found:
                case Read() | Bind():
                    yield found
                case OneOf(ways=lists) | AtOnce(branches=lists):
                    for inner in lists:
                        yield from names(inner)
                case Loop():
                    yield from () if found.entry is None else (found.entry,)
                    yield from names(found.steps)
                case Inside():
                    yield from seen(found)
                case Ends():
                    pass
                case _:
                    yield from names((found,))


def seen(fragment: Inside) -> Iterator[Read | Bind]:
    """What a fragment reads that is not its own, and what it gives."""
    found = list(names(fragment.steps))
    own = {*fragment.needs, *(name.name for name in found if isinstance(name, Bind))}
    yield from (name for name in found if isinstance(name, Read) and name.path.root not in own)
    yield from (Bind(name, fragment.span, "capture") for name in fragment.gives)


def children(step: Step) -> Iterator[tuple[str, tuple[Step, ...]]]:
    """The lists of steps that a step holds, each with the key it stands under."""
    for key in HOLD:
        held = getattr(step, key, ())
        if held:
            yield key, held


def changed(steps: tuple[Step, ...], change: Callable[[Step], Step]) -> tuple[Step, ...]:
    """The steps with every one of them changed, children first."""
    found = []
    for step in steps:
        held = {key: changed(inner, change) for key, inner in children(step)}
        found.append(change(msgspec.structs.replace(step, **held) if held else step))
    return tuple(found)


def walk(steps: tuple[Step, ...]) -> Iterator[Step]:
    """Every step, parents before children."""
    for step in steps:
        yield step
        for _, held in children(step):
            yield from walk(held)


def groups(steps: tuple[Step, ...]) -> Iterator[Group | Parallel]:
    """Everything that is timed as one."""
    for step in walk(steps):
        if isinstance(step, (Group, Parallel)):
            yield step


def request_of(step: Step) -> Request | None:
    """What a step sends: a request itself, or the one that a wait sends again and again, or a stream once."""
    if isinstance(step, (WaitUntil, Stream)):
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
