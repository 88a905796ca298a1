"""One row for every promise of the k6 suite that this project replaces: numbers and coverage may not shrink.

A row is a check of what ships, or names the test that shows it: one function, which must exist and assert something.
Nothing of the list is open, so a row whose artefact is gone fails.
"""

import ast
import csv
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path

import pytest
import yaml

from perfspec.app.plan import Planned, plan
from perfspec.app.slo import promised
from perfspec.base.clock import SECOND
from perfspec.plan.build import Choice
from perfspec.reference.catalogue import PORTS
from perfspec.steps import requests

ROOT = Path(__file__).parents[1]
MINUTE = 60
SERVICES = ("gateway", "assessment", "search")
Check = Callable[[], object]


@dataclass(frozen=True)
class Promise:
    """In the words of the old suite, and what shows that it is kept."""

    text: str
    shown: Check | str


# --- what rows ask -----------------------------------------------------------------------------------------------


@cache
def planned(service: str, stage: str, environment: str = "local") -> Planned:
    return plan(str(ROOT / f"specs/{service}.yaml"), Choice(stage, environment, None))


def limits(service: str, stage: str, environment: str = "local") -> set[str]:
    found = planned(service, stage, environment).plan
    assert found is not None
    return {str(threshold) for threshold in found.thresholds}


def limited(service: str, limit: str, *, environment: str = "local") -> Check:
    """The limit holds in the stages that judge latency, and nothing makes it a warning there."""

    def check() -> None:
        for stage in ("smoke", "load"):
            assert limit in limits(service, stage, environment), (stage, limits(service, stage, environment))
            found = planned(service, stage, environment).plan
            assert found is not None
            assert not found.warn_only

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


def requested(service: str, *named: tuple[str, str]) -> Check:
    """Every stage sends these: name, which is that of a series and of a limit, and path."""

    def check() -> None:
        for stage in ("smoke", "load", "stress"):
            found = planned(service, stage).plan
            assert found is not None
            sent = {(step.name, step.path.source) for flow in found.flows for step in requests(flow.steps)}
            for name, path in named:
                assert any(name == n and re.search(path, url) for n, url in sent), (stage, name, sent)

    return check


def stage(name: str, seconds: tuple[int, int], phases: dict[str, object]) -> Check:
    """In each spec: so long, in these phases, with so many users."""

    def check() -> None:
        for service in SERVICES:
            found = planned(service, name).plan
            assert found is not None
            assert seconds[0] * SECOND <= found.for_ns <= seconds[1] * SECOND
            assert [phase.name for phase in found.phases] == list(phases)
        shared = written("specs/shared/suite.yaml")["stages"][name]["phases"]
        assert {phase["name"]: phase["users"] for phase in shared} == phases

    return check


def most_users(name: str, most: int) -> Check:
    def check() -> None:
        for service in SERVICES:
            found = planned(service, name).plan
            assert found is not None
            assert found.most_users == most

    return check


def written(path: str) -> dict:
    return yaml.safe_load((ROOT / path).read_text())


def workflow(name: str) -> dict:
    found = written(f".github/workflows/{name}.yml")
    return {**found, "on": found[True]}  # `on` is a truth value in YAML 1.1


def given(name: str, job: str) -> dict:
    """What a workflow gives to our action."""
    (step,) = (step for step in workflow(name)["jobs"][job]["steps"] if step.get("uses") == "./")
    return step["with"]


def says(path: str, *texts: str) -> Check:
    """The page holds the texts, as patterns."""

    def check() -> None:
        content = (ROOT / path).read_text()
        assert [text for text in texts if not re.search(text, content, re.IGNORECASE)] == []

    return check


def chosen(service: str, name: str, *values: str) -> Check:
    """The data are drawn from these, all of which come up."""

    def check() -> None:
        choice = written(f"specs/{service}.yaml")["data"][name]["choice"]
        shares = choice if isinstance(choice, dict) else dict.fromkeys(choice, 1)
        assert set(values) <= {str(value) for value in shares}
        assert "0%" not in shares.values()

    return check


def prompts_of_many_lengths() -> None:
    data = written("specs/gateway.yaml")["data"]
    assert data["prompt"] == {"text": "${prompt_words} words"}
    low, high = map(int, re.findall(r"^(\d+) to (\d+)$", data["prompt_words"]["number"])[0])
    assert high >= 100 * low


def two_ways_to_be_graded() -> None:
    """Some answer every question, some hand in after one."""
    text = (ROOT / "specs/assessment.yaml").read_text()
    assert re.search(
        r"choose:.*weight: 80.*answered: \$\{questions\}.*weight: 20.*random\(questions\)", text, re.DOTALL
    )


def real_phrases() -> None:
    with (ROOT / "fixtures/search-phrases.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    assert len({row["text"] for row in rows}) >= 200
    assert len({row["language"] for row in rows}) >= 2
    spec = written("specs/search.yaml")
    assert spec["data"]["phrase"] == {"csv": "../fixtures/search-phrases.csv", "order": "zipf 1.1"}
    assert "prefixes(phrase.text" in spec["flows"]["type-ahead"]["steps"][0]["for_each"]
    assert {"title", "body"} <= spec["data"].keys()


def stress_finds_where_it_breaks() -> None:
    suite = written("specs/shared/suite.yaml")["stages"]
    assert suite["stress"]["warn_only"] == "latency"
    assert suite["stress"]["thresholds"] == {"all": {"errors": "under 5%"}}


def capacity_is_asked_for() -> None:
    assert written("specs/shared/suite.yaml")["stages"]["capacity"]["find_limit"]["users"] == "5 to 300"
    assert "capacity" in given("perf-stress", "stress")["stage"] + str(workflow("perf-stress")["jobs"]["stress"])


def abort_on_errors() -> None:
    for service in SERVICES:
        for name, rules in (("smoke", 1), ("load", 0)):
            found = planned(service, name).plan
            assert found is not None
            assert len(found.abort) == rules, (service, name)
    assert written("specs/shared/suite.yaml")["stages"]["smoke"]["abort"] == ["errors threshold fails"]


def environments() -> None:
    for service in SERVICES:
        found = written(f"specs/{service}.yaml")["environments"]
        assert set(found) == {"local", "compose", "staging", "production"}
        assert found["production"]["confirm"]
        assert set(found["production"]["stages"]) == {"smoke", "load"}


def affected_globs() -> None:
    for service in SERVICES:
        assert f"services/{service}/**" in written(f"specs/{service}.yaml")["run_when_changed"]


def smoke_on_pull_requests() -> None:
    assert "pull_request" in workflow("perf-smoke")["on"]
    asked = given("perf-smoke", "smoke")
    assert (asked["specs"], asked["stage"]) == ("specs", "smoke")
    assert "github.base_ref" in asked["base"]


def load_at_two() -> None:
    assert workflow("perf-nightly")["on"]["schedule"] == [{"cron": "0 2 * * *"}]
    asked = given("perf-nightly", "load")
    assert (asked["specs"], asked["stage"], asked["earlier"]) == ("specs", "load", 10)


def stress_every_week() -> None:
    asked = workflow("perf-stress")["on"]
    ((minute, hour, day, month, weekday),) = [each["cron"].split() for each in asked["schedule"]]
    assert all(part.isdigit() for part in (minute, hour, weekday))
    assert (day, month) == ("*", "*")
    assert "workflow_dispatch" in asked
    matrix = workflow("perf-stress")["jobs"]["stress"]["strategy"]["matrix"]
    assert matrix["spec"] == [f"specs/{service}.yaml" for service in SERVICES]


def old_helper() -> None:
    script = ROOT / "scripts/run-load-tests.sh"
    assert script.stat().st_mode & stat.S_IXUSR
    assert "stage=${1:-smoke} service=${2:-all}" in script.read_text()


def budget(service: str, minutes: str) -> Check:
    """Computed from what the spec promises over 30 days; and the page about promises says the same."""

    def check() -> None:
        (found,) = (each for each in promised([str(ROOT / "specs")]).services if each.service == service)
        assert found.objectives[0].budget_minutes == Fraction(minutes)
        section = (ROOT / "docs/slo.md").read_text().partition(f"### {service}\n")[2].partition("\n### ")[0]
        assert f"| availability | {minutes} minutes (" in section

    return check


def policy() -> None:
    spent = written("specs/shared/suite.yaml")["slo"]
    assert spent["period"] == "30d"
    assert spent["when_budget_spent"] == {
        "50%": "Review changes, monitor closely",
        "80%": "Freeze non-critical deployments",
        "100%": "Stop feature deployments, hold a post-mortem",
    }


def slow_p95_is_alerted() -> None:
    """As the old rule: over the limit, for two minutes, critical. Burnt budgets are alerted beside it."""
    groups = written("fixtures/compose/rules/slo.yml")["groups"]
    rules = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    slow = [rule for rule in rules if rule["alert"] == "LatencyAbovePromise"]
    assert {(rule["for"], rule["labels"]["severity"]) for rule in slow} == {("2m", "critical")}
    limits = {(rule["labels"]["service"], rule["labels"]["slo"]): float(rule["expr"].split()[-1]) for rule in slow}
    assert limits == {
        ("gateway", "generate p95"): 0.5, ("gateway", "embeddings p95"): 0.2,
        ("assessment", "answer p95"): 0.15, ("assessment", "create p95"): 0.2, ("assessment", "grade p95"): 0.3,
        ("search", "suggest p95"): 0.12, ("search", "query p95"): 0.2, ("search", "index p95"): 0.5,
    }  # fmt: skip
    burnt = {rule["labels"]["service"] for rule in rules if rule["alert"] == "ErrorBudgetBurnsFast"}
    assert burnt == set(SERVICES)


def dashboards() -> None:
    names = {path.name for path in (ROOT / "fixtures/compose/dashboards").glob("*.json")}
    pages = {f"service-{service}.json" for service in SERVICES}
    assert names == pages | {"slo-overview.json", "load-test-runs.json"}


def served() -> None:
    assert tuple(PORTS) == SERVICES


COMPOSE, SERVED, STORES = "tests/test_compose.py", "tests/e2e/services", "tests/e2e/services/test_stores.py"
CI, SLO, HISTORY = "tests/e2e/ci", "tests/e2e/slo", "tests/e2e/history/test_runs.py"

PROMISES = {
    "services": [
        Promise("load tests of gateway: generate and embeddings",
                requested("gateway", ("generate", "^/v1/generate$"), ("embeddings", "^/v1/embeddings$"))),
        Promise("load tests of assessment: answer, create, grade",
                requested("assessment", ("create", "^/v1/assessments$"), ("answer", "/answers$"),
                          ("grade", "/grade$"))),
        Promise("load tests of search: suggest, query, index",
                requested("search", ("suggest", r"^/v1/suggest\?"), ("query", r"^/v1/query\?"),
                          ("index", "^/v1/index$"))),
        Promise("all three run on one machine", served),
        Promise("every request of every spec is sent and answered as expected",
                f"{SERVED}/test_shipped_specs.py::test_every_request_of_every_spec_is_answered_as_expected"),
        Promise("every workflow of an assessment is stored: no answer is lost under load",
                f"{SERVED}/test_assessment_under_load.py::test_a_hundred_users_store_every_answer_exactly_once"),
        Promise("a new service is easily added", "tests/unit/cli/test_new.py::test_what_is_written_is_clean"),
    ],
    "limits": [
        Promise("generate p95 at most 300 ms local", limited("gateway", "generate p95 at most 300ms")),
        Promise("generate p95 at most 500 ms in production",
                limited("gateway", "generate p95 at most 500ms", environment="production")),
        Promise("embeddings p95 at most 200 ms", limited("gateway", "embeddings p95 at most 200ms")),
        Promise("answer p95 at most 150 ms", limited("assessment", "answer p95 at most 150ms")),
        Promise("create p95 at most 200 ms", limited("assessment", "create p95 at most 200ms")),
        Promise("grade p95 at most 300 ms", limited("assessment", "grade p95 at most 300ms")),
        Promise("suggest p95 at most 120 ms", limited("search", "suggest p95 at most 120ms")),
        Promise("query p95 at most 200 ms", limited("search", "query p95 at most 200ms")),
        Promise("index p95 at most 500 ms", limited("search", "index p95 at most 500ms")),
        Promise("gateway: errors under 1 % in smoke, 0.5 % in load", errors("gateway")),
        Promise("assessment: errors under 1 % in smoke, 0.5 % in load", errors("assessment")),
        Promise("search: errors under 1 % in smoke, 0.5 % in load", errors("search")),
        Promise("gateway is available for 99.9 %", available("gateway", "99.9%")),
        Promise("assessment is available for 99.95 %", available("assessment", "99.95%")),
        Promise("search is available for 99.9 %", available("search", "99.9%")),
        Promise("a smoke run is ended by its errors, a load run is not", abort_on_errors),
        Promise("a run that errors end stops early and is red",
                "tests/e2e/test_service_dies.py::test_a_dead_service_ends_the_run_by_the_hard_stop"),
    ],
    "stages": [
        Promise("smoke: 30 seconds, 3 to 8 users", stage("smoke", (30, 30), {"check": "ramp 3 to 8"})),
        Promise("load: 10 to 15 minutes, 50 to 100 users, ramp up, steady, peak, ramp down",
                stage("load", (10 * MINUTE, 15 * MINUTE), {"ramp-up": "ramp 0 to 50", "steady": 50,
                      "peak": "ramp 50 to 100", "ramp-down": "ramp 100 to 0"})),
        Promise("stress: 20 to 30 minutes, 200 to 300 users",
                stage("stress", (20 * MINUTE, 30 * MINUTE), {"ramp-up": "ramp 0 to 200", "heavy": 200,
                      "overload": "ramp 200 to 300", "recovery": "ramp 300 to 50"})),
        Promise("never more users than promised in smoke", most_users("smoke", 8)),
        Promise("never more users than promised in load", most_users("load", 100)),
        Promise("never more users than promised in stress", most_users("stress", 300)),
        Promise("stress: finds the breaking point and does not fail by it", stress_finds_where_it_breaks),
        Promise("stress: capacity planning", capacity_is_asked_for),
        Promise("the answer to it is in the summary",
                f"{CI}/test_weekly.py::test_how_much_the_service_carries_is_the_answer_of_the_summary"),
        Promise("load: the embedded services keep every limit under it",
                f"{SERVED}/test_shipped_specs.py::test_the_load_stage_at_a_tenth_of_its_time_passes"),
    ],
    "data": [
        Promise("gateway: several models", chosen("gateway", "model", "gpt-3.5", "gpt-4")),
        Promise("gateway: prompts of many lengths", prompts_of_many_lengths),
        Promise("assessment: question kinds", chosen("assessment", "kind", "multiple-choice", "short-answer")),
        Promise("assessment: options of a multiple choice", chosen("assessment", "option", "A", "B", "C", "D")),
        Promise("assessment: grading scenarios, all answered and handed in early", two_ways_to_be_graded),
        Promise("search: real phrases, type-ahead, documents", real_phrases),
        Promise("metrics of a service's own: each request has its series",
                "tests/unit/metrics/test_series.py::test_a_series_is_made_once_per_key_with_the_limits_of_its_name"),
        Promise("metrics of a service's own: what answers say is recorded",
                "tests/e2e/test_gateway.py::test_its_series_say_what_they_are"),
    ],
    "pull requests": [
        Promise("services are told from changed files", affected_globs),
        Promise("only affected services are tested",
                "tests/e2e/test_git.py::test_a_change_concerns_the_services_whose_files_it_touches"),
        Promise("smoke on every pull request", smoke_on_pull_requests),
        Promise("limits that hold let it pass",
                f"{CI}/test_pull_request.py::test_a_change_that_leaves_the_service_well_is_green_and_says_what_changed"),
        Promise("a broken limit blocks the merge, and the comment says which", f"{CI}/test_pull_request.py::"
                "test_a_change_that_slows_search_down_is_red_and_names_request_limit_value_and_line"),
        Promise("a broken limit fails the build",
                "tests/e2e/test_run_fails.py::test_a_slow_request_fails_the_run_with_exit_code_1"),
        Promise("the pull request gets a comment, which is kept up to date",
                f"{CI}/test_comment.py::test_one_comment_is_written_and_then_kept_up_to_date"),
    ],
    "nightly and weekly": [
        Promise("load of all services every night at 2 AM UTC", load_at_two),
        Promise("a night is compared with those before, and red where it became slower",
                f"{CI}/test_nightly.py::test_a_night_that_became_slower_within_its_limits_is_red_and_told"),
        Promise("stress of all services every week and by hand", stress_every_week),
        Promise("results are kept as artefacts",
                f"{CI}/test_nightly.py::test_the_first_night_has_nothing_to_compare_with_and_is_no_failure"),
        Promise("the team is told of broken limits",
                "tests/e2e/test_notify.py::test_a_broken_limit_is_told_with_the_folder_and_tried_again"),
        Promise("trends over runs, and limits met by week", f"{HISTORY}::test_a_trend_shows_both_runs"),
        Promise("regressions are found without anybody looking",
                f"{HISTORY}::test_a_regression_fails_the_run_that_every_limit_lets_pass"),
    ],
    "environment": [
        Promise("PostgreSQL, Elasticsearch, Redis, Kong and all services in docker-compose",
                f"{COMPOSE}::test_everything_that_the_suite_needs_is_there"),
        Promise("health checks", f"{COMPOSE}::test_every_service_is_pinned_limited_and_asked_how_it_is"),
        Promise("an order of starting", f"{COMPOSE}::test_nothing_starts_before_what_it_needs_is_healthy"),
        Promise("dependencies are verified",
                f"{SERVED}/test_ready.py::test_every_environment_and_dependency_is_in_one_table"),
        Promise("validated before the test",
                f"{SERVED}/test_ready.py::test_a_run_names_the_dependency_that_is_down_and_sends_no_load"),
        Promise("Kong routes to the services",
                f"{SERVED}/test_routes.py::test_each_path_leads_to_its_service_without_its_prefix"),
        Promise("a database for the services",
                f"{STORES}::test_a_postgresql_that_is_gone_is_named_and_nothing_acknowledged_is_lost"),
        Promise("a cache", f"{STORES}::test_answers_are_kept_in_redis_and_a_redis_that_is_gone_costs_no_answer"),
        Promise("indexing and queries of a search engine",
                f"{STORES}::test_search_speaks_the_official_client_to_a_stand_in_for_elasticsearch"),
        Promise("local, compose, staging and production", environments),
    ],
    "budgets, alerts, dashboards": [
        Promise("gateway: 43.2 minutes a month", budget("gateway", "43.2")),
        Promise("assessment: 21.6 minutes a month", budget("assessment", "21.6")),
        Promise("search: 43.2 minutes a month", budget("search", "43.2")),
        Promise("50 % review, 80 % freeze, 100 % stop and post-mortem, over 30 days", policy),
        Promise("objectives, budgets and policies are documented",
                "tests/unit/slo/test_files.py::test_the_page_about_promises_shows_those_of_the_specs"),
        Promise("deployments are frozen by the budget",
                f"{SLO}/test_watched.py::test_the_gate_closes_where_a_budget_is_spent"),
        Promise("alert rules for burnt budgets and slow p95, critical ones too", slow_p95_is_alerted),
        Promise("a p95 above its limit is alerted after two minutes",
                f"{SLO}/test_alerts.py::test_requests_slower_than_promised_are_alerted_after_two_minutes"),
        Promise("an outage wakes somebody",
                f"{SLO}/test_alerts.py::test_an_outage_wakes_somebody_within_the_stated_time"),
        Promise("dashboards of objectives, of every service and of load test runs", dashboards),
        Promise("dashboards show something", f"{SLO}/test_watched.py::test_every_panel_shows_something"),
        Promise("Prometheus sees the numbers of a run",
                f"{SLO}/test_watched.py::test_prometheus_saw_exactly_what_was_logged"),
        Promise("every limit is a bucket of the services' histograms",
                "tests/unit/reference/test_application.py::test_every_limit_of_the_shipped_specs_is_a_bucket"),
    ],
    "helpers and results": [
        Promise("scripts/run-load-tests.sh [smoke|load|stress] [service]", old_helper),
        Promise("the helper runs all, or one, and says the worst", "tests/e2e/test_several_specs.py::"
                "test_the_exit_code_is_the_worst_and_one_junit_file_holds_all_runs"),
        Promise("the helper runs one service", "tests/e2e/test_several_specs.py::"
                "test_the_script_runs_one_service_and_passes_options_on"),
        Promise("results as JSON, whose schema is published",
                "tests/unit/report/test_result.py::test_the_schema_is_the_one_of_the_types"),
        Promise("a report per service that says which limit held",
                "tests/e2e/test_run_fails.py::test_the_failure_says_threshold_observed_value_limit_and_line"),
        Promise("runs are compared with earlier ones",
                f"{HISTORY}::test_compare_names_the_request_that_became_slower_with_its_likely_range"),
        Promise("a guide to the environment",
                says("docs/guide/test-environment.md", "perfspec ready", "docker compose")),
        Promise("a guide to verdicts and to exit codes", says("docs/guide/exit-codes.md", "what to do")),
        Promise("a guide to what goes wrong", says("docs/guide/troubleshooting.md", "perfspec ready", "late")),
        Promise("a guide to continuous integration", says("docs/guide/ci.md", "perf-nightly", "GitLab", "Jenkins")),
    ],
}  # fmt: skip
ROWS = [(f"{topic}: {promise.text}", promise) for topic, promises in PROMISES.items() for promise in promises]


@pytest.mark.parametrize("promise", [pytest.param(row, id=name) for name, row in ROWS])
def test_the_promise_is_kept(promise) -> None:
    if isinstance(promise.shown, str):
        assert_shown(promise.shown)
    else:
        promise.shown()


def assert_shown(test: str) -> None:
    """`tests/x.py::test_y`: there is such a test, and it can fail."""
    path, _, name = test.partition("::")
    found = [n for n in _tree(path).body if isinstance(n, ast.FunctionDef) and n.name == name]
    assert [f.name[:5] for f in found] == ["test_"], f"{test} is not there"
    inner = list(ast.walk(found[0]))
    called = {n.func.id for n in inner if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    fails = any(isinstance(n, ast.Assert) for n in inner) or "pytest.raises" in ast.unparse(found[0])
    assert fails or called & _asserting(path), f"{test} asserts nothing"


@cache
def _tree(path: str) -> ast.Module:
    return ast.parse((ROOT / path).read_text())


def _asserting(path: str) -> set[str]:
    """Functions of a file that assert something, for the tests that only call them."""
    functions = [n for n in ast.walk(_tree(path)) if isinstance(n, ast.FunctionDef)]
    return {f.name for f in functions if any(isinstance(n, ast.Assert) for n in ast.walk(f))}


@pytest.mark.parametrize(
    ("test", "why"),
    [
        ("tests/test_seed.py::test_that_was_never_written", "is not there"),
        ("tests/test_seed.py::assert_shown", "is not there"),
        ("tests/test_seed.py", "is not there"),
        ("tests/corpus/asserts_nothing.py::test_of_nothing", "asserts nothing"),
    ],
)
def test_a_row_without_a_test_that_can_fail_is_noticed(test, why, monkeypatch) -> None:
    if "asserts_nothing" in test:
        empty = ast.parse("def test_of_nothing():\n    print('fine')\n")
        monkeypatch.setitem(globals(), "_tree", lambda _: empty)
    with pytest.raises(AssertionError, match=why):
        assert_shown(test)


def test_no_promise_is_there_twice() -> None:
    names = [name for name, _ in ROWS]
    assert len(names) == len(set(names))
