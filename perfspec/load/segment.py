"""A segment: which of a run's global indices (users, arrivals, rows, tokens) one process has. Nothing is scaled.

Every run is a segment run; one process has `Segment(0, (1,))`. The owner of an index is found by smooth weighted round
robin, so every prefix of every index space is split within one unit of its exact share.
"""

from bisect import bisect_left
from functools import cached_property
from math import gcd

import msgspec

__all__ = ["WHOLE", "Segment"]


class Segment(msgspec.Struct, frozen=True, dict=True):
    index: int = 0
    weights: tuple[int, ...] = (1,)

    @cached_property
    def _cycle(self) -> tuple[int, ...]:
        return _owners(self.weights)

    @cached_property
    def _mine(self) -> tuple[int, ...]:
        return tuple(place for place, owner in enumerate(self._cycle) if owner == self.index)

    @property
    def is_whole(self) -> bool:
        return len(self.weights) == 1

    def owns(self, index: int) -> bool:
        cycle = self._cycle
        return cycle[index % len(cycle)] == self.index

    def share(self, total: int) -> int:
        """How many of the indices below `total` are mine; over all segments they add up to it."""
        cycles, rest = divmod(total, len(self._cycle))
        return cycles * len(self._mine) + bisect_left(self._mine, rest)


def _owners(weights: tuple[int, ...]) -> tuple[int, ...]:
    common = gcd(*weights)
    parts = [weight // common for weight in weights]
    total = sum(parts)
    standing = [0] * len(parts)
    owners = []
    for _ in range(total):
        standing = [now + part for now, part in zip(standing, parts, strict=True)]
        first = max(range(len(parts)), key=lambda i: (standing[i], -i))
        standing[first] -= total
        owners.append(first)
    return tuple(owners)


WHOLE = Segment()
