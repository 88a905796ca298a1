"""How many requests each threshold will see, before anything is sent.

Every answer is assumed to take as long as its strictest percentile limit allows, or 100 ms where there is none; a wait
has two polls, a stream three gaps. Lists and conditions are evaluated over drawn data; where an answer
decides, a condition counts as even odds and a list as three entries. Rounds in a window: user-time / mean length of a
round (or the pace of the phase), or as many as arrive.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from math import ceil, isnan, nan, prod

from perfspec import data as data_kinds
from perfspec.base import random
from perfspec.base.clock import MILLISECOND, SECOND
from perfspec.data.kinds import Choice, Data
from perfspec.language import templates
from perfspec.language.codegen import Generator, as_text
from perfspec.language.expressions import Path, paths
from perfspec.language.templates import Text
from perfspec.load import Arrivals, Search
from perfspec.load.search import SETTLE
from perfspec.plan.model import Plan, PlannedPhase, Window
from perfspec.spec.model import Threshold
from perfspec.spec.thresholds import longest_good_ns
from perfspec.steps import weigh
from perfspec.steps.kinds import Step
from perfspec.steps.reading import Tags
from perfspec.steps.runtime import EndRound, Vars

__all__ = ["Estimate", "Rows", "enough_from", "estimate", "expected"]

UNKNOWN_ANSWER_NS = 100 * MILLISECOND
UNKNOWN_ENTRIES = 3
SAMPLES = 64
Rows = Mapping[str, Sequence[Mapping[str, object]]]


@dataclass(frozen=True, slots=True)
class Estimate:
    """Expected over the judged windows: (request, timer) -> how many; rounds per flow."""

    requests: dict[tuple[str, str], float]
    rounds: dict[str, float]
    visits: dict[tuple[str, str], float] = field(default_factory=dict)
    """The same for what each user does first and last, and for what is done once before and after the load."""
    round_ns: float = 0.0
    """The mean length of a round."""
    in_all: float = 0.0
    """How many requests are sent, judged or not, each poll by itself; 0 for a search."""
    shares: dict[str, float] = field(default_factory=dict)
    """Row with `where` -> which share of its requests have the tag; without those that only the run will show."""
    of_flows: dict[str, float] = field(default_factory=dict)
    """How many requests each flow makes, a wait as one."""


def estimate(plan: Plan, rows: Rows) -> Estimate:
    """`rows`: name of a generator -> the rows of its file."""
    tallies = {flow.name: FlowTally(plan, rows) for flow in plan.flows}
    for flow in plan.flows:
        for step in flow.steps:
            weigh(step, tallies[flow.name])
    weight = sum(flow.weight for flow in plan.flows)
    mean_ns = sum(flow.weight / weight * max(tallies[flow.name].ns, MILLISECOND) for flow in plan.flows)
    rounds_made = sum(_rounds(plan, window, mean_ns) for window in plan.windows())
    requests: dict[tuple[str, str], float] = defaultdict(float)
    rounds = {}
    for flow in plan.flows:
        rounds[flow.name] = rounds_made * flow.weight / weight
        for key, n in tallies[flow.name].counts.items():
            requests[key] += rounds[flow.name] * n
    visit = FlowTally(plan, rows)
    for step in (*plan.each_user.first, *plan.each_user.last):
        weigh(step, visit)
    visits = {key: _visitors(plan) * n for key, n in visit.counts.items()}
    once = FlowTally(plan, rows)
    for step in (*plan.setup, *plan.teardown):
        weigh(step, once)
    for key, n in once.counts.items():
        visits[key] = visits.get(key, 0.0) + n
    sent = sum(n for (_, timer), n in requests.items() if timer in ("", "poll"))
    in_all = sent / rounds_made * _rounds_in_all(plan, mean_ns) if rounds_made else 0.0
    in_all += sum(n for (_, timer), n in visits.items() if timer in ("", "poll"))
    shares = _shares(tallies, rounds)
    of_flows = {name: rounds[name] * _judged(tally.counts) for name, tally in tallies.items()}
    return Estimate(
        dict(requests), rounds, visits, mean_ns, 0.0 if plan.search is not None else in_all, shares, of_flows
    )


def _judged(counts: Mapping[tuple[str, str], float]) -> float:
    return sum(n for (_, timer), n in counts.items() if timer in ("", "wait"))


def _shares(tallies: "dict[str, FlowTally]", rounds: Mapping[str, float]) -> dict[str, float]:
    """Row with `where` -> the share of its requests that have the tag."""
    about: dict[str, float] = defaultdict(float)
    tagged: dict[str, float] = defaultdict(float)
    for name, tally in tallies.items():
        for row, n in tally.about.items():
            about[row] += rounds[name] * n
            tagged[row] += rounds[name] * tally.tagged[row]
    return {row: tagged[row] / n for row, n in about.items() if n and not isnan(tagged[row])}


def _rounds(plan: Plan, window: Window, mean_ns: float) -> float:
    """How many rounds begin in a judged window."""
    if plan.search is not None:
        return _of_search(plan.search, mean_ns)
    phase = next(p for p in plan.phases if p.name == window.phase and p.start_ns <= window.start_ns < p.end_ns)
    return _of_phase(phase, window.start_ns - phase.start_ns, window.end_ns - phase.start_ns, mean_ns)


def _of_phase(phase: PlannedPhase, begin: int, end: int, mean_ns: float) -> float:
    """How many rounds begin between two moments of a phase."""
    if phase.rounds:
        return phase.rounds
    if isinstance(phase.shape, Arrivals):
        return phase.shape.between(begin, end, phase.for_ns)
    return phase.shape.user_ns(begin, end, phase.for_ns) / max(mean_ns, phase.round_every_ns)


def _rounds_in_all(plan: Plan, mean_ns: float) -> float:
    """How many rounds begin, judged or not, without any extension."""
    return sum(_of_phase(phase, 0, phase.for_ns, mean_ns) for phase in plan.phases)


def _visitors(plan: Plan) -> float:
    """How many come and go in all: users, and everyone who arrives."""
    users = plan.first_arrival - 1
    return users + sum(float(p.shape.total(p.for_ns)) for p in plan.phases if isinstance(p.shape, Arrivals))


def _of_search(search: Search, mean_ns: float) -> float:
    """At the lowest load; at a higher one in proportion."""
    judged_ns = search.hold_ns * (1 - float(SETTLE))
    if search.by == "arrivals":
        return float(search.low) * judged_ns / SECOND
    return float(search.low) * judged_ns / mean_ns


def enough_from(search: Search, n: float, needed: int) -> Fraction | None:
    """The load from which on a search has `needed` samples in each step; `n`: at its lowest. None: nowhere in it.

    A step that sees fewer breaks no limit, and the search goes on: what it ends with is what has to be judged.
    """
    level = search.low * needed / Fraction(n) if n else None
    if level is None or level > search.high:
        return None
    return Fraction(ceil(level)) if search.by == "users" else Fraction(ceil(level * 10), 10)


def expected(threshold: Threshold, estimated: Estimate) -> float:
    """How many samples a threshold's row will have; as if all had the tag, where its share is not known."""
    row = threshold.row
    return _of_row(threshold, estimated) * (estimated.shares.get(row.text, 1.0) if row.where else 1.0)


def _of_row(threshold: Threshold, estimated: Estimate) -> float:
    row, timer = threshold.row, threshold.cell.timer
    if threshold.cell.statistic == "goodput" and row.kind == "all":
        return sum(estimated.rounds.values())
    if row.kind == "flow":
        is_about_requests = threshold.cell.statistic in ("errors", "availability", "status")
        return (estimated.of_flows if is_about_requests else estimated.rounds).get(row.name, 0.0)
    if row.kind == "all":
        counted = ("",) if threshold.cell.is_latency else ("", "wait")
        return sum(n for (_, kind), n in estimated.requests.items() if kind in counted)
    factor = UNKNOWN_ENTRIES if timer == "event_gap" else 1
    if timer not in ("", "wait", "poll"):  # one of each request; three gaps
        timer = ""
    timers = ("group",) if row.kind == "group" else (timer, "wait")
    both = (estimated.requests, estimated.visits)
    return factor * next((n for kind in timers if (n := sum(found.get((row.name, kind), 0.0) for found in both))), 0.0)


@dataclass(slots=True)
class FlowTally:
    """Adds up one flow. See steps.reading.Tally."""

    plan: Plan
    rows: Rows
    counts: dict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))
    ns: float = 0.0
    factor: float = 1.0
    about: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    """Row with `where` -> how many requests it could be about."""
    tagged: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    """And about how many it is."""
    _drawn: dict[str, data_kinds.Draw] | None = None

    def request(self, name: str, tags: Tags) -> None:
        self.counts[name, ""] += self.factor
        self._count_tagged(name, tags)
        self.ns += self.factor * (self._answer_ns(name, "") or UNKNOWN_ANSWER_NS)

    def wait(self, name: str, every_ns: int, tags: Tags) -> None:
        """Two polls are a guess: not yet, and done. A limit is about patience, and counts where it is shorter."""
        ns = every_ns + 2 * UNKNOWN_ANSWER_NS
        ns = min(self._answer_ns(name, "wait") or ns, ns)
        self.counts[name, "wait"] += self.factor
        self._count_tagged(name, tags)
        self.counts[name, "poll"] += max(ns // every_ns, 1) * self.factor
        self.ns += self.factor * ns

    def pause(self, ns: int) -> None:
        self.ns += self.factor * ns

    def group(self, name: str) -> None:
        self.counts[name, "group"] += self.factor

    def at_once(self, steps: tuple[Step, ...]) -> None:
        begin = longest = self.ns
        for step in steps:
            self.ns = begin
            weigh(step, self)
            longest = max(longest, self.ns)
        self.ns = longest

    def times(self, factor: float, steps: tuple[Step, ...]) -> None:
        outer, self.factor = self.factor, self.factor * factor
        for step in steps:
            weigh(step, self)
        self.factor = outer

    def items(self, text: Text) -> float:
        lengths = [len(v) for v in self._sampled(text) if isinstance(v, (list, tuple))]
        return sum(lengths) / len(lengths) if lengths else UNKNOWN_ENTRIES

    def share(self, text: Text) -> float:
        values = self._sampled(text)
        return sum(map(bool, values)) / len(values) if values else 0.5

    def _count_tagged(self, name: str, tags: Tags) -> None:
        """Count a request in every row with `where` that is about it."""
        texts = dict(tags)
        for row in {threshold.row for threshold in self.plan.thresholds if threshold.row.where}:
            if row.kind == "all" or (row.kind == "request" and row.name == name):
                shares = [self._tag_share(texts.get(tag), value) for tag, value in row.where]
                self.about[row.text] += self.factor
                self.tagged[row.text] += self.factor * prod(shares)

    def _tag_share(self, text: Text | None, wanted: str) -> float:
        """How often a tag has a value; not a number where that cannot be known before the run."""
        if text is None or "${" not in text.source:
            return float(text is not None and text.source == wanted)
        (hole, *more) = templates.holes(text.source)
        if more or text.source != text.source[hole.start : hole.end]:
            return nan
        data = next((d for d in self.plan.data if isinstance(hole.tree, Path) and d.name == hole.tree.dotted), None)
        if isinstance(data, Choice) and data.weights and not any(isinstance(each, Text) for each in data.values):
            weights = zip(data.values, data.weights, strict=True)
            return sum(weight for value, weight in weights if as_text(value) == wanted) / sum(data.weights)
        values = self._sampled(text)
        return sum(as_text(value) == wanted for value in values) / len(values) if values else nan

    def _answer_ns(self, name: str, timer: str) -> int:
        """What the strictest limit allows; 0 without one."""
        limits = [
            good
            for threshold in self.plan.thresholds
            if threshold.row.kind == "request" and threshold.row.name == name and threshold.cell.timer == timer
            if (good := longest_good_ns(threshold)) is not None
        ]
        return min(limits, default=0)

    def _sampled(self, text: Text) -> list[object]:
        """Values of an expression in some rounds; none where it depends on an answer."""
        (hole,) = templates.holes(text.source)
        drawn = self._generators()
        if not all(path.root in drawn or path.dotted in self._constants for path in paths(hole.tree)):
            return []
        value = Generator(self._constants, "").value(text.source)
        found = []
        for number in range(SAMPLES):
            names = Vars()
            names.base, names.step, names.draws = random.base(random.person(self.plan.seed, number), 1), 0, {}
            names.generators = drawn
            names |= {"user.number": number % self.plan.people + 1, "round.number": 1}
            try:
                found.append(value(names))
            except (LookupError, TypeError, ValueError, EndRound):
                return []
        return found

    @property
    def _constants(self) -> dict[str, object]:
        return {f"values.{name}": value for name, value in self.plan.target.values}

    def _generators(self) -> dict[str, data_kinds.Draw]:
        if self._drawn is None:
            self._drawn = {data.name: self._when_used(data) for data in self.plan.data}
        return self._drawn

    def _when_used(self, data: Data) -> data_kinds.Draw:
        """Bound on first use: a pool of fake data takes longer to make than all the rest of a plan."""
        plan, rows = self.plan, self.rows.get(data.name, ())
        bound = cache(lambda: data_kinds.bind(data, data_kinds.Supply(plan.seed, plan.people, rows, self._constants)))

        def draw(scope: data_kinds.Scope) -> object:
            return bound()(scope)

        return draw
