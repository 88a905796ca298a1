"""`perf-smoke` as a whole, and with it the action: on main, then on pull requests that change the service or do not.

The checkout is a real one, the steps run in real shells, earlier results are fetched by the real `gh`, and the comment
goes to a local server.
"""

import re
from types import SimpleNamespace
from typing import Any

import pytest


@pytest.fixture
def pulls(scenarios) -> SimpleNamespace:
    return scenarios["pulls"]


def results(jobs: dict[str, Any]) -> tuple[str, str]:
    return jobs["smoke"].result, jobs["gate"].result


def visible(text: str) -> str:
    return re.sub(r"<details>.*?</details>", "", text, flags=re.DOTALL)


def test_main_leaves_results_for_pull_requests_to_be_compared_with(pulls) -> None:
    assert results(pulls.main) == ("success", "success"), pulls.main["smoke"].log
    assert "Comment" not in pulls.main["smoke"].ran
    assert "there is no accepted run yet to compare with (`main`)" in pulls.main["smoke"].log
    names = pulls.hub.files_of(101, "perfspec-smoke")
    assert {"result.json", "junit.xml", "report.html", "all-runs.html", "all-runs.xml"} <= set(names)


def test_a_change_that_leaves_the_service_well_is_green_and_says_what_changed(pulls, limit_line) -> None:
    job = pulls.green["smoke"]
    assert results(pulls.green) == ("success", "success"), job.log
    assert "::error" not in job.log
    assert "services/search/serve.py matches services/search/**" in job.log
    (text,) = pulls.comments["green"]
    for said in (job.summary, text):
        assert "## search smoke on local: PASS" in said
        assert "| ✅ PASS | suggest p95 at most 1s | " in said
        assert f"`specs/search.yaml:{limit_line}`" in said
        assert "**compared with the one run on main, " in visible(said)
        assert re.search(r"\| suggest \| p50 \| \S+ ms \| \S+ ms \| [+-]\d+ % \| [+-]\d+ to [+-]\d+ % \|", said), said
    assert text.startswith("<!-- perfspec:smoke -->\n")
    assert text.endswith("[The whole report](http://hub.test/o/r/actions/runs/103)\n")
    assert "the comment is written" in job.log


def test_a_change_that_slows_search_down_is_red_and_names_request_limit_value_and_line(pulls, limit_line) -> None:
    job = pulls.red["smoke"]
    assert results(pulls.red) == ("failure", "failure"), job.log
    (text,) = pulls.comments["red"]  # the same comment, up to date
    assert "the comment is up to date" in job.log
    assert text.startswith("<!-- perfspec:smoke -->\n\n## search smoke on local: FAIL\n")
    row = next(line for line in text.splitlines() if line.startswith("| ❌ FAIL |"))
    seen = re.fullmatch(
        r"\| ❌ FAIL \| suggest p95 at most 1s \| (100\.0) % slower or failed \(5 % allowed, likely .*?\); "
        r"p95 (\d\.\d+) s of \d+ \| `specs/search\.yaml:(\d+)` \|",
        row,
    )
    assert seen, row
    assert (float(seen[2]) >= 1.2, int(seen[3])) == (True, limit_line)
    slower = [line for line in visible(text).splitlines() if line.startswith("| **SLOWER** | suggest | p")]
    assert len(slower) == 2, text
    place = rf"^::error file=specs/search\.yaml,line={limit_line},col=\d+,title=search smoke%3A FAIL::"
    assert re.search(place + r"suggest p95 at most 1s: 100\.0 %25 slower", job.log, re.MULTILINE), job.log
    assert f"`specs/search.yaml:{limit_line}`" in job.summary
    assert "result.json" in pulls.hub.files_of(104, "perfspec-smoke")  # kept, above all when it failed


def test_a_change_that_concerns_no_service_runs_nothing_and_is_green(pulls) -> None:
    for jobs in (pulls.early, pulls.nothing):
        assert results(jobs) == ("success", "success"), jobs["smoke"].log
        assert jobs["smoke"].summary == "No spec is concerned by this change.\n"
    assert (102, "perfspec-smoke") not in pulls.hub.artifacts
    assert pulls.comments["early"] == []  # nobody hears of nothing
    (text,) = pulls.comments["nothing"]  # but what was said of the commit before is so no longer
    assert "No spec is concerned by this change any more" in text
    assert "FAIL" not in text


def test_a_spec_with_errors_is_red_and_says_so(pulls) -> None:
    job = pulls.broken["smoke"]
    assert results(pulls.broken) == ("failure", "failure")
    assert "PS101" in job.log
    assert "Nothing was run: exit code 2" in job.summary
    assert "Nothing was run: exit code 2" in pulls.comments["broken"][0]


def test_a_fork_without_the_right_to_comment_gets_the_summary_alone(pulls) -> None:
    job = pulls.fork["smoke"]
    assert "no comment: this token may not write to the pull request" in job.log
    assert "Nothing was run" in job.summary
    assert pulls.comments["fork"] == pulls.comments["broken"]


def test_the_action_uses_the_actions_that_it_is_known_for(pulls) -> None:
    names = [name.partition("@")[0] for name in pulls.green["smoke"].used]
    assert names == ["actions/checkout", "./", "actions/setup-python", "actions/upload-artifact"]
    assert pulls.green["smoke"].ran == [
        "actions/checkout@v4.2.2", "./", "actions/setup-python@v5.6.0", "Install perfspec", "Take earlier results",
        "Run and judge", "Comment", "Keep the results", "Verdict",
    ]  # fmt: skip
