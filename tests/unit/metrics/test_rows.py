"""Sums of slices, and slices without what is nobody's failure."""

import pytest

from perfspec.metrics.rows import without
from perfspec.metrics.series import Key, Series, Slice

LIMIT = 5
PIECE = Slice(Key("a"), 3, 10, {"dropped": 4, "unsendable": 2, "reset": 1}, 5, {LIMIT: 8}, missed=8)


@pytest.mark.parametrize(
    ("kinds", "left"),
    [
        ({"timeout"}, (10, 5, 8, 8)),
        ({"dropped"}, (6, 1, 4, 4)),
        ({"unsendable"}, (8, 5, 6, 6)),
        ({"dropped", "unsendable", "reset"}, (3, 0, 1, 1)),
    ],
)
def test_what_is_left_of_all_counts(kinds, left) -> None:
    found = without(PIECE, kinds)
    assert (found.n, found.unavailable, found.over[LIMIT], found.missed) == left
    assert not kinds & found.errors.keys()
    assert (found.key, found.second) == (PIECE.key, PIECE.second)


def test_without_all_that_failed_a_slice_is_as_if_only_the_others_were_due() -> None:
    """Rounds: one that failed is missed, over its limits, and in no histogram."""
    both, good = Series(Key("f", "round"), (LIMIT,), 0), Series(Key("f", "round"), (LIMIT,), 0)
    for series in (both, good):
        for ns in (1, 2 * LIMIT):
            series.value(0, ns)
        series.miss()
    for kind in ("timeout", "no path"):
        both.value(0, 0, kind)
        both.miss()
    assert [without(piece, {"timeout", "no path"}) for piece in both.drain()] == good.drain()
