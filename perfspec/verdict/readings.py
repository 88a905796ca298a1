"""What a metric says of one second alone, for rules that end a run: `p95 over 1s for 30s`.

Rates and counts know what silence is: 0, from the first request on. Every other metric says nothing of a second that
brought nothing.
"""

from collections.abc import Sequence
from fractions import Fraction

from perfspec.base.units import format_decimal, format_ms, format_size
from perfspec.language.phrases import Limit
from perfspec.metrics import histogram
from perfspec.metrics.rows import Row
from perfspec.spec.model import Cell, Threshold

__all__ = ["holds", "in_words", "is_of_silence", "reading"]

COUNTED = ("count", "throughput")
BAD = ("errors", "availability", "goodput", "status")


def is_of_silence(cell: Cell) -> bool:
    """Does a second without any request say something?"""
    return cell.statistic in COUNTED


def reading(threshold: Threshold, row: Row) -> Fraction | None:
    """A share, a number, or an amount in the unit of the cell (time in ns); None where nothing was seen."""
    statistic = threshold.cell.statistic
    if statistic in COUNTED:
        return Fraction(row.n - row.failed if statistic == "throughput" else row.asked)
    counted = {
        "errors": (row.failed, row.n),
        "availability": (row.asked - row.unavailable, row.asked),
        "goodput": (row.n - row.missed, row.n),
        "status": (row.statuses.get(threshold.cell.status, 0), row.answered),
        "burn rate": (row.unavailable, row.asked),
    }
    if statistic in counted:
        seen, n = counted[statistic]
        share = Fraction(seen, n) if n else None
        return share if share is None or threshold.budget is None else share / threshold.budget
    if not row.response:
        return None
    return Fraction(_us(threshold.cell, row) * 1000) / threshold.cell.unit_ns


def _us(cell: Cell, row: Row) -> Fraction:
    if cell.quantile is not None:
        return Fraction(histogram.quantile(row.response, cell.quantile))
    return Fraction((histogram.mean if cell.statistic == "mean" else histogram.largest)(row.response))


def holds(limit: Limit, value: Fraction) -> bool:
    low, high = limit.quantity.value, limit.high
    if limit.relation == "between":
        return high is not None and low <= value <= high.value
    truths = {"over": value > low, "at least": value >= low, "under": value < low}
    return truths.get(limit.relation, value <= low)


def in_words(threshold: Threshold, values: Sequence[Fraction]) -> str:
    """What the last seconds had in common: `throughput was 0/s to 3/s`; empty where counting bad ones says more."""
    cell = threshold.cell
    if cell.statistic in BAD or not values:
        return ""
    low, high = (_amount(cell, value) for value in (min(values), max(values)))
    row = "" if threshold.row.kind == "all" else f" of {threshold.row.text}"
    return f"{cell.text}{row} was {low}" + (f" to {high}" if high != low else "")


def _amount(cell: Cell, value: Fraction) -> str:
    if cell.statistic == "throughput":
        return f"{format_decimal(value)}/s"
    if cell.statistic == "burn rate":
        return f"{float(value):.3g}x"
    if cell.statistic == "count" or cell.unit == "number":
        return f"{float(value):.10g}"
    return format_size(float(value)) if cell.unit == "size" else format_ms(float(value))
