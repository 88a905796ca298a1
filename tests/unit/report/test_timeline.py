"""Time on a page: the same numbers however many buckets there are."""

import tracemalloc
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfspec.engine.slicelog import LoggedSecond
from perfspec.metrics.series import Key, Slice
from perfspec.report.timeline import Timeline, quantiles

PIECES = st.lists(
    st.tuples(st.integers(0, 400), st.integers(1, 9), st.integers(0, 3), st.integers(100, 5_000)),
    min_size=1,
    max_size=60,
)


def line_of(timeline: Timeline):
    return timeline.lines["search", ""]


def filled(pieces, most_buckets: int, grain: int = 1) -> Timeline:
    timeline = Timeline(most_buckets, grain)
    for second, n, failed, us in pieces:
        errors = {"timeout": failed} if failed else {}
        piece = Slice(Key("search"), second, n + failed, errors, response={us: n})
        timeline.add(LoggedSecond(second + 1, n, [piece]))
    return timeline


@given(PIECES, st.integers(2, 40))
def test_no_request_is_lost_or_counted_twice_when_buckets_are_merged(pieces, most_buckets) -> None:
    timeline = filled(pieces, most_buckets)
    buckets = line_of(timeline).buckets
    assert max(buckets) < most_buckets
    assert sum(b.n for b in buckets.values()) == sum(n + failed for _, n, failed, _ in pieces)
    assert sum(b.failed for b in buckets.values()) == sum(failed for _, _, failed, _ in pieces)
    for at, bucket in buckets.items():
        inside = [p for p in pieces if p[0] // timeline.bucket_s == at]
        assert sum(n for _, n, _, _ in inside) == sum(bucket.response.values())


@given(PIECES)
def test_a_coarser_grain_says_a_little_more_and_never_less(pieces) -> None:
    fine, coarse = (line_of(filled(pieces, 400, grain)).buckets for grain in (1, 16))
    assert {at: (b.n, b.failed) for at, b in fine.items()} == {at: (b.n, b.failed) for at, b in coarse.items()}
    for at, bucket in fine.items():
        assert len(coarse[at].response) <= len(bucket.response)
        for exact, said in zip(bucket.quantiles, coarse[at].quantiles, strict=True):
            assert exact <= said <= max(1.017 * exact, exact + 0.0151)


@given(PIECES, st.integers(2, 40))
def test_the_users_of_a_bucket_are_the_most_of_its_seconds(pieces, most_buckets) -> None:
    timeline = filled(pieces, most_buckets)
    for at, users in timeline.users.items():
        assert users == max(n for second, n, _, _ in pieces if second // timeline.bucket_s == at)


def test_a_bucket_is_drawn_anew_when_a_late_answer_comes() -> None:
    timeline = filled([(3, 4, 0, 100)], 10)
    bucket = line_of(timeline).buckets[3]
    assert bucket.quantiles == [0.1, 0.1, 0.1]
    timeline.add(LoggedSecond(9, 1, [Slice(Key("search"), 3, 6, response={900: 6})]))
    assert bucket.quantiles == [0.9, 0.9, 0.9]


def test_percentiles_are_observed_values_and_nothing_has_none() -> None:
    assert quantiles({100: 50, 200: 45, 300: 5}) == [0.1, 0.2, 0.3]
    assert quantiles({}) == []


def test_setup_and_teardown_are_not_part_of_the_load() -> None:
    timeline = Timeline()
    timeline.add(LoggedSecond(0, 0, [Slice(Key("login", part="setup"), 0, 1)]))
    assert (timeline.lines, timeline.users) == ({}, {})


RESPONSE = dict.fromkeys(range(3_000, 3_100), 2)


def fed(timeline: Timeline, seconds: range) -> None:
    """With numbers that Python makes anew for each second, as it does for real ones."""
    for second in seconds:
        fresh = {i + 0 * second: n for i, n in RESPONSE.items()}
        timeline.add(LoggedSecond(second + 1, 300, [Slice(Key("search"), second, 200, response=fresh)]))


def test_a_second_that_is_over_takes_little_room(traced) -> None:
    timeline = Timeline(1_000)
    fed(timeline, range(100))
    before = traced()[0]
    fed(timeline, range(100, 600))
    assert (traced()[0] - before) / 500 < 1_500
    assert sum(bucket.n for bucket in line_of(timeline).buckets.values()) == 600 * 200
    assert line_of(timeline).buckets[7].response == RESPONSE


def test_buckets_are_merged_in_little_room(traced) -> None:
    timeline = Timeline(60)
    fed(timeline, range(600))
    assert traced()[1] < 250_000  # sixty as dicts would be 600 kB
    assert line_of(timeline).buckets[7].response == {i: n * timeline.bucket_s for i, n in RESPONSE.items()}


@pytest.fixture
def traced() -> Iterator[Callable[[], tuple[int, int]]]:
    """Bytes in use by now, and the most so far."""
    tracemalloc.start()
    yield tracemalloc.get_traced_memory
    tracemalloc.stop()
