"""Series and slices: what one request name saw, second by second.

A series keeps a slot per second in which its requests were *due*. `drain` hands the slots out as slices and starts
empty ones, so an answer that comes late makes a second slice for the same second: slices merge by addition. Every
request has two durations, response time (due to last byte) and service time (sent to last byte).

Limits are known before the run, so each slot counts exactly how many requests were over each of them. A failed request
is over every limit (a fast error page is not a fast page). A time-out has the durations it took; whoever else got no
answer has none. The histograms are for display and for limits thought of later.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from typing import Protocol

import msgspec

from perfspec.base.clock import SECOND
from perfspec.metrics import histogram
from perfspec.metrics.error_kinds import NOT_ASKED_KINDS
from perfspec.metrics.labels import MOST_COMBINATIONS, Labels

__all__ = [
    "ARRIVAL",
    "ARRIVALS",
    "NEVER",
    "Key",
    "Measured",
    "Registry",
    "Series",
    "Slice",
    "Slot",
    "StatusSeries",
]

NEVER = 1 << 62
ARRIVALS, ARRIVAL = "arrivals", "arrival"
"""Name and timer of the series of people who came and found no place: due, and never served."""
UNKNOWN = "unknown"
NO_LIMITS: tuple[int, ...] = ()
NO_STATUSES: Mapping[str, Collection[int]] = {}


class Key(msgspec.Struct, frozen=True, array_like=True):
    """Whose numbers these are. `part` is load, setup or teardown; `timer` is empty for a plain request."""

    name: str
    timer: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    part: str = "load"
    flow: str = ""


class Slice(msgspec.Struct, frozen=True):
    """What one series saw of the requests due in one second. Several may exist for one (key, second); they add up."""

    key: Key
    second: int
    """From the start of the load; of setup and teardown, from their own start."""
    n: int
    errors: dict[str, int] = {}
    unavailable: int = 0
    """Of the errors: no answer, or a status of 500 and above."""
    over: dict[int, int] = {}
    """Limit in ns -> requests that took longer, or failed."""
    response: dict[int, int] = {}
    service: dict[int, int] = {}
    statuses: dict[int, int] = {}
    """Status -> answers, of those statuses that a limit is about."""
    missed: int = 0
    """Of rounds: in which a request failed, or took longer than its limit."""
    failed_response: dict[int, int] = {}
    """Of `response`: the times of those that failed."""
    late_ns: int = 0
    """Due around a standstill of the load generator that was so long. Known when a run is judged, not while it is
    measured.
    """


class Measured(Protocol):
    """The part of an outcome that is recorded."""

    due: int
    sent: int
    last: int
    status: int
    error: str | None
    missed: bool
    """Set, never reset, when a request fails or takes longer than a single one should."""


class Slot:
    __slots__ = (
        "errors", "failed_response", "missed", "over", "prompt", "response", "service", "statuses", "unavailable",
        "untimed",
    )  # fmt: skip

    def __init__(self, limits: int) -> None:
        self.untimed = 0
        """Those that have no duration; all others are in the histograms."""
        self.errors: dict[str, int] = {}
        self.unavailable = 0
        self.over = [0] * limits
        self.prompt: defaultdict[int, int] = defaultdict(int)
        """Of those that were sent when they were due: response and service time in one."""
        self.response: defaultdict[int, int] = defaultdict(int)
        self.service: defaultdict[int, int] = defaultdict(int)
        self.statuses: dict[int, int] = {}
        self.missed = 0
        self.failed_response: dict[int, int] = {}


class Series:
    __slots__ = ("_high", "_low", "_slot", "_slots", "_start_ns", "_strictest", "held_to", "key", "limits")

    def __init__(self, key: Key, limits: tuple[int, ...], start_ns: int, held_to: int = NEVER) -> None:
        """`limits`: the longest good durations in ns. `start_ns`: where second 0 begins.

        `held_to`: the limit among them that a single request has to meet for its round to be a good one.
        """
        self.key = key
        self.held_to = held_to
        self.limits = tuple(sorted(limits))
        self._strictest = self.limits[0] if limits else NEVER
        self._start_ns = start_ns
        self._slots: dict[int, Slot] = {}
        self._slot = Slot(len(limits))
        self._low = self._high = 0

    def record(self, outcome: Measured, kind: str | None) -> None:
        """One request. The histogram's index is written out: a call would cost as much as the rest."""
        due = outcome.due
        if not self._low <= due < self._high:
            self._seek(due)
        slot = self._slot
        value = outcome.last - due
        if kind is not None or outcome.status >= 500:
            self._count_failure(slot, outcome, kind)
            if outcome.error is not None and outcome.error != "timeout":
                slot.untimed += 1
                return
        elif value > self._strictest:
            self._count_over(slot, value)
            if value > self.held_to:
                outcome.missed = True
        value //= 1000
        i = value if value < 2048 else ((b := value.bit_length() - 11) << 10) + (value >> b)
        sent = outcome.sent
        if sent is due:  # stamped at once
            slot.prompt[i] += 1
            return
        slot.response[i] += 1
        value = (outcome.last - sent) // 1000
        slot.service[value if value < 2048 else ((b := value.bit_length() - 11) << 10) + (value >> b)] += 1

    def value(self, due_ns: int, ns: int, kind: str | None = None) -> bool:
        """A timer that is no request: a wait, a round. One that failed is over every limit and has no duration.

        Says whether it failed or took longer than a single one should.
        """
        if not self._low <= due_ns < self._high:
            self._seek(due_ns)
        slot = self._slot
        if kind is not None:
            slot.untimed += 1
            slot.errors[kind] = slot.errors.get(kind, 0) + 1
            slot.over = [n + 1 for n in slot.over]
            return True
        us = ns // 1000
        slot.response[us if us < 2048 else ((b := us.bit_length() - 11) << 10) + (us >> b)] += 1
        if ns > self._strictest:
            self._count_over(slot, ns)
            return ns > self.held_to
        return False

    @property
    def is_held(self) -> bool:
        """Is there a limit that a single one has to meet?"""
        return self.held_to != NEVER

    def miss(self) -> None:
        """The round that was counted last took too long, or one of its requests failed or did, or it never began."""
        self._slot.missed += 1

    def _count_failure(self, slot: Slot, outcome: Measured, kind: str | None) -> None:
        """Failed is over every limit. No answer, or 500 and above, wanted or not, is unavailable; but nobody who was
        not asked is.
        """
        if kind is not None:
            outcome.missed = True
            slot.errors[kind] = slot.errors.get(kind, 0) + 1
            slot.over = [n + 1 for n in slot.over]
            if outcome.error is None or outcome.error == "timeout":
                i = histogram.index((outcome.last - outcome.due) // 1000)
                slot.failed_response[i] = slot.failed_response.get(i, 0) + 1
        elif outcome.last - outcome.due > self._strictest:
            self._count_over(slot, outcome.last - outcome.due)
            outcome.missed = outcome.missed or outcome.last - outcome.due > self.held_to
        if outcome.status >= 500 or (outcome.error is not None and outcome.error not in NOT_ASKED_KINDS):
            slot.unavailable += 1

    def _count_over(self, slot: Slot, ns: int) -> None:
        for j, limit in enumerate(self.limits):
            if ns > limit:
                slot.over[j] += 1

    def _seek(self, due: int) -> None:
        second = (due - self._start_ns) // SECOND
        slot = self._slots.get(second)
        if slot is None:
            slot = self._slots[second] = Slot(len(self.limits))
        self._slot = slot
        self._low = self._start_ns + second * SECOND
        self._high = self._low + SECOND

    @property
    def is_empty(self) -> bool:
        return not self._slots

    def drain(self) -> list[Slice]:
        """What was recorded since the last drain."""
        out = [self._slice(second, slot) for second, slot in self._slots.items()]
        self._slots = {}
        self._low = self._high = 0
        return out

    def _slice(self, second: int, slot: Slot) -> Slice:
        response, service = _sum(slot.response, slot.prompt), _sum(slot.service, slot.prompt)
        return Slice(
            self.key,
            second,
            slot.untimed + histogram.count(response),
            slot.errors,
            slot.unavailable,
            dict(zip(self.limits, slot.over, strict=True)),
            response,
            service,
            slot.statuses,
            slot.missed,
            slot.failed_response,
        )


class StatusSeries(Series):
    """Counts some statuses as well, whether they were expected or not."""

    __slots__ = ("_statuses",)

    def __init__(
        self, key: Key, limits: tuple[int, ...], start_ns: int, held_to: int, statuses: Collection[int]
    ) -> None:
        super().__init__(key, limits, start_ns, held_to)
        self._statuses = frozenset(statuses)

    def record(self, outcome: Measured, kind: str | None) -> None:
        super().record(outcome, kind)
        status = outcome.status
        counts = self._slot.statuses
        if not counts:
            counts.update(dict.fromkeys(self._statuses, 0))  # counted, and so far never seen
        if status in self._statuses and outcome.error is None:
            counts[status] += 1


def _sum(one: dict[int, int], other: dict[int, int]) -> dict[int, int]:
    """Both together. The longer one is not walked."""
    if len(one) < len(other):
        one, other = other, one
    found = dict(one)
    histogram.add(found, other)
    return found


def _held_to_nothing(_key: Key) -> int:
    return NEVER


class Registry:
    """All series of one worker, one per key."""

    def __init__(
        self,
        start_ns: int,
        limits: Mapping[tuple[str, str], tuple[int, ...]],
        held_to: Callable[[Key], int] = _held_to_nothing,
        statuses: Mapping[str, Collection[int]] = NO_STATUSES,
        kept: Collection[tuple[str, str]] = (),
    ) -> None:
        """`limits`: (name, timer) -> the longest good durations in ns, for every series of that name.

        `held_to`: which of them a single request has to meet. `statuses`: name -> those that are counted. `kept`:
        tags with the values that limits are about.
        """
        self._start_ns = start_ns
        self._limits = limits
        self._held_to = held_to
        self._statuses = statuses
        self._kept = frozenset(kept)
        self._series: dict[Key, Series] = {}

    def series(self, key: Key) -> Series:
        found = self._series.get(key)
        if found is None:
            limits = self._limits.get((key.name, key.timer), NO_LIMITS)
            held_to = self._held_to(key)
            statuses = self._statuses.get(key.name, ()) if key.timer in ("", "poll") else ()
            found = (
                StatusSeries(key, limits, self._start_ns, held_to, statuses)
                if statuses
                else Series(key, limits, self._start_ns, held_to)
            )
            self._series[key] = found
        return found

    def wants(self, name: str, timer: str) -> bool:
        """Is a limit about this timer?"""
        return (name, timer) in self._limits

    def by_tags(
        self, key: Key, tags: tuple[str, ...], read: Callable[[object], tuple[str, ...]]
    ) -> Callable[[object], Series]:
        """Series by drawn tags: one dict look-up per request.

        Drawn values can be any number, so that only the first of them have a look-up; the labels are few.
        """
        known: dict[tuple[str, ...], Series] = {}
        labels = Labels(tags, self._kept)

        def series(names: object) -> Series:
            try:
                values = read(names)
            except (LookupError, TypeError, ValueError):  # a label that cannot be computed must not end the request
                values = (UNKNOWN,) * len(tags)
            found = known.get(values)
            if found is None:
                every = tuple(sorted((*key.tags, *zip(tags, labels.of(values), strict=True))))
                found = self.series(msgspec.structs.replace(key, tags=every))
                if len(known) < MOST_COMBINATIONS:
                    known[values] = found
            return found

        return series

    def drain(self) -> list[Slice]:
        return [s for series in self._series.values() if not series.is_empty for s in series.drain()]
