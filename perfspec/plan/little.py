"""Little's law: users needed = arrivals a second x seconds that a round lasts."""

from math import ceil

from perfspec.base.clock import SECOND
from perfspec.base.units import format_duration
from perfspec.diagnostics.diagnostic import Diagnostics, Severity
from perfspec.load import Arrivals
from perfspec.plan.estimates import Estimate
from perfspec.plan.model import Plan, PlannedPhase

__all__ = ["check_users", "users_needed"]

TENTH_NS = SECOND // 10


def users_needed(phase: PlannedPhase, estimated: Estimate) -> int:
    """How many are there at a time at the highest rate of the phase; 0 where users are a number to begin with."""
    if not isinstance(phase.shape, Arrivals):
        return 0
    return ceil(float(phase.shape.most_per_s) * estimated.round_ns / SECOND)


def check_users(plan: Plan, estimated: Estimate, out: Diagnostics) -> None:
    """Warn of a cap that drops people although the service is as fast as its limits ask."""
    for phase in plan.phases:
        needed = users_needed(phase, estimated)
        if needed <= phase.shape.most or not isinstance(phase.shape, Arrivals):
            continue
        stay = format_duration(max(round(estimated.round_ns / TENTH_NS), 1) * TENTH_NS)
        rate, cap = f"{float(phase.shape.most_per_s):g}/s", phase.shape.most
        message = f"{rate} arrivals for about {stay} each need {needed} users at a time; "
        if phase.is_capped:
            message += f"environment `{plan.target.environment}` allows {cap}"
            fix = "let fewer come, or raise `users` in its `limits`"
        else:
            message += f"`at_most` is {cap}"
            fix = f"write `at_most: {needed + ceil(needed / 2)} users`, or let fewer come"
        out.add("PS516", message, phase.span, fix, severity=Severity.WARNING)
