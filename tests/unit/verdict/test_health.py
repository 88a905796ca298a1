"""Whether the load generator itself was on time, and what is said when it was not."""

import pytest

from perfspec.verdict.health import judge_health

MS = 1_000_000
SECOND = 1_000_000_000


def test_nothing_is_late_where_nothing_was_timed() -> None:
    health = judge_health([], 0, 0, 0)
    assert (health.late, health.timers, health.late_p99_ns, health.cpu_share) == ("", 0, 0, 0.0)


@pytest.mark.parametrize(("tightest_ms", "allowed_ms"), [(0, 10), (50, 10), (100, 10), (120, 12), (2000, 200)])
def test_a_tenth_of_the_tightest_limit_is_allowed_and_never_less_than_ten_milliseconds(tightest_ms, allowed_ms) -> None:
    assert judge_health([], 0, SECOND, tightest_ms * MS).late_limit_ns == allowed_ms * MS


@pytest.mark.parametrize(
    ("late", "n", "is_late"), [(1, 100, False), (2, 100, True), (10, 1000, False), (11, 1000, True)]
)
def test_one_timer_in_a_hundred_may_be_late(late, n, is_late) -> None:
    health = judge_health([{100: n - late}, {50_000: late}], 0, SECOND, 0)
    assert bool(health.late) is is_late
    assert health.timers == n


def test_lateness_of_all_seconds_is_merged() -> None:
    health = judge_health([{5_000: 3}, {5_000: 4, 20_000: 1}], 0, SECOND, 0)
    assert health.timers == 8
    assert health.late_p99_ns == 20_015_000


def test_the_words_name_cause_and_next_step() -> None:
    late = judge_health([{84_000: 10}], SECOND * 97 // 100, SECOND, 120 * MS).late
    assert late == (
        "the load generator itself was late (p99 84.0 ms, allowed 12.0 ms, with 97% of a core in use): "
        "give this machine less to do, or run with fewer users"
    )
    assert "core" not in judge_health([{84_000: 10}], SECOND * 85 // 100, SECOND, 120 * MS).late


def test_a_busy_core_alone_invalidates_nothing() -> None:
    health = judge_health([{100: 10}], 2 * SECOND, SECOND, 0)
    assert (health.cpu_share, health.late) == (2.0, "")
