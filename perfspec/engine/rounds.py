"""What a round is, whoever makes it: its names, its flow, how it ends, and the wait after it that it may cost.

Closed users and arrivals share this; they differ in who begins a round and when.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from perfspec.base import random
from perfspec.base.clock import MILLISECOND
from perfspec.data import Draw
from perfspec.engine.lanes import Lane, User
from perfspec.engine.visits import Visits, back_off
from perfspec.metrics.error_kinds import GENERATOR_KINDS, UNREACHABLE_KINDS
from perfspec.metrics.series import Key, Registry, Series
from perfspec.steps.runtime import CUT_OFF, ON_PURPOSE, STOP_USER, UNFINISHED, USED_UP, EndRound, Program, Run, Vars

__all__ = ["GOLDEN", "BoundFlow", "Generators", "Rounds"]

WAIT_KINDS = UNREACHABLE_KINDS | GENERATOR_KINDS | {"unsendable"}
IDLE_WAIT_NS = 10 * MILLISECOND
"""After a round that had nothing to send: it must not spin."""
BROKEN = "expression "
"""How the kinds begin by which a round ends whose condition or list could not be computed."""
GOLDEN = 0x9E3779B97F4A7C15
"""2^64 / the golden ratio: multiples of it, modulo 2^64, spread evenly over every prefix."""
_MASK = (1 << 64) - 1
Generators: TypeAlias = Mapping[str, Draw]


@dataclass(frozen=True, slots=True)
class BoundFlow:
    name: str
    weight: float
    program: Program
    rounds: Series


class Rounds:
    def __init__(
        self,
        flows: Sequence[BoundFlow],
        registry: Registry,
        generators: Generators,
        visits: Visits,
    ) -> None:
        self._flows = flows
        self._weight = sum(flow.weight for flow in flows)
        self._registry = registry
        self._generators = generators
        self._visits = visits
        self._shared = visits.shared
        self.waits = 0
        """How often a user waited because nobody was there."""
        self.unfinished = 0
        """Waits that were not over when the load ended."""

    def of_user(self, user: User) -> Run:
        """A user's stay: what it does first, its rounds, what it does last. Ends quietly when the load does."""
        lane = user.lane
        lane.vars = names = Vars()
        names.generators, names.draws = self._generators, user.draws
        try:
            while (kind := (yield from self._visits.come(user, names))) is not None:
                if kind in CUT_OFF or user.stopping:
                    return
                lane.pause(back_off(user))
                yield
                lane.due = 0
        except EndRound:
            return
        user.misses = 0
        yield from self._rounds(user, names)
        yield from self._visits.go(user, names)

    def _rounds(self, user: User, names: Vars) -> Run:
        """One after the other, until the user has to leave or the load ends."""
        lane = user.lane
        try:
            while not user.stopping:
                user.round += 1
                self._begin(user, names)
                flow = self._choose(user.person + user.round * GOLDEN)
                begin, turn = lane.due or lane.now(), lane.turn
                _forget_misses(lane)
                kind = None
                try:
                    yield from flow.program(lane)
                except EndRound as end:
                    kind = end.kind
                    if kind == USED_UP:
                        self._count_used_up(lane, end)
                    if kind in CUT_OFF:
                        self.unfinished += kind == UNFINISHED
                        return
                    if kind in ON_PURPOSE:
                        if kind == STOP_USER:
                            user.is_done = user.stopping = True
                        kind = None
                flow.rounds.round(begin, lane.now() - begin, kind, missed=_has_missed(lane))
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

    def _begin(self, user: User, names: Vars) -> None:
        names.clear()
        names.update(self._shared)
        names.update(user.names)
        names["user.number"] = user.number
        names["round.number"] = user.round
        names.base = random.base(user.person, user.round)
        names.step = 0

    def _choose(self, place: int) -> BoundFlow:
        """Steps through the weights by the golden ratio: every stretch of places has nearly the asked mix."""
        flows = self._flows
        if len(flows) > 1:
            at = (place & _MASK) * 2.0**-64 * self._weight
            for flow in flows:
                at -= flow.weight
                if at < 0:
                    return flow
        return flows[-1]

    def _count_used_up(self, lane: Lane, end: EndRound) -> None:
        """The user leaves; whoever reads the report must know why it got quiet."""
        lane.driver.first_errors.setdefault(USED_UP, f"{end.__cause__ or 'no row is left'}; who finds none leaves")

    def _count_broken(self, flow: BoundFlow, begin_ns: int, kind: str) -> None:
        """A step that could not be carried out sent nothing; it fails the round as a request would, under its flow."""
        self._registry.series(Key(f"flow {flow.name}", flow=flow.name)).value(begin_ns, 0, kind)

    def _wait(self, user: User, kind: str | None, *, idle: bool) -> int:
        """Nobody there, or nothing could be sent: wait 0.1 s, 0.2 s ... 1 s, each between half and whole, by chance."""
        if kind not in WAIT_KINDS:
            user.misses = 0
            return IDLE_WAIT_NS if idle else 0
        self.waits += 1
        return back_off(user)


def _lanes(lane: Lane) -> Iterator[Lane]:
    """A lane and those that it has forked."""
    yield lane
    for child in (*(lane.children or ()), *(lane.spare or ())):
        yield from _lanes(child)


def _forget_misses(lane: Lane) -> None:
    lane.outcome.missed = False
    if lane.spare:
        for each in _lanes(lane):
            each.outcome.missed = False


def _has_missed(lane: Lane) -> bool:
    return lane.outcome.missed or (bool(lane.spare) and any(each.outcome.missed for each in _lanes(lane)))
