"""The same numbers, judged by other limits."""

import pytest
from msgspec.structs import replace

from perfspec.report import terminal
from perfspec.report.rejudge import rejudge

MS = 1_000_000


@pytest.fixture
def judged_by(result, good, plan_of):
    def run(limits: str):
        thresholds = plan_of(
            "environments: {local: {url: http://127.0.0.1:1}}\n"
            "flows: {f: {steps: [{get: /a, name: search}, {get: /b, name: more}]}}\n"
            f"stages: {{smoke: {{phases: [{{for: 40s, users: 1}}]}}}}\nthresholds: {limits}\n"
        )
        return rejudge(result(*good), thresholds)

    return run


def test_the_same_limits_give_the_same_result(result, good, plan) -> None:
    assert rejudge(result(*good), plan) == result(*good)


@pytest.mark.parametrize(
    ("limits", "outcome"),
    [
        ("{search: {p95: at most 50ms}}", "PASS"),
        ("{search: {p95: at most 30ms}}", "FAIL"),
        ("{more: {p95: at most 14ms}}", "FAIL"),
        ("{search: {errors: under 1%}}", "PASS"),
    ],
)
def test_a_limit_that_was_not_counted_is_judged_by_the_histogram(judged_by, limits, outcome) -> None:
    (verdict,) = judged_by(limits).verdicts
    assert verdict.outcome == outcome


def test_a_limit_inside_a_bucket_that_decides_is_not_judged(judged_by) -> None:
    (verdict,) = judged_by("{search: {p95: at most 40.01ms}}").verdicts
    assert (verdict.outcome, "re-run" in verdict.reason) == ("INCONCLUSIVE", True)


def test_what_ended_a_run_stays(result, good, plan) -> None:
    torn = result(*good, end=None)
    assert rejudge(torn, plan).outcome == "INCONCLUSIVE"
    assert rejudge(replace(torn, ended="interrupted"), plan).exit_code == 130


def test_goodput_is_judged_again_only_by_the_limits_that_rounds_were_held_to(
    result, good, plan, plan_of, piece
) -> None:
    rounds = replace(piece("browse", 100, timer="round", flow="browse", second=20), missed=3)
    run = result(*good, rounds)
    cell = plan_of(
        "environments: {local: {url: http://127.0.0.1:1}}\n"
        "flows: {f: {steps: [{get: /a, name: search}]}}\n"
        "stages: {smoke: {phases: [{for: 40s, users: 1}]}}\nthresholds: {all: {goodput: at least 95%}}\n"
    ).thresholds
    same = rejudge(run, replace(plan, thresholds=(*plan.thresholds, *cell)))
    assert (same.verdicts[-1].outcome, same.verdicts[-1].bad) == ("PASS", 3)
    other = rejudge(run, replace(plan, thresholds=cell))
    assert other.verdicts[-1].outcome == "INCONCLUSIVE"
    assert "re-run to judge goodput" in other.verdicts[-1].reason


def test_whose_limits_judged_is_said_where_it_is_not_the_runs_own(judged_by, result, good, plan, small) -> None:
    assert rejudge(result(*good), plan).judged_by == ""
    assert rejudge(result(*good), small).judged_by == "the limits of stage small in s.yaml"
    other = judged_by("{search: {p95: at most 50ms}}")
    assert terminal.summary(other)[1].startswith(
        "shop smoke on local, judged by the limits of stage smoke in s.yaml: PASS"
    )
