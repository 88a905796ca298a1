"""The shipped specs: every threshold of a smoke stage expects enough requests to say something."""

from pathlib import Path

import pytest

from perfspec.app.plan import plan
from perfspec.plan.build import Choice
from perfspec.plan.estimates import estimate, expected

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
