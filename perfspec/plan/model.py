"""What will happen: one stage of one spec against one environment, absolute and serialisable, without YAML and secrets.

Times are int nanoseconds from the start of the load.
"""

from fractions import Fraction
from hashlib import sha256
from typing import Literal

import msgspec

from perfspec.base.codec import encode
from perfspec.data.kinds import Data
from perfspec.diagnostics.source import Span
from perfspec.language.phrases import AbortRule
from perfspec.language.rules import measures, rule_tree
from perfspec.load import Arrivals, Search, Shape, Users
from perfspec.metrics.series import ARRIVAL, ARRIVALS, NEVER, Key
from perfspec.spec.model import Access, Cell, Promised, Ready, Row, Rule, Threshold
from perfspec.spec.rules import row_and_cell
from perfspec.spec.thresholds import counted_limit_ns, longest_good_ns, watched
from perfspec.steps import walk
from perfspec.steps.kinds import Group, Parallel, Request, Step, Stream, WaitUntil

__all__ = [
    "DataFile",
    "EachUser",
    "Plan",
    "PlannedFlow",
    "PlannedPhase",
    "PlannedStart",
    "Skipped",
    "Target",
    "UploadedFile",
    "Window",
]

VERSION = 1
ENDLESS = 1 << 40
"""More people than any search can bring."""
EVENT_TIMERS = ("first_event", "event_gap", "events")
"""What a stream records beside the request itself."""


class DataFile(msgspec.Struct, frozen=True):
    """A file that data comes from, as it was when the plan was made."""

    path: str
    sha256: str
    rows: int


class UploadedFile(msgspec.Struct, frozen=True):
    """A file that requests send, as it was when the plan was made."""

    path: str
    sha256: str
    n_bytes: int


class PlannedStart(msgspec.Struct, frozen=True):
    command: str
    ready: str
    within_ns: int


class Target(msgspec.Struct, frozen=True):
    environment: str
    url: str
    span: Span
    ready: Ready | None
    start: PlannedStart | None
    values: tuple[tuple[str, None | bool | int | float | str], ...]
    secrets: tuple[tuple[str, str], ...]
    """(name, environment variable); the values themselves are never part of a plan."""
    access: Access = Access()
    transport: Literal["fast", "httpx"] = "fast"
    """Own sockets, or httpx: for what those cannot do, or to check them."""
    most_requests_per_s: int = 0
    """The environment's ceiling; 0: none. What is more than this waits."""


class PlannedPhase(msgspec.Struct, frozen=True):
    name: str
    span: Span
    start_ns: int
    for_ns: int
    """Of a phase of rounds: the longest it may last."""
    shape: Shape
    measured: bool
    rounds: int = 0
    """How many rounds all users make together; 0: as many as there is time for."""
    round_every_ns: int = 0
    is_capped: bool = False
    """`at_most` is the environment's, which allows no more users at a time."""

    @property
    def end_ns(self) -> int:
        return self.start_ns + self.for_ns


class PlannedFlow(msgspec.Struct, frozen=True):
    name: str
    span: Span
    weight: float
    steps: tuple[Step, ...]


class EachUser(msgspec.Struct, frozen=True):
    """What every virtual user does before its first round and after its last one."""

    first: tuple[Step, ...] = ()
    last: tuple[Step, ...] = ()


class Skipped(msgspec.Struct, frozen=True):
    """A threshold that this stage cannot reach, decided before the run."""

    threshold: Threshold
    reason: str


class Window(msgspec.Struct, frozen=True, array_like=True):
    """A judged stretch of time [start, end)."""

    phase: str
    start_ns: int
    end_ns: int


def _is_about(threshold: Threshold, key: Key) -> bool:
    row = threshold.row
    if not set(row.where) <= set(key.tags):
        return False
    if key.timer != (threshold.cell.timer or {"flow": "round", "group": "group"}.get(row.kind, "")):
        return False
    if row.kind == "flow":
        return key.flow == row.name
    return row.kind == "all" or key.name == row.name


def _rank(threshold: Threshold) -> tuple[int, bool, Fraction]:
    row, quantile = threshold.row, threshold.cell.quantile
    return len(row.where), row.kind != "all", quantile or Fraction(0)


class Plan(msgspec.Struct, frozen=True):
    spec: str
    service: str
    stage: str
    target: Target
    seed: int
    phases: tuple[PlannedPhase, ...]
    warmup_ns: int
    """Not judged at the beginning of the first measured phase."""
    extend_to_ns: int
    """Close calls run on in the last phase until here; 0: they do not."""
    setup: tuple[Step, ...]
    teardown: tuple[Step, ...]
    flows: tuple[PlannedFlow, ...]
    data: tuple[Data, ...]
    files: tuple[DataFile, ...]
    thresholds: tuple[Threshold, ...]
    skipped: tuple[Skipped, ...]
    abort: tuple[AbortRule, ...]
    warn_only: Literal["", "latency", "all"]
    only_proven: bool
    rules: tuple[Rule, ...] = ()
    each_user: EachUser = EachUser()
    tags: tuple[tuple[str, str], ...] = ()
    """What the team files the spec under; they go into every result."""
    promised: Promised | None = None
    uploads: tuple[UploadedFile, ...] = ()
    search: Search | None = None
    """In place of phases: the one that there is lasts as long as the search may take."""
    time_scale: float = 1.0
    """What the times of phases were multiplied by."""
    version: int = VERSION

    @property
    def for_ns(self) -> int:
        """Without any extension."""
        return self.phases[-1].end_ns

    @property
    def most_users(self) -> int:
        """Users and arrivals can be there together where a phase of one follows a phase of the other."""
        return self.most_together(Users) + self.most_together(Arrivals)

    def most_together(self, kind: type[Users | Arrivals]) -> int:
        """The most at a time in phases of one kind."""
        return max((phase.shape.most for phase in self.phases if isinstance(phase.shape, kind)), default=0)

    @property
    def first_arrival(self) -> int:
        """The number of the first who arrives: nobody else has it, users of other phases included."""
        return 1 + self.most_together(Users)

    @property
    def is_by_rounds(self) -> bool:
        """The load is over when its rounds are made, whenever that is."""
        return bool(self.phases[-1].rounds)

    @property
    def is_by_the_clock(self) -> bool:
        """Rounds are due at planned instants, so every delay of the load generator is part of a response time."""
        return any(isinstance(phase.shape, Arrivals) or phase.round_every_ns for phase in self.phases)

    @property
    def people(self) -> int:
        """Everybody who draws data of their own, numbered from 1 to at most this."""
        if self.search is not None and self.search.by == "arrivals":
            return ENDLESS
        come = [(phase.shape, phase.for_ns) for phase in self.phases if isinstance(phase.shape, Arrivals)]
        last = self.phases[-1].shape
        if self.extend_to_ns and isinstance(last, Arrivals):
            come.append((msgspec.structs.replace(last, start=last.end), self.extend_to_ns - self.for_ns))
        return self.first_arrival - 1 + sum(shape.most_in(for_ns) for shape, for_ns in come)

    @property
    def is_capped(self) -> bool:
        """Whoever finds no place may have been turned away by the environment's cap, not by a slow service."""
        return any(phase.is_capped for phase in self.phases)

    @property
    def hash(self) -> str:
        """Equal plans have equal hashes, whatever machine made them."""
        return sha256(encode(self)).hexdigest()

    def windows(self, ended_ns: int | None = None) -> tuple[Window, ...]:
        """What is judged. `ended_ns`: where the load really ended, after an extension or before its time."""
        end = self.for_ns if ended_ns is None else ended_ns
        found = []
        warmup = self.warmup_ns
        for phase in self.phases:
            if not phase.measured:
                continue
            stop = end if phase is self.phases[-1] else min(phase.end_ns, end)
            start, warmup = phase.start_ns + warmup, 0
            if start < stop:
                found.append(Window(phase.name, start, stop))
        return tuple(found)

    def request_limits(self) -> dict[tuple[str, str], tuple[int, ...]]:
        """(request, timer) -> the longest good durations in ns, to be counted exactly while the load runs.

        What a limit cannot be counted for but is about has none: it is measured all the same.
        """
        limits: dict[tuple[str, str], set[int]] = {}
        every = {name for name, timer in self.series_names() if not timer}
        counted = [(each.row, each.cell, counted_limit_ns(each)) for each in self.thresholds]
        looked_at = [(each.row, each.cell) for each in self._watched()]
        for row, cell, good in (*counted, *((*each, None) for each in (*looked_at, *self._compared()))):
            timer = cell.timer
            if good is None and not timer:
                continue
            names = every if row.kind == "all" or (timer and row.kind == "flow") else {row.name}
            timer = timer or {"flow": "round", "group": "group"}.get(row.kind, "")
            for name in names:
                limits.setdefault((name, timer), set()).update(() if good is None else (good,))
        if self.each_user.first or any(isinstance(phase.shape, Arrivals) for phase in self.phases):
            limits[ARRIVALS, ARRIVAL] = {limit for found in limits.values() for limit in found}
        return {key: tuple(sorted(found)) for key, found in limits.items()}

    def _watched(self) -> tuple[Threshold, ...]:
        """What rules that end the run look at."""
        return tuple(watched(rule) for rule in self.abort if rule.kind == "metric")

    def held_to(self, key: Key) -> int:
        """The limit that a single request (or round) of a series has to meet for its round to be a good one.

        That of the row that says most about it, and there of the highest percentile: `p50` is about half of them.
        """
        found = (
            (_rank(t), good) for t in self.thresholds if (good := longest_good_ns(t)) is not None and _is_about(t, key)
        )
        return max(found, default=(None, NEVER))[1]

    def statuses(self) -> dict[str, frozenset[int]]:
        """Request -> the statuses that a limit is about."""
        every = {name for name, _ in self.series_names()}
        found: dict[str, set[int]] = {}
        asked = [
            (t.row.name if t.row.kind == "request" else "", t.cell.status) for t in (*self.thresholds, *self._watched())
        ]
        for row, status in asked:
            for name in ({row} if row else every) if status else ():
                found.setdefault(name, set()).add(status)
        return {name: frozenset(wanted) for name, wanted in found.items()}

    def tag_values(self) -> frozenset[tuple[str, str]]:
        """The tags, with the values, that a limit or a rule is about."""
        limits = (t.row for t in (*self.thresholds, *self._watched()))
        compared = (row for row, _ in self._compared())
        return frozenset(tag for row in (*limits, *compared) for tag in row.where)

    def _compared(self) -> tuple[tuple[Row, Cell], ...]:
        """The rows of rules, and what is compared of them."""
        rules = (rule for rule in self.rules if not rule.skipped)
        return tuple(row_and_cell(each, rule) for rule in rules for each in measures(rule_tree(rule.text)))

    def series_names(self) -> tuple[tuple[str, str], ...]:
        """(request or group, timer) of all that the flows can send, in the order of the spec."""
        found: dict[tuple[str, str], None] = {}
        for flow in self.flows:
            for step in walk(flow.steps):
                if isinstance(step, Request):
                    found[step.name, ""] = None
                elif isinstance(step, Stream):
                    found |= {(step.request.name, timer): None for timer in ("", *EVENT_TIMERS)}
                elif isinstance(step, WaitUntil):
                    found[step.request.name, "wait"] = None
                    found[step.request.name, "poll"] = None
                elif isinstance(step, (Group, Parallel)):
                    found[step.name, "group"] = None
        return tuple(found)
