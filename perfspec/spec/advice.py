"""What can be run and is hardly meant: names nobody reads, conditions that never change, the same value in every pass.

Warnings only, and only where the reader of the spec would agree: what looks intended is left alone.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from math import prod

from perfspec import steps as kinds
from perfspec.data.kinds import Choice
from perfspec.diagnostics.diagnostic import Diagnostics, Severity
from perfspec.language import templates
from perfspec.language.codegen import Generator
from perfspec.language.expressions import is_steady, paths
from perfspec.language.templates import Text
from perfspec.spec import drawn, unlimited
from perfspec.spec.model import Spec
from perfspec.steps.kinds import Step, Use, When
from perfspec.steps.reading import AtOnce, Bind, Ends, Inside, Loop, Named, OneOf, Read

__all__ = ["check"]

MOST_CASES = 500
"""A condition over more combinations of values than this is not looked into."""


def check(spec: Spec, out: Diagnostics) -> None:
    """Advice is for specs without errors: a misspelt name would make another one look unused."""
    if out.has_errors:
        return
    own = [fragment for fragment in spec.fragments.values() if fragment.span.path == spec.path]
    _unused_names(spec, out)
    used = {step.name for steps in spec.parts() for step in kinds.walk(steps) if isinstance(step, Use)}
    inner = {step.name for fragment in own for step in kinds.walk(fragment.steps) if isinstance(step, Use)}
    for fragment in own:
        if fragment.name not in used | inner:
            message = f"nothing uses the fragment `{fragment.name}`"
            hint = f"write `- use: {fragment.name}`, or remove it"
            out.add("PS312", message, fragment.span, hint, severity=Severity.WARNING)
        gives = set(fragment.gives)
        _unused(fragment.steps, gives | _read(fragment.steps), out)
        _repeated(fragment.steps, spec, out)
    for steps in spec.parts():
        _repeated(steps, spec, out)
        _constant(steps, spec, out)
    unlimited.check(spec, out)


def _unused_names(spec: Spec, out: Diagnostics) -> None:
    """A name lives in the part that binds it; what setup captures is known in all of them."""
    of_data = {path.root for path, _ in drawn.reads(spec)}
    everywhere = {name for steps in spec.parts() for name in _read(steps)}
    _unused(spec.setup, everywhere | of_data, out)
    _unused(spec.first, everywhere | of_data, out)
    for steps in (spec.last, spec.teardown):
        _unused(steps, _read(steps), out)
    for flow in spec.flows.values():
        _unused(flow.steps, _read(flow.steps) | of_data, out)


def _read(steps: tuple[Step, ...]) -> set[str]:
    return {name.path.root for name in kinds.names(steps) if isinstance(name, Read)}


def _unused(steps: tuple[Step, ...], read: set[str], out: Diagnostics) -> None:
    for bind in _binds(steps):
        if bind.name not in read and not bind.proves:
            what = "captured" if bind.what == "capture" else "set"
            hint = "remove it; if it only has to be there, write `expect: {...: present}`"
            hint = hint if bind.what == "capture" else "remove it"
            message = f"`{bind.name}` is {what} here, and nothing reads it"
            out.add("PS310", message, bind.span, hint, severity=Severity.WARNING)


def _binds(steps: Iterable[Step]) -> Iterator[Bind]:
    """What is captured and set outside of fragments."""
    for step in steps:
        yield from (item for item in kinds.KINDS[type(step)].names(step) if isinstance(item, Bind))
        if not isinstance(step, Use):
            for _, held in kinds.children(step):
                yield from _binds(held)


@dataclass(frozen=True, slots=True)
class _Seen:
    read: Read
    loop: Loop | None
    """The outermost around it."""


def _repeated(steps: tuple[Step, ...], spec: Spec, out: Diagnostics) -> None:
    """A name that is drawn in a loop, sent in it and used nowhere else: was each pass meant to draw its own?"""
    varied = {data.name for data in spec.data if not (isinstance(data, Choice) and len(data.values) == 1)}
    found: dict[str, list[_Seen]] = defaultdict(list)
    for seen in _seen(steps, None):
        if seen.read.path.root in varied:
            found[seen.read.path.root].append(seen)
    for name, places in found.items():
        loop = places[0].loop
        sent = next((each.read for each in places if each.read.is_sent), None)
        if loop is None or sent is None or any(each.loop is not loop for each in places):
            continue
        if any(each.read.path.is_fresh for each in places):
            continue
        message = f"`{name}` is drawn once per round, so every pass of the loop on line {loop.span.line} sends the same"
        hint = f"write `${{fresh({name})}}`; if it is meant, `set` a name to it before the loop"
        out.add("PS307", message, sent.span, hint, severity=Severity.WARNING)


def _seen(items: Iterable[Named], loop: Loop | None) -> Iterator[_Seen]:
    for item in items:
        match item:
            case Read():
                yield _Seen(item, loop)
            case OneOf(ways=lists) | AtOnce(branches=lists):
                for held in lists:
                    yield from _seen(held, loop)
            case Loop():
                yield from _seen(item.steps, loop or (item if item.is_loop else None))
            case Inside():
                yield from (_Seen(read, loop) for read in kinds.seen(item) if isinstance(read, Read))
            case Bind() | Ends():
                pass
            case _:
                yield from _seen(kinds.KINDS[type(item)].names(item), loop)


def _constant(steps: tuple[Step, ...], spec: Spec, out: Diagnostics) -> None:
    """A condition that is the same for all data."""
    choices = {data.name: data.values for data in spec.data if isinstance(data, Choice)}
    for step in kinds.walk(steps):
        if not isinstance(step, When):
            continue
        values = _values(step.condition, choices)
        if len(values) == 1:
            (always,) = values
            which, lost = (
                ("always holds", "`otherwise` never happens") if always else ("never holds", "nothing is done")
            )
            if always and not step.otherwise:
                lost = "it decides nothing"
            known = ", ".join(f"`{value}`" for value in _compared(step.condition, choices))
            hint = f"its data is one of {known}" if known else "remove the condition"
            message = f"this condition {which}, so {lost}"
            out.add("PS311", message, step.condition.span, hint, severity=Severity.WARNING)


def _values(condition: Text, choices: Mapping[str, tuple[object, ...]]) -> set[bool]:
    """What the condition can be; empty where that is not known."""
    (hole,) = templates.holes(condition.source)
    names = sorted({path.root for path in paths(hole.tree)})
    if not is_steady(hole.tree) or not all(name in choices for name in names):
        return set()
    ranges = [choices[name] for name in names]
    if prod(map(len, ranges)) > MOST_CASES or any(isinstance(value, Text) for values in ranges for value in values):
        return set()
    generator = Generator({}, "")
    holds = generator.function([f"return {generator.expression(hole.tree)}"])
    try:
        return {bool(holds(dict(zip(names, case, strict=True)))) for case in product(*ranges)}
    except (LookupError, TypeError, ValueError):
        return set()


def _compared(condition: Text, choices: Mapping[str, tuple[object, ...]]) -> list[object]:
    """The values of the one name that the condition reads."""
    (hole,) = templates.holes(condition.source)
    names = {path.root for path in paths(hole.tree)}
    return list(choices[names.pop()]) if len(names) == 1 else []
