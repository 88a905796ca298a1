"""The gate of deployments: how much is spent, what the policy says, and that nothing unknown is green."""

from fractions import Fraction

import pytest

from perfspec.base.errors import ExitCode
from perfspec.slo.status import Count, code, questions, status, table


def counted(promises, total, bad, at: int = 0):
    found = promises()
    known = (Fraction(x) if x is not None else None for x in (total, bad))
    return status(found, found.objectives[at], Count(*known))


@pytest.mark.parametrize(
    ("total", "bad", "spent", "action", "wanted"),
    [
        (1_000_000, 0, "0", "nothing: the budget is there", ExitCode.PASS),
        (1_000_000, 499, "0.499", "nothing: the budget is there", ExitCode.PASS),
        (1_000_000, 500, "0.5", "look", ExitCode.PASS),
        (1_000_000, 999, "0.999", "look", ExitCode.PASS),
        (1_000_000, 1000, "1", "stop", ExitCode.THRESHOLD_FAILED),
        (1_000_000, 5000, "5", "stop", ExitCode.THRESHOLD_FAILED),
        ("1000000.5", "-0.001", "0", "nothing: the budget is there", ExitCode.PASS),
    ],
)
def test_the_share_of_the_budget_decides(promises, total, bad, spent, action, wanted) -> None:
    found = counted(promises, total, bad)
    assert (found.spent, found.action) == (Fraction(spent), action)
    assert code([found]) == wanted


@pytest.mark.parametrize(("total", "bad"), [(None, 0), (0, 0), (None, None), (100, None)])
def test_what_is_not_known_is_not_green(promises, total, bad) -> None:
    found = counted(promises, total, bad)
    assert found.spent is None
    assert found.action.startswith("not known: ")
    assert code([found]) == ExitCode.INCONCLUSIVE


def test_a_missing_bucket_is_named(promises) -> None:
    assert counted(promises, 100, None, 1).action == "not known: no bucket of the histogram ends at its limit"


@pytest.mark.parametrize(("freeze_at", "wanted"), [("0.8", 1), ("0.81", 0), ("1", 0)])
def test_a_gate_can_close_earlier(promises, freeze_at, wanted) -> None:
    assert code([counted(promises, 1_000_000, 800)], Fraction(freeze_at)) == wanted


def test_the_worst_promise_decides_and_no_promise_is_no_success(promises) -> None:
    spent, unknown = counted(promises, 1000, 900), counted(promises, None, None)
    assert code([unknown, spent]) == ExitCode.THRESHOLD_FAILED
    assert code([unknown, counted(promises, 1000, 0)]) == ExitCode.INCONCLUSIVE
    assert code([]) == ExitCode.INCONCLUSIVE


def test_the_table_says_what_is_left(promises) -> None:
    lines = table([counted(promises, 1_000_000, 600), counted(promises, 1000, 70, 1), counted(promises, None, None)])
    assert lines == [
        "service  promise       budget spent  left          what the team does",
        "shop     availability  60%           17.2 minutes  look",
        "shop     order p95     140%          0 minutes     stop",
        "shop     availability  -             -             not known: no requests were counted in the period",
    ]


def test_both_questions_are_about_the_whole_period(promises) -> None:
    total, bad = questions(promises().objectives[1])
    assert total.startswith("sum(increase(http_request_duration_seconds_count")
    assert 'le="0.12"}[30d]' in bad
    assert total.count("[30d]") == 1
