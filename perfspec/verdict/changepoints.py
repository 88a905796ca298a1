"""Where a history changed its level: the best split, again in each half, as long as a test believes it.

The split is the one that maximises the energy distance between its sides (E-divisive: Matteson and James, Journal of
the American Statistical Association 109, 2014), the test a pooled t-test on logarithms, because noise is a share of the
level. A change is told when p < .001, it is 5 % or more, and two points at least lie after it: an outlier is no change.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from perfspec.verdict.bounds import beta_cdf

__all__ = ["Change", "changes"]

LARGEST_P = 0.001
LEAST_CHANGE = 0.05
FEWEST_POINTS = 2


@dataclass(frozen=True, slots=True)
class Change:
    index: int
    """The first point of the new level."""
    ratio: float
    """The new level over the old one, of their geometric means."""
    p: float


def changes(values: Sequence[float]) -> tuple[Change, ...]:
    """All changes of a series of positive numbers, in their order."""
    logs = [math.log(value) for value in values]
    splits = sorted(_splits(logs, 0, len(logs)))
    found = []
    for number, split in enumerate(splits):
        start = splits[number - 1] if number else 0
        end = splits[number + 1] if number + 1 < len(splits) else len(logs)
        before, after = logs[start:split], logs[split:end]
        p = _p_of_difference(before, after)
        step = fmean(after) - fmean(before)
        if p < LARGEST_P and abs(step) >= math.log1p(LEAST_CHANGE):
            found.append(Change(split, math.exp(step), p))
    return tuple(found)


def _splits(logs: Sequence[float], start: int, end: int) -> list[int]:
    """Where [start, end) changes its level."""
    split = _best_split(logs[start:end])
    if split is None:
        return []
    before, after = logs[start : start + split], logs[start + split : end]
    if _p_of_difference(before, after) >= LARGEST_P or abs(fmean(after) - fmean(before)) < math.log1p(LEAST_CHANGE):
        return []
    return [*_splits(logs, start, start + split), start + split, *_splits(logs, start + split, end)]


def _best_split(logs: Sequence[float]) -> int | None:
    """The split with the largest energy distance, at least two points on each side; None in a series that is too short.

    n m / (n+m) * (2 E|X-Y| - E|X-X'| - E|Y-Y'|). Moving the split by one point moves that point's distances.
    """
    total = len(logs)
    if total < 2 * FEWEST_POINTS:
        return None
    distances = [[abs(a - b) for b in logs] for a in logs]
    within_left = within_right = between = 0.0
    within_right = sum(sum(row) for row in distances) / 2
    best, best_at = -math.inf, None
    for n in range(1, total):
        moved = distances[n - 1]
        to_left, to_right = sum(moved[: n - 1]), sum(moved[n:])
        within_left += to_left
        within_right -= to_right
        between += to_right - to_left
        m = total - n
        if n < FEWEST_POINTS or m < FEWEST_POINTS:
            continue
        spread = within_left / (n * (n - 1) / 2) + within_right / (m * (m - 1) / 2)
        energy = n * m / total * (2 * between / (n * m) - spread)
        if energy > best:
            best, best_at = energy, n
    return best_at


def _p_of_difference(a: Sequence[float], b: Sequence[float]) -> float:
    """Two-sided p of the pooled t-test; 1 where there are too few points, 0 where two constant levels differ."""
    df = len(a) + len(b) - 2
    if df < 1 or not a or not b:
        return 1.0
    mean_a, mean_b = fmean(a), fmean(b)
    squares = sum((x - mean_a) ** 2 for x in a) + sum((x - mean_b) ** 2 for x in b)
    gap = mean_b - mean_a
    if squares == 0:
        return 0.0 if gap else 1.0
    t2 = gap**2 / (squares / df * (1 / len(a) + 1 / len(b)))
    return beta_cdf(df / (df + t2), df / 2, 0.5)
