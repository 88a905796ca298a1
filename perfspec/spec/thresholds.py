"""The table of thresholds: which row, which cell, which limit; and whether the three fit together."""

import difflib
import re
from fractions import Fraction

from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Span
from perfspec.language import templates
from perfspec.language.expressions import Path
from perfspec.language.nodes import Mapping, Node, Scalar
from perfspec.language.phrase_grammar import parse_limit, parse_limit_text
from perfspec.language.phrases import AbortRule, Limit, Unit
from perfspec.language.quantities import with_unit
from perfspec.language.templates import Text
from perfspec.language.timers import ALWAYS
from perfspec.spec.model import Cell, Promise, Promised, Row, Threshold

__all__ = [
    "EXAMPLES",
    "GOOD_SIDES",
    "check_promised",
    "counted_limit_ns",
    "counts_failures",
    "fits",
    "is_share",
    "longest_good_ns",
    "parse_cell",
    "parse_row",
    "read_promises",
    "resolve",
    "share_limit",
    "substituted",
    "unit_of",
    "wants_many",
    "watched",
]

_CELL = re.compile(r"(?:([A-Za-z_]\w*) )?(?:p(\d+(?:\.\d+)?)|(mean|max))")
_NEARLY = re.compile(r"((?!status )[a-z_]+ )?[a-zA-Z]{0,2}(\d\d(?:\.\d+)?)")
"""A percentile whose `p` was not hit."""
_OTHER_WORDS = {"median": "p50", "avg": "mean", "average": "mean", "maximum": "max", "error rate": "errors",
                "requests": "count", "rps": "throughput", "rate": "throughput", "uptime": "availability"}  # fmt: skip
_STATUS = re.compile(r"status ([1-5]\d\d)")
_SHARES = ("errors", "availability", "goodput", "burn rate", "status")
_PLAIN = ("errors", "availability", "goodput", "burn rate", "count", "throughput")
_KNOWN = ("p50", "p90", "p95", "p99", "p99.9", "mean", "max", "wait p95", "poll p95", "first_event p95",
          "event_gap p95", "events mean", "connect p95", "size p95", *_PLAIN, "status 429")  # fmt: skip
_OWN = ("", "wait", "poll", "first_event", "event_gap", "events", *ALWAYS)
_UNITS: dict[str, Unit] = {
    **dict.fromkeys(_SHARES, "share"),
    "burn rate": "times",
    "count": "number",
    "throughput": "rate",
}
EXAMPLES = {
    "time": "at most 200ms",
    "share": "under 1%",
    "number": "at least 100",
    "rate": "at least 20/s",
    "times": "at most 1x",
    "size": "at most 100kB",
}
_LIKE_A_SHARE = Fraction(1, 200)
"""`p0.5` to `p0.99` are how a program would write `p50` to `p99`."""
GOOD_SIDES = {
    "errors": ("under", "at most"),
    "burn rate": ("under", "at most"),
    "availability": ("over", "at least"),
    "goodput": ("over", "at least"),
    "status": ("under", "at most", "over", "at least"),
}


def read_promises(node: Node | None, out: Diagnostics) -> tuple[Promise, ...]:
    """Every cell of a `thresholds` table; what cannot be read has been reported and is left out."""
    found: list[Promise] = []
    for entry in node if isinstance(node, Mapping) else ():
        if entry.key.text == "rules":
            continue
        row = parse_row(entry.key.text, entry.key.span, out)
        for cell_entry in entry.value if isinstance(entry.value, Mapping) and row else ():
            cell = parse_cell(cell_entry.key.text, cell_entry.key.span, out)
            if cell is None or row is None or not isinstance(cell_entry.value, Scalar):
                continue
            limit = cell_entry.value
            if "${" not in limit.text:
                said = parse_limit(limit, out, unit_of(cell))
                if said is None or not _suits(cell, said, limit.span, out):
                    continue
            elif not templates.check(limit, out):
                continue
            found.append(Promise(row, cell, templates.text(limit), cell_entry.key.span, entry.key.span))
    return tuple(found)


def parse_row(said: str, span: Span, out: Diagnostics) -> Row | None:
    """`generate where model is gpt-4`; None where it cannot be one, which is reported."""
    text, _, condition = said.partition(" where ")
    where: tuple[tuple[str, str], ...] = ()
    if condition:
        tag, found, value = condition.partition(" is ")
        if not found:
            out.add("PS602", "`where` needs a tag and its value", span, f"write `{text} where {tag.strip()} is VALUE`")
            return None
        where = ((tag.strip(), value.strip()),)
    if text == "all":
        return Row("all", "", where, said)
    if text.startswith("flow "):
        return Row("flow", text.removeprefix("flow ").strip(), where, said)
    if text.startswith("group "):
        return Row("group", text.removeprefix("group ").strip(), where, said)
    return Row("request", text, where, said)


def parse_cell(text: str, span: Span, out: Diagnostics) -> Cell | None:
    """`p95`, `wait p99.9`, `mean`, `errors`; None where it is none, which is reported."""
    if match := _CELL.fullmatch(text):
        timer, percent, plain = match.groups(default="")
        if not percent:
            return Cell("mean" if plain == "mean" else "max", None, timer, text)
        quantile = Fraction(percent) / 100
        if _LIKE_A_SHARE <= quantile < Fraction(1, 100):
            meant = f"{timer} p{float(quantile * 10000):g}".strip()
            message = f"`{text}` is the {percent}th percentile: nearly every request is slower"
            out.add("PS605", message, span, f"write `{meant}`")
            return None
        if 0 < quantile < 1:
            return Cell("percentile", quantile, timer, text)
        out.add("PS605", f"`{text}` is no percentile", span, "write a number between 0 and 100: `p95`, or `max`")
        return None
    if text in _PLAIN:
        return Cell(text, None, "", text)  # type: ignore[arg-type]
    if match := _STATUS.fullmatch(text):
        return Cell("status", None, "", text, int(match[1]))
    near = [f"{slip[1] or ''}p{slip[2]}"] if (slip := _NEARLY.fullmatch(text)) else None
    near = [_OTHER_WORDS[text.lower()]] if text.lower() in _OTHER_WORDS else near
    near = near or difflib.get_close_matches(text, _KNOWN, 1)
    hint = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(_KNOWN)}"
    out.add("PS605", f"a threshold has no cell `{text}`", span, hint)
    return None


_HARDLY_MS = 10
"""A time without a unit below this is one in seconds more often than one in milliseconds."""


def _suits(cell: Cell, limit: Limit, span: Span, out: Diagnostics) -> bool:
    return fits(cell, limit, span, out) and _is_good_side(cell, limit, span, out)


def _is_good_side(cell: Cell, limit: Limit, span: Span, out: Diagnostics) -> bool:
    """Errors have an upper limit and availability a lower one; anything else is a slip."""
    good = GOOD_SIDES.get(cell.statistic)
    if good is None or limit.relation in good:
        return True
    message = f"`{limit.text}` says the wrong side of `{cell.text}`"
    out.add("PS606", message, span, f"write `{good[1]} {(limit.high or limit.quantity).text}`")
    return False


def fits(cell: Cell, limit: Limit, span: Span, out: Diagnostics) -> bool:
    """Does the limit have the unit of the cell? Reports where not."""
    unit = unit_of(cell)
    if all(q.unit == unit for q in (limit.quantity, limit.high) if q is not None):
        if unit != "share" or limit.quantity.value <= 1:
            return True
        out.add("PS606", f"`{limit.quantity.text}` is more than everything", span, "write a percentage up to 100%")
        return False
    if cell.timer not in _OWN and (near := difflib.get_close_matches(cell.timer, _OWN, 1)):
        out.add(
            "PS605",
            f"nothing is measured as `{cell.timer}`",
            span,
            f"did you mean `{near[0]} {cell.text.split()[-1]}`?",
        )
        return False
    example = f"`{EXAMPLES[unit]}`"
    if limit.quantity.unit == "number":
        meant, literal = with_unit(limit.quantity.text, unit), f"{limit.quantity.text}%"
        example = f"`{limit.relation} {meant}`"
        if unit == "time" and limit.quantity.value < _HARDLY_MS:
            ms = float(limit.quantity.value * 1000)
            example = f"`{limit.relation} {ms:g}ms` if seconds are meant, {example} if milliseconds"
        if unit == "share" and meant != literal:
            example += f"; `{limit.relation} {literal}` if so little is meant"
    words = {"time": "a time", "share": "a percentage", "number": "a number", "rate": "a rate", "times": "a multiple",
             "size": "a size"}  # fmt: skip
    out.add(
        "PS606",
        f"`{cell.text}` is {words[unit]}, and `{limit.quantity.text}` is not",
        span,
        f"write {example}",
    )
    return False


def unit_of(cell: Cell) -> Unit:
    """What an amount of the cell is."""
    return _UNITS.get(cell.statistic, cell.unit)


def resolve(
    promise: Promise, values: dict[str, object], out: Diagnostics, promised: Promised | None = None
) -> Threshold | None:
    """The threshold in one environment. `values` holds `values.NAME`; a name that is missing has been reported.

    `promised`: the availability that a burn rate is measured by.
    """
    text = substituted(promise.limit, values)
    limit = parse_limit_text(text, promise.limit.span, out) if text is not None else None
    if limit is None or not _suits(promise.cell, limit, promise.limit.span, out):
        return None
    if not check_promised(promise.cell, promise.span, promised, out):
        return None
    return Threshold(promise.row, promise.cell, limit, promise.span, _budget(promise.cell, promised))


def check_promised(cell: Cell, span: Span, promised: Promised | None, out: Diagnostics) -> bool:
    """Is there what the cell is measured by? Reports where not."""
    if cell.statistic != "burn rate" or _budget(cell, promised) is not None:
        return True
    hint = "add `slo: {availability: at least 99.9%}`"
    out.add("PS612", "a burn rate needs a promised availability below 100%", span, hint)
    return False


def _budget(cell: Cell, promised: Promised | None) -> Fraction | None:
    """The share that may be unavailable, of a burn rate; None for all other cells, and without a promise."""
    if cell.statistic != "burn rate" or promised is None or not promised.availability < 1:
        return None
    return 1 - promised.availability


def watched(rule: AbortRule, promised: Promised | None = None) -> Threshold:
    """The number that `errors over 25% for 30s` is about: what is so when a run has to end, not a limit that is good.

    For rules on a metric, in a spec that was checked.
    """
    row, cell = parse_row(rule.row, rule.span, Diagnostics()), parse_cell(rule.metric, rule.span, Diagnostics())
    assert row is not None
    assert cell is not None
    assert rule.limit is not None
    return Threshold(row, cell, rule.limit, rule.span, _budget(cell, promised))


def substituted(text: Text, values: dict[str, object]) -> str | None:
    """The text with its `${values.NAME}` filled in; None where one is missing, which has been reported."""
    out = text.source
    for hole in templates.holes(text.source):
        if not isinstance(hole.tree, Path) or hole.tree.dotted not in values:
            return None
        out = out.replace(text.source[hole.start : hole.end], str(values[hole.tree.dotted]))
    return out


def is_share(cell: Cell) -> bool:
    """Judged by counting bad requests (of goodput: rounds), with bounds: percentiles and the plain shares."""
    return cell.statistic == "percentile" or cell.statistic in _SHARES


def longest_good_ns(threshold: Threshold) -> int | None:
    """For a percentile with an upper limit: the longest duration that is not bad. `under 120ms` is 1 ns shorter.

    Sizes and numbers are recorded as durations, see `Cell.unit_ns`.
    """
    return _upper_ns(threshold) if threshold.cell.statistic == "percentile" else None


def counted_limit_ns(threshold: Threshold) -> int | None:
    """What requests are counted against exactly while the load runs: of a maximum with an upper limit as well."""
    if threshold.cell.statistic != "max":
        return longest_good_ns(threshold)
    return _upper_ns(threshold)


def _upper_ns(threshold: Threshold) -> int | None:
    if threshold.limit.relation not in ("under", "at most"):
        return None
    limit = int(threshold.limit.quantity.value * threshold.cell.unit_ns)
    return limit - 1 if threshold.limit.relation == "under" else limit


def share_limit(threshold: Threshold) -> tuple[Fraction, bool]:
    """(allowed share of bad requests, is the limit itself already bad?)."""
    limit = threshold.limit
    value = limit.quantity.value
    if threshold.cell.statistic == "percentile":
        assert threshold.cell.quantile is not None
        return 1 - threshold.cell.quantile, False
    strict = limit.relation in ("over", "under")
    if threshold.cell.statistic in ("availability", "goodput") or wants_many(threshold):
        return 1 - value, strict
    if threshold.cell.statistic == "burn rate":
        assert threshold.budget is not None
        return min(value * threshold.budget, Fraction(1)), strict
    return value, strict


def counts_failures(threshold: Threshold) -> bool:
    """Is every failed request a bad one by this limit?"""
    if threshold.cell.statistic == "percentile":
        return longest_good_ns(threshold) is not None
    return is_share(threshold.cell) and (threshold.cell.statistic != "status" or wants_many(threshold))


def wants_many(threshold: Threshold) -> bool:
    """`status 201: at least 90%`: every other status is bad."""
    return threshold.cell.statistic == "status" and threshold.limit.relation in ("over", "at least")
