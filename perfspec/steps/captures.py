"""Captures as functions over an answer: where to look, and which of what is found to take.

Without a word before it the first find is taken; a cookie is what a browser would have under its name. `all`, `random`
and `count` take from all finds; behind a path that reaches one value, from the entries of the list that stands there.
`all` and `random` of nothing find nothing, so the request fails unless `or` says what stands in; `count` is then 0.
"""

from collections.abc import Callable
from typing import TypeAlias

from perfspec.base import random
from perfspec.language.json_path import is_singular
from perfspec.language.patterns import compile_pattern
from perfspec.language.phrases import Capture
from perfspec.language.scalars import resolve
from perfspec.language.selectors import compile_selector
from perfspec.steps.kinds import Captured
from perfspec.steps.paths import MISSING, reach, reach_all
from perfspec.steps.runtime import Outcome, Vars

__all__ = ["Take", "header", "take"]

Take: TypeAlias = Callable[[Outcome, object, Vars], object]
"""From the answer, its parsed body and the names of the round to the value, or MISSING."""
Finds: TypeAlias = Callable[[Outcome, object], list[object] | None]
"""All that is found; None where there is nothing that could be taken from."""


def take(captured: Captured, at: str) -> Take:
    """`at`: the address of the step, so that what is drawn depends on it and on nothing else."""
    capture = captured.capture
    otherwise = _fallback(capture)
    if capture.source == "json" and capture.take == "first" and is_singular(capture.argument):
        single = reach(capture.path)
        if otherwise is MISSING:
            return lambda _, document, _names: single(document)
        return lambda _, document, _names: otherwise if (value := single(document)) is MISSING else value
    if capture.source == "cookie" and capture.take == "first":
        return _cookie(capture, otherwise)
    finds = _FINDS[capture.source](capture)
    cookie = capture.argument if (capture.source, capture.take) == ("cookie", "first") else ""
    chosen = _chosen(capture, random.site(f"{at}.capture.{captured.name}"))

    def taken(outcome: Outcome, document: object, names: Vars) -> object:
        found = finds(outcome, document)
        value = MISSING if found is None else chosen(found, names)
        if value is MISSING and cookie and names.cookies is not None:
            value = MISSING if (kept := names.cookies.value(cookie)) is None else kept  # set on the way to this answer
        return otherwise if value is MISSING else value

    return taken


def _fallback(capture: Capture) -> object:
    if capture.fallback is None:
        return MISSING
    return [] if capture.take == "all" and capture.fallback == "[]" else resolve(capture.fallback)


def _chosen(capture: Capture, site: int) -> Callable[[list[object], Vars], object]:
    if capture.take == "count":
        return lambda found, _: len(found)
    if capture.take == "all":
        return lambda found, _: found or MISSING
    if capture.take == "random":
        return lambda found, names: (
            found[int(random.draw(names.base, site, names.step) * len(found))] if found else MISSING
        )
    return lambda found, _: found[0] if found else MISSING


def _cookie(capture: Capture, otherwise: object) -> Take:
    """What this answer sets last; if it sets nothing, what the user has: it may have been set on the way here."""
    finds, name = _in_cookie(capture), capture.argument

    def taken(outcome: Outcome, document: object, names: Vars) -> object:
        found = finds(outcome, document)
        if found:
            return found[-1]
        kept = names.cookies.value(name) if names.cookies is not None else None
        return otherwise if kept is None else kept

    return taken


def _in_json(capture: Capture) -> Finds:
    if not is_singular(capture.argument):
        every = reach_all(capture.argument)
        return lambda _, document: None if document is MISSING else every(document)
    single = reach(capture.path)

    def entries(_: Outcome, document: object) -> list[object] | None:
        value = single(document)
        return value if isinstance(value, list) else None

    return entries


def _in_header(capture: Capture) -> Finds:
    name = capture.argument.lower().encode("latin-1")
    if capture.take == "first":
        return lambda outcome, _: [value] if (value := header(outcome, name)) is not None else []
    return lambda outcome, _: list(_lines(outcome, name))


def _in_cookie(capture: Capture) -> Finds:
    begin = f"{capture.argument}=".encode("latin-1")

    def finds(outcome: Outcome, _: object) -> list[object]:
        lines = (line.partition(b";")[0].strip() for line in _raw(outcome, b"set-cookie"))
        return [line[len(begin) :].decode("latin-1") for line in lines if line.startswith(begin)]

    return finds


def _in_text(capture: Capture) -> Finds:
    """By a pattern or a selector."""
    found = (compile_selector if capture.source == "css" else compile_pattern)(capture.argument).found
    if capture.take == "first":
        return lambda outcome, _: [value] if (value := next(found(outcome.body), None)) is not None else []
    return lambda outcome, _: list(found(outcome.body))


_FINDS: dict[str, Callable[[Capture], Finds]] = {
    "json": _in_json,
    "header": _in_header,
    "cookie": _in_cookie,
    "regex": _in_text,
    "css": _in_text,
}


def header(outcome: Outcome, name: bytes) -> str | None:
    """The value of a header; where it is there several times, all of them with commas between."""
    found = _raw(outcome, name)
    return b", ".join(found).decode("latin-1") if found else None


def _lines(outcome: Outcome, name: bytes) -> list[str]:
    return [value.decode("latin-1") for value in _raw(outcome, name)]


def _raw(outcome: Outcome, name: bytes) -> list[bytes]:
    return [value for key, value in outcome.head.headers if key == name] if outcome.head else []
