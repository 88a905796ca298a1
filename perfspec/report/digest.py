"""A load of hours as few numbers: fed second by second, so that no more than one of them is held.

What is judged are sums (verdict/sums.py), what is drawn is a timeline of its own. Of each second only a line without
slices stays, as the document has it; the log has all of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from perfspec.base.clock import SECOND
from perfspec.engine.exemplars import FAILURES, SLOWEST, Exemplar
from perfspec.engine.slicelog import LoggedSecond
from perfspec.metrics.rows import to_judge
from perfspec.metrics.series import Slice
from perfspec.plan.model import Plan
from perfspec.report.timeline import Timeline, timeline_for
from perfspec.verdict.health import Health, Sampled, around, judge_health, late_limit_ns, standstill_ns, tightest_ns
from perfspec.verdict.samples import Seconds, is_judged
from perfspec.verdict.sums import Sums

__all__ = ["Digest"]


@dataclass(slots=True)
class Digest:
    plan: Plan
    stretches: Seconds
    timeline: Timeline = field(init=False)
    _sums: Sums = field(init=False)
    _late_limit_ns: int = field(init=False)
    _exemplars: list[Exemplar] = field(default_factory=list)
    _lines: list[LoggedSecond] = field(default_factory=list)
    _sampled: list[Sampled] = field(default_factory=list)
    _stood_still: dict[int, int] = field(default_factory=dict)
    """Second whose requests may be slow by a standstill of the load generator -> how long it was."""

    def __post_init__(self) -> None:
        self.timeline = timeline_for(self.plan)
        self._sums = Sums(self.stretches)
        self._late_limit_ns = late_limit_ns(tightest_ns(self.plan.thresholds))

    @classmethod
    def of(cls, plan: Plan, stretches: Seconds, seconds: Iterable[LoggedSecond]) -> "Digest":
        found = cls(plan, stretches)
        for second in seconds:
            found._add(second)
        return found

    def _add(self, line: LoggedSecond) -> None:
        """A line with number k is about the second before it."""
        self.timeline.add(line)
        self._exemplars += line.exemplars
        if is_judged(line.second - 1, self.stretches):
            sampled = Sampled.of(
                line.lateness, line.cpu_ns, line.vitals, line.slices, line.workers, at_s=line.second - 1
            )
            self._sampled.append(sampled)
        slices = self._marked(line)
        self._sums.add(slices)
        is_search = self.plan.search is not None  # of which the steps are told apart afterwards
        self._lines.append(_without_readings(line, slices if is_search else []))

    def _marked(self, line: LoggedSecond) -> list[Slice]:
        """What was due around a standstill is marked by its length, but for what had come before it."""
        if late_ns := standstill_ns(line.lateness, line.vitals, self._late_limit_ns):
            for second in around(line.second, late_ns):
                self._stood_still[second] = max(self._stood_still.get(second, 0), late_ns)
        if not self._stood_still:
            return line.slices
        return [
            msgspec.structs.replace(piece, late_ns=self._stood_still[piece.second])
            if piece.key.part == "load" and piece.second in self._stood_still
            else piece
            for piece in line.slices
        ]

    @property
    def slices(self) -> list[Slice]:
        return self._sums.slices

    @property
    def seconds(self) -> tuple[LoggedSecond, ...]:
        """The lines that say something, with the sums in that of their first second."""
        if self.plan.search is not None:
            return tuple(self._lines)
        lines = self._lines or [LoggedSecond(0, 0, [])]
        known = {line.second: number for number, line in reversed(list(enumerate(lines)))}
        sums: dict[int, list[Slice]] = {}
        for piece in self.slices:  # the summaries have the service times
            small = to_judge(piece)
            sums.setdefault(known.get(piece.second + 1, 0), []).append(small)
        whole = [msgspec.structs.replace(line, slices=sums.get(number, [])) for number, line in enumerate(lines)]
        last = len(whole) - 1
        return tuple(
            line
            for number, line in enumerate(whole)
            if number in (0, last) or line != _quiet(line.second, whole[number - 1].users)
        )

    @property
    def exemplars(self) -> tuple[Exemplar, ...]:
        """Several load generators keep their own, and each stretch of time has its slowest: few of them are enough."""
        failures: dict[tuple[str, str], list[Exemplar]] = {}
        slow: dict[str, list[Exemplar]] = {}
        for found in self._exemplars:
            if found.why == "failed":
                failures.setdefault((found.key.name, found.kind), []).append(found)
            elif found.key.part != "load" or is_judged(found.due_ns // SECOND, self.stretches):
                slow.setdefault(found.key.name, []).append(found)
        first = (sorted(each, key=lambda e: e.due_ns)[:FAILURES] for each in failures.values())
        slowest = (sorted(each, key=lambda e: -e.response_ns)[:SLOWEST] for each in slow.values())
        return tuple(found for group in (*first, *slowest) for found in group)

    @property
    def health(self) -> Health:
        return judge_health(self._sampled, tightest_ns(self.plan.thresholds))


def _without_readings(line: LoggedSecond, slices: list[Slice]) -> LoggedSecond:
    return LoggedSecond(
        line.second,
        line.users,
        slices,
        extended=line.extended,
        held=line.held,
        step=line.step,
        workers=line.workers,
        lost=line.lost,
    )


def _quiet(second: int, users: int) -> LoggedSecond:
    """A line that says nothing."""
    return LoggedSecond(second, users, [])
