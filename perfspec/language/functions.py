"""The functions that expressions may call: total, linear in their input, without side effects.

A function raises TypeError or ValueError for values it cannot take; whoever evaluates counts that as a failed request
or round. Results are at most 64 kB of text or 1 000 entries.
"""

from base64 import b64encode
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise

import orjson

from perfspec.base.clock import utc_now
from perfspec.language.dates import formatted

__all__ = [
    "FUNCTIONS",
    "INVENTED",
    "KINDS",
    "MAX_ENTRIES",
    "MAX_TEXT",
    "NEVER_EMPTY",
    "UNSTEADY",
    "Function",
    "add",
    "default",
    "divide",
    "kind_of",
    "multiply",
    "pick",
    "subtract",
]

MAX_TEXT = 64 * 1024
MAX_ENTRIES = 1_000
_MOST_DECIMALS = 9
MAX_NUMBER = 10**300
"""Beyond it whole numbers can no longer become decimal ones."""
Number = int | float


@dataclass(frozen=True, slots=True)
class Function:
    call: Callable[..., object]
    fewest: int
    most: int
    takes: str
    example: str


def _number(x: object) -> Number:
    if isinstance(x, bool) or not isinstance(x, (int, float)):
        raise TypeError(f"a number is needed here, not {kind_of(x)}")
    if not -MAX_NUMBER < x < MAX_NUMBER:
        raise ValueError("the number is too large to reckon with")
    return x


def _list(x: object) -> Sequence[object]:
    if not isinstance(x, (list, tuple)):
        raise TypeError(f"a list is needed here, not {kind_of(x)}")
    return x


def _text(x: object) -> str:
    if not isinstance(x, str):
        raise TypeError(f"a text is needed here, not {kind_of(x)}")
    return x


KINDS = {"str": "a text", "bool": "true or false", "int": "a number", "float": "a number", "NoneType": "null",
         "list": "a list", "tuple": "a list"}  # fmt: skip
"""What a value is called, by the name of its type."""


def kind_of(x: object) -> str:
    return KINDS.get(type(x).__name__, "a map")


def add(a: object, b: object) -> Number:
    return _number(a) + _number(b)


def subtract(a: object, b: object) -> Number:
    return _number(a) - _number(b)


def multiply(a: object, b: object) -> Number:
    return _number(a) * _number(b)


def divide(a: object, b: object) -> Number:
    """Raises ValueError when dividing by zero."""
    divisor = _number(b)
    if divisor == 0:
        raise ValueError("division by zero")
    return _number(a) / divisor


def prefixes(text: object, shortest: object, longest: object) -> list[str]:
    """What a person has typed after each key stroke: the first `shortest` characters, one more, up to `longest`.

    A text shorter than `shortest` is given whole, once.
    """
    word, low, high = _text(text), int(_number(shortest)), int(_number(longest))
    high = min(high, len(word), MAX_ENTRIES)
    return [word[:n] for n in range(max(low, 1), high + 1)] or [word]


def _join(items: object, separator: object) -> str:
    text = _text(separator).join(str(x) for x in _list(items))
    if len(text) > MAX_TEXT:
        raise ValueError("the joined text is longer than 64 kB")
    return text


def _split(text: object, separator: object) -> list[str]:
    return _text(text).split(_text(separator), MAX_ENTRIES - 1)


def _bounded(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise ValueError("the text is longer than 64 kB")
    return text


def _first(x: object, *how_many: object) -> object:
    """One entry or letter; with a number the first so many."""
    items = _text(x) if isinstance(x, str) else _list(x)
    if how_many:
        return items[: max(int(_number(how_many[0])), 0)]
    if not items:
        raise ValueError("`first` of something empty")
    return items[0]


def _round(x: object, *decimals: object) -> Number:
    """Halves go to the even neighbour."""
    if not decimals:
        return round(_number(x))
    places = int(_number(decimals[0]))
    if not 0 <= places <= _MOST_DECIMALS:
        raise ValueError(f"a number is rounded to 0 to {_MOST_DECIMALS} decimals")
    return round(float(_number(x)), places)


def _date(seconds: object, *form: object) -> str | int:
    return formatted(_number(seconds), _text(form[0]) if form else "")


def _json(x: object) -> str:
    try:
        return _bounded(orjson.dumps(x).decode())
    except orjson.JSONEncodeError as error:
        raise ValueError(f"it cannot be written as JSON: {error}") from error


def _base64(x: object) -> str:
    return _bounded(b64encode(_text(x).encode()).decode())


def _sha256(x: object) -> str:
    return sha256(_text(x).encode()).hexdigest()


def _count(x: object) -> int:
    return len(x) if isinstance(x, (str, dict)) else len(_list(x))


def pick(items: object, chance: float) -> object:
    """`random(list)`. Raises ValueError for an empty list."""
    found = _list(items)
    if not found:
        raise ValueError("`random` of an empty list")
    return found[int(chance * len(found))]


def default(value: Callable[[], object], otherwise: Callable[[], object]) -> object:
    """The value; `otherwise` where there is none: null, a name that was not captured, a map without that key."""
    try:
        found = value()
    except LookupError:
        found = None
    return otherwise() if found is None else found


def bucket(x: object, *bounds: object) -> str:
    """The range a number falls into, as a text: few values, fit for a tag."""
    number, edges = _number(x), [_number(bound) for bound in bounds]
    if any(low >= high for low, high in pairwise(edges)):
        raise ValueError("the bounds of `bucket` rise from left to right")
    place = bisect_left(edges, number)
    if place == 0:
        return f"up to {edges[0]}"
    if place == len(edges):
        return f"over {edges[-1]}"
    low = edges[place - 1]
    return f"{low + 1 if isinstance(low, int) else low}-{edges[place]}"


def _drawn(*_: object) -> object:
    """Stands for what is compiled in place: it needs the names of the round."""
    raise AssertionError("compiled in place")


FUNCTIONS: dict[str, Function] = {
    "bucket": Function(bucket, 2, 9, "a number and up to 8 bounds", "bucket(words, 50, 300)"),
    "base64": Function(_base64, 1, 1, "a text", "base64(name)"),
    "count": Function(_count, 1, 1, "a list or a text", "count(hits)"),
    "date": Function(_date, 1, 2, "seconds since 1970 and a form", 'date(now(), "%Y-%m-%d")'),
    "default": Function(_drawn, 2, 2, "a value and what to take where there is none", "default(total, 0)"),
    "first": Function(_first, 1, 2, "a list or a text, and how many", "first(hits)"),
    "fresh": Function(_drawn, 1, 1, "the name of a data generator", "fresh(sentence)"),
    "join": Function(_join, 2, 2, "a list and a separator", 'join(ids, ",")'),
    "json": Function(_json, 1, 1, "a value", "json(hits)"),
    "lower": Function(lambda x: _bounded(_text(x).lower()), 1, 1, "a text", "lower(name)"),
    "max": Function(lambda *x: max(_number(n) for n in x), 2, 9, "two numbers or more", "max(total, 10)"),
    "min": Function(lambda *x: min(_number(n) for n in x), 2, 9, "two numbers or more", "min(total, 10)"),
    "now": Function(lambda: utc_now().timestamp(), 0, 0, "nothing", "now()"),
    "prefixes": Function(prefixes, 3, 3, "a text, the shortest and the longest length", "prefixes(name, 2, 7)"),
    "random": Function(_drawn, 1, 1, "a list", "random(hits)"),
    "round": Function(_round, 1, 2, "a number, and to how many decimals", "round(total / 2)"),
    "sha256": Function(_sha256, 1, 1, "a text", "sha256(name)"),
    "split": Function(_split, 2, 2, "a text and a separator", 'split(tags, ",")'),
    "upper": Function(lambda x: _bounded(_text(x).upper()), 1, 1, "a text", "upper(name)"),
}

INVENTED = {
    **dict.fromkeys(("length", "len", "size", "strlen"), "write `count(x)`"),
    **dict.fromkeys(("pick", "choose", "sample", "choice", "random_choice", "one_of"), "write `random(list)`"),
    **dict.fromkeys(("uuid", "uuid4", "guid"), "add `data: {id: {uuid: random}}`, and write `${id}`"),
    **dict.fromkeys(
        ("randint", "rand", "random_int", "randomInt", "random_number", "number"),
        "add `data: {n: {number: 1 to 100}}`, and write `${n}`",
    ),
    **dict.fromkeys(("counter", "sequence", "increment"), "add `data: {n: {sequence: 1 up}}`, and write `${n}`"),
    **dict.fromkeys(("fake", "faker"), "add `data: {x: {fake: sentence}}`, and write `${x}`"),
    **dict.fromkeys(("substring", "substr", "slice", "left", "truncate"), "write `first(text, 3)`"),
    **dict.fromkeys(("concat", "append"), "write one behind the other: `${a}${b}`"),
    **dict.fromkeys(("str", "string", "text", "to_string", "toString"), "a value inside of text is a text by itself"),
    **dict.fromkeys(("timestamp", "time", "unix", "epoch"), "write `round(now())`, or `round(now() * 1000)` in ms"),
    **dict.fromkeys(("today", "datetime", "iso", "format_date", "strftime"), 'write `date(now(), "%Y-%m-%d")`'),
    **dict.fromkeys(("uppercase", "toUpperCase", "upcase"), "write `upper(text)`"),
    **dict.fromkeys(("lowercase", "toLowerCase", "downcase"), "write `lower(text)`"),
    **dict.fromkeys(("coalesce", "ifnull", "or_else", "fallback"), "write `default(x, 0)`"),
    **dict.fromkeys(("stringify", "to_json", "dumps"), "write `json(x)`"),
    **dict.fromkeys(("b64encode", "b64", "encode_base64"), "write `base64(text)`"),
    **dict.fromkeys(("hash", "md5", "sha1", "sha"), "write `sha256(text)`"),
    **dict.fromkeys(("floor", "ceil", "int", "trunc"), "write `round(x)`"),
    **dict.fromkeys(("range", "repeat"), "write a step `repeat: 3 times`"),
    **dict.fromkeys(("env", "getenv", "environ"), "add it under `secrets`, or under the `values` of an environment"),
    **dict.fromkeys(("contains", "includes"), "write `x in list`"),
    **dict.fromkeys(("if", "iif", "ternary"), "write a step `when: ${condition}` with `otherwise`"),
    "abs": "write `max(x, -x)`",
    "redraw": "write `fresh(name)`",
}
"""Functions that people think of and the language does not have, and how it is said instead."""

NEVER_EMPTY = frozenset({"prefixes", "split"})
"""Their lists have an entry, whatever they are called with."""
UNSTEADY = frozenset({"fresh", "random", "now"})
"""Functions that do not give the same for the same arguments."""
