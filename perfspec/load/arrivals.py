"""`arrivals: 20/s`, `ramp 5/s to 50/s`, `20/s poisson`: the open model. People keep coming, whatever the answers do.

Arrival n (from 0) is due where the integral of the rate reaches n + 1/2: as many come as the integral says, and at no
moment are there half an arrival too many or too few. `poisson` steps through the same integral by random gaps of mean
1, so a ramp is exact there as well. A schedule is a function of the phases and the seed; every segment makes all of it.
"""

from collections.abc import Iterator
from fractions import Fraction
from math import ceil, log, sqrt

import msgspec

from perfspec.base import random
from perfspec.base.clock import SECOND

__all__ = ["Arrivals", "Schedule"]

_HALF = Fraction(1, 2)
_SITE = random.site("arrivals")


class Arrivals(msgspec.Struct, frozen=True, tag="arrivals"):
    start: Fraction
    """Per second."""
    end: Fraction
    at_most: int
    """Users at a time; whoever would be one too many is dropped, and counted."""
    is_poisson: bool = False

    def total(self, for_ns: int) -> Fraction:
        """How many come in a phase of this length: the integral of the rate."""
        return (self.start + self.end) * for_ns / (2 * SECOND)

    def most_in(self, for_ns: int) -> int:
        """No more come in such a phase; of random arrivals, ten standard deviations above their mean."""
        total = self.total(for_ns)
        return ceil(total) + (ceil(10 * sqrt(total)) + 10 if self.is_poisson else 0)

    def between(self, from_ns: int, to_ns: int, for_ns: int) -> float:
        """How many come between two moments of the phase."""
        slope = (self.end - self.start) / for_ns
        return float((to_ns - from_ns) * (self.start + slope * (from_ns + to_ns) / 2) / SECOND)

    def offset(self, number: float, for_ns: int) -> int:
        """When the integral reaches `number`, in ns from the beginning of the phase."""
        first = float(self.start)
        slope = float(self.end - self.start) / (for_ns / SECOND)
        root = sqrt(max(first * first + 2 * slope * number, 0.0))
        seconds = 2 * number / (first + root) if first + root else 0.0
        return min(max(round(seconds * SECOND), 0), for_ns - 1)

    @property
    def most(self) -> int:
        """Users at a time, at most."""
        return self.at_most

    @property
    def most_per_s(self) -> Fraction:
        return max(self.start, self.end)

    def describe(self) -> str:
        """In words."""
        rate = f"{_rate(self.start)} arrivals/s"
        if self.start != self.end:
            rate = f"ramp {_rate(self.start)} to {_rate(self.end)} arrivals/s"
        gaps = " at random moments" if self.is_poisson else ""
        return f"{rate}{gaps}, at most {self.at_most} users at a time"


def _rate(rate: Fraction) -> str:
    return f"{float(rate):g}"


class Schedule:
    """Who arrives when, over all phases of a run. Arrivals are numbered from 0 in the order in which they are due."""

    def __init__(self, seed: int) -> None:
        self._person = random.person(seed, _SITE)
        self._passed = Fraction(0)
        """The integral over the phases before this one."""
        self._number = 0
        self._random: float | None = None
        """Where in the integral the next random arrival stands."""

    def phase(self, arrivals: Arrivals, for_ns: int) -> Iterator[tuple[int, int]]:
        """(number, offset ns) of everyone who comes in the next phase. To be exhausted before the one after it."""
        begin, end = self._passed, self._passed + arrivals.total(for_ns)
        self._passed = end
        places = self._at_random(float(begin), float(end)) if arrivals.is_poisson else _evenly(begin, end)
        for place in places:
            number, self._number = self._number, self._number + 1
            yield number, arrivals.offset(place, for_ns)

    def continue_from(self, number: int) -> None:
        """The next to come has this number: those before them are all who came of a phase that was cut short."""
        self._number = number

    def _at_random(self, begin: float, end: float) -> Iterator[float]:
        if self._random is None or self._random < begin:
            self._random = begin + self._gap()
        while self._random < end:
            yield self._random - begin
            self._random += self._gap()

    def _gap(self) -> float:
        return -log(1.0 - random.unit(self._person, self._number))


def _evenly(begin: Fraction, end: Fraction) -> Iterator[float]:
    """The halves between them, counted from `begin`."""
    offset = float(_HALF - begin)
    for number in range(ceil(begin - _HALF), ceil(end - _HALF)):
        yield number + offset
