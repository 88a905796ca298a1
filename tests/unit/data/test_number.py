"""Drawn numbers lie in their range as their spread says: shares of draws against exact distribution functions."""

from collections import Counter
from math import log
from statistics import NormalDist, median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfspec.base import random
from perfspec.data import Supply, number
from perfspec.data.kinds import Number
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Source, Span
from perfspec.language.compose import compose
from perfspec.language.nodes import Mapping
from perfspec.language.phrases import Spread
from perfspec.steps.runtime import Vars

SPAN = Span("s.yaml", 1, 1, 1, 2)
N = 20_000
PHI = NormalDist().cdf


def read(table: str) -> Number:
    out = Diagnostics()
    node = compose(Source("s.yaml", table), out)
    assert isinstance(node, Mapping)
    found = number.read("x", SPAN, node, out)
    assert out.sorted() == []
    assert found is not None
    return found


def names(who: int) -> Vars:
    scope = Vars()
    scope.base = random.base(random.person(1, who), 1)
    return scope


SCOPES = [names(who) for who in range(N)]


def drawn(table: str) -> list[float]:
    return list(map(number.bind(read(table), Supply(1)), SCOPES))


@pytest.mark.parametrize(
    ("table", "found"),
    [
        ("number: 5 to 1500", Number("x", SPAN, 5, 1500, Spread(), 0)),
        ("number: -5 to 5", Number("x", SPAN, -5, 5, Spread(), 0)),
        ("number: 0.5 to 10", Number("x", SPAN, 0.5, 10, Spread(), 1)),
        ("number: 0 to 1\ndecimals: 2", Number("x", SPAN, 0, 1, Spread(), 2)),
        ("number: 1 to 9\nspread: normal around 4.5", Number("x", SPAN, 1, 9, Spread("normal", 4.5), 0)),
        ("number: 1 to 9\nspread: zipf 1.1", Number("x", SPAN, 1, 9, Spread("zipf", 1.1), 0)),
    ],
)
def test_a_number_is_read(table, found) -> None:
    assert read(table) == found


def halves(z: float, low: float, high: float) -> float:
    """The share below z of a normal whose halves are cut at `low` and `high` without moving the median."""
    if z < 0:
        return (PHI(z) - PHI(low)) / (0.5 - PHI(low)) / 2
    return 0.5 + (PHI(z) - 0.5) / (PHI(high) - 0.5) / 2


NORMAL_SIGMA, LOG_SIGMA = (1500 - 60) / 3, log(1500 / 60) / 3
SHARES = {
    "even": lambda x: (x - 4) / 1496,
    "normal around 60": lambda x: halves(
        (x + 0.5 - 60) / NORMAL_SIGMA, (5 - 60) / NORMAL_SIGMA, (1500 - 60) / NORMAL_SIGMA
    ),
    "lognormal around 60": lambda x: halves(
        log((x + 0.5) / 60) / LOG_SIGMA, log(5 / 60) / LOG_SIGMA, log(1500 / 60) / LOG_SIGMA
    ),
    "pareto": lambda x: (1 - (5 / (x + 0.5)) ** (log(5) / log(4))) / (1 - (5 / 1500) ** (log(5) / log(4))),
    "zipf 1.1": lambda x: sum(1 / k**1.1 for k in range(1, x - 3)) / sum(1 / k**1.1 for k in range(1, 1497)),
}
"""Spread -> the share of whole numbers up to x; a drawn number is rounded, so half a step belongs to x."""


@pytest.mark.parametrize("spread", SHARES)
@pytest.mark.parametrize("x", [6, 20, 59, 61, 120, 400, 1000, 1400])
def test_shares_of_numbers_are_those_of_the_distribution(spread, x) -> None:
    values = drawn(f"number: 5 to 1500\nspread: {spread}")
    share = SHARES[spread](x)
    found = sum(value <= x for value in values)
    assert abs(found - N * share) <= 4 * (N * share * (1 - share)) ** 0.5 + 1


@pytest.mark.parametrize("spread", ["normal", "lognormal"])
@pytest.mark.parametrize("middle", [6, 60, 1400])
def test_around_names_the_median_wherever_it_lies(spread, middle) -> None:
    values = drawn(f"number: 5 to 1500\ndecimals: 3\nspread: {spread} around {middle}")
    below = sum(value < middle for value in values)
    assert abs(below - N / 2) <= 4 * N**0.5 / 2
    assert median(values) == pytest.approx(middle, rel=0.12)


def test_even_numbers_reach_both_ends_equally_often() -> None:
    for table, count in (("number: 3 to 7", 5), ("number: -0.2 to 0.2", 5)):
        found = Counter(drawn(table))
        assert len(found) == count
        assert all(abs(n - N / count) <= 4 * (N / count) ** 0.5 for n in found.values())
    assert set(drawn("number: -0.2 to 0.2")) == {-0.2, -0.1, 0.0, 0.1, 0.2}


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    st.integers(1, 10**9),
    st.integers(2, 10**6),
    st.integers(0, 3),
    st.sampled_from(["even", "normal", "lognormal", "pareto", "zipf"]),
    st.floats(0.01, 0.99),
)
def test_no_number_is_out_of_range_or_off_the_grid(low, width, decimals, kind, where) -> None:
    decimals = 0 if kind == "zipf" else decimals
    high = low + width
    at = 1.1 if kind == "zipf" else low + where * width
    draw = number.bind(Number("x", SPAN, low, high, Spread(kind, at), decimals), Supply(1))
    for scope in SCOPES[:30]:
        value = draw(scope)
        assert low <= value <= high
        assert isinstance(value, float if decimals else int)
        assert round(value, decimals) == value
