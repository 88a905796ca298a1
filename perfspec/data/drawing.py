"""From an order to a drawn position. A draw is a pure function of (base of the round, site, loop pass)."""

from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate

from perfspec.base import random

__all__ = ["PASS_STRIDE", "Draw", "even", "weighted", "zipf"]

Draw = Callable[[int, int], int]
"""(base, pass) -> position."""
PASS_STRIDE = 1 << 57
"""Keeps the draws of different loop passes apart; site numbers are below it."""


def even(site: int, n: int) -> Draw:
    def draw(base: int, turn: int) -> int:
        return int(random.unit(base, site + turn * PASS_STRIDE) * n)

    return draw


def weighted(site: int, weights: tuple[float, ...]) -> Draw:
    """By a cumulative table. The last edge is taken out of reach, so that rounding never draws past the end."""
    edges = list(accumulate(weights))
    scale = edges[-1]
    edges[-1] = float("inf")

    def draw(base: int, turn: int) -> int:
        return bisect_right(edges, random.unit(base, site + turn * PASS_STRIDE) * scale)

    return draw


def zipf(site: int, n: int, exponent: float) -> Draw:
    return weighted(site, tuple(1 / k**exponent for k in range(1, n + 1)))
