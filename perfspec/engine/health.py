"""Looks at the machine that the load comes from: the loop's lag, CPU, steal, throttling, descriptors, ports.

Everything is read from /proc and /sys, once a second, in about 0.2 ms. What a machine does not have (another system, no
control group) is left out. `root` is / everywhere but in tests.
"""

import asyncio
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from perfspec.base.clock import MILLISECOND, SECOND, monotonic_ns
from perfspec.metrics.vitals import Vitals

__all__ = ["Lag", "Machine", "cpu_limit", "watched"]

PROBE_NS = 10 * MILLISECOND
_FINE_US = 2000
"""The lag is kept to the microsecond below this, to the millisecond above."""
_PROC_STAT_IDLE = (3, 4)
"""idle and iowait, of the columns behind `cpu` in /proc/stat."""
_PROC_STAT_STEAL = 7


class Lag:
    """Asks the loop to be called every 10 ms, and keeps how late it was."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._late: dict[int, int] = {}
        self._due_ns = 0
        self._handle: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._due_ns = monotonic_ns() + PROBE_NS
        self._handle = self._loop.call_later(PROBE_NS / SECOND, self._called)

    def stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()

    def drain(self) -> dict[int, int]:
        """What was kept since the last drain: us -> count."""
        late, self._late = self._late, {}
        return late

    def _called(self) -> None:
        us = max(0, monotonic_ns() - self._due_ns) // 1000
        if us >= _FINE_US:
            us -= us % 1000
        self._late[us] = self._late.get(us, 0) + 1
        self.start()


class Machine:
    """The counters of this machine, as differences between two looks."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._stat = root / "proc/stat"
        self._sockets = root / "proc/net/sockstat"
        self._own_files = root / "proc/self/fd"
        self._throttling = _cpu_stat(root)
        ports = _numbers(root / "proc/sys/net/ipv4/ip_local_port_range")
        self._ports_limit = ports[1] - ports[0] + 1 if len(ports) == 2 else None
        self._cpu = _cpu(self._stat)
        self._throttled = _throttled(self._throttling)

    def look(self, lag: dict[int, int]) -> Vitals:
        """What happened since the last look."""
        cpu, throttled = _cpu(self._stat), _throttled(self._throttling)
        before, self._cpu = self._cpu, cpu
        held_before, self._throttled = self._throttled, throttled
        busy = steal = None
        if before is not None and cpu is not None and (ticks := sum(cpu) - sum(before)) > 0:
            idle = sum(cpu[i] - before[i] for i in _PROC_STAT_IDLE)
            steal = (cpu[_PROC_STAT_STEAL] - before[_PROC_STAT_STEAL]) / ticks
            busy = 1 - idle / ticks - steal
        throttles = throttled_ns = None
        if held_before is not None and throttled is not None:
            throttles, throttled_ns = throttled[0] - held_before[0], throttled[1] - held_before[1]
        return Vitals(
            lag=lag,
            machine_busy=busy,
            steal=steal,
            throttles=throttles,
            throttled_ns=throttled_ns,
            descriptors=_entries(self._own_files),
            descriptors_limit=resource.getrlimit(resource.RLIMIT_NOFILE)[0],
            ports=_connections(self._sockets),
            ports_limit=self._ports_limit,
        )


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _numbers(path: Path) -> list[int]:
    return [int(word) for word in _text(path).split() if word.isdigit()]


def _entries(path: Path) -> int | None:
    try:
        return sum(1 for _ in path.iterdir())
    except OSError:
        return None


def _cpu(path: Path) -> list[int] | None:
    """Ticks of all cores: user, nice, system, idle, iowait, irq, softirq, steal. Guests are counted in user already."""
    first = _text(path).partition("\n")[0].split()
    return [int(word) for word in first[1:9]] if first[:1] == ["cpu"] and len(first) > 8 else None


def _cpu_stat(root: Path) -> Path:
    """cpu.stat of the control group that this process is in; of version 2, else of version 1."""
    groups = [line.split(":", 2) for line in _text(root / "proc/self/cgroup").splitlines()]
    top = root / "sys/fs/cgroup"
    for number, controllers, path in (group for group in groups if len(group) == 3):
        if number == "0" and (found := top / path.lstrip("/") / "cpu.stat").is_file():
            return found
        if "cpu" in controllers.split(",") and (found := top / "cpu" / path.lstrip("/") / "cpu.stat").is_file():
            return found
    return top / "cpu.stat"  # inside a container the group is the root of what is seen


def cpu_limit(root: Path = Path("/")) -> float | None:
    """Cores that the control group of this process may use at most; None: as many as there are."""
    group = _cpu_stat(root).parent
    words = _text(group / "cpu.max").split()
    if len(words) != 2:
        words = [_text(group / f"cpu.cfs_{name}_us").strip() for name in ("quota", "period")]
    quota, period = (int(word) if word.isdigit() else 0 for word in words)
    return quota / period if quota and period else None


def _throttled(path: Path) -> tuple[int, int] | None:
    """(periods, ns) held back so far."""
    words = dict(line.split()[:2] for line in _text(path).splitlines() if len(line.split()) == 2)
    if "nr_throttled" not in words:
        return None
    ns = int(words["throttled_time"]) if "throttled_time" in words else int(words.get("throttled_usec", 0)) * 1000
    return int(words["nr_throttled"]), ns


def _connections(path: Path) -> int | None:
    """TCP connections, those in TIME_WAIT included: `TCP: inuse 9 orphan 0 tw 28 alloc 11 mem 2`."""
    for line in _text(path).splitlines():
        words = line.split()
        if words[:1] == ["TCP:"]:
            named = dict(zip(words[1::2], words[2::2], strict=False))
            return int(named.get("inuse", 0)) + int(named.get("tw", 0))
    return None


@contextmanager
def watched(loop: asyncio.AbstractEventLoop) -> Iterator[Callable[[], Vitals]]:
    """Looks after the loop and its machine; what is given back is asked once a second."""
    lag, machine = Lag(loop), Machine()
    lag.start()
    try:
        yield lambda: machine.look(lag.drain())
    finally:
        lag.stop()
