"""How the load generator itself fared in one second. Read by engine/health.py, judged by verdict/health.py."""

import msgspec

__all__ = ["Vitals"]


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
