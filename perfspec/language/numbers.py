"""Phrases about drawn numbers: `5 to 1500`, `lognormal around 60`, and lengths of text that read a name."""

import re
from fractions import Fraction
from typing import Final, Literal, cast

from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.language.nodes import Scalar
from perfspec.language.phrases import NumberRange, Spread
from perfspec.language.quantities import MAX_PHRASE, shorten

__all__ = ["MAX_NUMBER", "parse_number_range", "parse_spread"]

MAX_NUMBER: Final = 10**15
"""Whole numbers up to here are exact in every JSON reader."""

_NUMBER = r"-?\d{1,16}(?:\.\d{1,9})?"
_RANGE = re.compile(rf"(?P<low>{_NUMBER}) to (?P<high>{_NUMBER})")
_LOOSE_RANGE = re.compile(
    rf"(?:between\s+|from\s+)?(?P<low>{_NUMBER})\s*(?:to|and|-|\u2013|\.\.\.?|,)\s*(?P<high>{_NUMBER})"
)
_AROUND = re.compile(rf"(?P<kind>normal|lognormal) around (?P<middle>{_NUMBER})")
_ZIPF = re.compile(r"zipf (?P<exponent>\d{1,2}(?:\.\d{1,9})?)")
_LOOSE_AROUND = re.compile(rf"(?P<kind>log-?\s?normal|normal|gauss(?:ian)?|bell)\D*?\s*(?P<middle>{_NUMBER})?\D*")
_OTHER_SPREADS = {"uniform": "even", "equal": "even", "flat": "even", "linear": "even", "random": "even",
                  "zipf": "zipf 1.1", "power law": "pareto", "powerlaw": "pareto"}  # fmt: skip


def parse_number_range(scalar: Scalar, out: Diagnostics) -> NumberRange | None:
    """`5 to 1500`, `-0.5 to 0.5`: between which numbers to draw, both included."""
    text = " ".join(scalar.text[:MAX_PHRASE].split())
    match = _RANGE.fullmatch(text)
    if match is None:
        loose = _LOOSE_RANGE.fullmatch(text)
        fix = f"write `{loose['low']} to {loose['high']}`" if loose else "write `5 to 1500`"
        if re.fullmatch(_NUMBER, text):
            fix = f"write `1 to {text}`, or `choice: [{text}]` where it is always the same"
        out.add("PS207", f"`number` needs a range, found `{shorten(text)}`", scalar.span, fix)
        return None
    low, high = Fraction(match["low"]), Fraction(match["high"])
    if low >= high:
        fix = f"write `{match['high']} to {match['low']}`" if low > high else "write two different numbers"
        out.add("PS207", f"`{text}` {'runs backwards' if low > high else 'is no range'}", scalar.span, fix)
        return None
    if max(abs(low), abs(high)) > MAX_NUMBER:
        out.add("PS207", f"`{text}` goes beyond {MAX_NUMBER:,}", scalar.span, "write smaller numbers")
        return None
    written = (match["low"], match["high"])
    return NumberRange(float(low), float(high), max(len(number.partition(".")[2]) for number in written))


def parse_spread(scalar: Scalar, out: Diagnostics) -> Spread | None:
    """`even`, `normal around 60`, `lognormal around 60`, `pareto` or `zipf 1.1`."""
    text = " ".join(scalar.text[:MAX_PHRASE].split())
    if text in ("even", "pareto"):
        return Spread(cast('Literal["even", "pareto"]', text))
    if match := _AROUND.fullmatch(text):
        return Spread(cast('Literal["normal", "lognormal"]', match["kind"]), float(match["middle"]))
    if (match := _ZIPF.fullmatch(text)) and 0 < float(match["exponent"]) <= 10:
        return Spread("zipf", float(match["exponent"]))
    out.add("PS208", f"`spread` cannot be `{shorten(text)}`", scalar.span, f"write {_meant(text)}")
    return None


def _meant(text: str) -> str:
    if near := _OTHER_SPREADS.get(text.lower()):
        return f"`{near}`"
    if match := _LOOSE_AROUND.fullmatch(text.lower()):
        kind = "lognormal" if match["kind"].startswith("log") else "normal"
        return f"`{kind} around {match['middle'] or 'N'}`"
    return "`even`, `normal around 60`, `lognormal around 60`, `pareto` or `zipf 1.1`"
