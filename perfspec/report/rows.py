"""The rows of the table of requests, as every report for people shows them: flows summed up, values in their units.

How long connecting, TLS and the first byte took are parts of a request's time. They have a table of their own, unless a
limit is about them.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

from perfspec.language.timers import FIRST_OF_SEVERAL
from perfspec.metrics import histogram
from perfspec.metrics.histogram import Histogram
from perfspec.metrics.series import ARRIVAL
from perfspec.report import words
from perfspec.report.remarks import label
from perfspec.report.result import Result, Summary

__all__ = ["HEAD", "Shown", "parts", "rows"]

HEAD = ("request", "judged", "failed", "p50", "p95", "p99", "max")
PARTS = frozenset({"connect", "tls", "first_byte", FIRST_OF_SEVERAL, "redirect"})
NO_ROW = frozenset({"round", ARRIVAL})
QUANTILES = (Fraction(1, 2), Fraction(19, 20), Fraction(99, 100))


class Shown(NamedTuple):
    name: str
    """The request's own."""
    label: str
    """With its tags and what was timed."""
    n: int
    failed: int
    values: tuple[str, str, str, str]
    """p50, p95, p99 and the largest, or dashes."""

    @property
    def cells(self) -> tuple[str, ...]:
        """Below HEAD, without the first."""
        return (words.count(self.n), words.count(self.failed), *self.values)


def rows(result: Result) -> list[Shown]:
    """What requests, waits, groups and streams took, and what was recorded, in the order of the spec."""
    asked = {threshold.cell.timer for threshold in result.plan.thresholds}
    return _shown(result, lambda timer: timer not in NO_ROW and (timer not in PARTS or timer in asked))


def parts(result: Result) -> list[Shown]:
    """What connecting and waiting for the first byte took."""
    return _shown(result, lambda timer: timer in PARTS)


def _shown(result: Result, wanted: Callable[[str], bool]) -> list[Shown]:
    merged: dict[tuple[str, str, tuple[tuple[str, str], ...], str], list[Summary]] = {}
    for summary in result.summaries:
        key = summary.key
        if wanted(key.timer):
            merged.setdefault((key.name, key.timer, key.tags, key.part), []).append(summary)
    return [_row(found) for found in merged.values()]


def _row(found: list[Summary]) -> Shown:
    first = found[0]
    times: Histogram = {}
    for summary in found:
        histogram.add(times, summary.response.histogram)
    n, failed = (sum(getattr(summary, name) for summary in found) for name in ("n", "failed"))
    return Shown(first.key.name, label(first), n, failed, _values(times, first.unit))


def _values(times: Histogram, unit: str) -> tuple[str, str, str, str]:
    if not times:
        return ("-", "-", "-", "-")
    p50, p95, p99 = (words.amount(histogram.quantile(times, q) * 1000, unit) for q in QUANTILES)
    return (p50, p95, p99, words.amount(histogram.largest(times) * 1000, unit))
