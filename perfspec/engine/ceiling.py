"""The ceiling of an environment: so many requests a second and no more, whatever the stage asks for.

Each second of the load has its tokens. A request without one waits for the next second, first come, first served; it is
due when it was due, so what it waits is in its response time. How many were held back is counted: where it is more than
one in a hundred, latency is not judged, for it is not the service's. Only a load with a ceiling runs through here.
Nobody's patience begins before the request is sent, so a stream that is held is not silent.
"""

from collections.abc import Callable
from typing import TypeVar

from perfspec.base.clock import SECOND
from perfspec.engine.driver import Chunk, Driver, LaneState, Transport
from perfspec.steps.runtime import Call, Streamed

__all__ = ["LimitedDriver", "below"]

A = TypeVar("A")


class _Held:
    """A request that waits for a token."""

    __slots__ = ("call", "chunk", "data")

    def __init__(self, call: Call, data: bytes | Streamed) -> None:
        self.call = call
        self.data = data
        self.chunk: Chunk | None = None


class Ceiling:
    """A transport in front of another one."""

    def __init__(self, driver: Driver, start_ns: int, per_s: int) -> None:
        self._driver = driver
        self._inner = driver.transport
        self._start_ns = start_ns
        self._per_s = per_s
        self._second = -1
        self._left = per_s
        self._held: dict[LaneState, _Held] = {}
        self._is_awaited = False
        """Is there a timer for the second that comes next?"""
        self.held = 0
        """Requests that had to wait, since this was asked last."""

    def start(self, lane: LaneState, call: Call, data: bytes | Streamed) -> None:
        self._begin_second()
        if self._left and not self._held:
            self._left -= 1
            self._inner.start(lane, call, data)
            return
        self.held += 1
        outcome = lane.outcome
        outcome.due = outcome.due or self._driver.now_ns()  # what it waits is in its response time
        outcome.sent = 0
        self._held[lane] = _Held(call, data)
        self._wait()

    def _begin_second(self) -> None:
        """Tokens are those of the second that is now, however often, and by whom, it is asked."""
        second = (self._driver.now_ns() - self._start_ns) // SECOND
        if second != self._second:
            self._second, self._left = second, self._per_s

    def _wait(self) -> None:
        if not self._is_awaited:
            self._is_awaited = True
            self._driver.call_at(self._start_ns + (self._second + 1) * SECOND, self._go_on, None)

    def _go_on(self, _: None) -> None:
        """Another second has begun: as many of those that wait as it has tokens."""
        self._is_awaited = False
        self._begin_second()
        while self._held and self._left:
            lane = next(iter(self._held))
            held = self._held.pop(lane)
            self._left -= 1
            self._inner.start(lane, held.call, held.data)
            if held.chunk is not None:
                self._inner.listen(lane, held.chunk)
        if self._held:
            self._wait()

    def listen(self, lane: LaneState, chunk: Chunk) -> None:
        if lane in self._held:
            self._held[lane].chunk = chunk
        else:
            self._inner.listen(lane, chunk)

    def cut(self, lane: LaneState, kind: str | None) -> None:
        if lane not in self._held:  # else nothing is in flight
            self._inner.cut(lane, kind)

    def cancel(self, lane: LaneState) -> None:
        if self._held.pop(lane, None) is None:
            self._inner.cancel(lane)

    def release(self, lane: LaneState) -> None:
        self._held.pop(lane, None)
        self._inner.release(lane)


def below(driver: Driver, start_ns: int, per_s: int) -> Driver:
    """The same driver, with a ceiling where there is one (0: none)."""
    return LimitedDriver(driver, start_ns, per_s) if per_s else driver


class LimitedDriver:
    """A driver whose transport has a ceiling."""

    def __init__(self, driver: Driver, start_ns: int, per_s: int) -> None:
        self._driver = driver
        self._ceiling = Ceiling(driver, start_ns, per_s)
        self.transport: Transport = self._ceiling
        self.first_errors = driver.first_errors
        self.now_ns: Callable[[], int] = driver.now_ns

    @property
    def tick_ns(self) -> int:
        return self._driver.tick_ns

    def call_at(self, due_ns: int, fn: Callable[[A], None], arg: A) -> None:
        self._driver.call_at(due_ns, fn, arg)

    def call_soon(self, fn: Callable[[A], None], arg: A) -> None:
        self._driver.call_soon(fn, arg)

    def drain_held(self) -> int:
        """How many requests were held back since this was asked last."""
        held, self._ceiling.held = self._ceiling.held, 0
        return held

    def drain_lateness(self) -> dict[int, int]:
        return self._driver.drain_lateness()
