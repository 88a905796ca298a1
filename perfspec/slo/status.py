"""How much of the error budget a period has used, and what the team's policy says to that."""

from collections.abc import Sequence
from fractions import Fraction
from math import floor
from typing import NamedTuple

from perfspec.base.errors import ExitCode, worst
from perfspec.base.units import format_decimal, format_share
from perfspec.slo.objectives import Objective, Promises
from perfspec.slo.promql import window

__all__ = ["Count", "Status", "code", "questions", "status", "table"]

ALL = Fraction(1)


class Count(NamedTuple):
    """What Prometheus counted in the period; None: it has no such series."""

    total: Fraction | None
    bad: Fraction | None


class Status(NamedTuple):
    """`spent` is the share of the period's budget; None where nothing is known, and `action` says why."""

    service: str
    objective: Objective
    spent: Fraction | None
    action: str


def questions(objective: Objective) -> tuple[str, str]:
    """The queries of how many requests there were in the period, and how many of them were bad."""
    period = window(objective.period_ns)
    return objective.all_requests(period, "increase"), objective.bad_requests(period, "increase")


def status(promises: Promises, objective: Objective, count: Count) -> Status:
    """Nothing that was counted is no success: it is unknown."""
    if not count.total:
        return Status(promises.service, objective, None, "not known: no requests were counted in the period")
    if count.bad is None:
        missing = "no bucket of the histogram ends at its limit" if objective.latency else "its errors are not counted"
        return Status(promises.service, objective, None, f"not known: {missing}")
    spent = max(count.bad, Fraction(0)) / (count.total * objective.budget)
    step = promises.action(spent)
    return Status(promises.service, objective, spent, step.action if step else "nothing: the budget is there")


def code(found: Sequence[Status], freeze_at: Fraction = ALL) -> ExitCode:
    """1 where a budget is spent that far, 3 where something is not known; never 0 without an answer for each."""
    codes = [
        ExitCode.INCONCLUSIVE
        if each.spent is None
        else ExitCode.THRESHOLD_FAILED
        if each.spent >= min(freeze_at, ALL)
        else ExitCode.PASS
        for each in found
    ]
    return worst(codes) if codes else ExitCode.INCONCLUSIVE


def table(found: Sequence[Status]) -> list[str]:
    """A line for each promise. Rounded down: 100% is shown where all is spent, and not before."""
    rows = [("service", "promise", "budget spent", "left", "what the team does")]
    for each in found:
        spent, left = "-", "-"
        if each.spent is not None:
            spent = format_share(Fraction(floor(each.spent * 1000), 1000))
            minutes = max(each.objective.budget_minutes * (1 - each.spent), Fraction(0))
            left = f"{format_decimal(Fraction(floor(minutes * 10), 10))} minutes"
        rows.append((each.service, each.objective.name, spent, left, each.action))
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
