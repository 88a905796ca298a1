"""`users: 50`, `users: ramp 0 to 50`: the closed model. Each user waits for its answers before it goes on.

User k (from 0) is there while the line is above k + 1/2, so the area under the steps is the area under the line.
"""

from collections.abc import Iterator

import msgspec

__all__ = ["Users"]


class Users(msgspec.Struct, frozen=True, tag="users"):
    start: int
    end: int

    def at(self, offset_ns: int, for_ns: int) -> int:
        """Users there at this moment of the phase."""
        if self.start == self.end:
            return self.end
        line = self.start + (self.end - self.start) * offset_ns / for_ns
        return int(line + 0.5)

    def user_ns(self, from_ns: int, to_ns: int, for_ns: int) -> float:
        """User-time between two moments of the phase: the area under the line."""
        slope = (self.end - self.start) / for_ns
        return (to_ns - from_ns) * (self.start + slope * (from_ns + to_ns) / 2)

    def changes(self, for_ns: int) -> Iterator[tuple[int, int]]:
        """(offset ns, user) of everyone who joins (rising) or leaves (falling) during the phase, in order."""
        a, b = self.start, self.end
        if a < b:
            yield from ((int((k + 0.5 - a) / (b - a) * for_ns), k) for k in range(a, b))
        elif a > b:
            yield from ((int((a - k + 0.5) / (a - b) * for_ns), k - 1) for k in range(a, b, -1))

    @property
    def most(self) -> int:
        return max(self.start, self.end)

    def describe(self) -> str:
        """As the spec says it."""
        if self.start != self.end:
            return f"ramp {self.start} to {self.end} users"
        return f"{self.end} user{'' if self.end == 1 else 's'}"
