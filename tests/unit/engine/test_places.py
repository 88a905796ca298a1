"""Places of people who come, over several processes: never too many, never one too few."""

import os

from hypothesis import given, settings
from hypothesis import strategies as st

from perfspec.engine.places import Board, Columns, Places

ALL = settings(derandomize=True, deadline=None, max_examples=80)
moves = st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=200)


@ALL
@given(moves, st.integers(1, 8))
def test_a_place_is_taken_while_there_is_one_whoever_asks(moves, most) -> None:
    """As one process would deal with them."""
    columns = Columns.of(4)
    parts = [Places(columns, process) for process in range(4)]
    there = [0] * 4
    for process, comes in moves:
        if comes:
            is_free = sum(there) < most
            assert parts[process].take(most) is is_free
            there[process] += is_free
        elif there[process]:
            parts[process].leave()
            there[process] -= 1
        assert columns.people == there


def test_one_process_has_all_places() -> None:
    places = Places.of_one()
    assert [places.take(3) for _ in range(4)] == [True, True, True, False]
    places.leave()
    assert places.take(3)


@ALL
@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["late", "leaves", "no place"])), max_size=200))
def test_whoever_is_there_too_late_excuses_one_and_while_they_are_there(moves) -> None:
    """Whichever process sent them, and whichever turns somebody away."""
    columns = Columns.of(3)
    parts = [Places(columns, process) for process in range(3)]
    there, unused = [0] * 3, 0
    for process, move in moves:
        if move == "late":
            parts[process].came_late()
            there[process] += 1
            unused += 1
        elif move == "no place":
            assert parts[process].excuse() is (unused > 0)
            unused = max(unused - 1, 0)
        elif there[process]:
            parts[process].late_one_left()
            there[process] -= 1
            unused = min(unused, sum(there))  # one is left over for nobody


def test_the_late_ones_of_a_process_that_died_excuse_nobody() -> None:
    board = Board(2)
    try:
        first, second = board.places(0), board.places(1)
        for _ in range(3):
            second.came_late()
        assert first.excuse()
        board.forget(1)
        assert not first.excuse()
    finally:
        del first, second
        board.close()


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
