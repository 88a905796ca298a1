"""`use: fragment` with `with`: shared steps, put in place. A fragment knows what it is given, data, secrets, values and
what is always there; its caller learns what it gives.
"""

import difflib

from perfspec.diagnostics.source import Span
from perfspec.language import templates
from perfspec.language.nodes import Entry, Mapping, Scalar, Sequence
from perfspec.steps.kinds import Use
from perfspec.steps.reading import Inside, Names, Reading, Tally, reads
from perfspec.steps.runtime import Build, Lane, Program, Run, Vars
from perfspec.steps.sequence import computed, in_turn

__all__ = ["bind", "describe", "listed", "names", "read", "weigh"]

MOST_USES = 1_000
"""In one spec, fragments in fragments included: each is put in place."""


def read(node: Mapping, parent: str, reading: Reading) -> Use | None:
    said = node.entry("use")
    if said is None or not isinstance(said.value, Scalar):
        return None
    name = said.value.text
    fragment = reading.fragments.get(name)
    if fragment is None:
        near = difflib.get_close_matches(name, reading.fragments, 1)
        there = ", ".join(f"`{known}`" for known in reading.fragments)
        hint = f"did you mean `{near[0]}`?" if near else f"there is {there}" if there else "add it under `fragments:`"
        reading.out.add("PS410", f"no fragment is called `{name}`", said.value.span, hint)
        return None
    if not _may_be_used(said.value, reading):
        return None
    given = node.get("with")
    entries = given.entries if isinstance(given, Mapping) else ()
    _fits(name, entries, listed(fragment, "needs"), said.value.span, reading)
    at = reading.address(parent, f"use-{name}")
    reading.using.append(name)
    steps = reading.steps(fragment.get("steps"), at)
    reading.using.pop()
    values = tuple((entry.key.text, templates.body(entry.value, is_sent=False)) for entry in entries)
    return Use(at, said.value.span, name, values, tuple(listed(fragment, "gives")), steps)


def listed(fragment: Mapping, key: str) -> dict[str, Span]:
    """The names under `needs` or `gives`, with their places."""
    node = fragment.get(key)
    return {item.text: item.span for item in node if isinstance(item, Scalar)} if isinstance(node, Sequence) else {}


def _may_be_used(name: Scalar, reading: Reading) -> bool:
    """Not in itself, and not so often that a spec would never be read to its end."""
    if name.text in reading.using:
        circle = reading.using[reading.using.index(name.text) :]
        if name.text == min(circle):  # told once, whichever of them is read first
            way = " -> ".join((*circle, name.text))
            message = f"fragments use each other in a circle: {way}"
            reading.out.add("PS411", message, name.span, "repeat steps with `repeat` or `for_each`")
        return False
    reading.uses += 1
    if reading.uses == MOST_USES + 1:
        message = f"fragments are used more than {MOST_USES} times, fragments in fragments included"
        reading.out.add("PS411", message, name.span, "put the steps where they are needed, or repeat them")
    return reading.uses <= MOST_USES


def _fits(name: str, given: tuple[Entry, ...], needs: dict[str, Span], span: Span, reading: Reading) -> None:
    known = {entry.key.text for entry in given}
    for entry in given:
        if entry.key.text not in needs:
            near = difflib.get_close_matches(entry.key.text, [need for need in needs if need not in known], 1)
            there = ", ".join(f"`{need}`" for need in needs) or "nothing"
            hint = f"did you mean `{near[0]}`?" if near else f"it needs {there}"
            reading.out.add("PS412", f"fragment `{name}` needs no `{entry.key.text}`", entry.key.span, hint)
    for need, place in needs.items():
        if need not in known:
            message = f"fragment `{name}` needs `{need}`"
            reading.out.add("PS412", message, span, f"add `with: {{{need}: ...}}`", related=((place, ""),))


def names(step: Use) -> Names:
    for _, value in step.given:
        for text in templates.texts(value):
            yield from reads(text)
    yield Inside(step.name, step.span, step.steps, tuple(name for name, _ in step.given), step.gives)


def describe(step: Use) -> str:
    return f"use `{step.name}`"


def weigh(step: Use, tally: Tally) -> None:
    tally.times(1, step.steps)


def bind(step: Use, build: Build) -> Program:
    given = tuple((name, computed(value, step.span, f"{step.at}.{name}", build)) for name, value in step.given)
    body, gives = in_turn(step.steps, build), step.gives

    def program(lane: Lane) -> Run:
        outer = lane.vars
        inner = Vars(outer=outer.whole)
        inner.step, inner.cookies = outer.step, outer.cookies
        for name, value in given:
            inner[name] = value(outer)
        lane.vars = inner
        try:
            yield from body(lane)
        finally:
            lane.vars = outer
        outer.cookies = inner.cookies
        for name in gives:
            outer[name] = inner[name]

    return program
