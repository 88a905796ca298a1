"""Rules as values: what is recorded, who is woken, and what is left out. Prometheus reads them in tests/e2e/slo."""

import yaml

from perfspec.slo.rules import rules, to_text


def made(*services) -> dict:
    return yaml.safe_load(to_text(rules(services)))


def entries(document: dict, key: str) -> list[dict]:
    return [rule for group in document["groups"] for rule in group["rules"] if key in rule]


def test_every_alert_names_service_team_urgency_and_what_to_read(promises) -> None:
    found = entries(made(promises(("slo:\n", "slo:\n  runbook: https://r.example.com/slo\n"))), "alert")
    assert [(rule["alert"], rule["labels"]["slo"], rule["labels"]["severity"]) for rule in found] == [
        ("ErrorBudgetBurnsFast", "availability", "critical"),
        ("ErrorBudgetBurnsSlowly", "availability", "warning"),
        ("ErrorBudgetBurnsFast", "order p95", "critical"),
        ("ErrorBudgetBurnsSlowly", "order p95", "warning"),
        ("LatencyAbovePromise", "order p95", "critical"),
        ("LatencyBucketMissing", "order p95", "warning"),
    ]
    for rule in found:
        assert (rule["labels"]["service"], rule["labels"]["team"]) == ("shop", "shop-team")
        assert rule["annotations"]["runbook_url"] == f"https://r.example.com/slo#{rule['alert'].lower()}"
        assert rule["annotations"]["summary"].startswith("shop: ")


def test_without_a_runbook_no_link_is_made_up(promises) -> None:
    assert all("runbook_url" not in rule["annotations"] for rule in entries(made(promises()), "alert"))


def test_limits_of_alerts_are_exact_decimals(promises) -> None:
    fast, slowly, *_ = entries(made(promises(("99.9%", "99.95%"))), "alert")
    own = '{service="shop",slo="availability"}'
    assert fast["expr"] == (
        f"(slo:bad_requests:ratio_rate1h{own} > 0.0072\n  and slo:bad_requests:ratio_rate5m{own} > 0.0072)\nor\n"
        f"(slo:bad_requests:ratio_rate6h{own} > 0.003\n  and slo:bad_requests:ratio_rate30m{own} > 0.003)"
    )
    assert "> 0.0015" in slowly["expr"]
    assert "> 0.0005" in slowly["expr"]


def test_what_is_recorded(promises) -> None:
    recorded = {(rule["record"], rule["labels"]["slo"]): rule["expr"] for rule in entries(made(promises()), "record")}
    windows = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
    for name in ("availability", "order p95"):
        assert {f"slo:bad_requests:ratio_rate{window}" for window in windows} <= {
            r for r, slo in recorded if slo == name
        }
    assert recorded["slo:objective:ratio", "availability"] == "vector(0.999)"
    assert recorded["slo:error_budget:ratio", "order p95"] == "vector(0.05)"
    assert "[30d]" in recorded["slo:bad_requests:ratio_period", "availability"]
    assert "sum_over_time" not in str(recorded)
    own = '{service="shop",slo="availability"}'
    assert recorded["slo:policy_steps:count", "availability"] == (
        f"(slo:error_budget_spent:ratio{own} >= bool 0.5) + (slo:error_budget_spent:ratio{own} >= bool 1)"
    )
    assert recorded["slo:latency_seconds:p95_rate5m", "order p95"].startswith("histogram_quantile(0.95, sum by (le) (")


def test_the_plain_alert_waits_two_minutes(promises) -> None:
    (plain,) = [rule for rule in entries(made(promises()), "alert") if rule["alert"] == "LatencyAbovePromise"]
    assert plain["for"] == "2m"
    assert plain["expr"] == 'slo:latency_seconds:p95_rate5m{service="shop",slo="order p95"} > 0.12'


def test_what_was_left_out_stands_at_the_top(promises) -> None:
    text = to_text(rules([promises(("p95", "p90"))]))
    assert text.startswith(
        "# Written by `perfspec slo rules`; change the specs, not this file.\n"
        "# Left out: shop: order p90: no alert for 14.4x over 1h, because"
    )


def test_each_recorded_series_is_made_once(promises) -> None:
    found = [(rule["record"], *rule["labels"].values()) for rule in entries(made(promises()), "record")]
    assert len(found) == len(set(found)) > 20
