"""The open model: people come when the plan says, each for one round, whatever the answers to the others do.

Who somebody is, is decided by the number of the arrival: data, names and cookies are its own. Where it runs is a seat,
the lowest that is free: seats hold connections and nothing else. Who comes while `at_most` are there is dropped: due,
never served, counted in the second it was due in. Two rules keep that honest:
1. Who is due before the end of a phase comes in it, whichever of two timers of one slot is called first.
2. A load generator that stood still does not make up for it by a crowd: who is overdue by more than a second is not
   sent, and who finds no place because of it was not turned away by the service (places.py says who that is). Both
   are counted as the doing of this machine.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import chain

from perfspec.base import random
from perfspec.base.clock import MILLISECOND, SECOND
from perfspec.engine.driver import Driver
from perfspec.engine.lanes import Lane, User
from perfspec.engine.places import Places
from perfspec.engine.rounds import Rounds
from perfspec.load import Arrivals, Schedule, Segment
from perfspec.metrics.error_kinds import DROPPED, NOT_SENT
from perfspec.metrics.series import NEVER
from perfspec.plan.model import PlannedPhase

__all__ = ["Numbers", "Open"]

OVERDUE_NS = SECOND
"""Later than this nobody is sent any more."""
LATE_NS = 50 * MILLISECOND
"""Who is sent this late may be in the place of another."""
_Due = tuple[int, int, int]
"""(number, due ns, which phase)."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """Who comes, and who of them comes to this process."""

    seed: int
    first: int
    """The number of the first to arrive."""
    segment: Segment
    places: Places


class Open:
    def __init__(self, driver: Driver, numbers: Numbers, rounds: Rounds, on_left: Callable[[], None]) -> None:
        """`on_left` is called whenever somebody has left."""
        self._driver = driver
        self._seed = numbers.seed
        self._segment = numbers.segment
        self._places = numbers.places
        self._rounds = rounds
        self._first = numbers.first
        self._on_left = on_left
        self._schedule = Schedule(numbers.seed)
        self._coming: Iterator[tuple[int, int]] = iter(())
        self._ahead: list[tuple[int, int]] = []
        """(number, due ns) of those who come next, up to the first of this segment."""
        self._at_ns = 0
        self._until_ns = NEVER
        self._phase = 0
        self._seats: list[Lane] = []
        self._free: list[int] = []
        self._late: set[int] = set()
        """The seats of those who were sent late."""
        self._most = 0
        self.live = 0

    def begin(self, phase: PlannedPhase, at_ns: int) -> None:
        """A phase begins, at this planned instant; nobody of the one before it comes any more."""
        self.end(at_ns)
        self._until_ns = NEVER
        if not isinstance(phase.shape, Arrivals):
            self._release()
            return
        self._at_ns = at_ns
        self._most = phase.shape.at_most
        self._coming = self._schedule.phase(phase.shape, phase.for_ns)
        self._next()

    def until(self, last_ns: int) -> None:
        """Nobody of this phase comes later than that: another one will begin."""
        self._until_ns = last_ns

    def end(self, last_ns: int | None) -> None:
        """Who is due by then and has not been called yet comes now, and nobody else; None: nobody at all. The first who
        would come later gives their number to the first of the next phase: so all processes number alike those who come
        after a change, however far each had looked ahead.
        """
        self._phase += 1
        rest = chain(self._ahead, ((number, self._at_ns + offset) for number, offset in self._coming))
        self._ahead, self._coming = [], iter(())
        for number, due in rest:
            if last_ns is None or due > last_ns:
                self._schedule.continue_from(number)
                return
            if self._segment.owns(number):
                self._come(number, due)

    def lanes(self) -> Iterator[Lane]:
        return iter(self._seats)

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
        if phase == self._phase and due <= self._until_ns:
            self._next()
            self._come(number, due)

    def _come(self, number: int, due: int) -> None:
        late_ns, places = self._driver.tick_ns - due, self._places
        is_late = late_ns > LATE_NS
        if late_ns > OVERDUE_NS:
            self._rounds.drop(number, due, NOT_SENT)
            return
        if not places.take(self._most):
            self._rounds.drop(number, due, NOT_SENT if is_late or places.excuse() else DROPPED)
            return
        if not self._free:
            heappush(self._free, len(self._seats))
            self._seats.append(Lane(self._driver, len(self._seats)))
        lane = self._seats[heappop(self._free)]
        if is_late:
            self._late.add(lane.seat)
            places.came_late()
        person = self._first + number
        lane.due = due
        self.live += 1
        lane.run(self._rounds.of_arrival(User(person, random.person(self._seed, person), lane), number), self._left)

    def _left(self, lane: Lane, _kind: str | None) -> None:
        self.live -= 1
        self._places.leave()
        if self._late and lane.seat in self._late:
            self._late.discard(lane.seat)
            self._places.late_one_left()
        heappush(self._free, lane.seat)
        self._on_left()

    def _release(self) -> None:
        for seat in self._free:
            self._seats[seat].release()
