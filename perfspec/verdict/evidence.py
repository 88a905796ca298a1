"""Stopping early without false alarms: evidence that may be looked at after every request.

The beta-mixture likelihood ratio against "at most p0 of the requests are bad": k bad of n give
    ln E = ln B(k+1, n-k+1) + ln P(Beta(k+1, n-k+1) > p0) - ln(1-p0) - k ln p0 - (n-k) ln(1-p0)
Whatever the true share up to p0 is, E reaches 1/alpha at any time of a run in at most alpha of all runs (Ville's
inequality; Robbins, Annals of Mathematical Statistics 41, 1970). That holds for independent requests. For those that
are alike because they are close in time, k and n are made smaller by the design effect of the time so far: a
heuristic, which benchmarks/coverage.py checks.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from perfspec.base.clock import SECOND
from perfspec.verdict.bounds import beta_cdf
from perfspec.verdict.dependence import design_effect
from perfspec.verdict.samples import Seconds, windows_of

__all__ = ["ALPHA", "Gathered", "log_evidence"]

ALPHA = 0.001
"""Of a thousand services that keep a limit, at most one is stopped for breaking it."""
LEAST_REQUESTS = 20
LEAST_SECONDS = 20


def log_evidence(bad: float, n: float, share: float) -> float:
    """The logarithm of E, of `bad` among `n` against "at most `share`"; infinite where that is 0 and one is bad."""
    if share >= 1:
        return 0.0
    if share <= 0:
        return math.inf if bad else 0.0
    good = n - bad
    above = beta_cdf(1 - share, good + 1, bad + 1)  # P(Beta(bad+1, good+1) > share), without cancellation
    if above <= 0:
        return -math.inf
    log_beta = math.lgamma(bad + 1) + math.lgamma(good + 1) - math.lgamma(n + 2)
    return log_beta + math.log(above) - math.log1p(-share) - bad * math.log(share) - good * math.log1p(-share)


class _Sums:
    """Pairs by second; adding one and the sum of all before a second take log2 of the seconds (Fenwick, Software:
    Practice and Experience 24, 1994): a run of hours is looked at every second like one of minutes.
    """

    def __init__(self, seconds: int) -> None:
        self._bad = [0] * (seconds + 1)
        self._n = [0] * (seconds + 1)
        self.total = (0, 0)

    def add(self, second: int, bad: int, n: int) -> None:
        self.total = self.total[0] + bad, self.total[1] + n
        i = second + 1
        while i < len(self._n):
            self._bad[i] += bad
            self._n[i] += n
            i += i & -i

    def before(self, second: int) -> tuple[int, int]:
        """(bad, n) of all earlier seconds."""
        bad = n = 0
        while second > 0:
            bad += self._bad[second]
            n += self._n[second]
            second &= second - 1
        return bad, n


class Gathered:
    """What the judged time has brought so far for one limit, by the second in which requests were due."""

    def __init__(self, share: Fraction, stretches: Seconds, alpha: float = ALPHA) -> None:
        """`share`: allowed."""
        self.share = share
        self._stretches = stretches
        self._threshold = math.log(1 / alpha)
        self._sums = _Sums(_first_from(max((end for _, end in stretches), default=0)))

    def add(self, second: int, bad: int, n: int) -> None:
        """An answer that came late adds to the second in which it was due. What is not judged counts nothing."""
        if any(start <= second * SECOND < end for start, end in self._stretches):
            self._sums.add(second, bad, n)

    @property
    def counts(self) -> tuple[int, int]:
        """(bad, n)."""
        return self._sums.total

    def is_enough(self, passed: int) -> bool:
        """Is it sure by now that the limit is broken? `passed`: whole seconds since the load began."""
        bad, n = self.counts
        if n < LEAST_REQUESTS or bad <= self.share * n:
            return False
        elapsed = [(start, min(end, passed * SECOND)) for start, end in self._stretches if start < passed * SECOND]
        if sum(end - start for start, end in elapsed) < LEAST_SECONDS * SECOND:
            return False
        effect = design_effect(self._windows(elapsed))
        k, m = (float(bad), float(n)) if effect is None else (effect.bad, effect.n)
        return log_evidence(k, m, float(self.share)) >= self._threshold

    def _windows(self, elapsed: Sequence[tuple[int, int]]) -> list[list[tuple[int, int]]]:
        """(bad, n) of about ten equal windows of the time so far, by phase."""
        found = []
        for (start, end), count in zip(elapsed, windows_of(elapsed), strict=True):
            edges = [start + -(-i * (end - start) // count) for i in range(count + 1)]
            sums = [self._sums.before(_first_from(edge)) for edge in edges]
            found.append([(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(sums)])
        return found


def _first_from(ns: int) -> int:
    """The first second that begins at this time or later."""
    return -(-ns // SECOND)
