"""`perf-nightly` as a whole, three nights in a row: the first one has nothing behind it, the second is like the first,
in the third a request has become slower, within its limit.

What travels from night to night is what the night before has left as an artifact.
"""

import re
from types import SimpleNamespace

import pytest


@pytest.fixture
def nights(scenarios) -> SimpleNamespace:
    return scenarios["nights"]


def test_the_first_night_has_nothing_to_compare_with_and_is_no_failure(nights) -> None:
    job = nights.first
    assert job.result == "success", job.log
    assert "there is no accepted run yet to compare with (`main`)" in job.log
    assert "compared with" not in job.summary
    assert "search load on local: 1 runs" in job.summary
    assert "result.json" in nights.hub.files_of(101, "perfspec-nightly")


def test_a_healthy_night_is_compared_with_the_one_before(nights) -> None:
    job = nights.second
    assert job.result == "success", job.log
    assert "1 run added" in job.log
    assert "**compared with the one run on main, " in job.summary
    assert "SLOWER" not in job.summary
    trend = re.findall(r"^```\n(.*?)\n```$", job.summary, re.MULTILINE | re.DOTALL)
    assert len(trend) == 1
    assert trend[0].startswith("search load on local: 2 runs\n")
    assert nights.told["second"] == []


def test_a_night_that_became_slower_within_its_limits_is_red_and_told(nights) -> None:
    job = nights.third
    assert job.result == "failure", job.log
    assert job.outputs["load"] == {
        "verdict": "FAIL", "exit-code": "1", "folder": "perfspec-results", "history": "history.sqlite",
        "report": "perfspec-results/all-runs.html",
    }  # fmt: skip
    assert "2 runs added" in job.log
    assert "**compared with the median of 2 runs on main" in job.summary
    assert re.search(rf"\| ✅ PASS \| suggest p95 at most {nights.wide}s \|", job.summary)
    assert re.search(r"\| \*\*SLOWER\*\* \| suggest \| p50 \|.*\| \+\d+ % \| \+\d+ to \+\d+ % \|", job.summary)
    assert "::error file=specs/search.yaml,title=search load%3A slower than before::SLOWER  suggest p50" in job.log
    assert "search load on local: 3 runs" in job.summary
    assert nights.told["third"] == [
        {"text": "Nightly load test: FAIL. http://hub.test/o/r/actions/runs/103"},
    ]
    assert "result.json" in nights.hub.files_of(103, "perfspec-nightly")


def test_every_step_of_the_night_was_run(nights) -> None:
    steps = ["Take earlier results", "Run and judge", "Keep the results", "Verdict", "Trend"]
    assert [name for name in nights.second.ran if name in steps] == steps
    assert "Tell the team" not in nights.second.ran
    assert nights.third.ran[-2:] == ["Trend", "Tell the team"]


def test_without_anybody_to_tell_and_without_a_run_the_night_says_so(nights) -> None:
    job = nights.lost
    assert job.result == "failure"
    assert "Earlier runs cannot be listed, so nothing is compared." in job.log
    assert "Nothing was run: exit code 2." in job.summary
    assert "Nobody is told: the secret PERF_WEBHOOK is not set." in job.log
    assert nights.told["lost"] == nights.told["third"]
