"""Log-linear histograms: the layout, merging, and percentiles against HdrHistogram and against sorting."""

from collections import Counter
from fractions import Fraction
from math import ceil

import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given, settings
from hypothesis import strategies as st

from perfspec.metrics import histogram

ALL = settings(derandomize=True, deadline=None, max_examples=100)
HOUR_US = 3_600_000_000
times = st.one_of(st.integers(0, 5000), st.integers(0, 60_000_000), st.integers(0, HOUR_US))
samples = st.lists(times, min_size=1, max_size=60)
histograms = st.dictionaries(st.integers(0, 20_000), st.integers(1, 1000), max_size=8)


def of(values: list[int]) -> histogram.Histogram:
    found: histogram.Histogram = {}
    for value in values:
        i = histogram.index(value)
        found[i] = found.get(i, 0) + 1
    return found


def merged(*parts: histogram.Histogram) -> histogram.Histogram:
    found: histogram.Histogram = {}
    for part in parts:
        histogram.add(found, part)
    return found


@ALL
@given(times)
def test_a_value_lies_in_its_bucket(us) -> None:
    i = histogram.index(us)
    assert histogram.lowest(i) <= us <= histogram.highest(i)


@ALL
@given(st.integers(0, 40_000))
def test_buckets_cover_the_line_without_gaps(i) -> None:
    assert histogram.index(histogram.lowest(i)) == histogram.index(histogram.highest(i)) == i
    assert histogram.lowest(i + 1) == histogram.highest(i) + 1


@ALL
@given(times, times)
def test_longer_times_never_lie_in_lower_buckets(a, b) -> None:
    assert (histogram.index(a) <= histogram.index(b)) or a > b


@ALL
@given(times)
def test_a_bucket_is_at_most_a_thousandth_of_its_value_wide(us) -> None:
    i = histogram.index(us)
    assert (histogram.highest(i) - histogram.lowest(i)) * 1024 <= us


@pytest.mark.parametrize(
    ("us", "i", "lowest", "highest"),
    [
        (0, 0, 0, 0),
        (1, 1, 1, 1),
        (2047, 2047, 2047, 2047),
        (2048, 2048, 2048, 2049),
        (4095, 3071, 4094, 4095),
        (4096, 3072, 4096, 4099),
        (120_000, 8019, 120_000, 120_063),
        (60_000_000, 17_191, 59_998_208, 60_030_975),
    ],
)
def test_the_layout_is_the_published_one(us, i, lowest, highest) -> None:
    assert (histogram.index(us), histogram.lowest(i), histogram.highest(i)) == (i, lowest, highest)


@ALL
@given(st.lists(st.integers(1, HOUR_US), min_size=1, max_size=40), st.data())
def test_values_at_ranks_are_those_of_hdr_histogram(values, data) -> None:
    reference = HdrHistogram(1, HOUR_US, 3)
    for value in values:
        reference.record_value(value)
    rank = data.draw(st.integers(1, len(values)))
    found = histogram.ranks(of(values), [rank])
    assert found == [reference.get_value_at_percentile(100 * rank / len(values))]
    assert [histogram.lowest(histogram.index(found[0])), found[0]] == [
        reference.get_lowest_equivalent_value(found[0]),
        reference.get_highest_equivalent_value(found[0]),
    ]


@ALL
@given(samples, st.fractions(Fraction(1, 10_000), 1))
def test_percentiles_are_nearest_rank_within_a_bucket(values, q) -> None:
    exact = sorted(values)[ceil(q * len(values)) - 1]
    found = histogram.quantile(of(values), q)
    assert histogram.index(found) == histogram.index(exact)
    assert found == histogram.highest(histogram.index(exact))


@ALL
@given(samples, st.fractions(0, 1), st.fractions(0, 1))
def test_higher_percentiles_are_never_shorter(values, p, q) -> None:
    found = of(values)
    assert histogram.quantile(found, min(p, q)) <= histogram.quantile(found, max(p, q))


@ALL
@given(samples, st.lists(st.integers(1, 80), min_size=1, max_size=10))
def test_many_ranks_are_found_in_one_go(values, wanted) -> None:
    wanted.sort()
    found = of(values)
    assert histogram.ranks(found, wanted) == [histogram.ranks(found, [rank])[0] for rank in wanted]
    assert histogram.ranks(found, [len(values), len(values) + 9]) == [histogram.largest(found)] * 2


@ALL
@given(samples)
def test_sums_are_those_of_the_values_within_a_bucket(values) -> None:
    found = of(values)
    assert histogram.count(found) == len(values)
    assert histogram.largest(found) == histogram.highest(histogram.index(max(values)))
    mean = sum(values) / len(values)
    assert histogram.mean(found) == pytest.approx(mean, rel=1 / 1024, abs=1e-9)


@ALL
@given(histograms, histograms, histograms)
def test_merging_is_associative_and_commutative(a, b, c) -> None:
    assert merged(merged(a, b), c) == merged(a, merged(b, c)) == merged(c, a, b)
    assert merged(a, {}) == a
    assert histogram.count(merged(a, b)) == histogram.count(a) + histogram.count(b)


@ALL
@given(samples, samples)
def test_a_merged_histogram_is_that_of_all_values(a, b) -> None:
    assert merged(of(a), of(b)) == of(a + b)


def test_an_empty_histogram_has_no_times() -> None:
    assert histogram.quantile({}, Fraction(1, 2)) == histogram.largest({}) == histogram.count({}) == 0
    assert histogram.mean({}) == 0
    assert histogram.ranks({}, [1, 2]) == [0, 0]


@pytest.mark.parametrize(
    ("us", "interval", "added"),
    [
        (1000, 100, range(900, 99, -100)),
        (1050, 100, range(950, 149, -100)),
        (100, 100, ()),
        (199, 100, ()),
        (200, 100, (100,)),
    ],
)
def test_the_correction_for_what_was_not_asked_adds_a_value_for_every_interval(us, interval, added) -> None:
    assert histogram.corrected({us: 3}, interval) == dict.fromkeys((us, *added), 3)


@ALL
@given(st.lists(st.integers(1, 20), min_size=1, max_size=40), st.integers(1, 100))
def test_the_correction_is_that_of_hdr_histogram(times, interval) -> None:
    """Of whole intervals; of the rest of one the published versions differ."""
    values = [number * interval for number in times]
    reference = HdrHistogram(1, HOUR_US, 3)
    for value in values:
        reference.record_corrected_value(value, interval)
    found = histogram.corrected(of(values), interval)
    n = histogram.count(found)
    assert n == reference.get_total_count() == sum(times)
    for rank in range(1, n + 1):
        assert histogram.ranks(found, [rank]) == [reference.get_value_at_percentile(100 * rank / n)]


def test_an_interval_is_positive() -> None:
    with pytest.raises(ValueError, match="positive"):
        histogram.corrected({1: 1}, 0)


@ALL
@given(st.lists(st.integers(0, 50), max_size=300), st.sampled_from([Fraction(1, 2), Fraction(99, 100), Fraction(1)]))
def test_of_plain_counts_the_value_at_a_rank_is_that_of_the_sorted_values(values, q) -> None:
    expected = sorted(values)[ceil(q * len(values)) - 1] if values else 0
    assert histogram.exact(Counter(values), q) == expected
