"""Rows, entries and numbers dealt out in turn: nobody asks anybody, and nothing comes twice."""

import re
import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfspec import data as data_kinds
from perfspec.base.errors import UsedUp
from perfspec.data import Supply
from perfspec.data.kinds import Choice, Csv, Data, Filled, Sequence, Time, Uuid
from perfspec.diagnostics.source import Span
from perfspec.language.phrases import Order
from perfspec.language.templates import Text
from perfspec.steps.runtime import USED_UP, EndRound, Vars

SPAN = Span("s.yaml", 1, 1, 1, 2)
ALL = settings(derandomize=True, deadline=None, max_examples=60)
ONCE = Csv("x", SPAN, "a.csv", Order("once each"))


def names(user: int, draws: dict[str, int] | None = None, base: int = 0) -> Vars:
    scope = Vars({"user.number": user})
    scope.base, scope.step, scope.draws, scope.generators = base, 0, {} if draws is None else draws, {}
    return scope


def dealt(data: Data, people: int, rows: int, draws: list[int], segments: int = 1) -> list[object]:
    """What the users get that draw so often each; each segment has a generator of its own."""
    lines = [{"n": n} for n in range(rows)]
    found = []
    for part in range(segments):
        draw = data_kinds.bind(data, Supply(1, people, lines))
        for user, times in enumerate(draws, 1):
            if user % segments == part:
                scope = names(user)
                for _ in range(times):
                    try:
                        found.append(draw(scope))
                    except UsedUp:
                        break
    return [row["n"] if isinstance(row, dict) else row for row in found]


@ALL
@given(st.lists(st.integers(0, 6), min_size=1, max_size=8), st.integers(1, 40), st.integers(1, 3))
def test_once_each_gives_no_row_twice_however_many_processes_there_are(draws, rows, segments) -> None:
    found = dealt(ONCE, len(draws), rows, draws)
    assert len(set(found)) == len(found)
    assert sorted(found) == sorted(dealt(ONCE, len(draws), rows, draws, segments))


def test_once_each_deals_out_every_row_when_all_draw_alike() -> None:
    assert sorted(dealt(ONCE, 4, 20, [5] * 4)) == list(range(20))
    assert sorted(dealt(ONCE, 4, 18, [9] * 4)) == list(range(18))


def test_row_is_user_plus_draw_times_users_of_the_plan() -> None:
    draw = data_kinds.bind(ONCE, Supply(1, 10, [{"n": n} for n in range(100)]))
    scope = names(3)
    assert [draw(scope)["n"] for _ in range(4)] == [2, 12, 22, 32]


def test_in_order_begins_again_and_takes_every_row_as_often() -> None:
    found = dealt(Csv("x", SPAN, "a.csv", Order("in order")), 3, 4, [8, 8, 8])
    assert sorted(found) == sorted(list(range(4)) * 6)
    assert dealt(Csv("x", SPAN, "a.csv", Order("in order")), 1, 3, [7]) == [0, 1, 2, 0, 1, 2, 0]


@pytest.mark.parametrize(
    ("order", "count"),
    [
        (Order("in order"), 10),
        (Order("in order", 0.0, "stop"), 3),
        (Order("once each"), 3),
        (Order("once each", 0.0, "restart"), 10),
    ],
)
def test_what_happens_when_rows_are_used_up(order, count) -> None:
    assert len(dealt(Csv("x", SPAN, "a.csv", order), 1, 3, [10])) == count


def test_entries_of_a_list_are_dealt_out_too() -> None:
    data = Choice("x", SPAN, ("a", "b", Text("c ${user.number}", SPAN)), (), Order("once each"))
    draw = data_kinds.bind(data, Supply(1, 1))
    scope = names(1)
    assert [draw(scope) for _ in range(3)] == ["a", "b", "c 1"]
    with pytest.raises(UsedUp, match="the rows of `x` are used up"):
        draw(scope)


@ALL
@given(st.lists(st.integers(0, 6), min_size=1, max_size=8), st.integers(1, 3))
def test_a_sequence_never_repeats_and_never_ends(draws, segments) -> None:
    data = Sequence("x", SPAN, 1000)
    found = dealt(data, len(draws), 0, draws, segments)
    assert len(set(found)) == len(found) == sum(draws)
    assert all(number >= 1000 for number in found)
    assert dealt(data, 1, 0, [3]) == [1000, 1001, 1002]


def test_a_draw_counts_for_the_user_and_not_for_the_round() -> None:
    draw = data_kinds.bind(ONCE, Supply(1, 2, [{"n": n} for n in range(10)]))
    kept: dict[str, int] = {}
    rounds = [names(2, kept, base) for base in (5, 6, 7)]
    for scope in rounds:
        scope.generators = {"x": draw}
    rows = [scope["x"] for scope in rounds]
    assert rows == [{"n": 1}, {"n": 3}, {"n": 5}]
    assert [scope["x"] for scope in rounds] == rows
    assert rounds[0].again("x", 1, 0) == {"n": 7}
    assert rounds[1].again("x", 1, 0) == {"n": 9}
    for ask in (lambda: rounds[0].again("x", 1, 0), lambda: names_with(draw, kept)["x"]):
        with pytest.raises(EndRound) as caught:
            ask()
        assert caught.value.kind == USED_UP


def names_with(draw: data_kinds.Draw, kept: dict[str, int]) -> Vars:
    scope = names(2, kept)
    scope.generators = {"x": draw}
    return scope


def test_a_uuid_is_one_of_version_4_and_another_for_every_round() -> None:
    draw = data_kinds.bind(Uuid("x", SPAN), Supply(1))
    found = [str(draw(names(1, base=base * 0x9E3779B97F4A7C15 % (1 << 64)))) for base in range(2_000)]
    assert len(set(found)) == 2_000
    assert all(uuid.UUID(text).version == 4 and str(uuid.UUID(text)) == text for text in found)
    assert {uuid.UUID(text).variant for text in found} == {uuid.RFC_4122}
    assert found[7] == draw(names(2, base=7 * 0x9E3779B97F4A7C15 % (1 << 64)))


def test_a_template_is_always_a_text() -> None:
    draw = data_kinds.bind(Filled("x", SPAN, Text("${user.number}", SPAN)), Supply(1))
    assert draw(names(7)) == "7"
    draw = data_kinds.bind(
        Filled("x", SPAN, Text("u${user.number}@${values.host}", SPAN)), Supply(1, 1, (), {"values.host": "h"})
    )
    assert draw(names(7)) == "u7@h"


def test_the_time_is_now_in_the_form_that_was_asked_for(monkeypatch) -> None:
    monkeypatch.setattr("perfspec.data.time.utc_now", lambda: datetime(2026, 11, 25, 10, 0, 5, 123456, UTC))
    forms = {"": "2026-11-25T10:00:05.123Z", "%d.%m.%y %H": None, "seconds": 1795600805, "milliseconds": 1795600805123}
    for form, text in forms.items():
        value = data_kinds.bind(Time("x", SPAN, form), Supply(1))(names(1))
        assert value == text if text else re.fullmatch("25.11..y 10|25.11.26 10", str(value))
