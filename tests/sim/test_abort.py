"""Runs that are ended by what a second was, on the simulated driver: with requests, through the whole load."""

import pytest

from perfspec.base.clock import SECOND
from perfspec.engine.sim import Reply, Service
from perfspec.report.result import Result

MS = 1_000_000
SPEC = """perfspec: 1
service: shop
environments: {{local: {{url: "http://sim"}}}}
slo: {{period: 30d, availability: at least 99%}}
flows: {{look: {{steps: [{{get: /a, name: a}}, {{pause: 100ms}}]}}}}
stages:
  smoke:
    phases: [{{for: 60s, users: 4}}]
    abort: [{rule}]
thresholds:
  all: {{errors: at most 90%}}
"""
GOES_BAD = 20 * SECOND


def answer(_call: object, _data: object, now_ns: int) -> Reply:
    return Reply(503 if now_ns >= GOES_BAD else 200)


@pytest.fixture
def run(result_of):
    """The result of a minute of 4 users whose service answers 503 from second 20 on."""

    def ran(rule: str) -> Result:
        return result_of(SPEC.format(rule=rule), Service(lambda _: 100 * MS, answer))

    return ran


@pytest.mark.parametrize(
    ("rule", "second", "evidence"),
    [
        ("throughput under 5/s for 5s", 25, "throughput was 0/s in each of the last 5 s"),
        ("burn rate of a over 14.4x for 10s", 30, "burn rate of a was 100x in each of the last 10 s"),
        ("count at least 18 for 3s", 3, "count was 20 in each of the last 3 s"),
        ("count over 21 for 3s", None, ""),
        ("throughput under 5/s for 45s", None, ""),
        ("burn rate over 101x for 2s", None, ""),
    ],
)
def test_a_run_ends_when_its_number_was_so_in_every_second(run, rule, second, evidence) -> None:
    result = run(rule)
    if second is None:
        assert (result.ended, result.abort) == ("finished", None)
        return
    assert (result.ended, result.outcome, result.exit_code) == ("aborted", "FAIL", 1)
    assert (result.abort.second, result.abort.rule) == (second, rule)
    assert result.abort.evidence == evidence
    assert result.ended_ns == second * SECOND
