"""Is the service that a search loads still there? Nobody is, where for ten seconds nothing came but that nobody is.

A service that has too much to do is slow, or says that it has; it refuses nobody for so long. A higher load, or a lower
one, would find out nothing more.
"""

from collections import Counter
from collections.abc import Iterable

from perfspec.metrics.error_kinds import UNREACHABLE_KINDS
from perfspec.metrics.rows import total
from perfspec.metrics.series import Slice

__all__ = ["Silence"]

SECONDS = 10
FEWEST = 5
"""Requests that found nobody."""


class Silence:
    def __init__(self) -> None:
        self.since_s: int | None = None
        """The first second in which nobody was there."""
        self._kinds: Counter[str] = Counter()

    def second(self, number: int, slices: Iterable[Slice]) -> str:
        """What came in the second before this one. The kinds of failure where nobody is there any more; else empty."""
        heard = total(slices, lambda piece: piece.key.part == "load" and piece.key.timer in ("", "poll"))
        lost = {kind: n for kind, n in heard.errors.items() if kind in UNREACHABLE_KINDS}
        if sum(lost.values()) < heard.n:  # somebody answered, or was slow, or this machine could not ask
            self.since_s = None
            self._kinds.clear()
        elif lost and self.since_s is None:
            self.since_s = number - 1
        self._kinds.update(lost)
        if self.since_s is None or not lost or number - self.since_s < SECONDS or self._kinds.total() < FEWEST:
            return ""
        fewest = self._kinds.total() / 10  # connections that broke in its last moment are not how it is now
        return ", ".join(kind for kind, n in self._kinds.most_common(2) if n >= fewest)
