"""What a virtual user does before its first round and after its last one: `each_user`.

Drawn data is the same before and after (that of round 0, which is nobody's). What is captured before the first round is
known in all rounds of this stay. Who could not begin has no round. The end of the load does not take away the end of a
visit: it is sent all the same, within the grace time.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from perfspec.base import random
from perfspec.base.clock import MILLISECOND, SECOND
from perfspec.engine.lanes import User
from perfspec.steps.runtime import STOP_USER, EndRound, Outcome, Program, Vars

__all__ = ["Coming", "Visits", "back_off"]

FIRST_WAIT_NS = 100 * MILLISECOND
LONGEST_WAIT_NS = SECOND
Coming: TypeAlias = Generator[None, Outcome | str | None, EndRound | None]


def back_off(user: User) -> int:
    """0.1 s, 0.2 s ... 1 s, each between half and whole, by chance."""
    user.misses += 1
    longest = min(LONGEST_WAIT_NS, FIRST_WAIT_NS << min(user.misses - 1, 6))
    return int(longest * (0.5 + random.unit(user.lane.vars.base, user.misses) / 2))


@dataclass(frozen=True, slots=True)
class Visits:
    first: "Program | None" = None
    last: "Program | None" = None
    binds: frozenset[str] = frozenset()
    """The names that `first` gives a value."""
    shared: Mapping[str, object] = field(default_factory=dict)
    """What setup captured."""

    def come(self, user: User, names: Vars) -> Coming:
        """Before the first round. Returns None if it can begin, else how the user failed to."""
        user.names = {}
        if self.first is None:
            return None
        self._begin(user, names)
        try:
            yield from self.first(user.lane)
        except EndRound as end:
            if end.kind != STOP_USER:
                return end
            user.is_done = user.stopping = True
        user.names = {name: names[name] for name in self.binds if name in names}
        return None

    def go(self, user: User, names: Vars) -> Coming:
        """After the last round, be it whole or cut off. Returns what ended it before its end."""
        if self.last is None:
            return None
        lane = user.lane
        lane.leave()
        self._begin(user, names)
        names.update(user.names)
        try:
            yield from self.last(lane)
        except EndRound as end:  # what failed is in its numbers; there is no round to end
            return end
        finally:
            lane.is_leaving = False
        return None

    def _begin(self, user: User, names: Vars) -> None:
        names.clear()
        names.update(self.shared)
        names["user.number"] = user.number
        names.base, names.step = random.base(user.person, 0), 0
