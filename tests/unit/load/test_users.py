"""Ramps and steady numbers of users: steps whose area is that of the line."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfspec.load import Users

SECOND = 1_000_000_000
ALL = settings(derandomize=True, deadline=None, max_examples=60)
counts = st.integers(0, 100)
lengths = st.integers(1_000_000, 4 * 3600 * SECOND)


@ALL
@given(counts, counts, lengths)
def test_as_many_join_or_leave_as_the_ends_differ(start, end, for_ns) -> None:
    changes = list(Users(start, end).changes(for_ns))
    assert len(changes) == abs(end - start)
    assert [offset for offset, _ in changes] == sorted(offset for offset, _ in changes)
    assert all(0 <= offset <= for_ns for offset, _ in changes)


@ALL
@given(counts, counts, lengths)
def test_users_join_in_order_and_the_last_to_come_is_the_first_to_leave(start, end, for_ns) -> None:
    who = [user for _, user in Users(start, end).changes(for_ns)]
    assert who == (list(range(start, end)) if start <= end else list(range(start - 1, end - 1, -1)))


def steps(users: Users, for_ns: int) -> list[tuple[int, int, int]]:
    """(from, to, users) of every stretch in which nobody joins or leaves."""
    found, at, there = [], 0, users.start
    for offset, _ in users.changes(for_ns):
        found.append((at, offset, there))
        at, there = offset, there + (1 if users.end > users.start else -1)
    return [*found, (at, for_ns, there)]


@ALL
@given(counts, counts, lengths)
def test_the_area_under_the_steps_is_that_under_the_line(start, end, for_ns) -> None:
    users = Users(start, end)
    area = sum((to - from_) * n for from_, to, n in steps(users, for_ns))
    rounding = abs(end - start) + 1
    assert area == pytest.approx((start + end) / 2 * for_ns, abs=rounding, rel=1e-9)
    assert users.user_ns(0, for_ns, for_ns) == pytest.approx((start + end) / 2 * for_ns)


@ALL
@given(counts, counts, lengths, st.floats(0, 1), st.floats(0, 1))
def test_the_area_of_a_whole_is_that_of_its_parts(start, end, for_ns, a, b) -> None:
    users = Users(start, end)
    low, high = sorted((int(a * for_ns), int(b * for_ns)))
    parts = [users.user_ns(x, y, for_ns) for x, y in ((0, low), (low, high), (high, for_ns))]
    assert sum(parts) == pytest.approx(users.user_ns(0, for_ns, for_ns), abs=1)
    assert all(part >= 0 for part in parts)


@ALL
@given(counts, counts, st.integers(SECOND, 4 * 3600 * SECOND))
def test_the_number_at_a_moment_agrees_with_who_came_and_went(start, end, for_ns) -> None:
    users = Users(start, end)
    for from_, to, there in steps(users, for_ns):
        middle = (from_ + to) // 2
        if to - from_ > 1000:
            assert users.at(middle, for_ns) == there


@ALL
@given(counts, counts, lengths)
def test_the_number_never_leaves_the_range_of_its_ends(start, end, for_ns) -> None:
    users = Users(start, end)
    seen = [users.at(for_ns * k // 20, for_ns) for k in range(21)]
    assert seen == sorted(seen, reverse=start > end)
    assert (seen[0], seen[-1]) == (start, end)
    assert users.most == max(start, end)


def test_a_ramp_up_and_down_is_symmetrical() -> None:
    up, down = Users(0, 10), Users(10, 0)
    joined = {user: offset for offset, user in up.changes(100 * SECOND)}
    left = {user: offset for offset, user in down.changes(100 * SECOND)}
    assert joined.keys() == left.keys() == set(range(10))
    assert all(joined[user] + left[user] == 100 * SECOND for user in range(10))
    assert joined[0] == 5 * SECOND
    assert sum(left[u] + 100 * SECOND - joined[u] for u in range(10)) == 1000 * SECOND


def test_a_steady_number_never_changes() -> None:
    users = Users(7, 7)
    assert list(users.changes(SECOND)) == []
    assert {users.at(k, SECOND) for k in (0, SECOND // 2, SECOND)} == {7}


@pytest.mark.parametrize(
    ("users", "text"), [(Users(7, 7), "7 users"), (Users(1, 1), "1 user"), (Users(0, 50), "ramp 0 to 50 users")]
)
def test_it_is_described_as_the_spec_says_it(users, text) -> None:
    assert users.describe() == text
