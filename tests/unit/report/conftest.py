"""Results of made-up runs."""

from collections.abc import Callable

import pytest

from perfspec.engine.slicelog import Beginning, End, Log, LoggedSecond
from perfspec.plan.model import Plan
from perfspec.report.result import Result, make

SECOND = 1_000_000_000
SPEC = """
service: shop
environments: {local: {url: "http://127.0.0.1:8083", ready: /ready, start: {command: serve shop}}}
flows:
  browse:
    weight: 3
    steps:
      - get: /a
        name: search
        expect: {status: 200, $.hits: not empty}
        capture: {total: $.total}
      - pause: 1s to 3s
      - when: ${total > 5}
        steps: [{get: /more, name: more}]
        otherwise: [{pause: 1s}]
  order:
    steps:
      - get: /job
        name: job
        until: {$.state: done}
        expect: {header X-Id: present}
stages:
  smoke:
    phases: [{name: up, for: 10s, users: ramp 0 to 4, measure: false}, {name: steady, for: 30s, users: 4}]
    extend_to: 90s
  small:
    mix: {browse: 100%}
    phases: [{name: steady, for: 30s, users: 4}]
thresholds:
  search: {p95: at most 120ms, errors: under 1%}
  job: {wait p95: at most 9s}
"""
FINISHED = End("finished", 40 * SECOND)
BEGINNING = Beginning("r1", "2026-01-02T03:04:05+00:00", "", "0.1.0", {"python": "3.11"})


@pytest.fixture(scope="session")
def plan(plan_of) -> Plan:
    return plan_of(SPEC)


@pytest.fixture(scope="session")
def small(plan_of) -> Plan:
    """A plan in which a flow is left out."""
    return plan_of(SPEC, "small")


@pytest.fixture(scope="session")
def result(plan) -> Callable[..., Result]:
    """The result of a run in which these slices were seen; it ended in order unless `end` says otherwise."""

    def run(*slices, end: End | None = FINISHED, of: Plan = plan, **line) -> Result:
        seconds = (LoggedSecond(21, 4, list(slices), **line),)
        return make(of, Log(BEGINNING, seconds, end))

    return run


@pytest.fixture(scope="session")
def good(piece):
    """Slices of a run in which all is well."""
    ms = 1_000_000
    return (
        piece("search", 400, second=20, over={120 * ms: 3}, ms=40),
        piece("more", 100, second=20, ms=15),
        piece("job", 60, second=20, timer="wait", over={9000 * ms: 0}, ms=800),
        piece("job", 130, second=20, timer="poll", ms=8),
        piece("browse", 400, second=20, timer="round", ms=3000),
    )
