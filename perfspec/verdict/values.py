"""What a cell says of a row: a number, or why there is none. One answer for verdicts, rules and what ends a run.

A failed request is over every limit on a time (docs/decisions/070). A percentile ranks it behind all that went well, so
`p95 <= X` says the same as "at most 5 % were slower or failed"; where its rank falls on a failed one there is no
number, and `is_beyond` says that it is over any. A mean or a maximum cannot count what nobody measured: it is that of
the answers, never better than that of those that went well, and tells beside it how many failed.

A histogram knows a value as well as its bucket: `low` to `high`. What decides looks at both ends.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from perfspec.base.units import NUMBER_NS
from perfspec.language.phrases import Limit
from perfspec.metrics import histogram
from perfspec.metrics.histogram import Histogram
from perfspec.metrics.rows import Row
from perfspec.spec.model import Cell
from perfspec.verdict.bounds import nearest_rank

__all__ = ["Missing", "Value", "holds", "holds_surely", "nothing_due", "recorded", "value"]

EVENT_US = NUMBER_NS // 1000


@dataclass(frozen=True, slots=True)
class Value:
    """In the unit of the cell: ns, bytes, a share of 1, per second, or a count."""

    low: Fraction
    shown: Fraction
    high: Fraction
    failed: int = 0
    """Of a mean or a maximum of times: requests that failed, and so are over any limit."""
    good: int = 0
    """Beside them: requests that went well."""


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no number."""

    reason: str
    outcome: Literal["NO_DATA", "INCONCLUSIVE"]
    is_beyond: bool = False
    """Of a percentile: failed requests are where it would be."""


def value(
    cell: Cell, row: Row, seconds: Fraction, *, budget: Fraction | None = None, whose: str = "this row"
) -> Value | Missing:
    """`seconds`: the time that the row stands for. `budget`: the share that a burn rate is measured by."""
    statistic = cell.statistic
    if statistic == "count":
        return _exact(Fraction(row.asked))
    if statistic == "throughput":
        return _exact((row.n - row.failed) / seconds) if seconds > 0 else Missing("no time was judged", "NO_DATA")
    if (missing := nothing_due(cell, row, whose)) is not None:
        return missing
    if (counted := _SHARES.get(statistic)) is not None:
        seen, n = counted(row, cell)
        if not n:
            return Missing(f"no request of {whose} was answered", "NO_DATA")
        return _exact(Fraction(seen, n) if budget is None else Fraction(seen, n) / budget)
    return _measured(cell, row, whose)


def nothing_due(cell: Cell, row: Row, whose: str = "this row") -> Missing | None:
    """None where something was. A count or a rate of nothing is a number as well; who may not take it for one asks."""
    if row.n:
        return None
    what = "round" if cell.statistic == "goodput" else "request"
    return Missing(f"no {what} of {whose} was due in the judged time; no data is never a pass", "NO_DATA")


_SHARES: dict[str, Callable[[Row, Cell], tuple[int, int]]] = {
    "errors": lambda row, _: (row.failed, row.n),
    "availability": lambda row, _: (row.asked - row.unavailable, row.asked),
    "goodput": lambda row, _: (row.n - row.missed, row.n),
    "status": lambda row, cell: (row.statuses.get(cell.status, 0), row.answered),
    "burn rate": lambda row, _: (row.unavailable, row.asked),
}


def _exact(number: Fraction) -> Value:
    return Value(number, number, number)


def _measured(cell: Cell, row: Row, whose: str) -> Value | Missing:
    if not row.response:
        return Missing(f"no request of {whose} was answered", "NO_DATA")
    well = row.ok_response
    good = histogram.count(well)
    if cell.quantile is not None:
        rank = nearest_rank(cell.quantile, row.n)
        if rank > good:
            reason = f"so many requests of {whose} failed that there is no {cell.text}"
            return Missing(reason, "INCONCLUSIVE", is_beyond=True)
        return _at(cell, histogram.ranks(well, [rank])[0])
    failed = row.n - good if cell.is_latency else 0
    if cell.statistic == "max":
        return _at(cell, histogram.largest(row.response), failed, good)
    means = (_mean(cell, h, failed, good) for h in (well, row.response) if h)
    return max(means, key=lambda found: found.shown)


def _at(cell: Cell, us: int, failed: int = 0, good: int = 0) -> Value:
    """Somewhere in the bucket with this upper edge."""
    low, high = _edges(cell, histogram.index(us))
    shown = Fraction(us * 1000) if cell.unit == "time" else _whole(us, cell.unit_ns)
    unit_ns = cell.unit_ns
    return Value(Fraction(low * 1000, unit_ns), shown, Fraction(high * 1000 + _rest(cell), unit_ns), failed, good)


def recorded(ns: int, unit_ns: int) -> float:
    """What was recorded as that many ns: the whole number in the bucket whose upper edge this is, if there is one, for
    most of what is counted is whole.
    """
    return float(_whole(ns // 1000, unit_ns))


def _whole(us: int, unit_ns: int) -> Fraction:
    whole = -(-histogram.lowest(histogram.index(us)) * 1000 // unit_ns)
    return min(Fraction(whole), Fraction(us * 1000, unit_ns))


def _mean(cell: Cell, h: Histogram, failed: int, good: int) -> Value:
    n = histogram.count(h) * cell.unit_ns
    edges = [(*_edges(cell, i), k) for i, k in h.items()]
    low = Fraction(sum(low * k for low, _, k in edges) * 1000, n)
    high = Fraction(sum(high * k for _, high, k in edges) * 1000, n)
    return Value(low, (low + high) / 2, high + Fraction(_rest(cell), cell.unit_ns), failed, good)


def _edges(cell: Cell, i: int) -> tuple[int, int]:
    """The least and the most microseconds that may be in a bucket. There are no halves of events."""
    low, high = histogram.lowest(i), histogram.highest(i)
    if cell.timer == "events":
        first, last = -(-low // EVENT_US) * EVENT_US, high // EVENT_US * EVENT_US
        return (first, last) if first <= last else (low, high)
    return low, high


def _rest(cell: Cell) -> int:
    """Times are kept in whole microseconds, rounded down; sizes and numbers come in them."""
    return 999 if cell.unit == "time" else 0


def holds(limit: Limit, number: Fraction) -> bool:
    """Is what the limit says so of this number?"""
    low, high = limit.quantity.value, limit.high
    if limit.relation == "between":
        return high is not None and low <= number <= high.value
    truths = {"over": number > low, "at least": number >= low, "under": number < low}
    return truths.get(limit.relation, number <= low)


def holds_surely(limit: Limit, found: Value) -> bool | None:
    """None: some of what the value may be is within the limit, and some is not."""
    ends = holds(limit, found.low), holds(limit, found.high)
    if ends[0] is not ends[1]:
        return None
    is_inside = limit.high is not None and found.low < limit.quantity.value and limit.high.value < found.high
    return None if is_inside else ends[0]
