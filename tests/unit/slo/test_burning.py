"""Which burn rates are alerted on: the workbook's table, scaled by the period, without what is dead or idle."""

from fractions import Fraction

import pytest

from perfspec.slo.burning import burns

MINUTE = 60 * 10**9


def factors(objective) -> list[Fraction]:
    return [burn.factor for burn in burns(objective)[0]]


def test_the_factors_of_30_days_are_the_workbooks(promises) -> None:
    kept, left_out = burns(promises().objectives[0])
    assert [str(float(burn.factor)) for burn in kept] == ["14.4", "6.0", "3.0", "1.0"]
    assert [burn.severity for burn in kept] == ["critical", "critical", "warning", "warning"]
    assert [(burn.long_ns // MINUTE, burn.short_ns // MINUTE) for burn in kept] == [
        (60, 5), (360, 30), (1440, 120), (4320, 360),
    ]  # fmt: skip
    assert all(burn.short_ns * 12 == burn.long_ns for burn in kept)
    assert left_out == ()


@pytest.mark.parametrize(
    ("period", "wanted"),
    [("28d", ["13.44", "5.6", "2.8", "14/15"]), ("90d", ["43.2", "18", "9", "3"]), ("7d", ["3.36", "1.4", "0.7"])],
)
def test_factors_follow_the_period(promises, period, wanted) -> None:
    objective = promises(("  availability", f"  period: {period}\n  availability")).objectives[0]
    assert factors(objective) == [Fraction(text) for text in wanted]


def test_an_alert_that_would_come_while_the_budget_lasts_is_left_out(promises) -> None:
    _, left_out = burns(promises(("  availability", "  period: 7d\n  availability")).objectives[0])
    assert left_out == (
        "availability: no alert for 0.2333x over 3d, because the budget of 7d then lasts for more than 14d",
    )


def test_an_alert_that_could_never_come_is_left_out(promises) -> None:
    """p95 burns at most 20 times as fast as it may, p90 10 times."""
    assert factors(promises().objectives[1])[0] == Fraction("14.4")
    kept, left_out = burns(promises(("p95", "p90")).objectives[1])
    assert [burn.factor for burn in kept] == [6, 3, 1]
    assert left_out == ("order p90: no alert for 14.4x over 1h, because a budget of 10% cannot burn faster than 10x",)
    assert factors(promises(("p95", "p50")).objectives[1]) == [1]
