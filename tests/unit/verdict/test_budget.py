"""Error budgets of a run: section 8's arithmetic."""

from fractions import Fraction

import pytest

from perfspec.metrics.rows import Row
from perfspec.spec.model import Promised
from perfspec.verdict.budget import Goodput, goodput_of, used_of

DAY = 86_400_000_000_000
STEPS = ((Fraction(1, 2), "Review"), (Fraction(4, 5), "Freeze"), (Fraction(1), "Stop"))


def used(bad, n, promised="999/1000"):
    return used_of(Promised(Fraction(promised), 30 * DAY, STEPS), Row(n=n, unavailable=bad))


def test_a_run_says_how_fast_it_would_use_up_the_budget() -> None:
    found = used(60, 100_000)
    assert found.burn == pytest.approx(0.6)
    assert found.lasts_ns == 50 * DAY
    assert found.actions == ("Review",)
    assert found.burn_low < 0.6 < found.burn_high


@pytest.mark.parametrize(
    ("bad", "burn", "days", "actions"), [(500, 5, 6, 3), (1440, 14.4, 30 / 14.4, 3), (80, 0.8, 37.5, 2)]
)
def test_the_steps_of_the_policy_are_those_reached(bad, burn, days, actions) -> None:
    found = used(bad, 100_000)
    assert (found.burn, len(found.actions)) == (pytest.approx(burn), actions)
    assert found.lasts_ns == pytest.approx(days * DAY)


def test_nothing_bad_lasts_for_ever() -> None:
    found = used(0, 10)
    assert (found.burn, found.lasts_ns, found.actions, found.burn_low) == (0, None, (), 0)
    assert found.burn_high > 100  # ten good requests prove little


def test_without_a_promise_or_a_request_there_is_no_budget() -> None:
    assert used_of(None, Row(n=5)) is None
    assert used(0, 0) is None
    assert used(0, 5, "1") is None


def test_goodput_is_told_of_all_flows_and_of_each() -> None:
    rounds = {"browse": Row(n=10, missed=2), "buy": Row(n=5), "never": Row()}
    assert goodput_of(rounds) == (Goodput("", 15, 2), Goodput("browse", 10, 2), Goodput("buy", 5, 0))
    assert goodput_of({"never": Row()}) == ()
