"""From an order to a drawn position. A draw is a pure function of (base of the round, site, loop pass)."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate

from perfspec.base import random

__all__ = ["Draw", "even", "weighted", "zipf_weights"]

Draw = Callable[[int, int], int]
"""(base, pass) -> position."""


def even(site: int, n: int) -> Draw:
    def draw(base: int, turn: int) -> int:
        return int(random.draw(base, site, turn) * n)

    return draw


def weighted(site: int, weights: Sequence[float]) -> Draw:
    """By a cumulative table. The last edge is taken out of reach, so that rounding never draws past the end."""
    edges = list(accumulate(weights))
    scale = edges[-1]
    edges[-1] = float("inf")

    def draw(base: int, turn: int) -> int:
        return bisect_right(edges, random.draw(base, site, turn) * scale)

    return draw


def zipf_weights(n: int, exponent: float) -> list[float]:
    """Entry k comes up in proportion to 1/k^exponent; exponent 0 is even."""
    return [1 / k**exponent for k in range(1, n + 1)]
