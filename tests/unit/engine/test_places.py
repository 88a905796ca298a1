"""Places of people who come, over several processes: never too many, never one too few."""

import os

from hypothesis import given, settings
from hypothesis import strategies as st

from perfspec.engine.places import Board, Places

ALL = settings(derandomize=True, deadline=None, max_examples=80)
moves = st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=200)


@ALL
@given(moves, st.integers(1, 8))
def test_a_place_is_taken_while_there_is_one_whoever_asks(moves, most) -> None:
    """As one process would deal with them."""
    counts = [0] * 4
    parts = [Places(counts, process) for process in range(4)]
    there = [0] * 4
    for process, comes in moves:
        if comes:
            is_free = sum(there) < most
            assert parts[process].take(most) is is_free
            there[process] += is_free
        elif there[process]:
            parts[process].leave()
            there[process] -= 1
        assert counts == there


def test_one_process_has_all_places() -> None:
    places = Places.of_one()
    assert [places.take(3) for _ in range(4)] == [True, True, True, False]
    places.leave()
    assert places.take(3)


def test_what_one_process_writes_the_others_read() -> None:
    board = Board(2)
    other = Board(2, os.dup(board.descriptor))
    try:
        first, second = board.places(0), other.places(1)
        assert first.take(2)
        assert second.take(2)
        assert not first.take(2)
        board.forget(1)  # it is dead
        assert first.take(2)
        assert not second.take(2)
    finally:
        del first, second
        board.close()
        other.close()
