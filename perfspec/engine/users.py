"""Who runs when: phases with users over time, the rounds of each user, the end. Driver callbacks only: no clock, no
await.

A user begins a round, chooses a flow, runs it, and begins the next, until it has to leave. Leaving (a falling ramp) is
after the round. At the end of the load nothing new is sent: pauses are cut short, requests in flight get a grace
time, and what is cut off after that is counted as unfinished, never as an error.

    before -> running -> ending -> over
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from perfspec.base import random
from perfspec.base.clock import MILLISECOND, SECOND
from perfspec.engine.driver import Driver
from perfspec.engine.lanes import Lane, User
from perfspec.metrics.error_kinds import GENERATOR_KINDS, UNREACHABLE_KINDS
from perfspec.metrics.series import Key, Registry, Series, Slice
from perfspec.plan.model import Plan, PlannedPhase
from perfspec.steps import requests
from perfspec.steps.runtime import STOPPED, UNFINISHED, Call, EndRound, Program, Run, Vars

__all__ = ["BoundFlow", "Ending", "Generators", "Hooks", "Pool", "Second"]

WAIT_KINDS = UNREACHABLE_KINDS | GENERATOR_KINDS | {"unsendable"}
IDLE_WAIT_NS = 10 * MILLISECOND
"""After a round that had nothing to send: it must not spin."""
FIRST_WAIT_NS = 100 * MILLISECOND
LONGEST_WAIT_NS = SECOND
WAKE_EVERY_NS = 50 * MILLISECOND
LONGEST_GRACE_NS = 60 * SECOND
SHORT_GRACE_NS = 5 * SECOND
BROKEN = "expression "
"""How the kinds begin by which a round ends whose condition or list could not be computed."""
GOLDEN = 0x9E3779B97F4A7C15
"""2^64 / the golden ratio: multiples of it, modulo 2^64, spread evenly over every prefix."""
_MASK = (1 << 64) - 1
Generators: TypeAlias = Mapping[str, Callable[[int, int], object]]


@dataclass(frozen=True, slots=True)
class BoundFlow:
    name: str
    weight: float
    program: Program
    rounds: Series


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


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the pool asks and tells. None of these may block."""

    on_second: Callable[[Second], None]
    may_extend: Callable[[], bool]
    on_done: Callable[[Ending], None]


class Pool:
    def __init__(
        self, driver: Driver, plan: Plan, flows: Sequence[BoundFlow], registry: Registry, generators: Generators,
        shared: Mapping[str, object], hooks: Hooks,
    ) -> None:  # fmt: skip
        """`shared`: names that setup captured."""
        self._driver = driver
        self._plan = plan
        self._flows = flows
        self._weight = sum(flow.weight for flow in flows)
        self._registry = registry
        self._generators = generators
        self._shared = shared
        self._hooks = hooks
        self._grace_ns = _grace(plan)
        self._users: list[User] = []
        self._live = 0
        self._waits = 0
        self._unfinished = 0
        self._is_extended = False
        self._seconds = 0
        self._start_ns = 0
        self._ending: Ending | None = None
        self._is_over = False

    def start(self, start_ns: int) -> None:
        """Plan everything that is known now. `start_ns` on the driver's clock; phases begin at planned instants."""
        self._start_ns = start_ns
        call_at = self._driver.call_at
        for phase in self._plan.phases:
            call_at(start_ns + phase.start_ns, self._begin_phase, phase)
        call_at(start_ns + self._plan.for_ns, self._planned_end, None)
        call_at(start_ns + SECOND, self._second, 1)

    def stop(self, reason: str) -> None:
        """End before the time; requests in flight get a short grace time. Called again: end now."""
        if self._ending is None:
            self._end(reason, SHORT_GRACE_NS)
        else:
            self._cut(None)

    @property
    def is_ending(self) -> bool:
        """Nothing new is sent any more."""
        return self._ending is not None

    # phases

    def _begin_phase(self, phase: PlannedPhase) -> None:
        if self._ending is not None:
            return
        start, rising = phase.users.start, phase.users.start < phase.users.end
        for number in range(max(len(self._users), start)):
            (self._join if number < start else self._leave)(number)
        at = self._start_ns + phase.start_ns
        for offset, number in phase.users.changes(phase.for_ns):
            self._driver.call_at(at + offset, self._join if rising else self._leave, number)

    def _join(self, number: int) -> None:
        if self._ending is not None:
            return
        while len(self._users) <= number:
            n = len(self._users)
            self._users.append(User(n + 1, random.person(self._plan.seed, n + 1), Lane(self._driver, n)))
        user = self._users[number]
        user.stopping = False
        if user.lane.gen is None:
            self._live += 1
            user.lane.run(self._rounds(user), self._left)

    def _leave(self, number: int) -> None:
        if number < len(self._users):
            self._users[number].stopping = True

    def _left(self, lane: Lane, _kind: str | None) -> None:
        self._live -= 1
        lane.release()
        if self._ending is not None and not self._live:
            self._finish()

    # rounds

    def _rounds(self, user: User) -> Run:
        """All rounds of a user. Ends quietly when the load does, wherever it is."""
        lane = user.lane
        lane.vars = names = Vars()
        names.generators = self._generators
        try:
            while not user.stopping:
                user.round += 1
                self._begin_round(user, names)
                flow = self._choose(user)
                begin, turn = lane.due or lane.now(), lane.turn
                kind = None
                try:
                    yield from flow.program(lane)
                except EndRound as end:
                    kind = end.kind
                    if kind in (STOPPED, UNFINISHED):
                        self._unfinished += kind == UNFINISHED
                        return
                flow.rounds.value(begin, lane.now() - begin, kind)
                if kind is not None and kind.startswith(BROKEN):
                    self._count_broken(flow, begin, kind)
                idle = lane.outcome.last < begin and lane.turn == turn
                wait_ns = self._wait(user, kind, idle=idle)
                if wait_ns:
                    lane.pause(wait_ns)
                    yield
                    lane.due = 0
        except EndRound:
            return

    def _count_broken(self, flow: BoundFlow, begin_ns: int, kind: str) -> None:
        """A step that could not be carried out sent nothing; it fails the round as a request would, under its flow."""
        self._registry.series(Key(f"flow {flow.name}", flow=flow.name)).value(begin_ns, 0, kind)

    def _begin_round(self, user: User, names: Vars) -> None:
        names.clear()
        names.update(self._shared)
        names["user.number"] = user.number
        names["round.number"] = user.round
        names.base = random.base(user.person, user.round)
        names.step = 0

    def _choose(self, user: User) -> BoundFlow:
        """Steps through the weights by the golden ratio: every stretch of a user's rounds has nearly the asked mix."""
        flows = self._flows
        if len(flows) > 1:
            at = ((user.person + user.round * GOLDEN) & _MASK) * 2.0**-64 * self._weight
            for flow in flows:
                at -= flow.weight
                if at < 0:
                    return flow
        return flows[-1]

    def _wait(self, user: User, kind: str | None, *, idle: bool) -> int:
        """Nobody there, or nothing could be sent: wait 0.1 s, 0.2 s ... 1 s, each between half and whole, by chance."""
        if kind not in WAIT_KINDS:
            user.misses = 0
            return IDLE_WAIT_NS if idle else 0
        self._waits += 1
        user.misses += 1
        longest = min(LONGEST_WAIT_NS, FIRST_WAIT_NS << min(user.misses - 1, 6))
        return int(longest * (0.5 + random.unit(user.lane.vars.base, user.misses) / 2))

    # the end

    def _planned_end(self, _: None) -> None:
        if self._ending is not None:
            return
        self._seconds = -(-self._plan.for_ns // SECOND)
        self._emit(self._seconds)
        if self.is_ending:  # what was just told of made the run end
            return
        until = self._plan.extend_to_ns
        if until > self._plan.for_ns and self._hooks.may_extend():
            self._is_extended = True
            self._driver.call_at(self._start_ns + until, self._extended_end, None)
        else:
            self._end("finished", self._grace_ns, self._plan.for_ns)

    def _extended_end(self, _: None) -> None:
        if self._ending is None:
            self._end("finished", self._grace_ns, self._plan.extend_to_ns)

    def _end(self, reason: str, grace_ns: int, planned_ns: int | None = None) -> None:
        """`planned_ns`: the planned instant; being woken a little later moves no window."""
        now = self._driver.now_ns()
        ended_ns = max(now - self._start_ns, 0) if planned_ns is None else planned_ns
        self._ending = Ending(reason, ended_ns, 0, self._waits)
        for user in self._users:
            user.stopping = True
            _close(user.lane)
        if not self._live:
            self._finish()
            return
        self._driver.call_at(now + grace_ns, self._cut, None)
        self._wake(None)

    def _wake(self, _: None) -> None:
        """Cut pauses short, again and again: an answer may lead to a pause."""
        if self._is_over:
            return
        for user in self._users:
            user.lane.wake(STOPPED)
        if not self._is_over:
            self._driver.call_at(self._driver.now_ns() + WAKE_EVERY_NS, self._wake, None)

    def _cut(self, _: None) -> None:
        if self._is_over or self._ending is None:
            return
        cut = 0
        for user in self._users:
            if user.lane.gen is not None:
                cut += 1
                self._live -= 1
                user.lane.kill()
        ending = self._ending
        self._ending = Ending(ending.reason, ending.ended_ns, cut, ending.waits)
        self._finish()

    def _finish(self) -> None:
        if self._is_over:
            return
        self._is_over = True
        assert self._ending is not None
        ending = self._ending
        self._ending = Ending(ending.reason, ending.ended_ns, ending.unfinished + self._unfinished, ending.waits)
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
        waiting = sum(user.lane.gen is not None and not user.lane.pausing for user in self._users)
        slices, lateness = self._registry.drain(), self._driver.drain_lateness()
        ending = self._ending is not None
        second = Second(number, self._live, slices, waiting, ending, self._is_extended, lateness)
        self._hooks.on_second(second)


def _close(lane: Lane) -> None:
    """From now on, asking this lane for a request ends the round."""
    lane.start = _nothing_new
    for child in (*(lane.children or ()), *(lane.spare or ())):
        _close(child)


def _nothing_new(_lane: object, _call: Call, _data: object) -> None:
    raise EndRound(STOPPED)


def _grace(plan: Plan) -> int:
    """Requests in flight at the planned end get their own time-out, and what the time-out itself may be late."""
    timeouts = [request.timeout_ns for flow in plan.flows for request in requests(flow.steps)]
    return min(max(timeouts, default=0) + SECOND, LONGEST_GRACE_NS)
