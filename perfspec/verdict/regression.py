"""Is a run slower than those before it? Noise between runs decides, not the noise within one.

    ratio of two quantiles, on logs d = ln qB - ln qA (MOVER; Zou and Donner, Statistics in Medicine 27, 2008):
        lo = d - hypot(ln qB - ln lB, ln uA - ln qA),  hi = d + hypot(ln uB - ln qB, ln qA - ln lA)
    with (l, q, u) a quantile and its two-sided 95 % bounds by order statistics (bounds.py).
    regressed: ln(now / median) > max(ln 1.10, 3 * 1.4826 * MAD of ln history), and the range of the ratio excludes 1.
    With fewer than five runs to compare with it is told and not judged, unless it is over 25 % and the range says so.
    What is twice as slow, and more than that limit, is told also where the range does not say so.

The effect (A12, Vargha and Delaney) is how often a request now is slower than one before; it is shown and never judged:
with a hundred thousand requests a shift of 1 % is beyond all doubt and of no interest.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from statistics import median
from typing import Literal, NamedTuple

from perfspec.metrics import histogram
from perfspec.metrics.histogram import Histogram
from perfspec.verdict.bounds import nearest_rank, quantile_ranks

__all__ = [
    "ENOUGH_RUNS",
    "LEAST",
    "Interval",
    "Judged",
    "Range",
    "State",
    "difference",
    "effect",
    "judge_change",
    "noise",
    "quantile_range",
    "ratio",
]

LEAST = 1.10
LARGE = 1.25
DOUBLE = 2.0
ENOUGH_RUNS = 5
MAD_TO_SD = 1.4826
ONE_SIDE = 0.975
"""Each side of a two-sided 95 % range."""
State = Literal["regressed", "improved", "unchanged", "maybe worse", "maybe better", "not comparable"]
"""Not comparable: faster where more failed."""


class Range(NamedTuple):
    """A quantile and where it likely lies; None where there were too few requests to bound that side."""

    low: float | None
    value: float
    high: float | None


class Interval(NamedTuple):
    low: float
    value: float
    high: float

    @property
    def excludes_no_change(self) -> bool:
        """Of a ratio."""
        return self.low > 1 or self.high < 1


def quantile_range(counts: Histogram, q: Fraction, n_effective: float | None = None) -> Range:
    """A quantile of a histogram in us. With dependence the ranks are those of n_effective requests, as fractions of n.

    Raises ValueError for an empty histogram.
    """
    n = histogram.count(counts)
    m = n if n_effective is None else max(1, min(n, int(n_effective)))
    lower, upper = quantile_ranks(m, q, ONE_SIDE)
    wanted = [nearest_rank(q, n)]
    wanted += [] if lower is None else [max(1, lower * n // m)]
    wanted += [] if upper is None else [min(n, -(-upper * n // m))]
    values = dict(zip(sorted(wanted), histogram.ranks(counts, sorted(wanted)), strict=True))
    low = None if lower is None else float(values[max(1, lower * n // m)])
    high = None if upper is None else float(values[min(n, -(-upper * n // m))])
    return Range(low, float(values[nearest_rank(q, n)]), high)


def difference(before: Range, now: Range) -> Interval:
    """By how much `now` is more, in the unit of the ranges; infinite where a side is not bounded."""
    value = now.value - before.value
    low = value - math.hypot(_above(now.value, now.low), _above(before.high, before.value))
    high = value + math.hypot(_above(now.high, now.value), _above(before.value, before.low))
    return Interval(low, value, high)


def ratio(before: Range, now: Range) -> Interval:
    """How many times `before` it is. Anything below a microsecond counts as one."""
    logs = difference(_logs(before), _logs(now))
    return Interval(*(math.exp(x) if x < 700 else math.inf for x in logs))


def _logs(found: Range) -> Range:
    low, value, high = (None if x is None else math.log(max(x, 1.0)) for x in found)
    assert value is not None
    return Range(low, value, high)


def _above(upper: float | None, lower: float | None) -> float:
    return math.inf if upper is None or lower is None else upper - lower


def effect(before: Histogram, now: Histogram) -> float:
    """A12: how often a request of `now` is slower than one of `before`, ties half.

    Raises ValueError if one is empty.
    """
    n, m = histogram.count(before), histogram.count(now)
    if not n or not m:
        raise ValueError("an effect needs requests on both sides")
    seen, twice = 0, 0
    for i in sorted(before.keys() | now.keys()):
        here = before.get(i, 0)
        twice += now.get(i, 0) * (2 * seen + here)
        seen += here
    return twice / (2 * n * m)


@dataclass(frozen=True, slots=True)
class Judged:
    """What is said of one number of a run."""

    state: State
    median: float
    """Of the runs compared with."""
    ratio: float
    limit: float
    """The ratio above which it is a regression."""


def noise(history: Sequence[float]) -> float:
    """Three robust standard deviations of the logs: what runs of unchanged code differ by."""
    logs = [math.log(x) for x in history]
    middle = median(logs)
    return 3 * MAD_TO_SD * median(abs(x - middle) for x in logs)


def judge_change(now: float, history: Sequence[float], within: Interval | None) -> Judged:
    """`history`: the same number of accepted runs, positive. `within`: the range of the ratio to the run that the
    median stands for, by the noise within both; None: unknown. Raises ValueError without any run to compare with.
    """
    if not history:
        raise ValueError("a change needs something to compare with")
    middle = median(history)
    change = now / middle
    sure = within is not None and within.excludes_no_change
    limit = max(LEAST, math.exp(noise(history)))
    if len(history) < ENOUGH_RUNS:
        limit = LARGE
    if change > limit and sure:
        return Judged("regressed", middle, change, limit)
    if change < 1 / limit and sure:
        return Judged("improved", middle, change, limit)
    state: State = "unchanged"
    if not sure:
        state = "maybe worse" if change > max(limit, DOUBLE) else "unchanged"
    elif len(history) < ENOUGH_RUNS:
        state = "maybe worse" if change > LEAST else "maybe better" if change < 1 / LEAST else "unchanged"
    return Judged(state, middle, change, limit)
