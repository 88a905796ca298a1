"""Whether a load is carried, or only begun."""

import pytest

from perfspec.verdict.steadiness import is_growing, lost_users


@pytest.mark.parametrize(
    ("waiting", "grows"),
    [
        ([10] * 12, False),
        ([10, 11, 10, 9, 10, 11, 10, 12, 11, 12, 11, 12], False),
        ([10, 11, 10, 9, 12, 14, 15, 17, 20, 21, 23, 24], True),
        ([0, 0, 0, 0, 1, 0, 1, 0, 1, 1, 1, 1], False),
        ([24, 20, 18, 15, 14, 12, 10, 9, 8, 7, 6, 5], False),
        ([1, 9, 30], False),
    ],
)
def test_more_wait_at_the_end_than_at_the_beginning(waiting, grows) -> None:
    assert is_growing(waiting) is grows


def rounds(piece, n, ms, **more):
    return piece("look", n, timer="round", ms=ms, **more)


@pytest.mark.parametrize(
    ("n", "ms", "accounted"),
    [
        (892, 1120, None),  # 100 users, R 0.12 s, Z 1 s: 89.29 a second
        (804, 1120, None),  # nine in ten, and who is cut off at the ends
        (600, 1120, 67),
        (5, 900, 0),
    ],
)
def test_users_times_time_is_the_sum_of_what_their_rounds_took(piece, n, ms, accounted) -> None:
    said = lost_users([100] * 10, [rounds(piece, n, ms)])
    wanted = f"of 100 users, the rounds that ended account for {accounted} (Little's law)"
    assert (wanted in said) if accounted is not None else said == ""


def test_a_sixth_of_a_handful_may_be_chance(piece) -> None:
    assert lost_users([1, 2, 1, 2, 1, 2], [rounds(piece, 60, 100)]) == ""


@pytest.mark.parametrize(
    "odd", [{"errors": {"refused": 6}}, {"ms": 0.02}], ids=["many failed", "nothing was sent in many"]
)
def test_users_that_wait_outside_of_rounds_are_not_missed(piece, odd) -> None:
    lost = rounds(piece, 100, 100)
    assert lost_users([10] * 10, [lost])
    assert lost_users([10] * 10, [lost, rounds(piece, 6, **({"ms": 100} | odd))]) == ""


def test_too_few_seconds_say_nothing(piece) -> None:
    assert lost_users([10] * 5, [rounds(piece, 1, 10)]) == ""
