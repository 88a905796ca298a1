"""A load of hours as few numbers: slices added up as they come, by series and window of the judged time.

All that judges is a sum over a window, so a verdict is the same by the sums as by the slices. A window that is over is
kept as bytes, a tenth of what its dicts take; so a load needs hardly more room the longer it lasts.
"""

from collections.abc import Iterable
from typing import TypeAlias

from perfspec.base.clock import SECOND
from perfspec.base.codec import pack, unpack
from perfspec.metrics.rows import Row
from perfspec.metrics.series import Key, Slice
from perfspec.verdict.samples import Seconds, place, windows_of

__all__ = ["Sums"]

_Which: TypeAlias = tuple[Key, int, tuple[int, int] | None]
"""Series, standstill, window."""


class Sums:
    def __init__(self, stretches: Seconds) -> None:
        self._stretches = stretches
        self._cut = windows_of(stretches)
        self._open: dict[_Which, tuple[int, Row]] = {}
        """With the first second that brought anything."""
        self._over: dict[_Which, bytes] = {}
        """A slice each, packed."""
        self._newest = (0, 0)

    def add(self, slices: Iterable[Slice]) -> None:
        for piece in slices:
            at = place(piece.second * SECOND, self._stretches, self._cut) if piece.key.part == "load" else None
            which = piece.key, piece.late_ns, at
            _, row = self._open.get(which) or self._opened(which, piece.second)
            row.add(piece)
            if at is not None and at > self._newest:
                self._newest = at
                self._pack()

    @property
    def slices(self) -> list[Slice]:
        over = [unpack(packed, Slice) for packed in self._over.values()]
        return over + [_as_slice(which, *found) for which, found in self._open.items()]

    def _opened(self, which: _Which, second: int) -> tuple[int, Row]:
        """Late answers belong to a window that is over."""
        row, packed = Row(), self._over.pop(which, None)
        if packed is not None:
            before = unpack(packed, Slice)
            row.add(before)
            second = before.second
        self._open[which] = found = (second, row)
        return found

    def _pack(self) -> None:
        for which in [each for each in self._open if each[2] is not None and each[2] < self._newest]:
            self._over[which] = pack(_as_slice(which, *self._open.pop(which)))


def _as_slice(which: _Which, second: int, row: Row) -> Slice:
    key, late_ns, _ = which
    return row.as_slice(key, second, late_ns=late_ns)
