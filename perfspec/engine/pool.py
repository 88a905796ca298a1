"""The load over time: phases, seconds, the end. Driver callbacks only: no clock, no await.

At the end of the load nothing new is sent: pauses are cut short, requests in flight get a grace time, and what is cut
off after that is counted as unfinished, never as an error.

    before -> running -> ending -> over
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain

import msgspec

from perfspec.base.clock import MILLISECOND, SECOND
from perfspec.engine.arrivals import Numbers, Open
from perfspec.engine.closed import Closed
from perfspec.engine.driver import Driver
from perfspec.engine.lanes import Lane
from perfspec.engine.rounds import Rounds
from perfspec.load import Arrivals, Shape
from perfspec.metrics.series import Key, Registry, Slice
from perfspec.plan.model import Plan, PlannedPhase
from perfspec.steps import requests
from perfspec.steps.runtime import STOPPED

__all__ = ["Ending", "Hooks", "Pool", "Second"]

WAKE_EVERY_NS = 50 * MILLISECOND
LONGEST_GRACE_NS = 60 * SECOND
SHORT_GRACE_NS = 5 * SECOND


@dataclass(frozen=True, slots=True)
class Second:
    """What the load saw since the last one. `number` full seconds have passed; users are those there now."""

    number: int
    users: int
    slices: list[Slice]
    waiting: int
    """Users that wait for an answer now."""
    is_ending: bool
    is_extended: bool
    lateness: dict[int, int]
    """How late timers were called: us -> count."""
    under_way: list[Slice]
    """Of a search: the requests that are waited for, by the second in which they were due; nothing else of them."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How the load ended. Times from its start, in ns."""

    reason: str
    """finished, aborted, interrupted, terminated or crashed."""
    ended_ns: int
    """When nothing new was sent any more."""
    unfinished: int
    """Requests that were cut off after the grace time; they are in no number."""
    waits: int
    """How often a user waited because nobody was there."""
    left: int = 0
    """How often a user left because no row or number was left for it."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the pool asks and tells. None of these may block."""

    on_second: Callable[[Second], None]
    may_extend: Callable[[], bool | None]
    """None: the answer comes later, by `decide`; until then the load goes on."""
    on_done: Callable[[Ending], None]


class Pool:
    def __init__(
        self, driver: Driver, plan: Plan, numbers: Numbers, rounds: Rounds, registry: Registry, hooks: Hooks
    ) -> None:
        self._driver = driver
        self._plan = plan
        self._rounds = rounds
        self._registry = registry
        self._hooks = hooks
        self._grace_ns = _grace(plan)
        self._closed = Closed(driver, plan.seed, numbers.segment, rounds, self._left)
        self._open = Open(driver, numbers, rounds, self._left)
        self._cut_off = 0
        self._is_extended = False
        self._seconds = 0
        self._start_ns = 0
        self._ending: Ending | None = None
        self._is_over = False

    def start(self, start_ns: int) -> None:
        """Plan everything that is known now. `start_ns` on the driver's clock; phases begin at planned instants."""
        self._start_ns = start_ns
        call_at = self._driver.call_at
        for phase in self._phases():
            call_at(start_ns + phase.start_ns, self._begin_phase, phase)
        call_at(start_ns + self._plan.for_ns, self._planned_end, None)
        call_at(start_ns + SECOND, self._second, 1)

    def stop(self, reason: str) -> None:
        """End before the time; requests in flight get a short grace time. Called again: end now."""
        if self._ending is None:  # a search that has found its limit is over like any other load
            self._end(reason, self._grace_ns if reason == "finished" else SHORT_GRACE_NS)
        else:
            self._cut(None)

    def change(self, shape: Shape, at_ns: int) -> None:
        """Another load from here on: the next step of a search."""
        whole = self._plan.phases[0]
        step = msgspec.structs.replace(whole, shape=shape, start_ns=at_ns, for_ns=max(whole.end_ns - at_ns, SECOND))
        if (begins_ns := self._start_ns + at_ns) <= self._driver.now_ns():
            self._begin_phase(step)
            return
        self._open.until(begins_ns)  # timers are late by a slot, a millisecond at most: so it begins after theirs
        self._driver.call_at(begins_ns + MILLISECOND, self._begin_phase, step)

    def _phases(self) -> tuple[PlannedPhase, ...]:
        """Those of the plan; a search begins with its lowest load."""
        search, phases = self._plan.search, self._plan.phases
        if search is None:
            return phases
        return (msgspec.structs.replace(phases[0], shape=search.shape(search.low)),)

    @property
    def is_ending(self) -> bool:
        """Nothing new is sent any more."""
        return self._ending is not None

    def _begin_phase(self, phase: PlannedPhase) -> None:
        if self._ending is not None:
            return
        at_ns = self._start_ns + phase.start_ns
        self._closed.begin(phase, at_ns)
        self._open.begin(phase, at_ns)
        if self._closed.is_counted and not self._live:  # a segment of fewer rounds than there are processes
            self._left()

    @property
    def _live(self) -> int:
        return self._closed.live + self._open.live

    def _lanes(self) -> Iterator[Lane]:
        return chain(self._closed.lanes(), self._open.lanes())

    def _left(self) -> None:
        if self._live:
            return
        if self._ending is not None:
            self._finish()
        elif self._closed.is_counted:
            self._end("finished", 0)

    # the end

    def _planned_end(self, _: None) -> None:
        if self._ending is not None:
            return
        self._seconds = -(-self._plan.for_ns // SECOND)
        self._emit(self._seconds)
        if self.is_ending:  # what was just told of made the run end
            return
        if self._plan.extend_to_ns <= self._plan.for_ns:
            self.decide(extend=False)
        elif (extend := self._hooks.may_extend()) is not None:
            self.decide(extend=extend)

    def decide(self, *, extend: bool) -> None:
        """Does the stage run on, or did it end when it was planned to?"""
        if self._ending is not None:
            return
        until = self._plan.extend_to_ns
        if extend:
            self._is_extended = True
            self._run_on(until)
            self._driver.call_at(self._start_ns + until, self._extended_end, None)
        else:
            self._end("finished", self._grace_ns, self._plan.for_ns)

    def _run_on(self, until_ns: int) -> None:
        """Users are there anyway; of people who come, more have to."""
        last = self._plan.phases[-1]
        if isinstance(last.shape, Arrivals):
            shape = msgspec.structs.replace(last.shape, start=last.shape.end)
            self._open.begin(
                msgspec.structs.replace(last, start_ns=last.end_ns, for_ns=until_ns - last.end_ns, shape=shape),
                self._start_ns + last.end_ns,
            )

    def _extended_end(self, _: None) -> None:
        if self._ending is None:
            self._end("finished", self._grace_ns, self._plan.extend_to_ns)

    def _end(self, reason: str, grace_ns: int, planned_ns: int | None = None) -> None:
        """`planned_ns`: the planned instant; being woken a little later moves no window."""
        now = self._driver.now_ns()
        ended_ns = max(now - self._start_ns, 0) if planned_ns is None else planned_ns
        self._open.end(None if planned_ns is None else self._start_ns + planned_ns)
        self._ending = Ending(reason, ended_ns, 0, 0)
        self._closed.end()
        for lane in self._lanes():
            lane.close()
        if not self._live:
            self._finish()
            return
        self._driver.call_at(now + grace_ns, self._cut, None)
        self._wake(None)

    def _wake(self, _: None) -> None:
        """Cut pauses short, again and again: an answer may lead to a pause."""
        if self._is_over:
            return
        for lane in self._lanes():
            lane.wake(STOPPED)
        if not self._is_over:
            self._driver.call_at(self._driver.now_ns() + WAKE_EVERY_NS, self._wake, None)

    def _cut(self, _: None) -> None:
        if self._is_over or self._ending is None:
            return
        for lane in self._lanes():
            if lane.gen is not None:
                self._cut_off += 1
                lane.kill()
        self._finish()

    def _finish(self) -> None:
        if self._is_over:
            return
        self._is_over = True
        assert self._ending is not None
        unfinished = self._cut_off + self._rounds.unfinished
        rounds = self._rounds
        self._ending = Ending(self._ending.reason, self._ending.ended_ns, unfinished, rounds.waits, rounds.left)
        try:
            self._emit(self._seconds + 1)
        finally:
            self._hooks.on_done(self._ending)

    # numbers

    def _second(self, number: int) -> None:
        if self._is_over:
            return
        if number > self._seconds:  # else the planned end has just told of it
            self._seconds = number
            self._emit(number)
        self._driver.call_at(self._start_ns + (number + 1) * SECOND, self._second, number + 1)

    def _emit(self, number: int) -> None:
        waiting = sum(lane.gen is not None and not lane.pausing for lane in self._lanes())
        slices, lateness = self._registry.drain(), self._driver.drain_lateness()
        ending = self._ending is not None
        asked = self._under_way() if self._plan.search is not None else []
        second = Second(number, self._live, slices, waiting, ending, self._is_extended, lateness, asked)
        self._hooks.on_second(second)

    def _under_way(self) -> list[Slice]:
        found: Counter[tuple[str, int]] = Counter()
        for lane in chain.from_iterable(map(_asking, self._lanes())):
            if lane.outcome.due:
                found[lane.call.name, (lane.outcome.due - self._start_ns) // SECOND] += 1
        return [Slice(Key(name), second, n) for (name, second), n in found.items()]


def _asking(lane: Lane) -> Iterator[Lane]:
    """The lane, or those of its branches that wait for an answer."""
    if lane.gen is None or lane.pausing:
        return
    if lane.children is None:
        yield lane
    else:
        for child in lane.children:
            yield from _asking(child)


def _grace(plan: Plan) -> int:
    """Requests in flight at the planned end get their own time-out, and what the time-out itself may be late; then
    every user does what it does last.
    """
    timeouts = [request.timeout_ns for flow in plan.flows for request in requests(flow.steps)]
    last = sum(request.timeout_ns for request in requests(plan.each_user.last))
    return min(max(timeouts, default=0) + last + SECOND, LONGEST_GRACE_NS)
