"""The closed model: so many users at a time. Each begins a round, ends it, and begins the next until it has to leave.

Leaving (a falling ramp) is after the round. A user that joins again is the same user, in its next round; one that
left by `stop: user` does not come back. A phase of rounds gives each of its users an equal share of them: round m of
the phase is user m modulo users, so who makes which round depends on no one's speed.
"""

from collections.abc import Callable, Iterator

from perfspec.base import random
from perfspec.engine.driver import Driver
from perfspec.engine.lanes import Lane, User
from perfspec.engine.rounds import Rounds
from perfspec.load import Segment, Users
from perfspec.plan.model import PlannedPhase

__all__ = ["Closed"]

ENDLESS = 1 << 60


class Closed:
    def __init__(
        self, driver: Driver, seed: int, segment: Segment, rounds: Rounds, on_left: Callable[[], None]
    ) -> None:
        """`on_left` is called whenever somebody has left."""
        self._driver = driver
        self._seed = seed
        self._segment = segment
        self._rounds = rounds
        self._on_left = on_left
        self._users: dict[int, User] = {}
        self._is_ending = False
        self.is_counted = False
        """The phase is one of rounds: it is over when everybody has left."""
        self._phase = 0
        self.live = 0

    def begin(self, phase: PlannedPhase, at_ns: int) -> None:
        """A phase begins, at this planned instant: who is there, and who joins or leaves when. What is left of the one
        before it has been done by this.
        """
        self._phase += 1
        if not isinstance(phase.shape, Users):
            self.empty()
            return
        users, owns = phase.shape, self._segment.owns
        self._rounds.every_ns = phase.round_every_ns
        self.is_counted = bool(phase.rounds)
        for number in [number for number in self._users if number >= users.start]:
            self._leave(number)
        for number in filter(owns, range(users.start)):
            self._join(number, _share(phase.rounds, users.start, number))
        change = self._rise if users.start < users.end else self._fall
        for offset, number in users.changes(phase.for_ns):
            if owns(number):
                self._driver.call_at(at_ns + offset, change, (number, self._phase))

    def empty(self) -> None:
        """Everybody leaves after the round."""
        for user in self._users.values():
            user.stopping = True

    def lanes(self) -> Iterator[Lane]:
        return (user.lane for user in self._users.values())

    def end(self) -> None:
        """Nobody joins any more, everybody leaves after the round."""
        self._is_ending = True
        self.empty()

    def _rise(self, who: tuple[int, int]) -> None:
        number, phase = who
        if phase == self._phase:
            self._join(number, ENDLESS)

    def _fall(self, who: tuple[int, int]) -> None:
        number, phase = who
        if phase == self._phase:
            self._leave(number)

    def _join(self, number: int, rounds: int) -> None:
        if self._is_ending:
            return
        user = self._users.get(number)
        if user is None:
            person = random.person(self._seed, number + 1)
            user = self._users[number] = User(number + 1, person, Lane(self._driver, number))
        if user.is_done:
            return
        user.stopping = False
        user.last_round = user.round + rounds
        if user.lane.gen is None:
            self.live += 1
            user.lane.run(self._rounds.of_user(user), self._left)

    def _leave(self, number: int) -> None:
        if number in self._users:
            self._users[number].stopping = True

    def _left(self, lane: Lane, _kind: str | None) -> None:
        self.live -= 1
        lane.release()
        self._on_left()


def _share(rounds: int, users: int, number: int) -> int:
    return rounds // users + (number < rounds % users) if rounds else ENDLESS
