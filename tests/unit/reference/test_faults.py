from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfspec.base.clock import MILLISECOND, SECOND
from perfspec.base.errors import ExitCode, UsageFailure
from perfspec.reference.faults import NO_FAULTS, Stall, parse_faults
from perfspec.reference.latency import Even, Latency

ENDPOINTS = ("suggest", "query")
INSTANTS = st.integers(min_value=0, max_value=1000)


def test_options_become_faults() -> None:
    faults = parse_faults(ENDPOINTS, slow=["suggest=400ms", "query=1s"], errors=["query=50%", "5%"], stall="5s:1500ms")
    assert faults.slow == {"suggest": Even(400 * MILLISECOND, 400 * MILLISECOND), "query": Even(SECOND, SECOND)}
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
        ({"slow": ["query=2s to 1s"]}, "`--slow query=2s to 1s` is not of the form"),
        ({"slow": ["query=around"]}, "`--slow query=around` is not of the form"),
        ({"slow_bodies": ["query"]}, "`--slow-bodies query` is not of the form"),
        ({"resets": ["5"]}, "`--resets 5` needs a share from 0% to 100%"),
        ({"wrong_bodies": ["qery=1%"]}, "`--wrong-bodies` knows no endpoint `qery`"),
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


def test_a_latency_may_be_added_by_a_distribution() -> None:
    faults = parse_faults(ENDPOINTS, slow=["query=100ms to 2s", "suggest=around 400ms"], slow_bodies=["query=2s"])
    assert faults.slow == {"query": Even(100 * MILLISECOND, 2 * SECOND), "suggest": Latency(400 * MILLISECOND, 0.5)}
    assert faults.of("query").slow_body == Even(2 * SECOND, 2 * SECOND)
    drawn = [faults.of("query").slow.draw_ns(99, index) for index in range(2000)]
    assert min(drawn) >= 100 * MILLISECOND
    assert max(drawn) <= 2 * SECOND
    assert 900 <= sum(value < 1050 * MILLISECOND for value in drawn) <= 1100


def test_an_endpoint_has_the_faults_that_name_it_and_the_general_ones() -> None:
    faults = parse_faults(ENDPOINTS, resets=["1%"], wrong_bodies=["query=2%"])
    assert faults.of("query").resets == Fraction(1, 100)
    assert faults.of("query").wrong_bodies == Fraction(2, 100)
    assert faults.of("suggest").wrong_bodies == 0
    assert parse_faults(ENDPOINTS, errors=["query=2%"]).of("suggest") == NO_FAULTS.of("suggest")
