"""`find_limit`: grow the load by half until a threshold breaks, then halve the gap until it is narrow, then confirm.

A step that breaks is repeated once: an unlucky one would end the growing far too low. What was met is held three times
as long at the end; if it breaks then, the next lower load that was met is narrowed down and confirmed, and no more.

A load beyond what the load generator, or the environment's ceiling, can do says nothing of the service. It is an upper
end like any other while the gap is narrowed, but the answer is then "at least", not a bracket.

    growing -> narrowing -> confirming -> over

A rate that was not met leaves people behind who still wait, and the next one would be judged by their queue. So nobody
comes until no more of them wait than did at the last load that was met, for at most half as long as a load is held.
Users who wait for their answers leave no more of a queue than they are, and go on at once.
"""

from fractions import Fraction
from math import ceil, floor, log10
from typing import Literal

import msgspec

from perfspec.base.clock import SECOND
from perfspec.diagnostics.source import Span
from perfspec.load.arrivals import Arrivals
from perfspec.load.users import Users

__all__ = ["CONFIRM", "Beyond", "Hunt", "Search"]

GROWTH = Fraction(3, 2)
CONFIRM = 3
"""How many times as long the last load is held."""
CONFIRMATIONS = 2
SETTLE = Fraction(1, 4)
"""Not judged at the beginning of each step."""
Level = Fraction
Doing = Literal["growing", "narrowing", "confirming", "over"]
Beyond = Literal["", "service", "generator", "ceiling"]
"""Whose limit a load went beyond; empty: nobody's, it was met."""


class Search(msgspec.Struct, frozen=True):
    by: Literal["users", "arrivals"]
    low: Fraction
    high: Fraction
    hold_ns: int
    precision: Fraction
    at_most: int
    span: Span
    is_capped: bool = False
    """`at_most` is the environment's, which allows no more users at a time."""

    def shape(self, level: Level) -> Users | Arrivals:
        if self.by == "users":
            return Users(int(level), int(level))
        return Arrivals(level, level, self.at_most)

    @property
    def rest_ns(self) -> int:
        """How long nobody may come after a load that was not met."""
        return max(self.hold_ns // 2, SECOND) if self.by == "arrivals" else 0

    @property
    def nobody(self) -> Arrivals:
        return Arrivals(Fraction(0), Fraction(0), self.at_most)

    def say(self, level: Level) -> str:
        """The load in words: `72 users`, `12.5 arrivals/s`."""
        return f"{int(level)} users" if self.by == "users" else f"{float(level):g} arrivals/s"

    def grown(self, level: Level) -> Level:
        return min(self._rounded(level * GROWTH, level), self.high)

    def between(self, met: Level, failed: Level) -> Level | None:
        """The load in the middle; None where the gap is narrow enough."""
        if failed - met <= self.precision * failed:
            return None
        middle = self._rounded((met + failed) / 2, met)
        return middle if met < middle < failed else None

    def _rounded(self, level: Level, above: Level) -> Level:
        """Whole users; three digits of a rate. More than `above` in any case."""
        if self.by == "users":
            return max(Fraction(floor(level)), above + 1)
        digits = 10 ** (2 - floor(log10(level)))
        rounded = Fraction(round(level * digits)) / digits if digits >= 1 else Fraction(round(level))
        return rounded if rounded > above else level

    @property
    def most_steps(self) -> tuple[int, int]:
        """(steps, confirmations) that it takes when everything is close: every step is repeated."""
        growing, level = 1, self.low
        while level < self.high:
            growing, level = growing + 1, self.grown(level)
        return 2 * (growing + self._halvings * CONFIRMATIONS), CONFIRMATIONS

    @property
    def usual_steps(self) -> tuple[int, int]:
        """The same for a search whose limit is the upper end, and of which nothing has to be repeated."""
        return self.most_steps[0] // 2 - self._halvings * (CONFIRMATIONS - 1), 1

    @property
    def _halvings(self) -> int:
        gap, halvings = 1 - 1 / GROWTH, 0
        while gap > self.precision:
            gap, halvings = gap / 2, halvings + 1
        return halvings


class Hunt:
    """A search under way: which load is next, given how those before it ended."""

    def __init__(self, search: Search) -> None:
        self._search = search
        self._met: list[Level] = []
        self._first_try: Beyond = ""
        """How the load that is held once more ended."""
        self._confirmations = 0
        self.level: Level = search.low
        self.doing: Doing = "growing"
        self.failed: Level | None = None
        """The lowest load that broke a threshold, twice; or when it was confirmed."""
        self.stopped: Level | None = None
        """The lowest load that something else than the service could not do."""
        self.stopped_by: Beyond = ""
        self.is_confirmed = False

    @property
    def met(self) -> Level | None:
        """The highest load below every one that failed at which all thresholds held."""
        return self._met[-1] if self._met else None

    @property
    def upper(self) -> Level | None:
        """The lowest load that was not met, whoever's limit it is beyond."""
        return min((level for level in (self.failed, self.stopped) if level is not None), default=None)

    @property
    def hold_ns(self) -> int:
        return self._search.hold_ns * (CONFIRM if self.doing == "confirming" else 1)

    @property
    def settle_ns(self) -> int:
        return ceil(self._search.hold_ns * SETTLE)

    def tell(self, beyond: Beyond) -> None:
        """How the step at `level` ended."""
        first, self._first_try = self._first_try, ""
        if self.doing == "confirming":
            self._confirmed(beyond)
        elif not beyond:
            self._met.append(self.level)
            self._go_on()
        elif not first:
            self._first_try = beyond
        else:  # the service has failed only if it failed twice
            self._end_at(beyond if first == "service" else first)
            self._go_on()

    def _end_at(self, beyond: Beyond) -> None:
        if beyond == "service":
            self.failed = self.level
        else:
            self.stopped, self.stopped_by = self.level, beyond

    def _confirmed(self, beyond: Beyond) -> None:
        self._confirmations += 1
        if not beyond:
            self.is_confirmed = True
            self.doing = "over"
            return
        if beyond == "service":
            self.failed = self._met.pop()
        if self._confirmations == CONFIRMATIONS:
            self.doing = "over"
        elif beyond == "service":
            self._go_on()

    def _go_on(self) -> None:
        met, upper, search = self.met, self.upper, self._search
        if met is None:
            self.doing = "over"
        elif upper is None and met < search.high:
            self.doing, self.level = "growing", search.grown(met)
        elif upper is not None and (middle := search.between(met, upper)) is not None:
            self.doing, self.level = "narrowing", middle
        else:
            self.doing, self.level = "confirming", met
