"""Coordinated omission: a service that stands still for 10 s of 100 s, as each kind of load sees it.

A hundred requests a second, answered within a millisecond otherwise. Who waits for answers before asking again sees one
slow request of nine thousand; who comes as planned sees what people would.
"""

from fractions import Fraction

import pytest

from perfspec.base.clock import MILLISECOND, SECOND
from perfspec.engine.sim import Service
from perfspec.metrics import histogram
from perfspec.metrics.rows import Row, total
from perfspec.report.remarks import remarks
from perfspec.report.result import Result

SPEC = """perfspec: 1
service: shop
environments: {{local: {{url: "http://sim"}}}}
flows: {{look: {{steps: [{steps}]}}}}
stages:
  smoke:
    warmup: 1s
    phases: [{phase}]
thresholds:
  look: {{p95: at most 100ms}}
"""
GET = "{get: /look, name: look, timeout: 30s}"
FROZEN = ((40 * SECOND, 50 * SECOND),)


@pytest.fixture
def run(result_of):
    def ran(phase: str, *, pause: str = "", ms: int = 1) -> Result:
        spec = SPEC.format(steps=f"{GET}, {pause}" if pause else GET, phase=phase)
        return result_of(spec, Service(lambda _: ms * MILLISECOND, stalled=FROZEN))

    return ran


def requests(result: Result) -> Row:
    return total((p for s in result.seconds for p in s.slices), lambda p: p.key.timer == "")


def percentile(counts: dict[int, int], percent: str) -> float:
    return histogram.quantile(counts, Fraction(percent) / 100) / 1e6


def test_who_waits_for_answers_sees_one_slow_request(run) -> None:
    result = run("{for: 100s, users: 1}", pause="{pause: 9ms}")
    seen = requests(result)
    assert seen.n == pytest.approx(9002, abs=2)
    assert percentile(seen.response, "99") == pytest.approx(0.001, rel=0.01)
    assert result.outcome == "PASS"  # of a service that was gone for a tenth of the time
    corrected = histogram.corrected(seen.response, 10_000)
    assert percentile(corrected, "95") == pytest.approx(4.99, abs=0.02)
    assert percentile(corrected, "99") == pytest.approx(8.99, abs=0.03)


def test_who_comes_as_planned_sees_it_in_full(run) -> None:
    result = run("{for: 100s, arrivals: 100/s, at_most: 2000 users}")
    seen = requests(result)
    assert seen.n == 10_000
    assert percentile(seen.response, "95") == pytest.approx(5.001, abs=0.02)
    assert percentile(seen.response, "99") == pytest.approx(9.001, abs=0.02)
    (verdict,) = result.verdicts
    assert (verdict.outcome, verdict.bad) == ("FAIL", 990)  # 9.9 % over 100 ms


def test_who_asks_every_ten_milliseconds_catches_up_and_counts_all_that_was_late(run) -> None:
    """As wrk2 does with a single connection."""
    result = run("{for: 100s, users: 1, round_every: 10ms}")
    seen = requests(result)
    assert percentile(seen.response, "90") == pytest.approx(1.0, abs=0.1)
    assert percentile(seen.response, "95") == pytest.approx(5.5, abs=0.1)
    over = sum(n for i, n in seen.response.items() if histogram.lowest(i) > 100_000)
    assert over / seen.n == pytest.approx(0.11, abs=0.003)


def test_users_who_ask_on_and_on_are_told_what_they_did_not_see(run) -> None:
    result = run("{for: 100s, users: 1}", ms=10)
    (told,) = [text for text in remarks(result) if "they asked nothing" in text]
    assert told == (
        "look: while users waited up to 10.0 s they asked nothing; asking on all the while, their p99 would be about "
        "9.03 s, not 10.0 ms (an estimate; `arrivals: 100/s` measures it)"
    )


@pytest.mark.parametrize(
    ("phase", "pause"),
    [
        pytest.param("{for: 100s, users: 1}", "{pause: 9ms}", id="who pauses"),
        pytest.param("{for: 100s, users: 1, round_every: 10ms}", "", id="whose rounds are due at a planned moment"),
        pytest.param("{for: 100s, arrivals: 90/s, at_most: 2000 users}", "", id="who comes as planned"),
        pytest.param("{for: 35s, users: 1}", "", id="who met no slow answer"),
    ],
)
def test_nobody_else_is_told_an_estimate(run, phase, pause) -> None:
    assert not any("they asked nothing" in text for text in remarks(run(phase, pause=pause)))
