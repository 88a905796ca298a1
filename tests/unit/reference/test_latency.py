import statistics

import pytest

from perfspec.base.clock import MILLISECOND
from perfspec.reference import assessment
from perfspec.reference.finding import INDEXING
from perfspec.reference.latency import Even, Latency, stream
from perfspec.reference.search import LATENCIES

SLOS_MS = {"suggest": 120, "query": 200, "index": 500, "create": 200, "answer": 150, "grade": 300}


def test_the_median_is_the_median() -> None:
    assert Latency(25 * MILLISECOND, 0.35).quantile_ns(0.5) == 25 * MILLISECOND


@pytest.mark.parametrize(("share", "medians"), [(0.05, 0.5623), (0.95, 1.7784), (0.99, 2.2575)])
def test_the_tails_are_those_of_a_log_normal_with_sigma_0_35(share: float, medians: float) -> None:
    assert Latency(10**9, 0.35).quantile_ns(share) / 10**9 == pytest.approx(medians, abs=1e-4)


def test_an_even_spread_reaches_from_end_to_end() -> None:
    assert [Even(10, 30).quantile_ns(share) for share in (0.0, 0.25, 1.0)] == [10, 15, 30]


@pytest.mark.parametrize("name", LATENCIES)
def test_drawn_latencies_follow_the_model(name: str) -> None:
    latency = LATENCIES[name]
    drawn = sorted(latency.draw_ns(stream(1, name), index) for index in range(20_000))
    for share in (0.5, 0.95, 0.99):
        below = sum(value <= latency.quantile_ns(share) for value in drawn) / len(drawn)
        # Four standard deviations of a share observed 20 000 times.
        assert below == pytest.approx(share, abs=4 * (share * (1 - share) / 20_000) ** 0.5)


@pytest.mark.parametrize(("name", "limit_ms"), SLOS_MS.items())
def test_each_p95_is_well_below_what_the_shipped_spec_allows(name: str, limit_ms: int) -> None:
    assert (LATENCIES | assessment.LATENCIES)[name].quantile_ns(0.95) < 0.6 * limit_ms * MILLISECOND


def test_a_draw_depends_on_seed_name_and_index_only() -> None:
    latency = LATENCIES["query"]
    first = [latency.draw_ns(stream(7, "query"), index) for index in range(50)]
    assert first == [latency.draw_ns(stream(7, "query"), index) for index in range(50)]
    assert first != [latency.draw_ns(stream(8, "query"), index) for index in range(50)]
    assert first != [latency.draw_ns(stream(7, "suggest"), index) for index in range(50)]


def test_indexing_takes_three_seconds_at_most() -> None:
    drawn = [INDEXING.draw_ns(stream(1, "indexing"), index) for index in range(5_000)]
    assert max(drawn) <= 3_000 * MILLISECOND
    assert INDEXING.quantile_ns(1 - 1e-9) == 3_000 * MILLISECOND
    assert statistics.median(drawn) == pytest.approx(600 * MILLISECOND, rel=0.05)


def test_a_draw_of_nothing_is_still_a_latency(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perfspec.reference.latency.unit", lambda _chance, _index: 0.0)
    assert 0 < LATENCIES["query"].draw_ns(1, 1) < 5 * MILLISECOND
