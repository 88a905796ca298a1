"""How the load generator itself fared in one second. Read by engine/health.py, judged by verdict/health.py."""

import msgspec

__all__ = ["Lost", "OfWorker", "Vitals"]


class Vitals(msgspec.Struct, frozen=True):
    """Sampled each second. What could not be read on this machine is None."""

    lag: dict[int, int] = {}
    """How late the event loop called a probe that asks to be called every 10 ms: us -> count."""
    machine_busy: float | None = None
    """Share of all cores that did something, by anyone."""
    steal: float | None = None
    """Share of all cores that the host kept for others."""
    throttles: int | None = None
    """Periods in which the control group's CPU limit held something back."""
    throttled_ns: int | None = None
    descriptors: int | None = None
    """Open files and sockets of this process."""
    descriptors_limit: int | None = None
    ports: int | None = None
    """TCP connections of this machine, those in TIME_WAIT included."""
    ports_limit: int | None = None
    """How many local ports there are for new connections."""


class OfWorker(msgspec.Struct, frozen=True, array_like=True):
    """What one of several processes did in a second."""

    worker: int
    """From 1."""
    users: int
    requests: int
    cpu_ns: int
    late_us: int
    """How late its timers and its loop were: the worse of their 99th percentiles."""


class Lost(msgspec.Struct, frozen=True):
    """A process that carried a part of the load, and was there no more before the end."""

    worker: int
    workers: int
    since_s: int
    """What it did up to here is counted; of what came after it, nothing is known."""
    why: str

    @property
    def text(self) -> str:
        """In one sentence."""
        missing = f"its {1 / self.workers:.0%} of the load is missing from {self.since_s} s on"
        return f"worker {self.worker} of {self.workers} was lost ({self.why}): {missing}"
