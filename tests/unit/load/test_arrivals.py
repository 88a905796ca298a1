"""Arrivals: as many as the integral of the rate, each when the integral reaches it."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfspec.load import Arrivals, Schedule

SECOND = 1_000_000_000
ALL = settings(derandomize=True, deadline=None, max_examples=60)
rates = st.fractions(0, 50, max_denominator=20)
lengths = st.integers(1, 40).map(lambda tenths: tenths * SECOND // 4)
phases = st.lists(st.tuples(rates, rates, lengths), min_size=1, max_size=4)


def arrivals(start, end, *, poisson: bool = False) -> Arrivals:
    return Arrivals(Fraction(start), Fraction(end), 500, poisson)


def scheduled(said, *, poisson: bool = False, seed: int = 1) -> list[tuple[int, int, int]]:
    """(phase, number, offset) of everyone."""
    schedule = Schedule(seed)
    return [
        (k, number, offset)
        for k, (start, end, for_ns) in enumerate(said)
        for number, offset in schedule.phase(arrivals(start, end, poisson=poisson), for_ns)
    ]


@ALL
@given(phases)
def test_as_many_come_as_the_integral_says_over_all_phases_together(said) -> None:
    integral = sum(arrivals(start, end).total(for_ns) for start, end, for_ns in said)
    assert abs(len(scheduled(said)) - integral) <= Fraction(1, 2)


@pytest.mark.parametrize(
    ("start", "end", "seconds", "number"), [(20, 20, 30, 600), (5, 50, 60, 1650), (50, 5, 60, 1650), (0, 10, 4, 20)]
)
def test_a_whole_integral_is_met_exactly(start, end, seconds, number) -> None:
    assert len(scheduled([(start, end, seconds * SECOND)])) == number


@ALL
@given(phases)
def test_at_every_arrival_the_integral_is_half_way_to_the_next(said) -> None:
    before = Fraction(0)
    everyone = scheduled(said)
    for k, (start, end, for_ns) in enumerate(said):
        shape = arrivals(start, end)
        for number, offset in ((n, at) for phase, n, at in everyone if phase == k):
            assert float(before) + shape.between(0, offset, for_ns) == pytest.approx(number + 0.5, abs=1e-6)
        before += shape.total(for_ns)


@ALL
@given(phases, st.booleans())
def test_numbers_are_used_once_and_in_the_order_in_which_they_are_due(said, poisson) -> None:
    everyone = scheduled(said, poisson=poisson)
    assert [number for _, number, _ in everyone] == list(range(len(everyone)))
    for (phase, _, offset), (later_phase, _, later) in pairwise(everyone):
        assert phase < later_phase or offset <= later
    assert all(0 <= offset < said[phase][2] for phase, _, offset in everyone)


def test_even_arrivals_have_even_gaps() -> None:
    offsets = [offset for _, _, offset in scheduled([(20, 20, SECOND)])]
    assert offsets == [25_000_000 + k * 50_000_000 for k in range(20)]


def test_random_gaps_have_the_mean_and_the_spread_of_poisson_arrivals() -> None:
    offsets = [offset for _, _, offset in scheduled([(100, 100, 100 * SECOND)], poisson=True)]
    assert len(offsets) == pytest.approx(10_000, abs=300)
    per_second = [sum(k * SECOND <= offset < (k + 1) * SECOND for offset in offsets) for k in range(100)]
    mean = sum(per_second) / 100
    variance = sum((n - mean) ** 2 for n in per_second) / 99
    assert 0.7 < variance / mean < 1.4
    gaps = [later - offset for offset, later in pairwise(offsets)]
    assert sum(gap > 10_000_000 for gap in gaps) / len(gaps) == pytest.approx(0.368, abs=0.02)


def test_random_arrivals_go_on_over_the_end_of_a_phase_as_if_it_were_not_there() -> None:
    whole = [offset for _, _, offset in scheduled([(20, 20, 10 * SECOND)], poisson=True)]
    halves = [k * 5 * SECOND + offset for k, _, offset in scheduled([(20, 20, 5 * SECOND)] * 2, poisson=True)]
    assert halves == pytest.approx(whole, abs=2)


def test_another_seed_comes_at_other_moments() -> None:
    said = [(20, 20, SECOND)]
    assert scheduled(said, poisson=True, seed=1) != scheduled(said, poisson=True, seed=2)
    assert scheduled(said, seed=1) == scheduled(said, seed=2)


def test_a_rising_rate_is_described_by_its_ends() -> None:
    assert arrivals(5, 50).describe() == "ramp 5 to 50 arrivals/s, at most 500 users at a time"
    assert arrivals(20, 20, poisson=True).describe() == ("20 arrivals/s at random moments, at most 500 users at a time")
