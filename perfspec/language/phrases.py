"""What phrases mean, as plain data: quantities, limits, matchers, captures, abort rules."""

from fractions import Fraction
from typing import Literal, NamedTuple

import msgspec

from perfspec.diagnostics.source import Span
from perfspec.language.templates import Text

__all__ = [
    "AbortRule",
    "ArrivalsPhrase",
    "Auth",
    "Capture",
    "Limit",
    "Matcher",
    "NumberRange",
    "Order",
    "Path",
    "PauseRange",
    "Quantity",
    "Spread",
    "Subject",
    "TextLength",
    "Times",
    "Unit",
    "UsersPhrase",
]

Unit = Literal["time", "share", "rate", "size", "times", "entries", "number"]
Path = tuple[str | int, ...]


class Quantity(msgspec.Struct, frozen=True):
    """An exact amount: nanoseconds for time, of 1 for a share, per second for a rate, bytes for a size."""

    value: Fraction
    unit: Unit
    text: str
    """As written: `300ms`."""


class Limit(msgspec.Struct, frozen=True):
    """`under 300ms`; for `between A and B` low and high are both set."""

    relation: Literal["under", "at most", "over", "at least", "between"]
    quantity: Quantity
    high: Quantity | None = None
    warn_only: bool = False
    text: str = ""
    """The phrase as written, without `, warn only`."""


class Matcher(msgspec.Struct, frozen=True):
    """What an answer should look like. An operand that holds `${...}` is a template."""

    kind: Literal[
        "equals", "one of", "limit", "contains", "starts with", "matches", "present", "absent", "empty", "not empty"
    ]
    operand: str | int | float | bool | tuple[str | int | float | bool | None, ...] | None = None
    limit: Limit | None = None
    negated: bool = False
    text: str = ""
    """As a sentence after its subject: `not empty`, `contains json`, `200`."""


class Capture(msgspec.Struct, frozen=True):
    """Which part of an answer gets a name."""

    source: Literal["json", "header", "cookie", "regex", "css"]
    argument: str
    """The JSON path, header name, cookie name, expression or selector as written."""
    path: Path = ()
    """The JSON path's parts, where it is singular."""
    take: Literal["first", "all", "random", "count"] = "first"
    secret: bool = False
    fallback: str | None = None
    """After `or`: taken where nothing was found."""

    @property
    def place(self) -> str:
        """Where it is looked for, as written."""
        return self.argument if self.source == "json" else f"{self.source} {self.argument}"


class Subject(msgspec.Struct, frozen=True):
    """Which part of an answer an expectation is about."""

    kind: Literal["status", "header", "json", "events"]
    argument: str = ""
    """The header's name or the JSON path as written."""
    path: Path = ()


class PauseRange(msgspec.Struct, frozen=True):
    """`2s`, `1s to 3s` (even) or `about 2s` (log-normal; low and high are then both the median)."""

    low_ns: int
    high_ns: int
    shape: Literal["fixed", "even", "about"]


class Times(msgspec.Struct, frozen=True):
    """How often: `3 times`, or drawn evenly from `2 to 5 times`."""

    low: int
    high: int


class UsersPhrase(msgspec.Struct, frozen=True):
    """`50`, or `ramp 0 to 50`."""

    start: int
    end: int


class ArrivalsPhrase(msgspec.Struct, frozen=True):
    """`20/s`, `ramp 5/s to 50/s`, `20/s poisson`."""

    start: Fraction
    end: Fraction
    is_poisson: bool = False


class TextLength(NamedTuple):
    """`40 to 400 words`, `20 characters`, `${prompt_words} words`."""

    low: int | Text
    """A Text is one whole hole."""
    high: int | Text
    unit: Literal["words", "characters"]


class NumberRange(NamedTuple):
    """`5 to 1500`, both included; `decimals` is the most that were written."""

    low: float
    high: float
    decimals: int


class Spread(msgspec.Struct, frozen=True):
    """How drawn numbers lie in their range. `at` is the middle of `normal` and `lognormal`, the exponent of `zipf`."""

    kind: Literal["even", "normal", "lognormal", "pareto", "zipf"] = "even"
    at: float = 0.0


class Order(msgspec.Struct, frozen=True):
    """Which row or entry comes next. `zipf S`: number k comes up in proportion to 1 / k to the power of S."""

    kind: Literal["random", "in order", "once each", "zipf"] = "random"
    exponent: float = 0.0
    when_used_up: Literal["", "restart", "stop"] = ""
    """As said; without it `in order` begins again and `once each` stops."""

    @property
    def is_dealt(self) -> bool:
        """Does every draw take the next one?"""
        return self.kind in ("in order", "once each")

    @property
    def restarts(self) -> bool:
        """Nothing runs out."""
        return not self.is_dealt or self.when_used_up == "restart" or (self.kind, self.when_used_up) == ("in order", "")


class Auth(msgspec.Struct, frozen=True):
    """How a request identifies itself. `value` may hold `${...}`."""

    scheme: Literal["bearer", "basic", "none"]
    value: str = ""


class AbortRule(msgspec.Struct, frozen=True):
    """When a run ends before its time."""

    kind: Literal["threshold", "no responses", "metric"]
    row: str
    """threshold: `any`, `errors` or a row's name; metric: the row after `of`, else `all`."""
    metric: str
    """metric: the cell, e.g. `errors`, `p95`."""
    limit: Limit | None
    for_ns: int
    """True in every second of that time; 0: when the evidence is sufficient."""
    text: str
    span: Span
