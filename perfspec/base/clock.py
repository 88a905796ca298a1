"""The only module that reads time. Durations and instants are int nanoseconds; wall time is for names and records
only.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from time import monotonic_ns, process_time_ns, sleep

__all__ = ["MILLISECOND", "SECOND", "cpu_ns", "monotonic_ns", "utc_now", "wait_s"]

SECOND = 1_000_000_000
MILLISECOND = 1_000_000

cpu_ns: Callable[[], int] = process_time_ns
"""CPU time of this process, user and system, all threads."""

wait_s: Callable[[float], None] = sleep
"""Do nothing for so many seconds. Never in the load path."""


def utc_now() -> datetime:
    """The wall clock, for names of run folders and time stamps in reports."""
    return datetime.now(UTC)
