"""The rules of the shipped specs in Prometheus' own rule tester: who is woken, how soon, and who is not.

Traffic of `search` begins six hours before anything happens, so that the windows are full. Minutes count from there.
"""

import json
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

BEFORE = 360
"""Minutes of a healthy service."""
FIRING = 'count(ALERTS{{alertstate="firing",alertname=~"{names}"}}) or vector(0)'
BURNS = "ErrorBudgetBurns.*"


class Traffic(NamedTuple):
    """Of one minute: requests to `suggest`, those answered with 500, those slower than 120 ms."""

    requests: int = 1000
    errors: int = 0
    slow: int = 0


HEALTHY, SILENT = Traffic(), Traffic(0)
BOTH = ("availability", "suggest p95")


def series(*stretches: tuple[int, Traffic]) -> list[dict[str, str]]:
    """The counters of these stretches of minutes, one after another."""

    def counter(name: str, per_minute) -> dict[str, str]:
        values, total = [], 0
        for minutes, traffic in stretches:
            step = per_minute(traffic)
            values.append(f"{total}+{step}x{minutes - 1}")
            total += step * minutes
        return {"series": name, "values": " ".join(values)}

    bucket = 'http_request_duration_seconds_bucket{service="search",endpoint="suggest",le="%s"}'
    return [
        counter('http_requests_total{service="search",code="200"}', lambda t: t.requests - t.errors),
        counter('http_requests_total{service="search",code="500"}', lambda t: t.errors),
        counter('http_request_duration_seconds_count{service="search",endpoint="suggest"}', lambda t: t.requests),
        counter(bucket % "0.1", lambda t: t.requests - t.slow),
        counter(bucket % "0.12", lambda t: t.requests - t.slow),
        counter(bucket % "0.5", lambda t: t.requests),
        counter(bucket % "+Inf", lambda t: t.requests),
    ]


def expected(minute: float, expression: str, *values: float) -> dict:
    at = f"{int(minute * 60)}s"
    return {"expr": expression, "eval_time": at, "exp_samples": [{"labels": "{}", "value": value} for value in values]}


@pytest.fixture(scope="module")
def rules_of(shipped_rules, tmp_path_factory):
    """The shipped rules of these promises of `search` alone: a tester that computes all of them takes minutes."""

    def write(names: tuple[str, ...]) -> Path:
        document = yaml.safe_load(shipped_rules.read_text())
        for group in document["groups"]:
            group["rules"] = [
                rule
                for rule in group["rules"]
                if (rule["labels"]["service"], rule["labels"]["slo"]) in [("search", name) for name in names]
            ]
        path: Path = tmp_path_factory.mktemp("some-rules") / "slo.yml"
        path.write_text(yaml.safe_dump(document))
        return path

    return write


@pytest.fixture(scope="module")
def passes(promtool, rules_of, tmp_path_factory):
    def check(stretches, expressions=(), alerts=(), *, of=("availability",), every=1, without="nothing") -> None:
        """`every`: so many minutes lie between two looks at the counters."""
        document = {
            "rule_files": [str(rules_of(of))],
            "evaluation_interval": f"{every}m",
            "tests": [
                {
                    "interval": f"{every}m",
                    "input_series": [
                        each
                        for each in series(*((n // every, Traffic(*(x * every for x in t))) for n, t in stretches))
                        if without not in each["series"]
                    ],
                    "promql_expr_test": list(expressions),
                    "alert_rule_test": list(alerts),
                }
            ],
        }
        path: Path = tmp_path_factory.mktemp("rule-test") / "test.yml"
        path.write_text(json.dumps(document))
        assert "SUCCESS" in promtool("test", "rules", str(path))

    return check


def test_prometheus_reads_the_rules(promtool, shipped_rules) -> None:
    assert "rules found" in promtool("check", "rules", "--lint=all", "--lint-fatal", str(shipped_rules))


def firing(minute: float, names: str, count: int) -> dict:
    return expected(minute, FIRING.format(names=names), count)


@pytest.mark.parametrize(
    ("errors", "after"),
    [(1000, 1), (100, 9), (50, 17.5), (10, 216)],
    ids=["a whole outage", "a tenth", "a twentieth", "a hundredth"],
)
def test_an_outage_wakes_somebody_within_the_stated_time(passes, errors, after) -> None:
    """One minute later at most: counters are read once a minute. Half of the time before, nobody is woken."""
    burnt = [firing(BEFORE + after + 1.5, "ErrorBudgetBurnsFast", 1)]
    if after > 1:
        burnt.append(firing(BEFORE + after / 2, "ErrorBudgetBurnsFast", 0))
    passes([(BEFORE, HEALTHY), (240, Traffic(errors=errors))], burnt)


def test_a_slow_leak_is_no_reason_to_wake_anybody(passes) -> None:
    """0.4 % of errors, four times what the budget allows, after a healthy day. It is 0.1 % of all after eight hours."""
    leak = [(1440, HEALTHY), (520, Traffic(errors=4))]
    pages = [firing(1440 + minute, "ErrorBudgetBurnsFast", 0) for minute in (60, 300, 510)]
    tickets = [firing(1440 + 440, "ErrorBudgetBurnsSlowly", 0), firing(1440 + 500, "ErrorBudgetBurnsSlowly", 1)]
    passes(leak, [*pages, *tickets], every=2)


def test_the_alert_ends_soon_after_the_outage(passes) -> None:
    stretches = [(BEFORE, HEALTHY), (20, Traffic(errors=100)), (120, HEALTHY)]
    passes(stretches, [firing(BEFORE + 20, "ErrorBudgetBurnsFast", 1), firing(BEFORE + 60, "ErrorBudgetBurnsFast", 0)])


def test_a_healthy_service_wakes_nobody(passes) -> None:
    """With as many errors and slow requests as were promised."""
    promised = Traffic(10_000, errors=9, slow=490)
    passes([(240, promised)], [firing(minute, ".*", 0) for minute in (10, 120, 239)], of=BOTH, every=2)


@pytest.mark.parametrize("before", [HEALTHY, Traffic(errors=100)], ids=["after health", "after an outage"])
def test_a_silent_service_wakes_nobody(passes, before) -> None:
    stretches = [(30, before), (430, SILENT)]
    passes(stretches, [firing(minute, ".*", 0) for minute in (430, 450)], of=BOTH, every=2)


def test_a_service_that_was_never_there_wakes_nobody(passes) -> None:
    passes([(60, SILENT)], [firing(59, ".*", 0)], of=BOTH)


def test_silence_does_not_spoil_the_budget(passes) -> None:
    """1 of 2000 requests failed, half of what 99.9 % allows, with an hour of silence between them."""
    spent = 'sum(slo:error_budget_spent:ratio{slo="availability"})'
    steps = 'sum(slo:policy_steps:count{slo="availability"})'
    ratio = 'count(slo:bad_requests:ratio_rate5m{slo="availability"}) or vector(0)'
    passes(
        [(10, HEALTHY), (10, Traffic(errors=1)), (60, SILENT), (20, HEALTHY)],
        [
            expected(60, ratio, 0),
            expected(95, f"{spent} > bool 0.2", 1),
            expected(95, f"{spent} < bool 0.5", 1),
            expected(95, steps, 0),
        ],
    )


def test_the_budget_spent_is_exact(passes) -> None:
    """One error of 1000 requests in every minute, as allowed: all of it is spent, and three steps are reached."""
    name = '{slo="availability"}'
    passes(
        [(120, Traffic(errors=1))],
        [
            expected(110, f"round(sum(slo:error_budget_spent:ratio{name}), 0.000001)", 1),
            expected(110, f"round(sum(slo:burn_rate:ratio_rate1h{name}), 0.000001)", 1),
        ],
    )
    passes([(120, Traffic(errors=2))], [expected(110, f"sum(slo:policy_steps:count{name})", 3)])


def test_requests_slower_than_promised_are_alerted_after_two_minutes(passes) -> None:
    """A tenth is slow. The p95 of five minutes is above its promise as soon as a twentieth of them were."""
    slow, within = Traffic(slow=100), Traffic(slow=49)
    plain = "LatencyAbovePromise"
    passes([(60, within), (30, slow)], [firing(m, plain, n) for m, n in ((59, 0), (62, 0), (68, 1))], of=BOTH[1:])


def test_a_service_that_is_slow_as_a_whole_burns_its_budget(passes) -> None:
    """A p95 burns 20 times as fast at most: 0.72 of an hour's requests have to be slow, which takes 48 minutes."""
    stretches = [(BEFORE, HEALTHY), (120, Traffic(slow=900))]
    asked = [firing(BEFORE + minute, "ErrorBudgetBurnsFast", n) for minute, n in ((40, 0), (50, 1))]
    passes(stretches, asked, of=BOTH[1:])


def test_an_alert_says_who_what_and_where_to_read_on(passes) -> None:
    labels = {"severity": "critical", "service": "search", "slo": "availability", "team": "search-qa"}
    alert = {
        "exp_labels": labels,
        "exp_annotations": {
            "summary": "search: the error budget of availability burns too fast (14.4x over 1h or 6x over 6h)",
            "description": "100% of requests are bad, 0.1% may be over 30d. "
            "Promised: 99.9% of requests are answered without a server error.",
            "runbook_url": "https://runbooks.example.com/slo#errorbudgetburnsfast",
        },
    }
    asked = {"eval_time": "90m", "alertname": "ErrorBudgetBurnsFast", "exp_alerts": [alert]}
    passes([(120, Traffic(errors=1000))], alerts=[asked])


def test_a_missing_bucket_is_told(passes) -> None:
    asked = [firing(5, "LatencyBucketMissing", 0), firing(30, "LatencyBucketMissing", 1)]
    passes([(60, HEALTHY)], asked, of=BOTH[1:], without='le="0.12"')
    passes([(60, HEALTHY)], [firing(30, "LatencyBucketMissing", 0)], of=BOTH[1:])


def test_the_tests_can_fail(passes) -> None:
    with pytest.raises(AssertionError, match="FAILED"):
        passes([(60, HEALTHY)], [firing(50, ".*", 1)])


def test_rules_are_read_as_they_were_meant(shipped_rules) -> None:
    groups = yaml.safe_load(shipped_rules.read_text())["groups"]
    assert "slo search" in [group["name"] for group in groups]
