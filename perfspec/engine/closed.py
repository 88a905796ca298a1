"""The closed model: so many users at a time. Each begins a round, ends it, and begins the next until it has to leave.

Leaving (a falling ramp) is after the round. A user that joins again is the same user, in its next round; one that
left by `stop: user` does not come back.
"""

from collections.abc import Callable, Iterator

from perfspec.base import random
from perfspec.engine.driver import Driver
from perfspec.engine.lanes import Lane, User
from perfspec.engine.rounds import Rounds
from perfspec.load import Users
from perfspec.plan.model import PlannedPhase

__all__ = ["Closed"]


class Closed:
    def __init__(self, driver: Driver, seed: int, rounds: Rounds, on_left: Callable[[], None]) -> None:
        """`on_left` is called whenever somebody has left."""
        self._driver = driver
        self._seed = seed
        self._rounds = rounds
        self._on_left = on_left
        self._users: list[User] = []
        self._is_ending = False
        self.live = 0

    def begin(self, phase: PlannedPhase, at_ns: int) -> None:
        """A phase begins, at this planned instant: who is there, and who joins or leaves when."""
        users: Users = phase.users
        rising = users.start < users.end
        for number in range(max(len(self._users), users.start)):
            (self._join if number < users.start else self._leave)(number)
        for offset, number in users.changes(phase.for_ns):
            self._driver.call_at(at_ns + offset, self._join if rising else self._leave, number)

    def lanes(self) -> Iterator[Lane]:
        return (user.lane for user in self._users)

    def end(self) -> None:
        """Nobody joins any more, everybody leaves after the round."""
        self._is_ending = True
        for user in self._users:
            user.stopping = True

    def _join(self, number: int) -> None:
        if self._is_ending:
            return
        while len(self._users) <= number:
            n = len(self._users)
            self._users.append(User(n + 1, random.person(self._seed, n + 1), Lane(self._driver, n)))
        user = self._users[number]
        if user.is_done:
            return
        user.stopping = False
        if user.lane.gen is None:
            self.live += 1
            user.lane.run(self._rounds.of_user(user), self._left)

    def _leave(self, number: int) -> None:
        if number < len(self._users):
            self._users[number].stopping = True

    def _left(self, lane: Lane, _kind: str | None) -> None:
        self.live -= 1
        lane.release()
        self._on_left()
