"""Was the load generator itself well? Its own lateness makes latency rows inconclusive; everything else only explains.

Late is how long after its planned moment a timer was really called. A tail figure: with 50 ms of blocking now and then
the median stays at a fraction of a millisecond while a true 20 ms request measures 62 ms.
"""

from collections.abc import Iterable
from fractions import Fraction

import msgspec

from perfspec.base.clock import MILLISECOND
from perfspec.base.units import format_ms
from perfspec.metrics import histogram
from perfspec.metrics.histogram import Histogram

__all__ = ["Health", "judge_health"]

LEAST_LIMIT_NS = 10 * MILLISECOND
SHARE_OF_LIMIT = Fraction(1, 10)
CPU_HIGH = 0.85


class Health(msgspec.Struct, frozen=True):
    late_p99_ns: int
    late_limit_ns: int
    timers: int
    cpu_share: float
    """Of one core, over the judged time."""

    @property
    def late(self) -> str:
        """Not empty if latency cannot be judged: cause and next step, in words."""
        if self.late_p99_ns <= self.late_limit_ns:
            return ""
        busy = f", with {self.cpu_share:.0%} of a core in use" if self.cpu_share > CPU_HIGH else ""
        return (
            f"the load generator itself was late (p99 {format_ms(self.late_p99_ns)}, "
            f"allowed {format_ms(self.late_limit_ns)}{busy}): give this machine less to do, or run with fewer users"
        )


def judge_health(lateness: Iterable[Histogram], cpu_ns: int, judged_ns: int, tightest_ns: int) -> Health:
    """`lateness`: us -> count, of the judged seconds. `tightest_ns`: the shortest time of any limit; 0: none."""
    merged: Histogram = {}
    for each in lateness:
        for us, n in each.items():
            i = histogram.index(us)
            merged[i] = merged.get(i, 0) + n
    return Health(
        late_p99_ns=histogram.quantile(merged, Fraction(99, 100)) * 1000,
        late_limit_ns=max(LEAST_LIMIT_NS, int(tightest_ns * SHARE_OF_LIMIT)),
        timers=histogram.count(merged),
        cpu_share=cpu_ns / judged_ns if judged_ns else 0.0,
    )
