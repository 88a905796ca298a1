from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfspec.base.clock import MILLISECOND, SECOND
from perfspec.base.errors import ExitCode, UsageFailure
from perfspec.reference.faults import NO_FAULTS, Faults, Stall, parse_faults

ENDPOINTS = ("suggest", "query")
INSTANTS = st.integers(min_value=0, max_value=1000)


def test_options_become_faults() -> None:
    faults = parse_faults(ENDPOINTS, slow=["suggest=400ms", "query=1s"], errors=["query=50%", "5%"], stall="5s:1500ms")
    assert faults.slow_ns == {"suggest": 400 * MILLISECOND, "query": SECOND}
    assert faults.errors == {"suggest": Fraction(1, 20), "query": Fraction(1, 2)}
    assert faults.stall == Stall(5 * SECOND, 1500 * MILLISECOND)


def test_no_options_mean_no_faults() -> None:
    assert parse_faults(ENDPOINTS) == NO_FAULTS
    assert not NO_FAULTS.stall.covers(0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"slow": ["suggest"]}, "`--slow suggest` is not of the form NAME=DURATION, for example `suggest=400ms`"),
        ({"slow": ["suggest=400"]}, "`--slow suggest=400` is not of the form NAME=DURATION"),
        ({"slow": ["sugest=1s"]}, "`--slow` knows no endpoint `sugest`; there are suggest, query"),
        ({"errors": ["5"]}, "`--errors 5` needs a share from 0% to 100%"),
        ({"errors": ["query=101%"]}, "`--errors query=101%` needs a share from 0% to 100%"),
        ({"errors": ["qery=1%"]}, "`--errors` knows no endpoint `qery`"),
        ({"errors": ["=1%"]}, "`--errors` knows no endpoint ``"),
        ({"stall": "5s"}, "`--stall 5s` is not of the form AFTER:FOR, for example `5s:2s`"),
        ({"stall": "5s:2"}, "`--stall 5s:2` is not of the form"),
    ],
)
def test_a_wrong_option_is_one_sentence(options: dict, message: str) -> None:
    with pytest.raises(UsageFailure) as caught:
        parse_faults(ENDPOINTS, **options)
    assert message in caught.value.message
    assert caught.value.exit_code is ExitCode.SPEC


@pytest.mark.parametrize(
    ("start", "work", "end", "why"),
    [
        (0, 50, 50, "over before the stall"),
        (90, 20, 160, "half before, half after"),
        (120, 20, 170, "came in during the stall, begun after it"),
        (100, 20, 170, "came in as the stall began"),
        (150, 20, 170, "came in as the stall ended"),
        (200, 20, 220, "after the stall"),
    ],
)
def test_no_time_passes_during_a_stall(start: int, work: int, end: int, why: str) -> None:
    assert Stall(100, 50).end_of_work_ns(start, work) == end, why


@given(INSTANTS, INSTANTS, INSTANTS, INSTANTS)
def test_a_stall_never_ends_work_within_it_and_costs_its_length_at_most(
    after: int, length: int, start: int, work: int
) -> None:
    stall = Stall(after, length)
    end = stall.end_of_work_ns(start, work)
    assert not stall.covers(end)
    assert start + work <= end <= start + work + length


def test_errors_are_drawn_by_index_and_hit_their_share() -> None:
    faults = Faults(errors={"query": Fraction(1, 20)})
    broken = [faults.breaks("query", 99, index) for index in range(10_000)]
    assert broken == [faults.breaks("query", 99, index) for index in range(10_000)]
    assert 420 <= sum(broken) <= 580
    assert not any(faults.breaks("suggest", 99, index) for index in range(100))
