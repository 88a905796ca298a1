"""Why more users do not bring more throughput: the universal scalability law, fitted to the steps of a search.

    X(N) = lambda N / (1 + sigma (N - 1) + kappa N (N - 1)),   the most at N* = sqrt((1 - sigma) / kappa)
lambda is what one user brings alone, sigma the share of work that waits its turn, kappa what users cost each other
(Gunther, Guerrilla Capacity Planning, 2007). N / X is a parabola in N. Noise is a share of X, so each point is weighted
by what the fit of the round before makes of it: after a few rounds that is least squares of the logarithms. It explains
and judges nothing: with fewer than six loads, or none beyond the peak, it is a guess, and nothing is said.
"""

from collections.abc import Iterable, Sequence
from math import sqrt

import msgspec

from perfspec.base.clock import SECOND
from perfspec.metrics.series import Slice
from perfspec.verdict.capacity import Step

__all__ = ["Scalability", "fit", "points"]

FEWEST_LEVELS = 6
ROUNDS = 8
SMALLEST = 1e-12
Three = tuple[float, float, float]
Point = tuple[float, float]
"""(users, requests per second)."""


class Scalability(msgspec.Struct, frozen=True):
    """The three numbers of the law, and where it peaks."""

    alone_per_s: float
    contention: float
    crosstalk: float

    def at(self, users: float) -> float:
        """Requests per second."""
        return self.alone_per_s * users / (1 + self.contention * (users - 1) + self.crosstalk * users * (users - 1))

    @property
    def peak_users(self) -> float:
        return sqrt((1 - self.contention) / self.crosstalk)

    @property
    def peak_per_s(self) -> float:
        return self.at(self.peak_users)


def points(steps: Iterable[Step], seconds: Iterable[tuple[int, int, Sequence[Slice]]]) -> list[Point]:
    """What each load brought in its judged time. `seconds`: (number, users, slices), as they were logged.

    Loads that were held more than once are one point. Those that the load generator or the environment's ceiling could
    not do say nothing of the service. Users that are left over from the load before are no part of it.
    """
    steps = [step for step in steps if step.beyond in ("", "service")]
    held = [(step.judged_ns, step.end_ns) for step in steps]
    users: list[list[int]] = [[] for _ in held]
    good = [0] * len(held)
    for number, there, slices in seconds:
        place = _step_of((number - 1) * SECOND, held)
        if place is not None:
            users[place].append(there)
        for piece in slices:
            at = _step_of(piece.second * SECOND, held)
            if at is not None and piece.key.part == "load" and piece.key.timer in ("", "wait"):
                good[at] += piece.n - sum(piece.errors.values())
    found: dict[int, list[float]] = {}
    for step, (start, end), there_then, n in zip(steps, held, users, good, strict=True):
        if there_then and end > start:
            found.setdefault(step.users or max(there_then), []).append(n * SECOND / (end - start))
    return [(level, sum(rates) / len(rates)) for level, rates in sorted(found.items())]


def _step_of(at_ns: int, held: Sequence[tuple[int, int]]) -> int | None:
    return next((place for place, (start, end) in enumerate(held) if start <= at_ns < end), None)


def fit(measured: Sequence[Point]) -> Scalability | None:
    """None where the loads are too few, lie on one side of the peak only, or have none."""
    seen = [(n, x) for n, x in measured if n > 0 and x > 0]
    if len({n for n, _ in seen}) < FEWEST_LEVELS:
        return None
    solved = _solved([(1.0, n - 1, n * (n - 1)) for n, _ in seen], [n / x for n, x in seen])
    if solved is None:
        return None
    a, b, c = solved
    if a <= 0 or c <= 0 or b >= a:
        return None
    law = Scalability(1 / a, b / a, c / a)
    levels = [n for n, _ in seen]
    return law if min(levels) < law.peak_users < max(levels) else None


def _solved(columns: Sequence[Three], wanted: Sequence[float]) -> Three | None:
    """Weights of the columns whose sum differs least from what is wanted, as a share of it; None if none are known."""
    solved, level = None, list(wanted)
    for _ in range(ROUNDS):
        rows = [(a / at, b / at, c / at) for (a, b, c), at in zip(columns, level, strict=True)]
        solved = _least_squares(rows, [y / at for y, at in zip(wanted, level, strict=True)])
        if solved is None:
            return None
        level = [sum(weight * x for weight, x in zip(solved, column, strict=True)) for column in columns]
        if min(level) <= 0:
            return None
    return solved


def _least_squares(rows: Sequence[Three], wanted: Sequence[float]) -> Three | None:
    """By the normal equations; None where the rows do not say."""
    grid = [
        [
            *(sum(row[i] * row[j] for row in rows) for j in range(3)),
            sum(row[i] * y for row, y in zip(rows, wanted, strict=True)),
        ]
        for i in range(3)
    ]
    for i in range(3):
        if abs(grid[i][i]) < SMALLEST:
            return None
        for k in range(3):
            if k != i:
                factor = grid[k][i] / grid[i][i]
                grid[k] = [there - factor * here for there, here in zip(grid[k], grid[i], strict=True)]
    return grid[0][3] / grid[0][0], grid[1][3] / grid[1][1], grid[2][3] / grid[2][2]
