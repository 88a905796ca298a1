"""What this run says about the availability that production promises: a report, never a judgement.

    burn = (k / n) / (1 - promised): 1 uses up the budget in exactly the period, 6 in a sixth of it.
A test run never spends production's budget; what it used is its own allowance, k / (n (1 - promised)).
"""

from fractions import Fraction

import msgspec

from perfspec.metrics.rows import Row
from perfspec.spec.model import Promised
from perfspec.verdict import bounds

__all__ = ["Budget", "Goodput", "goodput_of", "used_of"]


class Budget(msgspec.Struct, frozen=True):
    """Requests without an answer or with a 5xx, against the promise."""

    promised: Fraction
    n: int
    bad: int
    burn: float
    """Also the share of the run's own allowance that it used."""
    burn_low: float
    burn_high: float
    """Where the true rate likely lies."""
    period_ns: int
    lasts_ns: int | None
    """How long the period's budget would last at this rate; None: nothing was bad."""
    actions: tuple[str, ...] = ()
    """What the team has agreed to do once so much of a budget is used."""


class Goodput(msgspec.Struct, frozen=True):
    """Rounds in which no request failed and each met its limit."""

    flow: str
    """Empty: all flows."""
    n: int
    missed: int


def used_of(promised: Promised | None, row: Row) -> Budget | None:
    """`row`: all requests of the judged time. None without a promise, or without a request."""
    if promised is None or not row.asked or not promised.availability < 1:
        return None
    allowed = 1 - promised.availability
    bad = row.unavailable
    burn = Fraction(bad, row.asked) / allowed
    return Budget(
        promised=promised.availability,
        n=row.asked,
        bad=bad,
        burn=float(burn),
        burn_low=bounds.lower_bound(bad, row.asked) / float(allowed),
        burn_high=bounds.upper_bound(bad, row.asked) / float(allowed),
        period_ns=promised.period_ns,
        lasts_ns=int(promised.period_ns / burn) if burn else None,
        actions=tuple(text for share, text in promised.when_spent if burn >= share),
    )


def goodput_of(rounds: dict[str, Row]) -> tuple[Goodput, ...]:
    """All flows first, then each; nothing where no round was begun in the judged time. `rounds`: flow -> its rounds."""
    seen = {flow: row for flow, row in rounds.items() if row.n}
    if not seen:
        return ()
    whole = Goodput("", sum(row.n for row in seen.values()), sum(row.missed for row in seen.values()))
    return (whole, *(Goodput(flow, row.n, row.missed) for flow, row in seen.items()))
