"""Whether the load generator itself was on time, what explains it, and what is said of it."""

import pytest

from perfspec.metrics.vitals import OfWorker, Vitals
from perfspec.verdict.health import Sampled, judge_health

MS = 1_000_000
SECOND = 1_000_000_000


def judged(*lateness, tightest_ns=0, cpu=0.0, **vitals):
    """Health of as many seconds as there are counts of lateness, with equal vitals."""
    return judge_health([Sampled(each, int(cpu * SECOND), Vitals(**vitals)) for each in lateness], tightest_ns)


def test_nothing_is_late_where_nothing_was_timed() -> None:
    health = judge_health([], 0)
    assert (health.late, health.timers, health.late_p99_ns, health.cpu_share, health.remarks) == ("", 0, 0, 0.0, ())


@pytest.mark.parametrize(("tightest_ms", "allowed_ms"), [(0, 10), (50, 10), (100, 10), (120, 12), (2000, 200)])
def test_a_tenth_of_the_tightest_limit_is_allowed_and_never_less_than_ten_milliseconds(tightest_ms, allowed_ms) -> None:
    assert judged({}, tightest_ns=tightest_ms * MS).late_limit_ns == allowed_ms * MS


@pytest.mark.parametrize(
    ("late", "n", "is_late"), [(1, 100, False), (2, 100, True), (10, 1000, False), (11, 1000, True)]
)
def test_one_timer_or_probe_in_a_hundred_may_be_late(late, n, is_late) -> None:
    counts = {100: n - late, 50_000: late}
    assert bool(judged(counts).late) is is_late
    assert judged(counts).timers == n
    assert bool(judged({}, lag=counts).late) is is_late
    assert judged({}, lag=counts).probes == n


def test_what_is_over_by_less_than_is_shown_is_said_to_be_over() -> None:
    health = judged({15_000: 100}, tightest_ns=150 * MS)
    assert health.late.startswith("the load generator itself was late (p99 just over the 15.0 ms that are allowed")


def test_lateness_of_all_seconds_is_merged() -> None:
    health = judged({5_000: 3}, {5_000: 4, 20_000: 1})
    assert health.timers == 8
    assert health.late_p99_ns == 20_015_000


def test_the_lag_is_a_tail_figure() -> None:
    """50 ms of blocking in every third second: the median stays small, and a true 20 ms request measures 62 ms."""
    lag = {300: 65, 50_000: 1}
    health = judged(*[{100: 50}] * 30, lag=lag)
    assert health.late.startswith("the load generator itself was late (p99 50.0 ms, allowed 10.0 ms")


@pytest.mark.parametrize(
    ("vitals", "cpu", "cause"),
    [
        ({}, 0.97, "with 97% of a core in use): run with fewer users, or on a faster machine"),
        ({"machine_busy": 0.3}, 0.97, "with 97% of a core in use): run with more --workers, or with fewer users"),
        ({}, 0.5, "allowed 12.0 ms): give this machine less to do, or run with fewer users"),
        ({"throttles": 3}, 0.97, "held back by a CPU limit in 4 s): raise the CPU limit of its container"),
        ({"steal": 0.2}, 0.97, "20% of the CPU taken by the host): run it on a machine of its own"),
        ({"machine_busy": 0.96}, 0.5, "on a machine 96% busy): give this machine less to do, or use another one"),
    ],
)
def test_the_words_name_cause_and_next_step(vitals, cpu, cause) -> None:
    late = judged(*[{84_000: 10}] * 4, tightest_ns=120 * MS, cpu=cpu, **vitals).late
    assert late.startswith("the load generator itself was late (p99 84.")
    assert late.endswith(cause)


@pytest.mark.parametrize(
    ("vitals", "cpu", "said"),
    [
        ({}, 0.9, "the load generator used over 85% of a core for 4 s running: run with fewer users"),
        (
            {"machine_busy": 0.95},
            0,
            "the load generator's machine was 95% busy: what shares it slows the service, too",
        ),
        ({"steal": 0.06}, 0, "the host took 6% of the CPU away: run on a machine of its own"),
        ({"throttles": 1}, 0, "a CPU limit held the load generator back in 4 s: raise the limit of its container"),
        (
            {"descriptors": 950, "descriptors_limit": 1000},
            0,
            "950 of 1000 open files in use: raise the limit, ulimit -n",
        ),
        (
            {"ports": 27_000, "ports_limit": 28_232},
            0,
            "27000 of 28232 local ports in use: keep connections open, or widen the port range",
        ),
    ],
)
def test_what_explains_is_told_and_invalidates_nothing(vitals, cpu, said) -> None:
    health = judged(*[{100: 10}] * 4, cpu=cpu, **vitals)
    assert health.remarks == (said,)
    assert health.late == ""


@pytest.mark.parametrize(
    "vitals",
    [
        {"machine_busy": 0.9, "steal": 0.05, "throttles": 0, "descriptors": 900, "descriptors_limit": 1000},
        {"ports": 25_000, "ports_limit": 28_232},
        {"descriptors": 7, "descriptors_limit": None},
        {},
    ],
)
def test_what_is_within_bounds_is_not_worth_a_word(vitals) -> None:
    assert judged(*[{100: 10}] * 4, cpu=0.85, **vitals).remarks == ()


def test_two_busy_seconds_are_not_three_running() -> None:
    seconds = [Sampled({}, int(share * SECOND)) for share in (0.9, 0.9, 0.2, 0.9, 0.9)]
    health = judge_health(seconds, 0)
    assert (health.cpu_high_s, health.remarks) == (2, ())
    assert judge_health([*seconds, Sampled({}, SECOND)], 0).cpu_high_s == 3


def test_who_found_no_place_is_the_doing_of_the_service_or_of_the_spec() -> None:
    health = judge_health([Sampled({}, 0, None, {"dropped": 7}), Sampled({}, 0)], 0)
    assert (health.dropped, health.late, health.remarks) == (7, "", ())


def test_failures_of_this_machine_are_counted_apart() -> None:
    health = judge_health([Sampled({}, 0, None, {"no ports": 3, "status 500": 9}), Sampled({}, 0)], 0)
    assert health.own_failures == 3
    (remark,) = health.remarks
    assert remark.startswith("3 requests failed by this machine's doing (limits, names, a standstill): see to it")
    assert (health.machine_busy, health.ports) == (None, None)


def test_of_several_processes_the_busiest_counts_and_the_latest_is_named() -> None:
    """Three workers with 0.5 s of CPU each are well; one with 0.97 s has no time left, whatever the others use."""

    def seconds(*cpu, late=(100, 100, 100)):
        workers = [OfWorker(n + 1, 5, 10, int(cpu[n] * SECOND), late[n]) for n in range(3)]
        return [Sampled({100: 10, 50_000: 5}, int(sum(cpu) * SECOND), Vitals(machine_busy=0.5), {}, workers)] * 4

    even = judge_health(seconds(0.5, 0.5, 0.5), 0)
    assert (even.workers, even.cpu_share, even.cpu_high_s) == (3, 0.5, 0)
    starved = judge_health(seconds(0.1, 0.97, 0.2, late=(100, 50_000, 100)), 0)
    assert (starved.cpu_share, starved.cpu_high_s, starved.latest) == (0.97, 4, 2)
    assert "most often worker 2 of 3, with 97% of a core in use): run with more --workers" in starved.late


@pytest.mark.parametrize(("others_us", "is_stop"), [(100, True), (40_000, False)])
def test_a_load_generator_that_was_stopped_is_told_so_with_how_long_and_when(others_us, is_stop) -> None:
    """Not if it is late in its other seconds as well: then a stop is not what ails it."""
    well = [Sampled({others_us: 20}, 0, at_s=at) for at in range(10)]
    stopped = Sampled({100: 5, 2_990_000: 8}, 0, at_s=8)
    late = judge_health([*well[:8], stopped, well[9]], 0).late
    assert ("for it stood still for 2.99 s at 8 s): let it run without a stop" in late) == is_stop
    assert late.startswith("the load generator itself was late (p99 2.99 s, allowed 10.0 ms")
    shorter = judge_health([*well[:8], Sampled({400_000: 8}, 0, at_s=8)], 0)
    assert "stood still" not in shorter.late


def test_a_stop_that_the_loop_alone_has_seen_is_one() -> None:
    seconds = [Sampled({100: 20}, 0, Vitals(lag={50: 99}), at_s=at) for at in range(3)]
    stopped = Sampled({}, 0, Vitals(lag={50: 5, 700_000: 4}), at_s=3)
    health = judge_health([*seconds, stopped], 0)
    assert (health.stopped_ns, health.stopped_at_s) == (700 * MS, 3)
    assert "for it stood still for 700 ms at 3 s" in health.late
