"""Limits are words, because a leading `>` or `%` breaks YAML and because a word says which side is good.

limit = ("under" | "at most" | "over" | "at least") QUANTITY | "between" QUANTITY "and" QUANTITY; then [", warn only"]
"""

import re
from difflib import get_close_matches
from fractions import Fraction
from typing import Literal, cast

from perfspec.diagnostics.diagnostic import Diagnostics, Edit
from perfspec.diagnostics.source import Span
from perfspec.language.nodes import Node, Scalar
from perfspec.language.phrases import Limit, Quantity, Unit
from perfspec.language.quantities import MAX_PHRASE, Said, nearly, parse_quantity, respelt, shorten, with_unit
from perfspec.language.slips import respelt_start

__all__ = ["RELATION", "RELATIONS", "parse_limit", "parse_limit_text", "parse_pause_cap", "relation_of", "unit_of"]

RELATIONS = ("under", "at most", "over", "at least", "between")
RELATION = rf"(?:{'|'.join(RELATIONS)})"
_LIMIT = re.compile(r"\s*(?P<relation>under|at most|over|at least)\s+(?P<quantity>.+?)\s*")
_BETWEEN = re.compile(r"\s*between\s+(?P<low>.+?)\s+and\s+(?P<high>.+?)\s*")
_WARN_ONLY = re.compile(r"\s*,\s*warn only\s*$")
_NEARLY_WARN_ONLY = re.compile(r"\s*[,(;]?\s*warn(?:ing)?(?:[ _-]*only)?\)?\s*$")
_SYMBOL = re.compile(r"\s*(?P<symbol><=|>=|=<|=>|<|>|≤|≥)\s*(?P<rest>.+)")
_OTHER = re.compile(
    r"\s*(?:is |be )?(?P<words>less than or equal to|lower than or equal to|greater than or equal to|less than"
    r"|lower than|smaller than|shorter than|faster than|not more than|no more than|not over|not above|up to|within"
    r"|maximum|max|below|more than|higher than|greater than|longer than|not less than|no less than|not under"
    r"|not below|minimum|min|above|from)\s*:?\s+(?P<rest>.+)",
    re.IGNORECASE,
)
_WORDS = {
    "<": "under", "<=": "at most", "=<": "at most", "≤": "at most", ">": "over", ">=": "at least", "=>": "at least",
    "≥": "at least", "less than": "under", "lower than": "under", "smaller than": "under", "shorter than": "under",
    "faster than": "under", "below": "under", "less than or equal to": "at most", "lower than or equal to": "at most",
    "not more than": "at most", "no more than": "at most", "not over": "at most", "not above": "at most",
    "up to": "at most", "within": "at most", "maximum": "at most", "max": "at most", "more than": "over",
    "higher than": "over", "greater than": "over", "longer than": "over", "above": "over",
    "greater than or equal to": "at least", "not less than": "at least", "no less than": "at least",
    "not under": "at least", "not below": "at least", "minimum": "at least", "min": "at least", "from": "at least",
}  # fmt: skip
_HALF = Fraction(1, 2)
_NO_SIDE = "a threshold needs a word that says which side is good"


_OF_CELLS: tuple[tuple[re.Pattern[str], Unit], ...] = (
    (re.compile(r"errors|availability|goodput|status \d{3}"), "share"),
    (re.compile(r"(?:(?:wait|poll|first_event|event_gap|connect|tls) )?(?:p\d+(?:\.\d+)?|mean|max)"), "time"),
    (re.compile(r"throughput"), "rate"),
    (re.compile(r"burn rate"), "times"),
)


def unit_of(cell: str) -> Unit | None:
    """What an amount of a cell of the thresholds is, for what is suggested; None where its name does not say."""
    return next((unit for pattern, unit in _OF_CELLS if pattern.fullmatch(cell)), None)


def parse_limit(node: Node, out: Diagnostics, unit: Unit | None = None) -> Limit | None:
    """A limit; None without a finding where it holds `${...}` and can be read only once values are known.

    `unit`: of what is limited, where that is known.
    """
    if not isinstance(node, Scalar) or "${" in node.text:
        return None
    return parse_limit_text(node.text, node.content, out, unit)


def parse_limit_text(text: str, span: Span, out: Diagnostics, unit: Unit | None = None) -> Limit | None:
    """A limit whose values are filled in. `span` is where it was written."""
    said = Said(text, span)
    if len(text) > MAX_PHRASE:
        out.add("PS607", "this is too long for a limit", said.span, "write a limit such as `under 300ms`")
        return None
    body = _WARN_ONLY.sub("", text)
    warn_only = body != text
    if match := _BETWEEN.fullmatch(body):
        return _between(said, match, body.strip(), out, warn_only=warn_only)
    match = _LIMIT.fullmatch(body)
    if match is None:
        meant = None if warn_only or "," in body else relation_of(body)
        edits = (Edit(said.span, meant),) if meant else ()
        out.add("PS601", _NO_SIDE, said.span, _instead(body, unit), edits=edits)
        return None
    if not warn_only and (shorter := _NEARLY_WARN_ONLY.search(body)):
        fixed = f"{body[: shorter.start()].strip()}, warn only"
        ending = body[shorter.start() :].strip(" ,;")
        span = said.at(shorter.start(), len(body))
        edits = (Edit(span, ", warn only"),) if span.width == len(body) - shorter.start() else ()
        out.add("PS607", f"the limit ends in `{ending}`", span, f"write `{fixed}`", edits=edits)
        return None
    quantity = _quantity(said.group(match, "quantity"), match["relation"], out)
    if quantity is None:
        return None
    relation = cast('Literal["under", "at most", "over", "at least"]', match["relation"])
    return Limit(relation, quantity, None, warn_only, " ".join(body.split()))


def _between(said: Said, match: re.Match[str], body: str, out: Diagnostics, *, warn_only: bool) -> Limit | None:
    low = _quantity(said.group(match, "low"), "between", out)
    high = _quantity(said.group(match, "high"), "between", out)
    if low is None or high is None:
        return None
    if low.unit != high.unit:
        fix = "give both the same unit"
        if low.unit == "number":
            unit = high.text.lstrip("-0123456789.")
            fix = f"write `between {low.text}{unit} and {high.text}`"
        out.add("PS607", f"`{low.text}` and `{high.text}` have different units", said.span, fix)
        return None
    if low.value > high.value:
        out.add("PS207", f"`{body}` runs backwards", said.span, f"write `between {high.text} and {low.text}`")
        return None
    return Limit("between", low, high, warn_only, " ".join(body.split()))


def _quantity(said: Said, relation: str, out: Diagnostics) -> Quantity | None:
    quantity = parse_quantity(said.text)
    if quantity is None:
        near = nearly(said.text)
        word = "" if relation == "between" or said.span.width == len(said.text) else f"{relation} "
        fix = f"write `{word}{near}`" if near else "write an amount such as 300ms, 0.5%, 20/s or 3 entries"
        edits = respelt(said.span, said.text, near) if near else ()
        out.add("PS607", f"`{shorten(said.text)}` is no amount", said.span, fix, edits=edits)
    return quantity


def relation_of(text: str) -> str | None:
    """A limit said in other words or symbols, as the language says it: `<= 300 ms` -> `at most 300ms`."""
    match = _SYMBOL.fullmatch(text) or _OTHER.fullmatch(text)
    if match is None:
        return None
    said = match["symbol"] if "symbol" in match.groupdict() else match["words"].lower()
    rest = match["rest"].strip()
    amount = rest if parse_quantity(rest) else nearly(rest)
    return f"{_WORDS[said]} {amount}" if amount else None


def _instead(text: str, unit: Unit | None) -> str:
    """What to write in place of a text that is no limit."""
    text = text.strip()
    if other := relation_of(text):
        return f"write `{other}`"
    amount = text if parse_quantity(text) else nearly(text)
    quantity = parse_quantity(amount) if amount else None
    if amount and quantity and quantity.unit == "number" and unit not in (None, "number"):
        amount = with_unit(amount, unit)
        quantity = parse_quantity(amount)
    if quantity:
        at_least = quantity.unit in ("rate", "number", "entries") or (
            quantity.unit == "share" and quantity.value >= _HALF
        )
        return f"write `{'at least' if at_least else 'under'} {amount}`"
    if respelt_text := respelt_start(text, RELATIONS):
        return f"write `{respelt_text}`"
    words = text.split()
    if len(words) == 4 and words[0] == "between":
        return f"write `between {words[1]} and {words[3]}`"
    word, _, rest = text.partition(" ")
    if near := get_close_matches(word, ("under", "over", "between"), 1, cutoff=0.7):
        return f"write `{near[0]} {rest}`" if rest else f"write `{near[0]} 300ms`"
    return "write a limit such as `under 300ms` or `at least 99.9%`"


def parse_pause_cap(scalar: Scalar, out: Diagnostics) -> int | None:
    """`at most 100ms`: nanoseconds no pause of the stage may exceed."""
    text = scalar.text.strip()[:MAX_PHRASE]
    limit = None
    if match := _LIMIT.fullmatch(text):
        limit = parse_limit_text(text, scalar.content, out)
        if limit is None:
            return None
        bare = match["quantity"]
    else:
        bare = nearly(text) or text
    if limit and limit.relation == "at most" and limit.quantity.unit == "time" and not limit.warn_only:
        return int(limit.quantity.value)
    quantity = parse_quantity(bare)
    amount = (
        bare
        if quantity and quantity.unit == "time"
        else f"{bare}ms"
        if quantity and quantity.unit == "number"
        else "300ms"
    )
    out.add(
        "PS202", f"`pauses` is a cap on every pause, found `{shorten(text)}`", scalar.span, f"write `at most {amount}`"
    )
    return None
