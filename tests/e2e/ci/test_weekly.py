"""`perf-stress` as a whole: its answer stands in the summary, and what it leaves is told apart by stage and service."""

import re
from types import SimpleNamespace

import pytest


@pytest.fixture
def week(scenarios) -> SimpleNamespace:
    return scenarios["week"]


def test_how_much_the_service_carries_is_the_answer_of_the_summary(week) -> None:
    job = week.job
    assert job.result == "success", job.log
    assert "## search capacity on local: PASS" in job.summary
    (answer,) = re.findall(r"^\*\*How much it carries: (.*)\*\*$", job.summary, re.MULTILINE)
    assert answer == "at least 2 users, confirmed three times as long"
    assert re.search(r"\| growing \| 1 users? \| met \|", job.summary)
    assert re.search(r"\| confirming \| 2 users \| met \|", job.summary)


def test_results_of_a_stage_and_a_service_have_a_name_of_their_own(week) -> None:
    assert week.job.outputs["names"] == {"service": "search"}
    assert [name for _, name in week.hub.artifacts] == ["perfspec-capacity-search"]


@pytest.mark.parametrize(
    ("asked", "stages"),
    [({}, ["stress", "capacity"]), ({"stage": "both"}, ["stress", "capacity"]), ({"stage": "stress"}, ["stress"])],
)
def test_every_week_has_both_answers_for_every_service(asked, stages, runners, workflows) -> None:
    job = workflows["perf-stress"]["jobs"]["stress"]
    found = list(runners.matrices(job, runners.Scope({"inputs": asked}), {}))
    services = ("gateway", "assessment", "search")
    assert found == [{"stage": stage, "spec": f"specs/{name}.yaml"} for stage in stages for name in services]
    assert job["strategy"]["max-parallel"] == 1  # two at once would measure each other
