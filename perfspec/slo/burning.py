"""When an error budget burns too fast: over two windows at once, a long one that proves it and a short one, a twelfth
of it, that ends the alert soon after the cause has gone (the SRE workbook's multi-window, multi-burn-rate alerts).

    factor = share of the budget * period / long window         30 days: 14.4, 6, 3, 1

Left out is what could never fire, because even nothing but bad requests burns slower (factor * budget >= 1), and what
would fire while the budget lasts for more than two periods (factor < 1/2), as with periods of a week.
"""

from fractions import Fraction
from typing import Literal, NamedTuple

from perfspec.base.units import format_decimal, format_duration, format_share
from perfspec.slo.objectives import Objective

__all__ = ["MINUTE_NS", "Burn", "burns", "factor_text"]

MINUTE_NS = 60_000_000_000
HOUR_NS, DAY_NS = 60 * MINUTE_NS, 1440 * MINUTE_NS
Severity = Literal["critical", "warning"]
TABLE: tuple[tuple[int, int, Fraction, Severity], ...] = (
    (HOUR_NS, 5 * MINUTE_NS, Fraction(2, 100), "critical"),
    (6 * HOUR_NS, 30 * MINUTE_NS, Fraction(5, 100), "critical"),
    (DAY_NS, 2 * HOUR_NS, Fraction(10, 100), "warning"),
    (3 * DAY_NS, 6 * HOUR_NS, Fraction(10, 100), "warning"),
)
"""Long window, short window, share of the budget burnt in the long one, how urgent."""
SLOWEST = Fraction(1, 2)


class Burn(NamedTuple):
    """One way to burn too fast."""

    long_ns: int
    short_ns: int
    factor: Fraction
    severity: Severity


def burns(objective: Objective) -> tuple[tuple[Burn, ...], tuple[str, ...]]:
    """Those an alert can be made of, and a sentence for each that was left out."""
    kept: list[Burn] = []
    left_out = []
    for long_ns, short_ns, share, severity in TABLE:
        factor = share * objective.period_ns / long_ns
        burn = Burn(long_ns, short_ns, factor, severity)
        why = _why_not(burn, objective)
        if why:
            left_out.append(
                f"{objective.name}: no alert for {factor_text(factor)}x over {format_duration(long_ns)}, because {why}"
            )
        else:
            kept.append(burn)
    return tuple(kept), tuple(left_out)


def _why_not(burn: Burn, objective: Objective) -> str:
    if burn.factor * objective.budget >= 1:
        most = factor_text(1 / objective.budget)
        return f"a budget of {format_share(objective.budget)} cannot burn faster than {most}x"
    if burn.factor < SLOWEST:
        period, twice = format_duration(objective.period_ns), format_duration(2 * objective.period_ns)
        return f"the budget of {period} then lasts for more than {twice}"
    return ""


def factor_text(factor: Fraction) -> str:
    """`14.4`; four digits where no short decimal is exact."""
    return format_decimal(Fraction(round(factor * 10_000), 10_000))
