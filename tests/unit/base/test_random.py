"""Chance as a pure function: steady over versions and machines, and evenly spread."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfspec.base import random

WORD = st.integers(0, (1 << 64) - 1)
ALL = settings(derandomize=True, deadline=None, max_examples=200)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("data.phrase", 61449420034830887),
        ("flows.search.pause", 1015008608665595),
        ("", 22125486566988442),
    ],
)
def test_a_site_depends_on_its_name_alone(name, number) -> None:
    assert random.site(name) == number
    assert 0 <= number < 1 << 56


def test_draws_are_the_same_on_every_machine() -> None:
    assert random.mix(0, 0) == 0
    assert random.mix(1, 2) == 14887079200376242419
    assert random.person(4107, 1) == 11503817759315228643
    assert random.base(random.person(4107, 1), 3) == 9297713843935945840
    assert random.unit(random.base(random.person(4107, 1), 3), 5) == 0.5388542112127418


@ALL
@given(WORD, st.integers(0, 1 << 70))
def test_draws_stay_in_their_range(base, draw) -> None:
    assert 0 <= random.mix(base, draw) < 1 << 64
    assert 0 <= random.unit(base, draw) < 1
    assert 0 <= random.base(base, draw) < 1 << 64
    assert random.unit_at(draw)(base) == random.unit(base, draw)
    assert random.unit(base, draw) == random.unit(base, draw)


@ALL
@given(WORD, st.integers(0, 1 << 56), st.integers(1, 1000))
def test_no_two_draws_of_a_round_are_the_same_bits(base, draw, more) -> None:
    assert random.mix(base, draw) != random.mix(base, draw + more)


def chi_square(values: list[float], bins: int = 64) -> float:
    counts = [0] * bins
    for value in values:
        counts[int(value * bins)] += 1
    expected = len(values) / bins
    return sum((count - expected) ** 2 / expected for count in counts)


N = 20_000
PERSON_1 = random.person(1, 1)
ROWS = {
    "neighbouring sites": [random.unit(random.base(PERSON_1, 1), site) for site in range(N)],
    "neighbouring rounds": [random.unit(random.base(PERSON_1, round_), 7) for round_ in range(N)],
    "neighbouring users": [random.unit(random.base(random.person(1, who), 1), 7) for who in range(N)],
    "neighbouring seeds": [random.unit(random.base(random.person(seed, 1), 1), 7) for seed in range(N)],
    "loop passes": [random.unit(random.base(PERSON_1, 1), 7 + turn * 0xD1342543DE82EF95) for turn in range(N)],
}


@pytest.mark.parametrize("row", ROWS)
def test_neighbours_are_spread_evenly(row) -> None:
    assert 30 < chi_square(ROWS[row]) < 110  # 63 degrees of freedom: 1 in 10 000 lies outside


@pytest.mark.parametrize("row", ROWS)
def test_neighbours_do_not_follow_each_other(row) -> None:
    values = ROWS[row]
    mean = sum(values) / N
    together = sum((a - mean) * (b - mean) for a, b in pairwise(values)) / sum((a - mean) ** 2 for a in values)
    assert abs(together) < 4 / N**0.5
    pairs = [(int(a * 8) * 8 + int(b * 8) + 0.5) / 64 for a, b in zip(values[::2], values[1::2], strict=True)]
    assert chi_square(pairs) < 110
