"""A simulated clock and service: the load path in virtual time, without an event loop, sockets or waiting.

The same plan and seed make the same requests at the same instants, bit for bit. A bug in a callback comes out of `run`.
The clock starts at one hour, not at 0: a stamp of 0 means "none".
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from perfspec.base import random
from perfspec.base.clock import SECOND
from perfspec.engine.driver import Chunk, LaneState
from perfspec.steps.runtime import Call, Streamed

__all__ = ["T0", "Reply", "Service", "SimDriver", "SimTransport"]

A = TypeVar("A")

T0 = 3600 * SECOND
_REFUSED_AFTER_NS = 50_000
_NEVER = 1 << 62


@dataclass(frozen=True, slots=True)
class Reply:
    status: int = 200
    body: bytes = b"{}"
    headers: tuple[tuple[bytes, bytes], ...] = ()
    coding: bytes = b""
    parts: tuple[tuple[int, bytes], ...] = ()
    """In place of a body, for who listens: the ns after what came before (the head, or a part), and the bytes."""
    open_ns: int = 0
    """How long the answer is kept open behind its last part."""


def _ok(_call: Call, _wire: bytes | Streamed, _now_ns: int) -> Reply:
    return Reply()


@dataclass(frozen=True, slots=True)
class Service:
    """A model of the service under test. Windows and the time that `reply` gets count from T0 and are [from, to)."""

    latency_ns: Callable[[float], int]
    """The inverse of the distribution function: takes a draw in [0, 1)."""
    reply: Callable[[Call, bytes | Streamed, int], Reply] = _ok
    refused: tuple[tuple[int, int], ...] = ()
    stalled: tuple[tuple[int, int], ...] = ()
    """Nothing is begun and nothing answered; what waits is begun, or answered, when the window ends."""

    def refuses(self, at_ns: int) -> bool:
        return any(begin <= at_ns < end for begin, end in self.refused)

    def answered_ns(self, at_ns: int, draw: float) -> int:
        return self._running(self._running(at_ns) + self.latency_ns(draw))

    def _running(self, at_ns: int) -> int:
        """The first instant from here on at which the service is not stalled."""
        for begin, end in sorted(self.stalled):
            if begin <= at_ns < end:
                at_ns = end
        return at_ns


_Streamed: TypeAlias = tuple[LaneState, int, Reply, tuple[tuple[int, bytes], ...], Chunk]


class SimTransport:
    """`lane.conn` is the number of the lane's request in flight: the end of any other request is stale."""

    def __init__(self, driver: "SimDriver", service: Service, seed: int) -> None:
        self.driver = driver
        self.service = service
        self.seed = seed
        self.requests = 0
        self._listeners: dict[int, Chunk] = {}

    def start(self, lane: LaneState, call: Call, data: bytes | Streamed) -> None:
        driver, service = self.driver, self.service
        now = driver.now
        self.requests = number = self.requests + 1
        lane.conn = number
        outcome = lane.outcome
        outcome.sent = now
        outcome.due = outcome.due or now
        outcome.first = outcome.status = 0
        outcome.head, outcome.body, outcome.error = None, b"", None
        if service.refuses(now - T0):
            driver.call_at(now + _REFUSED_AFTER_NS, self._fail, (lane, number, "refused"))
            return
        end = T0 + service.answered_ns(now - T0, random.unit(self.seed, number))
        if end > now + call.timeout_ns:
            driver.call_at(now + call.timeout_ns, self._fail, (lane, number, "timeout"))
        else:
            driver.call_at(end, self._answer, (lane, number, service.reply(call, data, now - T0)))

    def listen(self, lane: LaneState, chunk: Chunk) -> None:
        if lane.conn is not None:
            self._listeners[lane.conn] = chunk

    def cut(self, lane: LaneState, kind: str | None) -> None:
        if lane.conn is not None:
            self.cancel(lane)
            lane.outcome.error, lane.outcome.last = kind, self.driver.now
            lane.resume(lane.outcome)

    def cancel(self, lane: LaneState) -> None:
        self._listeners.pop(lane.conn, None)
        lane.conn = None

    def release(self, lane: LaneState) -> None:
        lane.conn = None

    def _answer(self, answer: tuple[LaneState, int, Reply]) -> None:
        lane, number, reply = answer
        if lane.conn != number:
            return
        outcome = lane.outcome
        outcome.first = outcome.last = self.driver.now
        outcome.status, outcome.head, outcome.body = reply.status, reply, reply.body
        chunk = self._listeners.get(number) if self._listeners else None
        if chunk is None:
            lane.conn = None
            lane.resume(outcome)
            return
        outcome.body = b""
        parts = reply.parts or ((0, reply.body),)
        self.driver.call_at(self.driver.now + parts[0][0], self._part, (lane, number, reply, parts, chunk))

    def _part(self, streamed: _Streamed) -> None:
        lane, number, reply, parts, chunk = streamed
        if lane.conn != number:
            return
        outcome, now = lane.outcome, self.driver.now
        if now > outcome.sent + lane.call.timeout_ns:
            self._fail((lane, number, "timeout"))
            return
        if parts:
            outcome.last = now
            chunk(parts[0][1], now)
            rest = parts[1:]
            wait_ns = rest[0][0] if rest else reply.open_ns
            self.driver.call_at(now + wait_ns, self._part, (lane, number, reply, rest, chunk))
        else:
            outcome.last = now
            self.cancel(lane)
            lane.resume(outcome)

    def _fail(self, failure: tuple[LaneState, int, str]) -> None:
        lane, number, kind = failure
        if lane.conn == number:
            self.cancel(lane)
            lane.outcome.error, lane.outcome.last = kind, self.driver.now
            lane.resume(lane.outcome)


class SimDriver:
    def __init__(self, service: Service, seed: int = 1) -> None:
        self.now = T0
        self.now_ns: Callable[[], int] = lambda: self.now
        self.transport = SimTransport(self, service, seed)
        self.first_errors: dict[str, str] = {}
        self._timers: list[tuple[int, int, Callable[[Any], None], Any]] = []
        self._asked = 0
        self._called = 0

    @property
    def tick_ns(self) -> int:
        return self.now

    def call_at(self, due_ns: int, fn: Callable[[A], None], arg: A) -> None:
        self._asked = number = self._asked + 1  # callbacks of one instant run in the order in which they were asked for
        heapq.heappush(self._timers, (max(due_ns, self.now), number, fn, arg))

    def call_soon(self, fn: Callable[[A], None], arg: A) -> None:
        self.call_at(self.now, fn, arg)

    def drain_lateness(self) -> dict[int, int]:
        """Always on time."""
        called, self._called = self._called, 0
        return {0: called} if called else {}

    def run(self, until_ns: int | None = None) -> int:
        """Make every callback that is due until then, or all there are. Returns how many there were."""
        timers, pop, called = self._timers, heapq.heappop, 0
        last = _NEVER if until_ns is None else until_ns
        while timers and timers[0][0] <= last:
            self.now, _, fn, arg = pop(timers)
            self._called += 1
            called += 1
            fn(arg)
        if until_ns is not None:
            self.now = max(self.now, until_ns)
        return called
