"""The shipped specs: every threshold of a smoke stage expects enough requests to say something."""

from pathlib import Path

import pytest

from perfspec.app.plan import asked_first, plan
from perfspec.plan.build import Choice
from perfspec.plan.estimates import estimate, expected
from perfspec.report.schedule import lines

ROOT = Path(__file__).parents[3]
ENOUGH = 59
"""So many requests, none of them bad, prove a p95."""


@pytest.mark.parametrize("name", ["search.yaml", "gateway.yaml"])
def test_every_threshold_of_a_smoke_stage_expects_enough_requests(monkeypatch, name) -> None:
    monkeypatch.chdir(ROOT)
    planned = plan(f"specs/{name}", Choice("smoke"))
    assert planned.plan is not None
    estimated = estimate(planned.plan, planned.rows)
    assert {t.row.text for t in planned.plan.thresholds if t.row.where} == set(estimated.shares)
    found = {str(t): expected(t, estimated) for t in planned.plan.thresholds}
    assert {text: n for text, n in found.items() if n < ENOUGH} == {}
    assert [str(d) for d in planned.checked.findings] == []


@pytest.mark.parametrize(
    ("environment", "is_set", "said"),
    [
        ("local", False, []),
        ("staging", True, ["needs    GATEWAY_API_KEY for the secret `api_key`"]),
        (
            "production",
            False,
            [
                "asks     first, as every call costs money (or takes --yes)",
                "needs    GATEWAY_API_KEY for the secret `api_key`, which is not set here",
            ],
        ),
    ],
)
def test_what_a_run_asks_for_first_is_said_before(monkeypatch, environment, is_set, said) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("GATEWAY_API_KEY", raising=False)
    if is_set:
        monkeypatch.setenv("GATEWAY_API_KEY", "not-a-real-key")
    planned = plan("specs/gateway.yaml", Choice("load", environment))
    if environment == "staging":
        assert planned.estimate.in_all > planned.estimate.requests["generate", ""]
    assert asked_first(planned.checked.spec, planned.plan) == said


def test_what_a_step_sets_is_said(plan_of) -> None:
    steps = (
        '[{get: /a, name: a, capture: {x: $.x}}, {set: {same: "${x}", three: 3, some: ["${x}"], more: {x: "${x}"}}}]'
    )
    text = f"service: s\nenvironments: {{l: {{url: 'http://a'}}}}\nflows: {{f: {{steps: {steps}}}}}\n"
    plan = plan_of(text + "thresholds: {a: {p95: under 1s}}\nstages: {smoke: {phases: [{for: 5s, users: 1}]}}")
    assert "         set `same` to ${x}, `three` to `3`, `some` to a list, `more` to a map" in lines(
        plan, estimate(plan, {})
    )
