"""The open model: people come when the plan says, each for one round, whatever the answers to the others do.

Who somebody is, is decided by the number of the arrival: data, names and cookies are its own. Where it runs is a seat,
the lowest that is free: seats hold connections and nothing else. Who comes while `at_most` are there is dropped: due,
never served, counted in the second it was due in.
"""

from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from itertools import chain

from perfspec.base import random
from perfspec.engine.driver import Driver
from perfspec.engine.lanes import Lane, User
from perfspec.engine.rounds import Rounds
from perfspec.load import Arrivals, Schedule, Segment
from perfspec.metrics.series import NEVER
from perfspec.plan.model import PlannedPhase

__all__ = ["Open"]

_Due = tuple[int, int, int]
"""(number, due ns, which phase)."""


class Open:
    def __init__(
        self, driver: Driver, seed: int, segment: Segment, rounds: Rounds, first: int, on_left: Callable[[], None]
    ) -> None:
        """`first`: the number of the first to arrive. `on_left` is called whenever somebody has left."""
        self._driver = driver
        self._seed = seed
        self._segment = segment
        self._rounds = rounds
        self._first = first
        self._on_left = on_left
        self._schedule = Schedule(seed)
        self._coming: Iterator[tuple[int, int]] = iter(())
        self._ahead: list[tuple[int, int]] = []
        """(number, due ns) of those who come next, up to the first of this segment."""
        self._at_ns = 0
        self._until_ns = NEVER
        self._phase = 0
        self._seats: list[Lane] = []
        self._free: list[int] = []
        self._most = 0
        self.live = 0

    def begin(self, phase: PlannedPhase, at_ns: int) -> None:
        """A phase begins, at this planned instant; nobody of the one before it comes any more."""
        self._phase += 1
        self._pass_over(at_ns)
        self._until_ns = NEVER
        if not isinstance(phase.shape, Arrivals):
            self._coming = iter(())
            self._release()
            return
        self._at_ns = at_ns
        self._most = self._segment.share(phase.shape.at_most)
        self._coming = self._schedule.phase(phase.shape, phase.for_ns)
        self._next()

    def until(self, last_ns: int) -> None:
        """Nobody of this phase comes later than that: another one will begin."""
        self._until_ns = last_ns

    def _pass_over(self, until_ns: int) -> None:
        """The first who would come later gives their number to the first of the new phase: so all processes number
        alike those who come after a change, however far each had looked ahead.
        """
        coming = ((number, self._at_ns + offset) for number, offset in self._coming)
        for number, due in chain(self._ahead, coming):
            if due > until_ns:
                self._schedule.continue_from(number)
                return

    def lanes(self) -> Iterator[Lane]:
        return iter(self._seats)

    def end(self) -> None:
        """Nobody comes any more."""
        self._phase += 1
        self._coming = iter(())

    def _next(self) -> None:
        owns = self._segment.owns
        self._ahead = ahead = []
        for number, offset in self._coming:
            due = self._at_ns + offset
            ahead.append((number, due))
            if owns(number):
                self._driver.call_at(due, self._arrive, (number, due, self._phase))
                return

    def _arrive(self, who: _Due) -> None:
        number, due, phase = who
        if phase != self._phase or due > self._until_ns:
            return
        self._next()
        if self.live >= self._most:
            self._rounds.drop(number, due)
            return
        if not self._free:
            heappush(self._free, len(self._seats))
            self._seats.append(Lane(self._driver, len(self._seats)))
        lane = self._seats[heappop(self._free)]
        person = self._first + number
        lane.due = due
        self.live += 1
        lane.run(self._rounds.of_arrival(User(person, random.person(self._seed, person), lane), number), self._left)

    def _left(self, lane: Lane, _kind: str | None) -> None:
        self.live -= 1
        heappush(self._free, lane.seat)
        self._on_left()

    def _release(self) -> None:
        for seat in self._free:
            self._seats[seat].release()
