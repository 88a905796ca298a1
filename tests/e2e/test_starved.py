"""A load generator that is not given the CPU: it says so, and never blames the service for its own lateness."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

HOG = "while True: pass"


@contextmanager
def hogged(cores: set[int], hogs: int) -> Iterator[None]:
    """Processes that take all they can get of these cores."""
    busy = [subprocess.Popen([sys.executable, "-c", HOG]) for _ in range(hogs)]
    try:
        for process in busy:
            os.sched_setaffinity(process.pid, cores)
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def starved(new_folder, perfspec, healthy, search_spec):
    """A run whose process shares one core with others that go before it, against a service that is well.

    The limit of `suggest` is one that the waiting alone must break.
    """
    edits = [
        ("suggest: {p95: at most 2s}", "suggest: {p95: at most 30ms}"),
        ("timeout: 5s", "timeout: 25s"),
        ("extend_to: 90s", "warmup: 1s"),
    ]
    folder = search_spec(new_folder("starved"), healthy.url, *edits, seconds=8, users="5")
    core = {min(os.sched_getaffinity(0))}
    run = perfspec.begin(folder)
    run.wait_for_seconds(1)
    os.sched_setaffinity(run.process.pid, core)
    os.setpriority(os.PRIO_PROCESS, run.process.pid, 10)
    with hogged(core, 2):
        return run.end()


def test_latency_is_not_judged_and_the_reason_says_what_to_do(starved) -> None:
    found = {v["threshold"]: v for v in starved.result["verdicts"]}
    latency = [v for v in found.values() if v["cell"] == "p95"]
    assert len(latency) == 3
    for verdict in latency:
        assert verdict["outcome"] in ("INCONCLUSIVE", "NO_DATA"), verdict
    suggest = found["suggest p95 at most 30ms"]
    assert suggest["outcome"] == "INCONCLUSIVE"
    assert suggest["bad"] > suggest["allowed"]  # what was measured would have failed the service
    assert suggest["reason"].startswith("the load generator itself was late (p99 ")
    assert "run with fewer users" in suggest["reason"] or "machine" in suggest["reason"]


def test_errors_are_judged_all_the_same(starved) -> None:
    errors = starved.verdict("all errors under 1%")
    assert (errors["outcome"], errors["bad"]) == ("PASS", 0)


def test_the_run_is_inconclusive_and_says_why(starved) -> None:
    assert starved.code == 3
    assert starved.result["outcome"] == "INCONCLUSIVE"
    assert "the load generator itself was late" in " ".join(starved.out.split())


def test_the_machine_was_looked_at_every_second(starved) -> None:
    seconds = [line for line in starved.log if line["type"] == "second" and line["second"] > 1]
    looked = [line["vitals"] for line in seconds]
    assert all(vitals["descriptors"] > 5 for vitals in looked)
    busy = [vitals["machine_busy"] for vitals in looked if vitals["machine_busy"] is not None]
    assert all(0 <= share <= 1 for share in busy)  # None where no tick passed, or the machine does not say
    health = starved.result["health"]
    assert health["probes"] > 20
    assert max(health["late_p99_ns"], health["lag_p99_ns"]) > health["late_limit_ns"]
    assert health["descriptors_limit"] > health["descriptors"]


def test_a_run_that_was_stopped_for_a_while_is_not_ended_by_what_came_late(
    new_folder, perfspec, healthy, search_spec
) -> None:
    """A paused machine: all that was due in seven seconds is sent at once, and nearly all of it is too slow."""
    edits = [
        ("extend_to: 90s", "warmup: 1s"),
        ("for: 12s, users: 5", "for: 12s, arrivals: 20/s"),
        ("abort: [errors threshold fails]", "abort: [any threshold fails]"),
    ]
    folder = search_spec(new_folder("paused"), healthy.url, *edits, seconds=12, users="5")
    run = perfspec.begin(folder)
    run.wait_for_seconds(1)
    run.process.send_signal(signal.SIGSTOP)
    time.sleep(7)
    run.process.send_signal(signal.SIGCONT)
    ended = run.end()
    assert ended.result["abort"] is None
    assert (ended.code, ended.result["outcome"]) == (3, "INCONCLUSIVE")
