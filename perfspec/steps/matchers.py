"""Matchers as predicates: is this part of an answer as expected? Compiled once per check.

JSON's equality: true is not 1. Where it cannot be said what is expected, nothing is as expected.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TypeAlias

from msgspec.structs import replace

from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Span
from perfspec.language.answers import has_unit
from perfspec.language.codegen import Generator, as_text
from perfspec.language.patterns import Pattern, compile_pattern
from perfspec.language.phrase_grammar import parse_limit_text
from perfspec.language.phrases import Limit, Matcher
from perfspec.steps.paths import MISSING
from perfspec.steps.runtime import Vars

__all__ = ["Predicate", "for_every", "predicate"]

Predicate: TypeAlias = Callable[[object, Vars], bool]
_NOWHERE = Span("", 1, 1, 1, 1)
_UNFIT = (LookupError, TypeError, ValueError)
_OF_THE_LIST = frozenset({"present", "absent", "empty", "not empty", "contains"})
"""What is said of all that a path found, taken as one list; anything else is said of every single find."""


def for_every(matcher: Matcher, constants: Mapping[str, object]) -> Predicate:
    """For a path that can reach several values: it gets their list. Nothing found is not as expected, but `absent`."""
    single = predicate(matcher, constants)
    if matcher.kind in _OF_THE_LIST or (matcher.limit is not None and matcher.limit.quantity.unit == "entries"):
        return (
            single
            if matcher.kind not in ("present", "absent")
            else lambda value, names: single(value or MISSING, names)
        )
    return lambda value, names: isinstance(value, list) and bool(value) and all(single(each, names) for each in value)


def predicate(matcher: Matcher, constants: Mapping[str, object]) -> Predicate:
    negated = matcher.negated
    if not _has_holes(matcher):
        base = _fixed(matcher)
        return (lambda value, names: not base(value, names)) if negated else base
    drawn = _drawn(matcher, constants)

    def holds(value: object, names: Vars) -> bool:
        try:
            return drawn(value, names) is not negated
        except _UNFIT:  # where it cannot be said what is expected, nothing is as expected
            return False

    return holds


def _has_holes(matcher: Matcher) -> bool:
    operand = matcher.operand if isinstance(matcher.operand, tuple) else (matcher.operand,)
    return any(isinstance(entry, str) and "${" in entry for entry in operand)


def _fixed(matcher: Matcher) -> Predicate:
    operand = matcher.operand
    if matcher.kind == "equals":
        if isinstance(operand, str):  # which nothing but a text equals
            return lambda value, _: value == operand
        return lambda value, _: _same(value, operand)
    if matcher.kind == "one of":
        entries = operand if isinstance(operand, tuple) else (operand,)
        return lambda value, _: any(_same(value, entry) for entry in entries)
    if matcher.kind == "limit":
        return _within(matcher.limit)
    return _SHAPES[matcher.kind](matcher)


def _drawn(matcher: Matcher, constants: Mapping[str, object]) -> Predicate:
    """What is expected holds `${...}`, so it differs from round to round."""
    if isinstance(matcher.operand, tuple):
        entries = tuple(_operand(entry, constants) for entry in matcher.operand)
        return lambda value, names: any(_same(value, entry(names)) for entry in entries)
    expected = _operand(matcher.operand, constants)
    if matcher.kind == "equals":
        return lambda value, names: _same(value, expected(names))
    if matcher.kind == "limit":
        return lambda value, names: _within(_limit(as_text(expected(names))))(value, names)
    shape = _SHAPES[matcher.kind]
    return lambda value, names: shape(replace(matcher, operand=as_text(expected(names))))(value, names)


def _limit(text: str) -> Limit:
    """A limit whose holes are filled in. Raises ValueError for a text that is none."""
    limit = parse_limit_text(text, _NOWHERE, Diagnostics())
    if limit is None or has_unit(limit):
        raise ValueError(f"`{text}` is no limit of a number in an answer")
    return limit


def _same(value: object, expected: object) -> bool:
    """JSON's equality: true is not 1."""
    if isinstance(value, bool) or isinstance(expected, bool):
        return value is expected
    return value == expected


def _operand(source: object, constants: Mapping[str, object]) -> Callable[[Vars], object]:
    """One hole alone keeps its type; anything longer is a text."""
    if not isinstance(source, str) or "${" not in source:
        return lambda _: source
    return Generator(constants, "expect").value(source)


def _within(limit: Limit | None) -> Predicate:
    assert limit is not None
    low, high, relation = limit.quantity.value, limit.high.value if limit.high else None, limit.relation
    counts = limit.quantity.unit == "entries"

    def within(value: object, _: Vars) -> bool:
        if counts:
            if not isinstance(value, (list, dict, str)):
                return False
            value = len(value)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        if relation == "between":
            return high is not None and low <= value <= high
        return {"under": value < low, "at most": value <= low, "over": value > low}.get(relation, value >= low)

    return within


def _contains(matcher: Matcher) -> Predicate:
    wanted = matcher.operand

    def contains(value: object, _: Vars) -> bool:
        if isinstance(value, str):
            return str(wanted) in value
        return wanted in value if isinstance(value, (list, dict)) else False

    return contains


def _starts_with(matcher: Matcher) -> Predicate:
    wanted = str(matcher.operand)
    return lambda value, _: isinstance(value, str) and value.startswith(wanted)


@lru_cache(maxsize=128)
def _compiled(pattern: str) -> Pattern:
    """Kept, for an expected pattern may be drawn anew in each round."""
    return compile_pattern(pattern)


def _matches(matcher: Matcher) -> Predicate:
    pattern = _compiled(str(matcher.operand))
    return lambda value, _: isinstance(value, str) and pattern.search(value.encode(errors="replace"))


def _empty(value: object, _: Vars) -> bool:
    return value is None or value is MISSING or (isinstance(value, (str, list, dict)) and not value)


_SHAPES: dict[str, Callable[[Matcher], Predicate]] = {
    "contains": _contains,
    "starts with": _starts_with,
    "matches": _matches,
    "present": lambda _: lambda value, _names: value is not MISSING,
    "absent": lambda _: lambda value, _names: value is MISSING,
    "empty": lambda _: _empty,
    "not empty": lambda _: lambda value, names: not _empty(value, names),
}
