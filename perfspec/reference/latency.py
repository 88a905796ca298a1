"""Latencies whose true distribution is known, so that measured percentiles can be checked against it.

A request's latency is log-normal: `median * exp(sigma * z(u))`, where z is the inverse of the standard normal
distribution and u in (0, 1) is drawn from (seed, endpoint, index of the request at this endpoint) and nothing else.
So a run's latencies do not depend on when requests arrive, and the quantile at any share p is exact:
`median * exp(sigma * z(p))`. With sigma 0.35 the p95 is 1.78 medians and the p99 2.26 medians.

What a client sees is the model plus one or two milliseconds: the timer's lateness, the event loop, the network.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

from perfspec.base.random import mix, site, unit

__all__ = ["Even", "Latency", "stream"]

_STANDARD_NORMAL = NormalDist()
_SMALLEST = 2.0**-53
"""`unit` may draw 0, where the inverse normal is not defined; its next larger draw stands in."""


@dataclass(frozen=True, slots=True)
class Latency:
    """One log-normal distribution, cut at `at_most_ns` if that is not 0."""

    median_ns: int
    sigma: float
    at_most_ns: int = 0

    def quantile_ns(self, share: float) -> int:
        """The exact latency that `share` of all requests stay under; raises StatisticsError outside (0, 1)."""
        latency_ns = round(self.median_ns * math.exp(self.sigma * _STANDARD_NORMAL.inv_cdf(share)))
        return min(latency_ns, self.at_most_ns) if self.at_most_ns else latency_ns

    def draw_ns(self, chance: int, index: int) -> int:
        """The latency of request number `index` in the stream of draws `chance`."""
        return self.quantile_ns(max(unit(chance, index), _SMALLEST))


@dataclass(frozen=True, slots=True)
class Even:
    """Everything between two latencies equally often; the two may be the same."""

    least_ns: int = 0
    most_ns: int = 0

    def quantile_ns(self, share: float) -> int:
        return self.least_ns + round((self.most_ns - self.least_ns) * share)

    def draw_ns(self, chance: int, index: int) -> int:
        return self.quantile_ns(unit(chance, index))


def stream(seed: int, name: str) -> int:
    """Where the draws for one purpose start; the name alone sets purposes apart, so a new one moves no other."""
    return mix(seed, site(name))
