"""How much does it carry? Judges each step of a search, and says what the steps found: a bracket, not a number.

A step is met if no limit is broken in its judged time, and if what is there fits together (steadiness.py): where more
and more users wait, or are in rounds that do not end, the load is more than the service can do, even while its
percentiles still hold. A quarter of each step is not judged. Slow answers come late: limits judge what was due long
enough before the end that an answer of twice the longest limit is known by then, for at least half of the judged time;
what is still waited for, and longer than its limits allow, is as slow as it has been so far.

Where the load generator was late itself, or the environment's ceiling held requests back, a step that was not met says
nothing of the service; unless a limit is broken that neither of them could have broken.

Where nobody is there any more (silence.py), the search ends within the step: that is no load that failed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from perfspec.base.clock import SECOND
from perfspec.base.units import format_duration
from perfspec.load import Beyond, Hunt, Search, Shape
from perfspec.metrics import histogram
from perfspec.metrics.error_kinds import DROPPED
from perfspec.metrics.rows import total, without
from perfspec.metrics.series import ARRIVAL, Slice
from perfspec.spec.model import Rule, Threshold
from perfspec.verdict.health import Sampled, held_back, judge_health, tightest_ns
from perfspec.verdict.judge import Circumstances, Verdict, judge
from perfspec.verdict.rules import judge_rules
from perfspec.verdict.samples import is_judged
from perfspec.verdict.silence import Silence
from perfspec.verdict.steadiness import is_growing, lost_users

__all__ = ["Capacity", "Heard", "Judging", "Searching", "Step", "bracket"]

FEW = 0.01
"""Of requests that failed: not what a load has broken by."""
KNOWN = 2
"""Times the longest limit: what is answered within it is known when a step is judged."""
_OF_A_CAP = frozenset({DROPPED})
_OF_A_CEILING = frozenset({DROPPED, "timeout"})
"""Kinds by which a request can fail that an environment's ceiling has kept from being sent."""


class Step(msgspec.Struct, frozen=True):
    """One load that was held, and how it went. Times in ns from the start of the load."""

    load: str
    """In words: `72 users`."""
    doing: str
    """growing, narrowing or confirming."""
    start_ns: int
    judged_ns: int
    """Where the judged time begins."""
    end_ns: int
    met: bool
    why: str
    """What was broken; empty if nothing was."""
    verdicts: tuple[Verdict, ...]
    beyond: Beyond = ""
    """Whose limit the load went beyond: the service's, the load generator's, the environment's ceiling."""
    users: int = 0
    """That were held; 0: of a search by arrivals."""
    silence: str = ""
    """Nobody answered any more, in this and before it, by these kinds of failure; judged from then on."""


class Capacity(msgspec.Struct, frozen=True):
    """What a search found."""

    met: str
    """The highest load at which all limits held; empty if there is none."""
    failed: str
    """The lowest load at which one was broken; empty if none was."""
    is_confirmed: bool
    """The load that was met held for three times as long."""
    steps: tuple[Step, ...]
    stopped: str = ""
    """The lowest load, below any that failed, that something else than the service could not do."""
    stopped_by: Beyond = ""
    """What that was."""
    unsure: int = 0
    """Requests behind the lowest load that failed, where they are too few to tell that from chance; 0: they are not."""

    silence: str = ""
    """Not empty if the service was there no more: how it is told, and since when."""

    @property
    def is_answer(self) -> bool:
        """A load held when it was confirmed, and it was not the load generator that kept the search from a higher one.

        What the environment does not allow is as much of an answer as the upper end of the search.
        """
        return self.is_confirmed and self.stopped_by != "generator"

    @property
    def text(self) -> str:
        """In one sentence."""
        if not self.unsure:
            return self._found
        return f"{self._found}; that it failed rests on {self.unsure} requests and may be chance: raise `hold_each`"

    @property
    def _found(self) -> str:
        if self.silence:
            return f"at least {self.met}; then {self.silence}" if self.met else self.silence
        sure = ", confirmed three times as long" if self.is_confirmed else ", not confirmed"
        if not self.met:
            return self._nothing_met()
        if not self.stopped:
            return f"met at {self.met}, failed at {self.failed}{sure}" if self.failed else f"at least {self.met}{sure}"
        failed = f"; failed at {self.failed}" if self.failed else ""
        return f"at least {self.met} ({self._limit} at {self.stopped}){sure}{failed}"

    def _nothing_met(self) -> str:
        if self.stopped:
            return f"nothing is known of the service: {self._limit} at {self.stopped} already"
        if any(step.met for step in self.steps):
            return f"{self.failed} were met at first, and not when they were to be confirmed"
        return f"not even {self.failed} were met" if self.failed else "no load was held to its end"

    @property
    def judged(self) -> Step | None:
        """The step whose limits stand for the whole: the last one that was met; of an answer that nobody likes, the
        last one that was held.
        """
        wants_met = bool(self.met) and not self.silence
        last = self.steps[-1] if self.steps else None
        return next((step for step in reversed(self.steps) if step.met), last) if wants_met else last

    @property
    def _limit(self) -> str:
        if self.stopped_by == "generator":
            return "the load generator was the limit"
        return "the ceiling of the environment was reached"


def bracket(search: Search, steps: Sequence[Step]) -> Capacity:
    """The bracket that the steps come to: the same search, told the same answers."""
    hunt = Hunt(search)
    if steps and steps[-1].silence:
        return _cut_short(steps)
    for step in steps:
        hunt.tell("" if step.met else step.beyond or "service")
    say = search.say
    is_stopped = hunt.stopped is not None and (hunt.failed is None or hunt.stopped < hunt.failed)
    return Capacity(
        "" if hunt.met is None else say(hunt.met),
        "" if hunt.failed is None else say(hunt.failed),
        hunt.is_confirmed,
        tuple(steps),
        say(hunt.stopped) if is_stopped and hunt.stopped is not None else "",
        hunt.stopped_by if is_stopped else "",
        0 if hunt.failed is None else _unsure(say(hunt.failed), steps),
    )


def _cut_short(steps: Sequence[Step]) -> Capacity:
    """What is known of a service that is there no more: the last load that was met."""
    last = steps[-1]
    since = format_duration(last.judged_ns)
    met = next((step.load for step in reversed(steps) if step.met), "")
    nobody = f"nobody answered any more ({last.silence}, since {since})"
    return Capacity(met, "", is_confirmed=False, steps=tuple(steps), silence=nobody)


def _unsure(failed: str, steps: Sequence[Step]) -> int:
    """The requests of the step that failed at this load; 0 where a limit was clearly broken, or by no limit."""
    broken = [
        [verdict for verdict in step.verdicts if verdict.outcome == "FAIL"]
        for step in steps
        if step.load == failed and step.beyond == "service"
    ]
    if not broken or not all(broken) or not all(_is_small(verdict) for verdicts in broken for verdict in verdicts):
        return 0
    return max(verdict.n for verdicts in broken for verdict in verdicts)


def _is_small(verdict: Verdict) -> bool:
    return verdict.strength == "borderline" and verdict.needed is not None and verdict.n < verdict.needed


@dataclass(frozen=True, slots=True)
class Judging:
    """What steps are held against."""

    thresholds: Sequence[Threshold]
    rules: Sequence[Rule] = ()
    most_requests_per_s: int = 0
    """The environment's ceiling; 0: none."""
    has_visits: bool = False
    """Users do something before their first round, or after their last one."""
    limits: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """Request -> the longest good durations in ns."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What came in during one second of a search."""

    number: int
    """How many full seconds have passed."""
    users: int
    waiting: int
    slices: Sequence[Slice]
    held: int
    """Requests that the environment's ceiling held back."""
    generator: Sampled
    under_way: Sequence[Slice] = ()
    """Requests that are waited for, by the second in which they were due."""


@dataclass(frozen=True, slots=True)
class _Found:
    """Why a step was not met."""

    why: str = ""
    beyond: Beyond = ""
    verdicts: tuple[Verdict, ...] = ()


class Searching:
    """A search under way. Told of every second; says when a step has ended, and which load is to begin."""

    def __init__(self, search: Search, judging: Judging) -> None:
        self._search = search
        self._judging = judging
        self.hunt = Hunt(search)
        self._start = 0
        """Of the step, or of the rest before it."""
        self._heard: list[Heard] = []
        self.is_resting = False
        """Nobody is sent, so nobody new can be answered."""
        self._calm = 0
        """So many waited at a time at the last load that was met."""
        self._silence = Silence()
        self.begins: Shape | None = None
        """The load that is to be held from this second on; None: the one that is."""

    def second(self, heard: Heard) -> Step | None:
        """The step that has just ended, and been judged; None within a step, and between two."""
        self.begins = None
        if self.is_over:
            return None
        kinds = self._silence.second(heard.number, heard.slices)
        if self.is_resting:
            self._rest(heard)
            return None
        self._heard.append(heard)
        if kinds:
            return self._cut(heard, kinds)
        held_s, settle_s = -(-self.hunt.hold_ns // SECOND), -(-self.hunt.settle_ns // SECOND)
        end = self._start + held_s
        if heard.number <= end:  # a second longer, for the answers to what was due in its last one
            return None
        judged = self._start + min(settle_s, held_s - 1)  # of a single second all is judged
        found = self._judged((judged * SECOND, end * SECOND))
        load, doing = self._search.say(self.hunt.level), self.hunt.doing
        step = Step(
            load, doing, self._start * SECOND, judged * SECOND, end * SECOND,
            not found.beyond, found.why, found.verdicts, found.beyond,
            int(self.hunt.level) if self._search.by == "users" else 0,
        )  # fmt: skip
        self.hunt.tell(step.beyond)
        if step.met:
            self._calm = min(each.waiting for each in self._heard)
        self._start, self._heard = heard.number, []
        if not self.is_over:
            self._go_on(heard, rests=not step.met)
        return step

    @property
    def is_over(self) -> bool:
        return self.hunt.doing == "over"

    def _cut(self, heard: Heard, kinds: str) -> Step:
        """Nobody is there any more: this step is the last one."""
        assert self._silence.since_s is not None
        load, doing = self._search.say(self.hunt.level), self.hunt.doing
        since, why = self._silence.since_s * SECOND, f"nobody answered any more ({kinds})"
        self.hunt.doing = "over"
        return Step(
            load, doing, self._start * SECOND, since, heard.number * SECOND, met=False, why=why, verdicts=(),
            beyond="service", silence=kinds,
        )  # fmt: skip

    def _rest(self, heard: Heard) -> None:
        """Until who was left behind has an answer, or it takes too long."""
        if heard.waiting <= self._calm or (heard.number - self._start) * SECOND >= self._search.rest_ns:
            self._start = heard.number
            self._go_on(heard, rests=False)

    def _go_on(self, heard: Heard, *, rests: bool) -> None:
        self.is_resting = rests and bool(self._search.rest_ns) and heard.waiting > self._calm
        self.begins = self._search.nobody if self.is_resting else self._search.shape(self.hunt.level)

    def _judged(self, stretch: tuple[int, int]) -> _Found:
        """Whose limit the step was beyond, looked for in this order: what only the service can have broken, the load
        generator, the ceiling, then all else that the service can have broken.
        """
        slices = [piece for heard in self._heard for piece in heard.slices]
        within = [heard for heard in self._heard if is_judged(heard.number - 1, [stretch])]
        health = judge_health([each.generator for each in within], tightest_ns(self._judging.thresholds))
        late = health.late
        held = self._held(within, slices, stretch)
        known = self._known(stretch)
        waiting = [] if held else list(self._unanswered(self._heard[-1]))  # if held, it is the ceiling they wait for
        verdicts = self._verdicts(slices, waiting, known, late or held)
        excused = _OF_A_CEILING if held else _OF_A_CAP if self._search.is_capped else frozenset[str]()
        asked = verdicts
        if excused:
            asked = self._verdicts([without(piece, excused) for piece in slices], waiting, known, late or held)
        if broken := _broken(asked):
            return _Found(broken + _kinds(slices, known), "service", verdicts)
        unclear = _unclear(verdicts)
        if late and (unclear or self._search.by == "arrivals"):  # a rate that is sent late is another rate
            return _Found(late, "generator", verdicts)
        if unclear and health.own_failures:
            return _Found(unclear, "generator", verdicts)
        if held or (held := _broken(verdicts)):
            return _Found(held, "ceiling", verdicts)
        if unsteady := self._unsteady(within, verdicts):
            return _Found(unsteady, "service", verdicts)
        return _Found("", "", verdicts)

    def _known(self, stretch: tuple[int, int]) -> tuple[int, int]:
        """The part of it of which slow answers are known as well as fast ones; a step is told a second after its end
        anyway.
        """
        start, end = stretch
        times = (limit.quantity for limit in (each.limit for each in self._judging.thresholds))
        longest = max((int(quantity.value) for quantity in times if quantity.unit == "time"), default=0)
        before = max(-(-KNOWN * longest // SECOND) - 1, 0)
        return start, end - min(before, (end - start) // SECOND // 2) * SECOND

    def _unanswered(self, heard: Heard) -> Iterator[Slice]:
        """Requests that are waited for longer than any limit allows: slow ones, whatever comes of them."""
        for piece in heard.under_way:
            limits = self._judging.limits.get(piece.key.name, ())
            waited_ns = (heard.number - piece.second - 1) * SECOND
            if limits and waited_ns > max(limits):
                over, waited = dict.fromkeys(limits, piece.n), {histogram.index(waited_ns // 1000): piece.n}
                yield msgspec.structs.replace(piece, over=over, response=waited)

    def _held(self, within: Sequence[Heard], slices: Sequence[Slice], stretch: tuple[int, int]) -> str:
        due = (piece for piece in slices if is_judged(piece.second, [stretch]))
        sent = total(due, lambda piece: piece.key.part == "load" and piece.key.timer in ("", "wait")).n
        return held_back(sum(heard.held for heard in within), sent, self._judging.most_requests_per_s)

    def _verdicts(
        self, slices: Sequence[Slice], waiting: Sequence[Slice], stretch: tuple[int, int], late: str
    ) -> tuple[Verdict, ...]:
        """`waiting`: requests of which only their time is known. In limits on all else they are not."""
        known = self._judge(slices, stretch, late)
        if not waiting:
            return known
        timed = self._judge([*slices, *waiting], stretch, late)
        cells = [threshold.cell.is_measured for threshold in self._judging.thresholds]
        about_time = cells + [any(each.unit == "time" for each in rule.measured) for rule in timed[len(cells) :]]
        return tuple(b if is_timed else a for a, b, is_timed in zip(known, timed, about_time, strict=True))

    def _judge(self, slices: Sequence[Slice], stretch: tuple[int, int], late: str) -> tuple[Verdict, ...]:
        circumstances, judging = Circumstances(late), self._judging
        limits = judge(judging.thresholds, slices, [stretch], circumstances)
        return limits + judge_rules(judging.rules, slices, [stretch], circumstances, judging.thresholds)

    def _unsteady(self, within: Sequence[Heard], verdicts: Sequence[Verdict]) -> str:
        """What else speaks against the load, where every limit holds."""
        if all(v.outcome in ("NO_DATA", "SKIPPED") for v in verdicts):
            return "nothing was measured"
        if unclear := _unclear(verdicts):
            return unclear
        if is_growing([heard.waiting for heard in within]):
            return "more and more waited for answers"
        if self._search.by == "arrivals" and self._judging.has_visits:
            return ""  # what they do before and after is in no round
        most = int(self.hunt.level) if self._search.by == "users" else max(heard.users for heard in within)
        users = [min(heard.users, most) for heard in within]  # others are left over from the step before
        return lost_users(users, [piece for heard in within for piece in heard.slices])


def _kinds(slices: Sequence[Slice], stretch: tuple[int, int]) -> str:
    """By which kinds requests failed, where more than a few did: ` (312 refused, 4 timeout)`."""
    due = (piece for piece in slices if is_judged(piece.second, [stretch]))
    row = total(due, lambda piece: piece.key.part == "load" and piece.key.timer in ("", "wait", ARRIVAL))
    most = sorted(row.errors.items(), key=lambda found: -found[1])[:2]
    return f" ({', '.join(f'{n} {kind}' for kind, n in most)})" if row.failed > FEW * row.n else ""


def _broken(verdicts: Sequence[Verdict]) -> str:
    return "; ".join(v.threshold for v in verdicts if v.outcome == "FAIL")


def _unclear(verdicts: Sequence[Verdict]) -> str:
    return "; ".join(f"{v.threshold}: {v.reason}" for v in verdicts if v.outcome == "INCONCLUSIVE")
