"""Durations and shares: exact, and the same value after printing and reading again."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfspec.base.units import DURATION_UNITS, format_duration, format_ms, format_share, parse_duration, parse_share

ALL = settings(derandomize=True, deadline=None, max_examples=300)
US, MS, S, M, H, D = DURATION_UNITS.values()


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("300ms", 300 * MS),
        ("2m30s", 150 * S),
        ("1h", H),
        ("0s", 0),
        ("0.5s", 500 * MS),
        ("1.5us", 1500),
        ("0.001us", 1),
        ("1d2h3m4s5ms6us", D + 2 * H + 3 * M + 4 * S + 5 * MS + 6 * US),
        ("90s", 90 * S),
        ("1.000000001s", S + 1),
    ],
)
def test_a_duration_is_read_exactly(text, ns) -> None:
    assert parse_duration(text) == ns


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "5 s",
        "s",
        "-5s",
        "+5s",
        "5sec",
        "1,5s",
        "5S",
        "1e3s",
        ".5s",
        "5.s",
        "5s ",
        " 5s",
        "5s\n",
        "0.0001us",
        "1min",
    ],
)
def test_what_is_no_duration_is_none(text) -> None:
    assert parse_duration(text) is None


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0s"),
        (1, "0.001us"),
        (US, "1us"),
        (MS, "1ms"),
        (1500 * US, "1.5ms"),
        (S, "1s"),
        (2500 * MS, "2.5s"),
        (90 * S, "1m30s"),
        (H, "1h"),
        (D + 90 * S, "1d1m30s"),
        (S + 1, "1.000000001s"),
        (M + 1, "1m0.001us"),
        (150_500 * MS, "2m30.5s"),
    ],
)
def test_a_duration_is_written_as_short_as_is_exact(ns, text) -> None:
    assert format_duration(ns) == text


@ALL
@given(st.one_of(st.integers(0, 366 * D), st.integers(0, 10 * S), st.integers(0, 366 * D // MS).map(lambda n: n * MS)))
def test_a_duration_is_the_same_after_printing_and_reading(ns) -> None:
    assert parse_duration(format_duration(ns)) == ns


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("0.5%", Fraction(1, 200)),
        ("100%", Fraction(1)),
        ("0%", Fraction(0)),
        ("99.9%", Fraction(999, 1000)),
        ("7%", Fraction(7, 100)),
    ],
)
def test_a_share_is_read_exactly(text, share) -> None:
    assert parse_share(text) == share
    assert format_share(share) == text


@pytest.mark.parametrize("text", ["", "5", "%", "5 %", "-5%", "5%%", "0,5%", ".5%", "5.%", "5% "])
def test_what_is_no_share_is_none(text) -> None:
    assert parse_share(text) is None


@ALL
@given(st.decimals(0, 100, places=9))
def test_a_share_is_the_same_after_printing_and_reading(percent) -> None:
    share = Fraction(percent) / 100
    assert parse_share(format_share(share)) == share


def test_a_share_that_no_decimal_can_say_is_cut_to_six_digits() -> None:
    assert format_share(Fraction(1, 3)) == "33.333333%"
    assert format_share(Fraction(2, 3)) == "66.666667%"


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (4_180_000, "4.18 ms"),
        (112_000_000, "112 ms"),
        (99_960_000, "100.0 ms"),
        (12_340_000, "12.3 ms"),
        (1_540_000_000, "1.54 s"),
        (999_000_000, "999 ms"),
        (61_000_000_000, "61.0 s"),
        (0, "0.00 ms"),
    ],
)
def test_times_are_shown_to_people_in_three_digits(ns, text) -> None:
    assert format_ms(ns) == text
