"""What of a live picture fits on a low terminal."""

import pytest

from perfspec.cli.progress import fitted
from perfspec.report.standing import Stand


def rows(n):
    return [(f"r{k}", 1.0, "5 ms", 0.0) for k in range(n)]


def stands(*words):
    return [Stand(f"limit {k}", word, "") for k, word in enumerate(words)]


@pytest.mark.parametrize(("requests", "limits", "room"), [(4, 4, 17), (10, 7, 17), (0, 0, 0)])
def test_what_fits_is_shown_as_it_stands(requests, limits, room) -> None:
    said = stands(*["too early to say"] * limits)
    assert fitted(rows(requests), said, room) == (rows(requests), said, "")


def test_half_of_a_low_terminal_is_for_limits_and_broken_ones_come_first() -> None:
    said = stands(*["holds"] * 10, "too early to say", "broken", *["holds"] * 3)
    shown, limits, more = fitted(rows(12), said, 17)
    assert len(shown) + len(limits) + 1 == 17
    assert [limit.word for limit in limits] == ["broken", *["holds"] * 7]
    assert more == "and 4 more requests, 7 more limits; report.html has all"


def test_limits_take_what_few_requests_leave() -> None:
    shown, limits, more = fitted(rows(2), stands(*["holds"] * 30), 17)
    assert (len(shown), len(limits)) == (2, 14)
    assert more == "and 0 more requests, 16 more limits; report.html has all"


@pytest.mark.parametrize("room", [-3, 0, 1, 2, 5])
def test_no_terminal_is_too_low(room) -> None:
    shown, limits, more = fitted(rows(9), stands(*["holds"] * 9), room)
    assert len(shown) + len(limits) <= max(room - 1, 0)
    assert more
