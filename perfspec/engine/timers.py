"""Timers in slots, for thousands of think times on one timer of an asyncio loop.

A timer is called at the end of its slot, so never early, and late by half a slot on average. Wide slots wake the loop
less often: for pauses, which end when they end. Narrow ones are for what is due at a planned instant, since the delay
is part of the response time. How late each timer really was is kept: it is part of what the load generator has to say
about itself.
"""

import asyncio
import heapq
from collections.abc import Callable
from typing import Any, TypeVar

from perfspec.base.clock import MILLISECOND, SECOND, monotonic_ns

__all__ = ["COARSE_NS", "FINE_NS", "SlotTimers"]

A = TypeVar("A")

COARSE_NS, FINE_NS = MILLISECOND, MILLISECOND // 4
_NEVER = 1 << 62
_FINE_US = 2000
"""Lateness is kept to the microsecond below this, to the millisecond above."""


class SlotTimers:
    def __init__(self, loop: asyncio.AbstractEventLoop, crashed: Callable[[Exception], None], slot_ns: int) -> None:
        self.tick_ns = monotonic_ns()
        self._loop = loop
        self._crashed = crashed
        self._slot_ns = slot_ns
        self._slots: dict[int, list[tuple[int, Callable[[Any], None], Any]]] = {}
        self._order: list[int] = []  # a heap of the occupied slots
        self._handle: asyncio.TimerHandle | None = None
        self._armed = _NEVER  # the slot that the loop's timer is set to
        self._calling = 0  # the slot whose timers are being called
        self._late: dict[int, int] = {}

    def call_at(self, due_ns: int, fn: Callable[[A], None], arg: A) -> None:
        slot = -(-due_ns // self._slot_ns)
        timers = self._slots.get(slot)
        if timers is not None:
            timers.append((due_ns, fn, arg))
            return
        self._slots[slot] = [(due_ns, fn, arg)]
        heapq.heappush(self._order, slot)
        if slot < self._armed:
            self._arm(slot)

    def behind_ns(self, now_ns: int) -> int:
        """For how long the next timer has been due by now: so long the loop stood still, or was busy with something
        else. Asked by a timer, it is how late that one is.
        """
        slot = self._calling or (self._order[0] if self._order else _NEVER)
        return max(0, now_ns - slot * self._slot_ns)

    def drain_lateness(self) -> dict[int, int]:
        late, self._late = self._late, {}
        return late

    def close(self) -> None:
        """Call nobody any more. Not from inside a timer."""
        if self._handle is not None:
            self._handle.cancel()
        self._slots.clear()
        self._order.clear()
        self._armed = 0  # no slot is before this one

    def _arm(self, slot: int) -> None:
        if self._handle is not None:
            self._handle.cancel()
        self._armed = slot
        self._handle = self._loop.call_at(slot * self._slot_ns / SECOND, self._tick)

    def _tick(self) -> None:
        self._handle, self._armed = None, 0  # 0: nobody arms it while we are here
        order = self._order
        self.tick_ns = monotonic_ns()
        last = self.tick_ns // self._slot_ns
        while order and order[0] <= last:
            self._calling = heapq.heappop(order)
            self._call(self._slots.pop(self._calling))
        self._calling = 0
        self._armed = _NEVER
        if order:
            self._arm(order[0])

    def _call(self, timers: list[tuple[int, Callable[[Any], None], Any]]) -> None:
        late = self._late
        for due_ns, fn, arg in timers:
            us = (monotonic_ns() - due_ns) // 1000
            if us >= _FINE_US:
                us -= us % 1000
            late[us] = late.get(us, 0) + 1
            try:
                fn(arg)
            except Exception as error:  # noqa: BLE001 - a bug is told at once; the other timers are due all the same
                self._crashed(error)
