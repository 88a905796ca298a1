"""What a round is, whoever makes it: its names, its flow, how it ends, and the wait after it that it may cost.

Closed users and arrivals share this; they differ in who begins a round and when.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from perfspec.base import random
from perfspec.base.clock import MILLISECOND
from perfspec.data import Draw
from perfspec.engine.lanes import Lane, User
from perfspec.engine.visits import Visits, back_off
from perfspec.metrics.error_kinds import (
    GENERATOR_KINDS,
    NO_ANSWER_KINDS,
    NO_PATH,
    UNREACHABLE_KINDS,
    UNSENDABLE,
)
from perfspec.metrics.series import ARRIVAL, ARRIVALS, Key, Registry, Series
from perfspec.steps.runtime import (
    CUT_OFF,
    ON_PURPOSE,
    STOP_USER,
    UNFINISHED,
    USED_UP,
    EndRound,
    Outcome,
    Program,
    Run,
    Vars,
)

__all__ = ["GOLDEN", "BoundFlow", "Generators", "Rounds"]

WAIT_KINDS = UNREACHABLE_KINDS | GENERATOR_KINDS | {UNSENDABLE, NO_PATH}
IDLE_WAIT_NS = 10 * MILLISECOND
"""After a round that had nothing to send: it must not spin."""
BROKEN = "expression "
"""How the kinds begin by which a round ends whose condition or list could not be computed."""
GOLDEN = 0x9E3779B97F4A7C15
"""2^64 / the golden ratio: multiples of it, modulo 2^64, spread evenly over every prefix."""
SILVER = 0x6A09E667F3BCC908
"""2^64 * (the root of 2, less 1), for users: with it the rounds of all of them together spread as evenly."""
MIX = random.site("mix")
OWN_NAMES = 2
"""Names that every round has: of its user, and its own number."""
_MASK = (1 << 64) - 1
Generators: TypeAlias = Mapping[str, Draw]


@dataclass(frozen=True, slots=True)
class BoundFlow:
    name: str
    weight: float
    program: Program
    rounds: Series
    pauses: bool = False
    """Whoever is in it pauses; so nobody may hurry whose round a failure cut short of its pauses."""


class Rounds:
    def __init__(
        self,
        flows: Sequence[BoundFlow],
        registry: Registry,
        generators: Generators,
        visits: Visits,
        seed: int,
    ) -> None:
        self._flows = flows
        self._only_flow = flows[0] if len(flows) == 1 else None
        self._weight = sum(flow.weight for flow in flows)
        self._registry = registry
        self._generators = generators
        self._visits = visits
        self._shared = visits.shared
        self._place = random.person(seed, MIX)
        self.every_ns = 0
        """From the beginning of a user's round to that of its next; 0: at once."""
        self.waits = 0
        """How often a user waited because nobody was there."""
        self.unfinished = 0
        """Waits that were not over when the load ended."""
        self.left = 0
        """How often a user left because no row or number was left for it."""

    def of_user(self, user: User) -> Run:
        """A user's stay: what it does first, its rounds, what it does last. Ends quietly when the load does."""
        lane = user.lane
        lane.due = 0
        lane.vars = names = Vars()
        names.generators, names.draws = self._generators, user.draws
        try:
            while (end := (yield from self._visits.come(user, names))) is not None:
                if self._is_cut_off(lane, end):
                    return
                flow = self._choose(self._place_of(user) + (user.round + 1) * GOLDEN)
                self._miss_round(flow, lane.outcome.due or lane.now(), end.kind)
                if user.stopping:
                    return
                lane.pause(back_off(user))
                yield
                lane.due = 0
        except EndRound:
            return
        user.misses = 0
        yield from self._rounds(user, names)
        lane.due = 0
        self._is_cut_off(lane, (yield from self._visits.go(user, names)))

    def _rounds(self, user: User, names: Vars) -> Run:
        """One after the other, until the user has to leave or the load ends."""
        lane = user.lane
        now, outcome, place, only_flow = lane.now, lane.outcome, self._place_of(user), self._only_flow
        try:
            while not user.stopping and user.round < user.last_round:
                self._begin(user, names)
                flow = only_flow or self._choose(place + user.round * GOLDEN)
                begin, turn, kind = lane.due or now(), lane.turn, None
                outcome.missed = idle = False
                program = flow.program
                try:
                    yield from program(lane)
                except EndRound as end:
                    kind = self._kind(user, end)
                    if kind in CUT_OFF:
                        return
                end_ns = outcome.last
                if lane.turn != turn or end_ns < begin:  # else its last answer was the last of it
                    end_ns, idle = now(), lane.turn == turn
                if flow.rounds.value(begin, end_ns - begin, kind) or outcome.missed:
                    flow.rounds.miss()
                if kind is None and not idle and not self.every_ns:  # as nearly always
                    user.misses = 0
                    continue
                yield from self._between(user, flow, kind, begin, idle=idle)
        except EndRound:
            return

    def of_arrival(self, user: User, number: int) -> Run:
        """The stay of somebody who came, of one round. The first request is due when the arrival was."""
        lane = user.lane
        lane.vars = names = Vars()
        names.generators, names.draws = self._generators, user.draws
        flow, due = self._of_number(number), lane.due
        try:
            end = yield from self._visits.come(user, names)
        except EndRound:
            return
        if end is None and not user.stopping:
            yield from self._only(user, names, flow)
            self._is_cut_off(lane, (yield from self._visits.go(user, names)))
        elif end is not None and not self._is_cut_off(lane, end):
            self._miss_round(flow, due, end.kind)

    def _only(self, user: User, names: Vars, flow: BoundFlow) -> Run:
        """One round."""
        lane = user.lane
        self._begin(user, names)
        begin, kind = lane.due or lane.now(), None
        lane.outcome.missed = False
        try:
            yield from flow.program(lane)
        except EndRound as end:
            kind = self._kind(user, end)
            if kind in CUT_OFF:
                return
        if flow.rounds.value(begin, lane.now() - begin, kind) or lane.outcome.missed:
            flow.rounds.miss()
        self._count_broken(flow, begin, kind)

    def drop(self, number: int, due_ns: int, kind: str) -> None:
        """Somebody was to come, and found no place or was not sent."""
        self._miss_round(self._of_number(number), due_ns, kind)

    def _miss_round(self, flow: BoundFlow, due_ns: int, kind: str) -> None:
        """Who found no place, or did not get through `each_user.first`: requests of the flow were due, and could not
        even be sent. That is over every limit of the flow's rows; else a service would look the better the fewer it
        lets in.
        """
        series = self._registry.series(Key(ARRIVALS, ARRIVAL, flow=flow.name))
        if kind in NO_ANSWER_KINDS or kind.startswith("status 5"):
            missed = Outcome()
            missed.due, missed.error = due_ns, kind
            series.record(missed, kind)
        else:
            series.value(due_ns, 0, kind)
        series.miss()

    def _place_of(self, user: User) -> int:
        """Every stretch of a user's rounds has the asked mix, and so have all users together, however few they make."""
        return self._place + user.number * SILVER

    def _of_number(self, number: int) -> BoundFlow:
        """Every stretch of arrivals has the asked mix, whichever process they come to."""
        return self._choose(self._place + number * GOLDEN)

    def _begin(self, user: User, names: Vars) -> None:
        """The user's next round."""
        user.round = number = user.round + 1
        if len(names) != OWN_NAMES:  # else it holds nothing but these
            names.clear()
            names.update(self._shared)
            names.update(user.names)
            names["user.number"] = user.number
        names["round.number"] = number
        names.base = random.base(user.person, number)
        names.step = 0

    def _kind(self, user: User, end: EndRound) -> str | None:
        """Of the failure or the cut by which a round ended; None if that was its purpose."""
        self._is_cut_off(user.lane, end)
        if end.kind not in ON_PURPOSE:
            return end.kind
        user.is_done = end.kind == STOP_USER
        user.stopping |= user.is_done
        return None

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

    def _is_cut_off(self, lane: Lane, end: EndRound | None) -> bool:
        """Did the end of the load, or of the data, cut it off? Waits that were not over are counted, and users that
        leave: whoever reads the report must know why it got quiet.
        """
        if end is None or end.kind not in CUT_OFF:
            return False
        self.unfinished += end.kind == UNFINISHED
        if end.kind == USED_UP:
            self.left += 1
            text = f"{end.__cause__ or 'no row is left'}; who finds none leaves"
            lane.driver.first_errors.setdefault(USED_UP, text)
        return True

    def _count_broken(self, flow: BoundFlow, begin_ns: int, kind: str | None) -> None:
        """A step that could not be carried out sent nothing; it fails the round as a request would, under its flow."""
        if kind is not None and kind.startswith(BROKEN):
            self._registry.series(Key(f"flow {flow.name}", flow=flow.name)).value(begin_ns, 0, kind)

    def _between(self, user: User, flow: BoundFlow, kind: str | None, begin_ns: int, *, idle: bool) -> Run:
        """Until the next round can begin; it is due when it was planned, however late that is."""
        lane = user.lane
        self._count_broken(flow, begin_ns, kind)
        wait_ns = self._wait(user, flow, kind, begin_ns, idle=idle)
        if wait_ns > 0:
            lane.pause(wait_ns)
            yield
            lane.due = 0
        if self.every_ns:
            lane.due = begin_ns + self.every_ns

    def _wait(self, user: User, flow: BoundFlow, kind: str | None, begin_ns: int, *, idle: bool) -> int:
        """Until the next round is due; or nobody is there, nothing could be sent, or a round was cut short."""
        wait_ns = 0
        if kind in WAIT_KINDS:
            self.waits += kind not in (UNSENDABLE, NO_PATH)  # nobody was asked
            wait_ns = back_off(user)
        elif kind is not None and flow.pauses:
            wait_ns = back_off(user)
        else:
            user.misses = 0
            if idle:
                wait_ns = IDLE_WAIT_NS
        if self.every_ns and user.round < user.last_round and not user.stopping:
            return max(wait_ns, begin_ns + self.every_ns - user.lane.now())
        return wait_ns
