"""Amounts with their unit: `300ms`, `0.5%`, `20/s`, `100kB`, `10x`, `3 entries`, `4`. Exact; no unit is ever guessed.

What is nearly an amount (`300 ms`, `5 sec`, `0,5 %`) is not read but answered with the form that would be.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, NamedTuple

from perfspec.base.units import parse_duration as duration_ns
from perfspec.base.units import parse_share as share_of
from perfspec.diagnostics.diagnostic import Diagnostics, Edit
from perfspec.diagnostics.source import Span
from perfspec.language.nodes import Scalar
from perfspec.language.phrases import Quantity, Unit

__all__ = [
    "MAX_NS",
    "MAX_PHRASE",
    "Said",
    "nearly",
    "parse_duration",
    "parse_quantity",
    "parse_rate",
    "parse_share",
    "respelt",
    "shorten",
    "with_unit",
]

MAX_NS: Final = 366 * 86_400_000_000_000
MAX_PHRASE: Final = 300
"""Longer texts are no phrase, and no pattern is tried on them."""
_MAX_TEXT = 80

_NUMBER = r"(?P<number>\d+(?:\.\d+)?)"
_SIZES = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_FORMS: tuple[tuple[re.Pattern[str], Unit], ...] = (
    (re.compile(rf"{_NUMBER}/s"), "rate"),
    (re.compile(rf"{_NUMBER}(?P<size>{'|'.join(_SIZES)})"), "size"),
    (re.compile(rf"{_NUMBER}x"), "times"),
    (re.compile(rf"{_NUMBER} (?:entries|entry)"), "entries"),
    (re.compile(r"(?P<number>-?\d+(?:\.\d+)?)"), "number"),
)
_SPELLINGS: tuple[tuple[str, str], ...] = (
    (r"(?<=\d),(?=\d)", "."),
    (r"\s*(?:percent|per ?cent|pct|%)$", "%"),
    (r"\s*(?:requests?|req|users?|arrivals?)?\s*(?:per|/|a)\s*(?:seconds?|sec|s)$", "/s"),
    (r"\s*rps$", "/s"),
    (r"\s*(?:milliseconds?|millis|msecs?|ms)(?![a-z])", "ms"),
    (r"\s*(?:microseconds?|µs|μs|us)(?![a-z])", "us"),
    (r"\s*(?:seconds?|secs?|s)(?![a-z])", "s"),
    (r"\s*(?:minutes?|mins?|m)(?![a-z])", "m"),
    (r"\s*(?:hours?|hrs?|h)(?![a-z])", "h"),
    (r"\s*(?:days?|d)(?![a-z])", "d"),
    (r"\s*(k|m|g)b$", r"\1b"),
    (r"\s*(?:items?|elements?|entrys)$", " entries"),
    (r"\s*(?:times)$", "x"),
)
"""Compiled when something is not understood: that would take longer than all the rest of this file."""


@dataclass(frozen=True, slots=True)
class Said:
    """A phrase as written, and its place."""

    text: str
    span: Span

    @classmethod
    def of(cls, scalar: Scalar) -> "Said":
        return cls(scalar.text, scalar.content)

    def at(self, start: int, end: int) -> Span:
        """The place of characters [start, end); the whole where escapes or line breaks make that uncertain."""
        return self.span.part(start, end) if self.span.width == len(self.text) else self.span

    def group(self, match: re.Match[str], name: str | int) -> "Said":
        """A part that a pattern found."""
        return Said(match[name], self.at(match.start(name), match.end(name)))


def shorten(text: str) -> str:
    """A text as a message quotes it: on one line, at most 40 characters."""
    line = " ".join(text.split())
    return line if len(line) <= 40 else line[:39] + "…"


def parse_quantity(text: str) -> Quantity | None:
    """An amount in one of the forms of the language, or None."""
    if len(text) > _MAX_TEXT:
        return None
    if (ns := duration_ns(text)) is not None:
        return Quantity(Fraction(ns), "time", text)
    if (share := share_of(text)) is not None:
        return Quantity(share, "share", text)
    for pattern, unit in _FORMS:
        if match := pattern.fullmatch(text):
            factor = _SIZES[match["size"]] if unit == "size" else 1
            return Quantity(Fraction(match["number"]) * factor, unit, text)
    return None


def nearly(text: str) -> str | None:
    """The amount that was probably meant by a text that is none."""
    if len(text) > _MAX_TEXT or not text[:1].isdigit():
        return None
    guess = text.strip().lower()
    for pattern, spelling in _SPELLINGS:
        guess = re.sub(pattern, spelling, guess)
    guess = re.sub(r"(?<=\d)([kmg])b$", lambda m: {"k": "kB", "m": "MB", "g": "GB"}[m[1]], guess)
    guess = re.sub(r"(?<=[a-z])\s+(?:and\s+)?(?=\d)", "", guess)
    return guess if guess != text and parse_quantity(guess) else None


def with_unit(number: str, unit: Unit) -> str:
    """A bare number as an amount of this unit, as it was probably meant: `0.02` of everything is `2%`."""
    if unit == "share" and 0 < Fraction(number) < 1:
        return f"{float(Fraction(number) * 100):g}%"
    return number + {"time": "ms", "share": "%", "rate": "/s", "times": "x", "size": "kB"}.get(unit, "")


def respelt(span: Span, text: str, near: str) -> tuple[Edit, ...]:
    """The repair of a text that `nearly` read. A comma may part thousands or decimals, so there is none."""
    return () if "," in text else (Edit(span, near),)


class _Form(NamedTuple):
    """How an amount of one unit is asked for."""

    unit: Unit
    noun: str
    example: str
    with_unit: str
    """What to write for a bare number, as a pattern."""


_DURATION = _Form("time", "a duration", "30s, 500ms or 2m30s", "{0}s or {0}ms")
_SHARE = _Form("share", "a share", "5%", "{0}%")
_MAY_BE_NOTHING = frozenset({"warmup"})
_RATE = _Form("rate", "a rate", "2000/s", "{0}/s")


def _parse(scalar: Scalar, key: str, form: _Form, out: Diagnostics) -> Quantity | None:
    text = scalar.text.strip()
    quantity = parse_quantity(text)
    if quantity and quantity.unit == form.unit:
        return quantity
    near = nearly(text)
    meant = parse_quantity(near) if near else None
    if quantity and quantity.unit == "number":
        amount = with_unit(text, "share") if form.unit == "share" else form.with_unit.format(text)
        out.add("PS201", f"`{key}` needs a unit", scalar.span, f"write {amount}")
    elif meant and meant.unit == form.unit:
        edits = respelt(scalar.content, text, near or "")
        out.add("PS202", f"`{key}` cannot be `{shorten(text)}`", scalar.span, f"write {near}", edits=edits)
    else:
        out.add("PS202", f"`{key}` needs {form.noun}, found `{shorten(text)}`", scalar.span, f"write {form.example}")
    return None


def parse_duration(scalar: Scalar, key: str, out: Diagnostics) -> int | None:
    """Nanoseconds of a duration, under `key`; longer than nothing, where nothing says nothing."""
    quantity = _parse(scalar, key, _DURATION, out)
    if quantity is None:
        return None
    if quantity.value == 0 and key in _MAY_BE_NOTHING:
        return 0
    if not 0 < quantity.value <= MAX_NS:
        limit = "longer than 0s" if quantity.value <= 0 else "at most 366d"
        out.add("PS202", f"`{key}` cannot be `{shorten(scalar.text)}`", scalar.span, f"write a duration {limit}")
        return None
    return int(quantity.value)


def parse_share(scalar: Scalar, key: str, out: Diagnostics) -> Fraction | None:
    """A share of 1, written as `5%`, under `key`."""
    quantity = _parse(scalar, key, _SHARE, out)
    return quantity.value if quantity else None


def parse_rate(scalar: Scalar, key: str, out: Diagnostics) -> Quantity | None:
    """`2000/s`, under `key`."""
    return _parse(scalar, key, _RATE, out)
