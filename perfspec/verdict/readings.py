"""What a metric says of one second alone, for rules that end a run: `p95 over 1s for 30s`.

Rates and counts know what silence is: 0, from the first request on. Every other metric says nothing of a second that
brought nothing.
"""

from collections.abc import Sequence
from fractions import Fraction

from perfspec.base.units import format_decimal, format_ms, format_size
from perfspec.spec.model import Cell, Threshold

__all__ = ["in_words", "is_of_silence"]

COUNTED = ("count", "throughput")
BAD = ("errors", "availability", "goodput", "status")


def is_of_silence(cell: Cell) -> bool:
    """Does a second without any request say something?"""
    return cell.statistic in COUNTED


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
