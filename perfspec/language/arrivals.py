"""Phrases of the open model: arrivals a second, how many users there may be at a time, the rates to search between."""

import re
from fractions import Fraction
from typing import Final

from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.language.nodes import Scalar
from perfspec.language.phrases import ArrivalsPhrase
from perfspec.language.quantities import MAX_PHRASE, nearly, parse_quantity, shorten

__all__ = ["parse_arrivals", "parse_arrivals_range", "parse_at_most"]

MAX_PER_S: Final = 1_000_000
MAX_USERS: Final = 1_000_000
_RATE = r"\d+(?:\.\d+)?(?:/s)?"
_ARRIVALS = re.compile(
    rf"(?:ramp (?P<start>{_RATE}) to (?P<end>{_RATE})|(?P<one>{_RATE}))(?: (?P<spread>poisson|even))?"
)
_LOOSE = re.compile(
    r"(?:ramp(?:s|ing)?(?: up| down)?|from)?\s*(?P<low>\d+(?:\.\d+)?)\s*(?:/s)?\s*(?:to|-|\u2013|\.\.|->|→)\s*"
    r"(?P<high>\d+(?:\.\d+)?)\s*(?:/s|per second)?(?P<rest> poisson)?"
)
_RANGE = re.compile(rf"(?P<low>{_RATE}) to (?P<high>{_RATE})")
_SPREADS = re.compile(r"(?P<rate>.+?),?\s+(?:at random|random(?:ly)?|exponential|poisson distributed)")
_AT_MOST = re.compile(r"(?P<n>\d{1,9}) users?")


def parse_arrivals(scalar: Scalar, out: Diagnostics) -> ArrivalsPhrase | None:
    """`20/s`, `ramp 5/s to 50/s`, either with `poisson` behind it."""
    text = " ".join(scalar.text[:MAX_PHRASE].split())
    match = _ARRIVALS.fullmatch(text)
    if match is None:
        out.add("PS514", f"`arrivals` needs a rate or a ramp, found `{shorten(text)}`", scalar.span, _meant(text))
        return None
    texts = [match["one"]] * 2 if match["one"] else [match["start"], match["end"]]
    if not all(each.endswith("/s") for each in texts):
        fixed = " to ".join(f"{each.removesuffix('/s')}/s" for each in dict.fromkeys(texts))
        ramp, spread = ("" if match["one"] else "ramp "), (f" {match['spread']}" if match["spread"] else "")
        out.add("PS201", "`arrivals` needs a unit", scalar.span, f"write {ramp}{fixed}{spread}")
        return None
    start, end = (Fraction(each.removesuffix("/s")) for each in texts)
    if not 0 < max(start, end) <= MAX_PER_S:
        what = "more than 0/s" if not max(start, end) else f"at most {MAX_PER_S:,}/s"
        out.add("PS514", f"a phase has arrivals of {what}", scalar.span, "write `20/s` or `ramp 5/s to 50/s`")
        return None
    return ArrivalsPhrase(start, end, match["spread"] == "poisson")


def _meant(text: str) -> str:
    if match := _SPREADS.fullmatch(text):
        return f"write `{nearly(match['rate']) or match['rate']} poisson`"
    if match := _LOOSE.fullmatch(text):
        return f"write `ramp {match['low']}/s to {match['high']}/s{match['rest'] or ''}`"
    near = nearly(text)
    quantity = parse_quantity(near) if near else None
    if near and quantity and quantity.unit == "rate":
        return f"write `{near}`"
    return "write `20/s`, `20/s poisson` or `ramp 5/s to 50/s`"


def parse_at_most(scalar: Scalar, out: Diagnostics) -> int | None:
    """`500 users`: how many arrivals there may be at a time."""
    text = " ".join(scalar.text[:MAX_PHRASE].split())
    match = _AT_MOST.fullmatch(text)
    if match and 0 < int(match["n"]) <= MAX_USERS:
        return int(match["n"])
    if re.fullmatch(r"\d{1,9}", text) and int(text):
        out.add("PS201", "`at_most` needs a unit", scalar.span, f"write {text} users")
        return None
    near = re.fullmatch(r"(?P<n>[1-9]\d{0,5})\s*(?:vus?|people|arrivals|virtual users)", text, re.IGNORECASE)
    fix = f"write {near['n']} users" if near else "write 500 users"
    out.add("PS514", f"`at_most` needs a number of users, found `{shorten(text)}`", scalar.span, fix)
    return None


def parse_arrivals_range(scalar: Scalar, out: Diagnostics) -> ArrivalsPhrase | None:
    """`5/s to 300/s`: between which rates to search."""
    text = " ".join(scalar.text[:MAX_PHRASE].split())
    match = _RANGE.fullmatch(text)
    if match is None or not text.endswith("/s"):
        loose = _LOOSE.fullmatch(text)
        fix = f"write `{loose['low']}/s to {loose['high']}/s`" if loose else "write `5/s to 300/s`"
        out.add("PS514", f"`arrivals` to search needs a range, found `{shorten(text)}`", scalar.span, fix)
        return None
    low, high = (Fraction(match[side].removesuffix("/s")) for side in ("low", "high"))
    if not 0 < low < high <= MAX_PER_S:
        fix = f"write `{match['high']} to {match['low']}`" if 0 < high < low else "write `5/s to 300/s`"
        out.add("PS207", f"`{text}` is no range to search", scalar.span, fix)
        return None
    return ArrivalsPhrase(low, high)
