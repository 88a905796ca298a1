"""A run while it lasts, as Prometheus text: counters only rise, and their number depends on the spec alone."""

import pytest

from perfspec.engine.slicelog import LoggedSecond
from perfspec.report.live_metrics import LiveMetrics

MS = 1_000_000
RUN = 'service="shop",stage="smoke",environment="local"'


@pytest.fixture
def metrics(plan):
    return LiveMetrics(plan)


def values(metrics: LiveMetrics) -> dict[str, float]:
    lines = [line for line in metrics.exposition().decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_requests_are_counted_by_name(metrics, piece) -> None:
    metrics.add(LoggedSecond(11, 4, [piece("search", 10, ms=50), piece("search", 5, errors={"status 500": 5}, ms=200)]))
    found = values(metrics)
    own = f'{RUN},request="search",timer="request"'
    assert found[f"perfspec_users{{{RUN}}}"] == 4
    assert found[f"perfspec_run_seconds{{{RUN}}}"] == 11
    assert found[f"perfspec_requests_total{{{own}}}"] == 15
    assert found[f"perfspec_failed_requests_total{{{own}}}"] == 5
    assert found[f'perfspec_request_errors_total{{{own},kind="status 500"}}'] == 5


def test_buckets_end_at_the_limits_of_the_request_and_add_up(metrics, piece) -> None:
    metrics.add(
        LoggedSecond(11, 4, [piece("search", 10, ms=119), piece("search", 5, ms=121), piece("search", 1, ms=20_000)])
    )
    found = values(metrics)
    own = f'{RUN},request="search",timer="request"'
    buckets = {
        name.split('le="')[1].split('"')[0]: n
        for name, n in found.items()
        if name.startswith("perfspec_response_time_seconds_bucket")
    }
    assert (buckets["0.1"], buckets["0.12"], buckets["0.25"], buckets["10.0"], buckets["+Inf"]) == (0, 10, 15, 15, 16)
    assert list(buckets.values()) == sorted(buckets.values())
    assert found[f"perfspec_response_time_seconds_count{{{own}}}"] == 16
    assert found[f"perfspec_response_time_seconds_sum{{{own}}}"] == pytest.approx(
        10 * 0.119 + 5 * 0.121 + 20, rel=0.001
    )


def test_tags_flows_and_other_timers_make_no_series(metrics, piece) -> None:
    for number in range(60):
        tags = (("model", str(number)),)
        metrics.add(
            LoggedSecond(
                number, 4, [piece("search", 1, tags=tags, flow=f"f{number}"), piece("search", 1, timer="poll")]
            )
        )
    assert sum(name.startswith("perfspec_requests_total") for name in values(metrics)) == 1
    assert values(metrics)[f'perfspec_requests_total{{{RUN},request="search",timer="request"}}'] == 60


def test_setup_is_no_load(metrics, piece) -> None:
    metrics.add(LoggedSecond(1, 0, [piece("search", 3, part="setup")]))
    assert not any(name.startswith("perfspec_requests_total") for name in values(metrics))


def test_kinds_of_error_are_bounded_and_never_fall(metrics, piece) -> None:
    metrics.add(LoggedSecond(1, 4, [piece("search", 25, errors={f"kind {n}": 1 for n in range(25)})]))
    first = {name: n for name, n in values(metrics).items() if "_errors_" in name}
    assert len(first) == 21
    metrics.add(LoggedSecond(2, 4, [piece("search", 99, errors={"kind 24": 99})]))
    second = {name: n for name, n in values(metrics).items() if "_errors_" in name}
    assert all(second[name] >= n for name, n in first.items())
    assert sum(second.values()) == 124


def test_limits_are_told_once_they_mean_something(metrics, piece) -> None:
    assert not any(name.startswith("perfspec_threshold") for name in values(metrics))
    over = {120 * MS: 400}
    metrics.add(LoggedSecond(21, 4, [piece("search", 400, over=over, ms=300, second=20)]))
    found = values(metrics)
    assert found[f'perfspec_threshold_holds{{{RUN},threshold="search p95 at most 120ms"}}'] == 0
    assert found[f'perfspec_threshold_holds{{{RUN},threshold="search errors under 1%"}}'] == 1


def test_the_generator_is_watched_too(metrics) -> None:
    metrics.add(LoggedSecond(1, 4, [], {100: 990, 5000: 10}, cpu_ns=250_000_000))
    assert values(metrics)[f"perfspec_generator_late_seconds{{{RUN}}}"] == 0.0001
    metrics.add(LoggedSecond(2, 4, [], {5000: 10}, cpu_ns=250_000_000))
    assert values(metrics)[f"perfspec_generator_late_seconds{{{RUN}}}"] == 0.005
    assert values(metrics)[f"perfspec_generator_cpu_seconds_total{{{RUN}}}"] == 0.5
