"""Promises of made-up services."""

from collections.abc import Callable

import pytest

from perfspec.slo.objectives import Promises, promises_of

SPEC = """
service: shop
owner: shop-team
environments: {local: {url: "http://h"}}
flows: {buy: {steps: [{get: /a, name: order}, {get: /b, name: two words}]}}
"""
SLO = """slo:
  availability: at least 99.9%
  latency:
    order: {p95: at most 120ms, label: 'endpoint="order"'}
  when_budget_spent: {50%: look, 100%: stop}
  prometheus:
    total: http_requests_total{service="shop"}
    errors: http_requests_total{service="shop",code=~"5.."}
    latency: http_request_duration_seconds{service="shop"}
"""


@pytest.fixture(scope="session")
def promises(spec_of) -> Callable[..., Promises]:
    """What the shop promises; `slo` replaces all of it, `edits` are (old, new) in it."""

    def make(*edits: tuple[str, str], slo: str = SLO) -> Promises:
        for old, new in edits:
            assert slo.count(old) == 1, old
            slo = slo.replace(old, new)
        found = promises_of(spec_of(SPEC + slo))
        assert found is not None
        return found

    return make
