"""One row for every promise of the k6 suite that this project replaces: numbers and coverage may not shrink.

A row is a check that runs, or names the test that shows it (which must exist). A row whose artefact is not there yet is
open, is said to be so at the end of the run with the part of the project that it belongs to, and becomes a check by
itself as soon as the artefact exists: so the list cannot rot.
"""

import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
import yaml

from perfspec.app.plan import Planned, plan
from perfspec.base.clock import SECOND
from perfspec.cli import COMMANDS
from perfspec.plan.build import Choice
from perfspec.reference.catalogue import PORTS
from perfspec.steps import requests

ROOT = Path(__file__).parents[1]
MINUTE = 60
SERVICES = ("gateway", "assessment", "search")
Check = Callable[[], object]


@dataclass(frozen=True)
class Promise:
    """`waits_for`: a file, or `perfspec COMMAND`; while it is missing, the row is open and belongs to `part`."""

    text: str
    shown: Check | str
    waits_for: str = ""
    part: str = ""

    @property
    def is_open(self) -> bool:
        if self.waits_for.startswith("perfspec "):
            return self.waits_for.removeprefix("perfspec ") not in COMMANDS
        return bool(self.waits_for) and not (ROOT / self.waits_for).exists()


# --- what rows ask -----------------------------------------------------------------------------------------------


@cache
def planned(service: str, stage: str, environment: str = "local") -> Planned:
    return plan(str(ROOT / f"specs/{service}.yaml"), Choice(stage, environment, None))


def limits(service: str, stage: str, environment: str = "local") -> set[str]:
    found = planned(service, stage, environment).plan
    assert found is not None
    return {str(threshold) for threshold in found.thresholds}


def limited(service: str, limit: str, *, environment: str = "local") -> Check:
    """The limit holds in the stages that judge latency."""

    def check() -> None:
        stages = ("smoke", "load")
        for stage in stages:
            assert limit in limits(service, stage, environment), (stage, limits(service, stage, environment))

    return check


def errors(service: str) -> Check:
    def check() -> None:
        assert "all errors under 1%" in limits(service, "smoke")
        assert "all errors under 0.5%" in limits(service, "load")

    return check


def available(service: str, share: str) -> Check:
    def check() -> None:
        assert f"all availability at least {share}" in limits(service, "load")
        assert written(f"specs/{service}.yaml")["slo"]["availability"] == f"at least {share}"

    return check


def requested(service: str, *paths: str) -> Check:
    """Every stage of a pull request sends these."""

    def check() -> None:
        found = planned(service, "smoke").plan
        assert found is not None
        urls = [step.path.source for flow in found.flows for step in requests(flow.steps)]
        for path in paths:
            assert any(re.search(path, url) for url in urls), (path, urls)

    return check


def stage(name: str, seconds: tuple[int, int], users: tuple[int, int], phases: str) -> Check:
    """In each spec that ships: so long, at most so many users, in these phases."""

    def check() -> None:
        shipped = [service for service in SERVICES if (ROOT / f"specs/{service}.yaml").exists()]
        for service in shipped:
            found = planned(service, name).plan
            assert found is not None
            assert seconds[0] * SECOND <= found.for_ns <= seconds[1] * SECOND
            assert users[0] <= found.most_users <= users[1]
            assert [phase.name for phase in found.phases] == phases.split()

    return check


def written(path: str) -> dict:
    return yaml.safe_load((ROOT / path).read_text())


def says(path: str, *texts: str) -> Check:
    """The file holds the texts, as patterns."""

    def check() -> None:
        content = (ROOT / path).read_text()
        assert [text for text in texts if not re.search(text, content, re.IGNORECASE)] == []

    return check


def drawn(service: str, *names: str) -> Check:
    def check() -> None:
        found = planned(service, "smoke").checked.spec
        assert found is not None
        assert set(names) <= {data.name for data in found.data}

    return check


def called(*words: str) -> Check:
    """Some test file calls the command."""

    def check() -> None:
        texts = [path.read_text() for path in (ROOT / "tests").rglob("test_*.py") if path != Path(__file__)]
        assert any(all(f'"{word}"' in text for word in words) for text in texts)

    return check


def smoke_users() -> None:
    (phase,) = written("specs/shared/suite.yaml")["stages"]["smoke"]["phases"]
    assert phase["users"] == "ramp 3 to 8"


def stress_users() -> None:
    phases = written("specs/shared/suite.yaml")["stages"]["stress"]["phases"]
    assert {phase["name"]: phase["users"] for phase in phases}["heavy"] == 200
    assert {phase["name"]: phase["users"] for phase in phases}["overload"] == "ramp 200 to 300"


def abort_on_errors() -> None:
    stages = written("specs/shared/suite.yaml")["stages"]
    assert stages["smoke"]["abort"] == ["errors threshold fails"]
    assert "abort" not in stages["load"]


def environments() -> None:
    for service in SERVICES:
        if (ROOT / f"specs/{service}.yaml").exists():
            assert set(written(f"specs/{service}.yaml")["environments"]) == {
                "local",
                "compose",
                "staging",
                "production",
            }


def affected_globs() -> None:
    for service in SERVICES:
        if (ROOT / f"specs/{service}.yaml").exists():
            assert f"services/{service}/**" in written(f"specs/{service}.yaml")["run_when_changed"]


def old_helper() -> None:
    script = ROOT / "scripts/run-load-tests.sh"
    assert script.stat().st_mode & stat.S_IXUSR
    assert "stage=${1:-smoke} service=${2:-all}" in script.read_text()


def budgets() -> None:
    spent = written("specs/shared/suite.yaml")["slo"]
    assert spent["period"] == "30d"
    assert list(spent["when_budget_spent"]) == ["50%", "80%", "100%"]
    for share, word in (("50%", "Review"), ("80%", "Freeze"), ("100%", "post-mortem")):
        assert word in spent["when_budget_spent"][share]


def served() -> None:
    assert tuple(PORTS) == SERVICES


GATEWAY, ASSESSMENT = "specs/gateway.yaml", "specs/assessment.yaml"
STORES = "tests/e2e/services/test_stores.py"
WORKFLOWS = ".github/workflows"

PROMISES = {
    "services": [
        Promise("load tests of gateway: generate and embeddings",
                requested("gateway", "^/v1/generate$", "^/v1/embeddings$"), GATEWAY, "answers"),
        Promise("load tests of assessment: answer, create, grade",
                requested("assessment", "^/v1/assessments$", "/answers$", "/grade$"), ASSESSMENT, "flow"),
        Promise("load tests of search: suggest, query, index",
                requested("search", r"^/v1/suggest\?", r"^/v1/query\?", "^/v1/index$")),
        Promise("all three run on one machine", served),
    ],
    "limits": [
        Promise("generate p95 at most 300 ms local",
                limited("gateway", "generate p95 at most 300ms"), GATEWAY, "answers"),
        Promise("generate p95 at most 500 ms in production",
                limited("gateway", "generate p95 at most 500ms", environment="production"), GATEWAY, "answers"),
        Promise("embeddings p95 at most 200 ms",
                limited("gateway", "embeddings p95 at most 200ms"), GATEWAY, "answers"),
        Promise("answer p95 at most 150 ms", limited("assessment", "answer p95 at most 150ms"), ASSESSMENT, "flow"),
        Promise("create p95 at most 200 ms", limited("assessment", "create p95 at most 200ms"), ASSESSMENT, "flow"),
        Promise("grade p95 at most 300 ms", limited("assessment", "grade p95 at most 300ms"), ASSESSMENT, "flow"),
        Promise("suggest p95 at most 120 ms", limited("search", "suggest p95 at most 120ms")),
        Promise("query p95 at most 200 ms", limited("search", "query p95 at most 200ms")),
        Promise("index p95 at most 500 ms", limited("search", "index p95 at most 500ms")),
        Promise("gateway: errors under 1 % in smoke, 0.5 % in load", errors("gateway"), GATEWAY, "answers"),
        Promise("assessment: errors under 1 % in smoke, 0.5 % in load", errors("assessment"), ASSESSMENT, "flow"),
        Promise("search: errors under 1 % in smoke, 0.5 % in load", errors("search")),
        Promise("gateway is available for 99.9 %", available("gateway", "99.9%"), GATEWAY, "answers"),
        Promise("assessment is available for 99.95 %", available("assessment", "99.95%"), ASSESSMENT, "flow"),
        Promise("search is available for 99.9 %", available("search", "99.9%")),
        Promise("a smoke run is ended by its errors, a load run is not", abort_on_errors),
    ],
    "stages": [
        Promise("smoke: 30 seconds", stage("smoke", (30, 30), (8, 8), "check")),
        Promise("smoke: 3 to 8 users", smoke_users),
        Promise("load: 10 to 15 minutes, 50 to 100 users, ramp up, steady, peak, ramp down",
                stage("load", (10 * MINUTE, 15 * MINUTE), (100, 100), "ramp-up steady peak ramp-down")),
        Promise("stress: 20 to 30 minutes, up to 300 users",
                stage("stress", (20 * MINUTE, 30 * MINUTE), (300, 300), "ramp-up heavy overload recovery")),
        Promise("stress: 200 to 300 users", stress_users),
    ],
    "data": [
        Promise("gateway: several models, prompts of many lengths",
                drawn("gateway", "model", "prompt", "prompt_words"), GATEWAY, "answers"),
        Promise("assessment: question kinds, multiple choice and short answers",
                drawn("assessment", "kind", "option", "short_answer"), ASSESSMENT, "flow"),
        Promise("assessment: grading scenarios, all answered and handed in early",
                says(ASSESSMENT, "early"), ASSESSMENT, "flow"),
        Promise("search: real phrases, type-ahead, documents", drawn("search", "phrase", "title", "body")),
        Promise("times of every request in a series of its own",
                "tests/unit/metrics/test_series.py"),
    ],
    "pull requests": [
        Promise("services are told from changed files", affected_globs),
        Promise("only affected services are tested", "tests/e2e/test_git.py", "perfspec affected", "tools"),
        Promise("smoke on every pull request, and it blocks the merge",
                says(f"{WORKFLOWS}/perf-smoke.yml", "pull_request:", "stage: smoke", "base:"),
                f"{WORKFLOWS}/perf-smoke.yml", "ci"),
        Promise("a broken limit fails the build", "tests/e2e/test_run_fails.py"),
        Promise("the pull request gets a comment", says("action.yml", "comment"), "action.yml", "ci"),
        Promise("the comment is rendered and posted by perfspec", called("comment"), "perfspec comment", "ci"),
    ],
    "nightly and weekly": [
        Promise("load every night at 2 AM UTC",
                says(f"{WORKFLOWS}/perf-nightly.yml", r"cron: ['\"]0 2 \* \* \*['\"]", "load"),
                f"{WORKFLOWS}/perf-nightly.yml", "ci"),
        Promise("stress every week and by hand",
                says(f"{WORKFLOWS}/perf-stress.yml", r"cron: ['\"].* [0-7a-z]+['\"]", "workflow_dispatch", "stress"),
                f"{WORKFLOWS}/perf-stress.yml", "ci"),
        Promise("results are kept as artefacts",
                says("action.yml", "upload-artifact"), f"{WORKFLOWS}/perf-nightly.yml", "ci"),
        Promise("the team is told of broken limits",
                says(f"{WORKFLOWS}/perf-nightly.yml", "notify|webhook"), f"{WORKFLOWS}/perf-nightly.yml", "ci"),
        Promise("trends over runs", called("trend"), "perfspec trend", "history"),
        Promise("how much does it carry within its limits?", says("specs/shared/suite.yaml", "find_limit")),
    ],
    "environment": [
        Promise("PostgreSQL, Elasticsearch, Redis, Kong and all services in docker-compose",
                "tests/test_compose.py::test_everything_that_the_suite_needs_is_there"),
        Promise("health checks, and an order of starting",
                "tests/test_compose.py::test_nothing_starts_before_what_it_needs_is_healthy"),
        Promise("dependencies are verified",
                "tests/e2e/services/test_ready.py::test_every_environment_and_dependency_is_in_one_table"),
        Promise("validated before the test",
                "tests/e2e/services/test_ready.py::test_a_run_names_the_dependency_that_is_down_and_sends_no_load"),
        Promise("Kong routes to the services",
                "tests/e2e/services/test_routes.py::test_each_path_leads_to_its_service_without_its_prefix"),
        Promise("a database for the services",
                f"{STORES}::test_a_postgresql_that_is_gone_is_named_and_nothing_acknowledged_is_lost"),
        Promise("a cache", f"{STORES}::test_answers_are_kept_in_redis_and_a_redis_that_is_gone_costs_no_answer"),
        Promise("indexing and queries of a search engine",
                f"{STORES}::test_search_speaks_the_official_client_to_a_stand_in_for_elasticsearch"),
        Promise("local, compose, staging and production", environments),
    ],
    "budgets, alerts, dashboards": [
        Promise("50 % review, 80 % freeze, 100 % stop and post-mortem, over 30 days", budgets),
        Promise("43.2 and 21.6 minutes a month", says("docs/slo.md", r"43\.2", r"21\.6"), "docs/slo.md", "slo"),
        Promise("objectives, budgets and policies are documented",
                says("docs/slo.md", "generate", "suggest", "answer", "freeze", "post-mortem"), "docs/slo.md", "slo"),
        Promise("alert rules for burnt budgets and slow p95", called("slo", "rules"), "perfspec slo", "slo"),
        Promise("dashboards of objectives", called("slo", "dashboards"), "perfspec/slo/dashboards.py", "slo"),
        Promise("every limit is a bucket of the services' histograms",
                "tests/unit/reference/test_application.py::test_every_limit_of_the_shipped_specs_is_a_bucket"),
    ],
    "helpers and results": [
        Promise("scripts/run-load-tests.sh [smoke|load|stress] [service]", old_helper),
        Promise("the helper runs all, or one, and says the worst",
                "tests/e2e/test_several_specs.py::test_the_exit_code_is_the_worst_and_one_junit_file_holds_all_runs"),
        Promise("results as JSON", "tests/e2e/test_reports.py"),
        Promise("reports that say which limit held", "tests/unit/report/test_junit.py"),
        Promise("a guide to the environment, with what to do",
                says("docs/guide/test-environment.md", "perfspec ready")),
        Promise("a guide to verdicts and to exit codes", says("docs/guide/exit-codes.md", "what to do")),
    ],
}  # fmt: skip
ROWS = [(f"{topic}: {promise.text}", promise) for topic, promises in PROMISES.items() for promise in promises]


@pytest.mark.parametrize("promise", [pytest.param(row, id=name) for name, row in ROWS if not row.is_open])
def test_the_promise_is_kept(promise) -> None:
    if isinstance(promise.shown, str):
        assert_exists(promise.shown)
    else:
        promise.shown()


def test_no_promise_is_open(not_checked_here) -> None:
    still_open = [f"{row.text} (of {row.part})" for _, row in ROWS if row.is_open]
    if still_open:
        not_checked_here(f"{len(still_open)} promises that are open: {'; '.join(still_open)}", required=False)


def assert_exists(test: str) -> None:
    """`tests/x.py` with tests in it, or `tests/x.py::test_y`."""
    path, _, name = test.partition("::")
    tests = set(re.findall(r"^ *def (test_\w+)", (ROOT / path).read_text(), re.MULTILINE))
    assert name in tests if name else tests, f"{test} is not there"


def test_a_row_without_its_test_is_noticed() -> None:
    with pytest.raises(AssertionError, match="is not there"):
        assert_exists("tests/test_seed.py::test_that_was_never_written")
    with pytest.raises(FileNotFoundError):
        assert_exists("tests/never_written.py")


def test_an_open_row_names_its_part_and_closes_when_its_artefact_is_there() -> None:
    assert all(bool(row.waits_for) == bool(row.part) for _, row in ROWS)
    assert Promise("x", "tests/x.py", "docs/never-written.md", "docs").is_open
    assert Promise("x", "tests/x.py", "perfspec never", "tools").is_open
    assert not Promise("x", "tests/x.py", "docs", "docs").is_open
    assert not Promise("x", "tests/x.py", "perfspec run", "tools").is_open
