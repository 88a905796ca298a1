"""Leads the workers of a run: merges what they tell of each second, lets the pilot judge it, ends with the last one.

No process, no socket, no clock: whoever has those tells it what came, who is gone, and what time it is. Rules:
1. A second is told when all workers have told theirs. One that is late is not waited for longer than PATIENCE; what it
   tells then counts with the next second.
2. A worker that is gone, or says nothing for SILENCE, is lost. It is not replaced, and nobody takes over its part: that
   would change users, data and pace in the middle of a run. The others go on, and the log says what is missing.
3. The load is over when every worker is done or lost.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from perfspec.base.clock import MILLISECOND, SECOND
from perfspec.engine.merging import merged
from perfspec.engine.messages import Asks, Change, Crashed, Decide, Done, Go, Order, Stop, Word
from perfspec.engine.part import Told
from perfspec.engine.pilot import Listener, Pilot
from perfspec.engine.pool import Ending
from perfspec.engine.unsendable import all_of
from perfspec.load import Shape
from perfspec.metrics.vitals import Lost
from perfspec.plan.model import Plan
from perfspec.verdict.abort import Abort

__all__ = ["LOST", "TICK_NS", "Crew", "Links"]

TICK_NS = 100 * MILLISECOND
PATIENCE_NS = 2 * SECOND
SILENCE_NS = 10 * SECOND
LEAD_NS = 100 * MILLISECOND
"""A change is planned so far ahead that all workers know of it before it is due."""
LOST = "lost"
"""How a load ended whose workers are all gone; a search does with the first that is."""
REASONS = ("crashed", "interrupted", "terminated", "aborted", LOST, "finished")
"""The first that any worker says is how the load ended: one that was through with its rounds had nothing to stop."""


@dataclass(frozen=True, slots=True)
class Links:
    """The way to the workers, and what hears of them."""

    send: Callable[[int, Order], None]
    """To one that is gone: nothing happens."""
    kill: Callable[[int], None]
    on_second: Listener
    on_done: Callable[[Ending], None]
    on_crash: Callable[[str], None]


@dataclass(slots=True)
class _Member:
    """One worker, as far as it is known."""

    told: int = 0
    """The last second that it told of."""
    waiting: dict[int, Told] = field(default_factory=dict)
    """By second: told of, and not yet merged."""
    late: list[Told] = field(default_factory=list)
    has_asked: bool = False
    quiet_ns: int = 0
    done: Done | None = None


class Crew:
    def __init__(self, plan: Plan, workers: int, links: Links) -> None:
        self._plan = plan
        self._links = links
        self._pilot = Pilot(plan, self, links.on_second)
        self._all = [_Member() for _ in range(workers)]
        self._active = dict(enumerate(self._all))
        """Those that are neither done nor lost."""
        self._start_ns = self._now_ns = 0
        self._next = 1
        """The second to be told of next."""
        self._is_decided = False
        self._is_over = self._has_crashed = False
        self._found_lost: list[Lost] = []
        """Not yet logged."""

    @property
    def abort(self) -> Abort | None:
        """Why it was ended before its time."""
        return self._pilot.abort

    @property
    def done(self) -> tuple[Done, ...]:
        """What those said that went to their end."""
        return tuple(member.done for member in self._all if member.done is not None)

    def start(self, start_ns: int) -> None:
        """All begin at this instant of the machine's clock."""
        self._start_ns = self._now_ns = start_ns
        self._tell_all(Go(start_ns))

    def stop(self, reason: str) -> None:
        """Once: nothing new is sent; twice: now."""
        self._tell_all(Stop(reason))

    def change(self, shape: Shape, at_ns: int) -> None:
        """Another load: the next step of a search. All begin it at the same instant, which is yet to come."""
        self._tell_all(Change(shape, max(at_ns, self._now_ns - self._start_ns) + LEAD_NS))

    def _tell_all(self, order: Order, but: int | None = None) -> None:
        for worker in tuple(self._active):
            if worker != but:
                self._links.send(worker, order)

    def hear(self, worker: int, word: Word, now_ns: int) -> None:
        """A worker says something."""
        self._now_ns = now_ns
        member = self._active.get(worker)
        if member is None:
            return
        member.quiet_ns = 0
        match word:
            case Told():
                self._told(member, word)
            case Asks():
                member.has_asked = True
                self._decide_if_all_ask()
            case Done():
                member.done = word
                self._leave(worker)
            case Crashed():
                self.fail(word.text, worker)

    def fail(self, text: str, worker: int | None = None) -> None:
        """There is a bug, here or in a worker, which then has stopped itself. The others end in order."""
        self._has_crashed = True
        self._links.on_crash(text)
        self._tell_all(Stop("crashed"), but=worker)

    def _told(self, member: _Member, told: Told) -> None:
        member.told = max(member.told, told.number)
        if told.number < self._next:
            member.late.append(told)
        else:
            member.waiting[told.number] = told
        self._tell_complete()

    def lose(self, worker: int, why: str, now_ns: int) -> None:
        """It is there no more. One that had said that it is done is no loss."""
        self._now_ns = now_ns
        member = self._active.get(worker)
        if member is not None:
            self._found_lost.append(Lost(worker + 1, len(self._all), member.told, why))
            if self._plan.search is not None:  # its loads would be less than what they are called
                self._tell_all(Stop(LOST), but=worker)
            self._leave(worker)

    def _leave(self, worker: int) -> None:
        del self._active[worker]
        self._tell_complete()
        if self._active:
            self._decide_if_all_ask()
        else:
            self._finish()

    def tick(self, now_ns: int) -> None:
        """Every TICK. Silence is counted in ticks: while this process was held up, nobody else is to blame."""
        self._now_ns = now_ns
        for worker, member in tuple(self._active.items()):
            member.quiet_ns += TICK_NS
            if member.quiet_ns > SILENCE_NS:
                self._links.kill(worker)
                self.lose(worker, f"it said nothing for {SILENCE_NS // SECOND} s", now_ns)
        overdue_ns = now_ns - self._start_ns - PATIENCE_NS
        while self._next * SECOND < overdue_ns and self._is_known(self._next):
            self._tell()
        if self._plan.for_ns < overdue_ns:
            self._decide_if_any_asks()

    # seconds

    def _is_known(self, second: int) -> bool:
        return any(member.told >= second for member in self._all)

    def _tell_complete(self) -> None:
        """All seconds that every worker has told of."""
        while self._is_known(self._next) and all(m.told >= self._next for m in self._active.values()):
            self._tell()

    def _tell(self) -> None:
        number, self._next = self._next, self._next + 1
        heard: list[tuple[int, Told]] = []
        for worker, member in enumerate(self._all):
            heard += [(worker, told) for told in member.late]
            member.late.clear()
            if (told := member.waiting.pop(number, None)) is not None:
                heard.append((worker, told))
        lost, self._found_lost = tuple(self._found_lost), []
        self._pilot.hear(merged(number, heard, lost))

    # the planned end

    def _decide_if_all_ask(self) -> None:
        if all(member.has_asked for member in self._active.values()):
            self._decide_if_any_asks()

    def _decide_if_any_asks(self) -> None:
        if not self._is_decided and any(member.has_asked for member in self._active.values()):
            self._is_decided = True
            self._tell_all(Decide(self._pilot.is_close()))

    # the end

    def _finish(self) -> None:
        if self._is_over:
            return
        self._is_over = True
        while self._is_known(self._next) or self._found_lost or any(member.late for member in self._all):
            self._tell()
        self._links.on_done(self.ending())

    def ending(self) -> Ending:
        """How it ended, by all that is known."""
        endings = [done.ending for done in self.done]
        if not endings:
            reason = "crashed" if self._has_crashed else LOST
            return Ending(reason, max(member.told for member in self._all) * SECOND, 0, 0)
        return Ending(
            "crashed" if self._has_crashed else min((ending.reason for ending in endings), key=REASONS.index),
            max(ending.ended_ns for ending in endings),
            sum(ending.unfinished for ending in endings),
            sum(ending.waits for ending in endings),
            sum(ending.left for ending in endings),
        )

    @property
    def sent_again(self) -> int:
        """Requests that met a connection which was just being closed."""
        return sum(done.sent_again for done in self.done)

    @property
    def first_errors(self) -> Mapping[str, str]:
        """For each error kind, the first texts that say more than the kind does."""
        return all_of(done.first_errors for done in self.done)
