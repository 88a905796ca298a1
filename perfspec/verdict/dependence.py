"""Requests that are close in time are alike, so n of them say less than n independent ones: the design effect.

The judged time is cut into B equal windows (batch means), within phases and never across them. With k_i bad of n_i:
    v = sum over phases of B/(B-1) * sum (k_i - p n_i)^2 / n^2,  p the phase's share,  df = sum of B-1
    deff = max(1, v n / (p (1-p))),  n_e = min(n, n / deff * (t(.95, n-1) / t(.95, df))^2),  k_e = p n_e
k_e and n_e go into the exact bounds in place of k and n (Korn and Graubard, Survey Methodology 24, 1998). Where nothing
or everything is bad there is nothing to estimate from, and deff is 1. Window length matters more than the method: a
stage of 30 seconds has windows of 2.5 s, so its verdict is about those 30 seconds.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from perfspec.verdict.bounds import beta_inverse

__all__ = ["Effect", "design_effect", "student_t"]

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Effect:
    """How much less n requests say, and what to put into the bounds in their place."""

    deff: float
    bad: float
    """k_e."""
    n: float
    """n_e."""
    windows: int


@lru_cache(maxsize=1024)
def student_t(df: int, confidence: float = CONFIDENCE) -> float:
    """The one-sided quantile of Student's t: P(T <= t) = confidence > 1/2. Raises ValueError for df below 1."""
    share = beta_inverse(2 * confidence - 1, 0.5, df / 2)  # of t^2 / (df + t^2), which is Beta(1/2, df/2)
    return math.sqrt(df * share / (1 - share))


def design_effect(phases: Iterable[Sequence[tuple[int, int]]]) -> Effect | None:
    """`phases`: for each its windows as (bad, n). None where the windows tell nothing: all or none is bad, or too few
    windows saw a request.
    """
    cut = [[window for window in windows if window[1]] for windows in phases]
    k = sum(bad for windows in cut for bad, _ in windows)
    n = sum(count for windows in cut for _, count in windows)
    df = sum(len(windows) - 1 for windows in cut if windows)
    if k in (0, n) or df < 1:
        return None
    p = k / n
    variance = sum(_spread(windows) for windows in cut if len(windows) > 1) / n**2
    deff = max(1.0, variance * n / (p * (1 - p)))
    effective = min(float(n), n / deff * (student_t(n - 1) / student_t(df)) ** 2)
    return Effect(deff, p * effective, effective, sum(map(len, cut)))


def _spread(windows: Sequence[tuple[int, int]]) -> float:
    """B/(B-1) * sum of squares around the phase's own share."""
    p = sum(bad for bad, _ in windows) / sum(n for _, n in windows)
    return len(windows) / (len(windows) - 1) * sum((bad - p * n) ** 2 for bad, n in windows)
