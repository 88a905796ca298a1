"""When a run ends before its time. Fed once a second with what was drained; says the rule and the evidence, or nothing.

A second here is what came in during it, so a time-out counts in the second in which it is known. A rule without `for`
ends the run when the judged time so far is evidence enough (evidence.py), or by the hard stop: at least 90 % bad among
at least 20 requests of the last 10 s, at any time after the first 5 s. A rule with `for` must be broken in every one of
its last seconds that brought anything, and something must have come; counts and rates are 0 in a second that brought
nothing, from the first request on. `no responses` needs somebody who waits for one. What the spec could make no request
of was asked of nobody, and is left out of all of them, as are failures by this machine's doing.

Seconds in which the load generator was late itself say nothing about times, nor do those that it may have been late in
for them: there, rules about times begin anew.

The steps of a search are meant to break thresholds: there, rules about thresholds wait for a service that is dead:
90 % of the last 10 s refused, reset or not found. Other rules stand.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import msgspec

from perfspec.base.clock import SECOND
from perfspec.base.units import format_duration, format_share
from perfspec.language.phrases import AbortRule
from perfspec.metrics import histogram
from perfspec.metrics.error_kinds import DROPPED, GENERATOR_KINDS, UNREACHABLE_KINDS, UNSENDABLE
from perfspec.metrics.rows import Row, without
from perfspec.metrics.series import Slice
from perfspec.spec.model import Promised, Threshold
from perfspec.spec.thresholds import is_share, share_limit, watched
from perfspec.verdict import bounds
from perfspec.verdict.evidence import Gathered
from perfspec.verdict.failures import not_of_the_service
from perfspec.verdict.health import around
from perfspec.verdict.readings import in_words, is_of_silence
from perfspec.verdict.samples import Seconds, bad_and_total, of_row
from perfspec.verdict.values import Value, holds, value

__all__ = ["Abort", "Watch"]

HARD_SHARE = 0.9
HARD_REQUESTS = 20
HARD_SECONDS = 10
FIRST_SECONDS = 5
A_SECOND = Fraction(1)
ASKED_OF_NOBODY = GENERATOR_KINDS - UNREACHABLE_KINDS | {UNSENDABLE}
"""No service is to blame for what could not be made or sent; a name that is not known may be its own."""


class Abort(msgspec.Struct, frozen=True):
    """Why a run was ended, with the evidence."""

    rule: str
    threshold: str
    """The threshold that is failed by it; empty for a rule about no threshold."""
    second: int
    evidence: str
    of_time: bool = False
    """It is about latency: a load generator that was late has proved nothing."""


@dataclass(frozen=True, slots=True)
class OneSecond:
    """What one second brought for a rule."""

    bad: int
    n: int
    errors: dict[str, int]
    is_true: bool | None
    """Is what the rule says so in this second? None: nothing came that could tell."""
    value: Fraction | None = None
    """What the metric of the rule was."""


@dataclass(slots=True)
class Asked:
    """One rule about one row, and its last seconds."""

    rule: AbortRule
    threshold: Threshold
    seconds: int
    gathered: Gathered | None = None
    """Of a rule without `for`: all that the judged time has brought."""
    recent: deque[OneSecond] = field(default_factory=deque)
    has_begun: bool = False
    """Has anything been sent that the rule is about?"""

    @property
    def is_of_time(self) -> bool:
        return self.threshold.cell.is_latency or self.threshold.cell.statistic == "goodput"

    def add(self, slices: Sequence[Slice]) -> None:
        if self.gathered is not None:
            for second, due in _by_second(slices).items():
                was = of_row(due, self.threshold)
                if was.n:
                    self.gathered.add(second, *self._bad_and_total(was))
        row = of_row(slices, self.threshold)
        self.recent.append(self._read(row) if self.rule.kind == "metric" else self._count(row))
        while len(self.recent) > self.seconds:
            self.recent.popleft()

    def _read(self, row: Row) -> OneSecond:
        self.has_begun = self.has_begun or row.n > 0
        cell, limit = self.threshold.cell, self.threshold.limit
        bad, n = self._bad_and_total(row)
        if is_of_silence(cell) and not self.has_begun:
            return OneSecond(bad, n, row.errors, None)
        found = value(cell, row, A_SECOND, budget=self.threshold.budget)
        if isinstance(found, Value):
            return OneSecond(bad, n, row.errors, holds(limit, found.shown), found.shown)
        is_true = limit.relation in ("over", "at least") if found.is_beyond else None
        return OneSecond(bad, n, row.errors, is_true)

    def _count(self, row: Row) -> OneSecond:
        bad, n = self._bad_and_total(row)
        share, strict = share_limit(self.threshold)
        return OneSecond(bad, n, row.errors, bad > bounds.allowed_bad(share, n, strict=strict) if n else None)

    def _bad_and_total(self, row: Row) -> tuple[int, int]:
        """Without what is not the service's doing."""
        bad, n = bad_and_total(self.threshold, row) or (row.failed, row.n)
        own = sum(not_of_the_service(self.threshold, row).values())
        return bad - own, n - own

    def is_hard(self) -> bool:
        n = sum(heard.n for heard in self.recent)
        return n >= HARD_REQUESTS and sum(heard.bad for heard in self.recent) >= HARD_SHARE * n

    @property
    def is_dead(self) -> bool:
        """Nearly nobody found anyone to talk to."""
        n = sum(heard.n for heard in self.recent)
        lost = sum(k for heard in self.recent for kind, k in heard.errors.items() if kind in UNREACHABLE_KINDS)
        return n >= HARD_REQUESTS and lost >= HARD_SHARE * n

    def is_sure(self, passed: int) -> bool:
        return self.gathered is not None and self.gathered.is_enough(passed)

    def sure_evidence(self) -> str:
        assert self.gathered is not None
        bad, n = self.gathered.counts
        allowed = format_share(self.gathered.share)
        return (
            f"{bad} of {n} requests of the judged time were bad, {allowed} allowed; chance does that once in 1000 runs"
        )

    def is_true_throughout(self) -> bool:
        """In every second that brought anything; silence alone proves nothing."""
        said = [heard.is_true for heard in self.recent if heard.is_true is not None]
        return len(self.recent) == self.seconds and bool(said) and all(said)

    def evidence(self) -> str:
        values = [heard.value for heard in self.recent if heard.value is not None]
        is_beyond = any(heard.is_true is not None and heard.value is None for heard in self.recent)
        if not is_beyond and self.rule.kind == "metric" and (what := in_words(self.threshold, values)):
            spoke, asked = len(values), len(self.recent)
            return f"{what} in " + (
                f"each of the last {asked} s"
                if spoke == asked
                else f"those {spoke} of the last {asked} s that brought any"
            )
        bad, n = sum(heard.bad for heard in self.recent), sum(heard.n for heard in self.recent)
        errors: dict[str, int] = {}
        for heard in self.recent:
            for kind, count in heard.errors.items():
                errors[kind] = errors.get(kind, 0) + count
        kinds = sorted(errors.items(), key=lambda e: -e[1])[:3]
        named = " (" + ", ".join(f"{count} {kind}" for kind, count in kinds) + ")" if kinds else ""
        return f"{bad} of {n} requests in the last {len(self.recent)} s were bad{named}"


class Watch:
    """Asks the stage's rules about the last seconds of a run."""

    def __init__(
        self,
        rules: Sequence[AbortRule],
        thresholds: Sequence[Threshold],
        stretches: Seconds = (),
        promised: Promised | None = None,
        *,
        of_search: bool = False,
        is_capped: bool = False,
    ) -> None:
        """`stretches`: the time that is judged. `promised`: the availability that a burn rate is measured by.
        `is_capped`: who finds no place is turned away by the environment.
        """
        self._left_out = ASKED_OF_NOBODY | ({DROPPED} if is_capped else frozenset[str]())
        shares = [threshold for threshold in thresholds if is_share(threshold.cell)]
        self._of_search = of_search
        self._asked = [
            found for rule in rules for found in _asked(rule, shares, stretches, promised, of_search=of_search)
        ]
        self._silence = [rule for rule in rules if rule.kind == "no responses"]
        self._silent_seconds = 0
        self._untrusted: set[int] = set()
        """Seconds whose requests may have been late by the load generator's doing."""

    def second(self, second: int, slices: Iterable[Slice], waiting: int, late_ns: int = 0) -> Abort | None:
        """Take in what came during the last second. `waiting`: users that wait for an answer now.

        `late_ns`: how late the load generator was in it, where that was too late.
        """
        new = [without(s, self._left_out) for s in slices if s.key.part == "load"]
        heard = [s for s in new if s.key.timer in ("", "poll")]
        answers = sum(histogram.count(s.response) - s.errors.get("timeout", 0) for s in heard)  # it has a duration
        failures = sum(sum(s.errors.values()) for s in new)
        if answers or late_ns >= SECOND:  # who was asleep has heard nobody
            self._silent_seconds = 0
        elif waiting or failures or self._silent_seconds:
            self._silent_seconds += 1
        for rule in self._silence:
            if self._silent_seconds * SECOND >= rule.for_ns and (waiting or failures):
                return Abort(rule.text, "", second, f"no answer came in {format_duration(rule.for_ns)}")
        if late_ns:
            self._untrusted.update(around(second, late_ns))
        timely = [s for s in new if s.second not in self._untrusted] if self._untrusted else new
        for asked in self._asked:
            if asked.is_of_time and (late_ns or second - 1 in self._untrusted):
                asked.recent.clear()
                continue
            if late_ns >= SECOND and is_of_silence(asked.threshold.cell):  # nothing came, for nothing was sent
                asked.recent.clear()
                continue
            asked.add(timely if asked.is_of_time else new)
            if evidence := self._evidence(asked, second):
                named = str(asked.threshold) if asked.rule.kind == "threshold" else ""
                return Abort(asked.rule.text, named, second, evidence, asked.is_of_time)
        return None

    def _evidence(self, asked: Asked, second: int) -> str:
        """Why the rule ends the run now; empty if it does not."""
        if self._of_search and asked.rule.kind == "threshold":
            is_over = second > FIRST_SECONDS and asked.is_dead
        else:
            is_over = asked.is_true_throughout() if asked.rule.for_ns else second > FIRST_SECONDS and asked.is_hard()
        if is_over:
            return asked.evidence()
        return asked.sure_evidence() if asked.is_sure(second) else ""


def _by_second(slices: Sequence[Slice]) -> dict[int, list[Slice]]:
    found: dict[int, list[Slice]] = {}
    for piece in slices:
        found.setdefault(piece.second, []).append(piece)
    return found


def _asked(
    rule: AbortRule, shares: Sequence[Threshold], stretches: Seconds, promised: Promised | None, *, of_search: bool
) -> Iterator[Asked]:
    seconds = max(rule.for_ns // SECOND, 1) if rule.for_ns else HARD_SECONDS
    if rule.kind == "metric":
        yield Asked(rule, watched(rule, promised), seconds)
    for threshold in shares if rule.kind == "threshold" else ():
        if not _is_meant(rule, threshold):
            continue
        if of_search:
            yield Asked(rule, threshold, HARD_SECONDS)
        else:
            gathered = None if rule.for_ns else Gathered(share_limit(threshold)[0], stretches)
            yield Asked(rule, threshold, seconds, gathered)


def _is_meant(rule: AbortRule, threshold: Threshold) -> bool:
    return rule.row in ("any", threshold.row.text) or (rule.row == "errors" and threshold.cell.statistic == "errors")
