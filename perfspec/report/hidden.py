"""What users who wait for their answers do not show: the requests that nobody sent while everybody waited.

Only where it can be told how often a user would have asked: users who send one request after the other and never pause,
each as soon as the one before is answered, so as a rule after the median of the times. Then HdrHistogram's correction
is an estimate of what arrivals at the same rate would have seen; it is told as one, beside the numbers that were
measured, and judges nothing. Pauses between requests make it wrong, and nothing is said.
"""

from fractions import Fraction

from perfspec.base.units import format_ms
from perfspec.load import Users
from perfspec.metrics import histogram
from perfspec.plan.model import Plan
from perfspec.report.result import Result
from perfspec.steps.kinds import Request

__all__ = ["hidden"]

WORTH_TELLING = 2
"""How many times more the estimate has to be."""
P99 = Fraction(99, 100)
FINEST = 10_000
"""An interval is at least this part of the longest time: a finer one changes nothing that is told."""


def hidden(result: Result) -> str:
    """One sentence; empty where nothing is hidden, or nothing can be told."""
    request = _back_to_back(result.plan)
    seen = [s for s in result.summaries if s.key.name == request and s.key.part == "load" and not s.key.timer]
    if not request or len(seen) != 1 or not seen[0].response.histogram or not result.judged_ns:
        return ""
    (summary,) = seen
    counted = summary.response.histogram
    users = max((second.users for second in result.seconds), default=0)
    longest = histogram.largest(counted)
    usual = max(1, summary.response.p50 // 1000)
    interval = max(usual, longest // FINEST)
    likely = histogram.quantile(histogram.corrected(counted, interval), P99)
    if likely < WORTH_TELLING * summary.response.p99 / 1000:
        return ""
    rate = f"{max(1, round(users * 1e6 / usual))}/s"
    return (
        f"{request}: while users waited up to {format_ms(longest * 1000)} they asked nothing; asking on all the while, "
        f"their p99 would be about {format_ms(likely * 1000)}, not {format_ms(summary.response.p99)} "
        f"(an estimate; `arrivals: {rate}` measures it)"
    )


def _back_to_back(plan: Plan) -> str:
    """The one request that users send again and again; empty if they do anything else."""
    measured = [phase for phase in plan.phases if phase.measured]
    steps = plan.flows[0].steps if len(plan.flows) == 1 else ()
    is_closed = all(isinstance(phase.shape, Users) and not phase.round_every_ns for phase in measured)
    if plan.search is None and is_closed and len(steps) == 1 and isinstance(steps[0], Request):
        return steps[0].name
    return ""
