"""The order of loads in a search for the limit, for services that break at a known load."""

import random
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfspec.diagnostics.source import Span
from perfspec.load import Hunt, Search

SECOND = 1_000_000_000
ALL = settings(derandomize=True, deadline=None, max_examples=80)


def search(low=5, high=300, *, by="users", precision="1/20") -> Search:
    span = Span("s.yaml", 1, 1, 1, 2)
    return Search(by, Fraction(low), Fraction(high), 60 * SECOND, Fraction(precision), 500, span)


def hunted(said: Search, carries) -> tuple[Hunt, list[tuple[str, Fraction]]]:
    """The end of a search for a service of which `carries(level, step number)` says whether it holds."""
    hunt, steps = Hunt(said), []
    while hunt.doing != "over":
        steps.append((hunt.doing, hunt.level))
        said_so = carries(hunt.level, len(steps))
        hunt.tell(said_so if isinstance(said_so, str) else "" if said_so else "service")
    return hunt, steps


def test_it_grows_by_half_repeats_what_failed_narrows_down_and_confirms() -> None:
    hunt, steps = hunted(search(), lambda level, _: level <= 72)
    assert [(doing, int(level)) for doing, level in steps] == [
        *(("growing", n) for n in (5, 7, 10, 15, 22, 33, 49, 73, 73)),
        *(("narrowing", n) for n in (61, 67, 70)),
        ("confirming", 70),
    ]
    assert (hunt.met, hunt.failed, hunt.is_confirmed) == (70, 73, True)


@ALL
@given(st.integers(5, 299), st.sampled_from(["1/20", "1/10", "1/100"]))
def test_the_limit_lies_in_the_bracket_which_is_as_narrow_as_asked(limit, precision) -> None:
    said = search(precision=precision)
    hunt, steps = hunted(said, lambda level, _: level <= limit)
    assert hunt.is_confirmed
    assert hunt.met <= limit < hunt.failed
    assert hunt.failed - hunt.met <= max(1, Fraction(precision) * hunt.failed)
    assert len(steps) <= sum(said.most_steps)


@ALL
@given(st.floats(5, 299))
def test_rates_are_narrowed_down_as_well(limit) -> None:
    hunt, _ = hunted(search(by="arrivals"), lambda level, _: level <= limit)
    assert hunt.met <= limit < hunt.failed
    assert hunt.failed - hunt.met <= hunt.failed / 20


@ALL
@given(st.integers(5, 300), st.integers(0, 400))
def test_no_search_takes_longer_than_it_says(limit, unlucky) -> None:
    said = search()
    _, steps = hunted(said, lambda level, number: level <= limit and (number * 2654435761 >> 7) % 401 >= unlucky)
    confirmations = sum(doing == "confirming" for doing, _ in steps)
    assert confirmations <= said.most_steps[1]
    assert len(steps) - confirmations <= said.most_steps[0]


def test_an_unlucky_step_does_not_end_the_growing() -> None:
    hunt, _ = hunted(search(), lambda level, number: level <= 72 and number != 3)
    assert (hunt.met, hunt.failed) == (70, 73)


def test_what_breaks_when_it_is_confirmed_is_the_new_upper_end() -> None:
    confirmed = []

    def carries(level, _):
        confirmed.append(level)
        return level <= 72 and not (level == 70 and confirmed.count(70) == 2)

    hunt, steps = hunted(search(), carries)
    assert (hunt.met, hunt.failed, hunt.is_confirmed) == (67, 70, True)
    assert steps[-1] == ("confirming", 67)


@pytest.mark.parametrize(("carries", "met", "failed"), [(True, 300, None), (False, None, 5)])
def test_a_limit_outside_the_range_has_one_end(carries, met, failed) -> None:
    hunt, steps = hunted(search(), lambda *_: carries)
    assert (hunt.met, hunt.failed, hunt.is_confirmed) == (met, failed, carries)
    assert steps[-1][0] == ("confirming" if carries else "growing")


def test_a_load_that_the_generator_cannot_do_is_an_upper_end_of_another_kind() -> None:
    """Narrowing down goes on below it, and may still find the service's own limit."""
    hunt, steps = hunted(search(), lambda level, _: "generator" if level > 90 else True)
    assert hunt.met <= 90 < hunt.stopped <= hunt.met / 0.95
    assert (hunt.failed, hunt.stopped_by, hunt.is_confirmed) == (None, "generator", True)
    assert hunt.upper == hunt.stopped
    assert [doing for doing, _ in steps][-1] == "confirming"
    assert len(steps) <= sum(search().most_steps)


def test_below_what_stopped_it_the_service_may_still_fail() -> None:
    hunt, _ = hunted(search(), lambda level, _: "ceiling" if level > 90 else level <= 80)
    assert hunt.met <= 80 < hunt.failed <= 90
    assert hunt.upper == hunt.failed


@pytest.mark.parametrize("tries", [("generator", "service"), ("service", "generator")])
def test_the_service_has_failed_only_where_it_failed_twice(tries) -> None:
    hunt = Hunt(search(5, 7))
    hunt.tell("")
    for beyond in tries:
        assert hunt.level == 7
        hunt.tell(beyond)
    assert (hunt.failed, hunt.stopped, hunt.stopped_by) == (None, 7, "generator")


@pytest.mark.parametrize(("second", "is_confirmed"), [("", True), ("generator", False)])
def test_a_confirmation_that_says_nothing_is_tried_once_more(second, is_confirmed) -> None:
    hunt = Hunt(search(5, 5))
    hunt.tell("")
    assert hunt.doing == "confirming"
    hunt.tell("generator")
    assert (hunt.doing, hunt.level) == ("confirming", 5)
    hunt.tell(second)
    assert (hunt.doing, hunt.met, hunt.failed, hunt.is_confirmed) == ("over", 5, None, is_confirmed)


def carried(draw: random.Random, rate: float, hold_s: int) -> bool:
    """Does a queue that serves 100/s keep its p95 within 120 ms, which it does up to 75/s? A quarter is not judged."""
    at = wait = 0.0
    n = over = 0
    while at < hold_s:
        work = draw.expovariate(100)
        if at >= hold_s / 4:
            n += 1
            over += wait + work > 0.11983
        gap = draw.expovariate(rate)
        at, wait = at + gap, max(0.0, wait + work - gap)
    return over <= 0.05 * n


@pytest.mark.parametrize(("hold_s", "low", "high"), [(15, 66, 83), (60, 70, 78)])
def test_longer_steps_find_the_limit_more_closely(hold_s, low, high) -> None:
    """The middle nine tenths of searches for a limit of 75.0/s, as published."""
    found = []
    for seed in range(40):
        draw = random.Random(seed)
        hunt, _ = hunted(search(5, 300, by="arrivals"), lambda level, _, draw=draw: carried(draw, float(level), hold_s))
        found.append(float(hunt.met))
    found.sort()
    print(f"steps of {hold_s} s: {found[2]:.0f} to {found[-3]:.0f}, median {found[20]:.0f}")
    assert low - 5 <= found[2] <= 75
    assert 70 <= found[-3] <= high + 3
