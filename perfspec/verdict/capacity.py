"""How much does it carry? Judges each step of a search, and says what the steps found: a bracket, not a number.

A step is met if no limit is broken in its judged time, and if no more and more users wait for answers: then the load is
more than the service can do, even while its percentiles still hold. A quarter of each step is not judged.
"""

from collections.abc import Sequence
from math import sqrt
from statistics import fmean, variance

import msgspec

from perfspec.base.clock import SECOND
from perfspec.load import Hunt, Search
from perfspec.metrics.series import Slice
from perfspec.spec.model import Threshold
from perfspec.verdict.judge import Circumstances, Verdict, judge

__all__ = ["Capacity", "Searching", "Step", "bracket"]

GROWN = 1.2
FEWEST_SAMPLES = 6


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


class Capacity(msgspec.Struct, frozen=True):
    """What a search found."""

    met: str
    """The highest load at which all limits held; empty if there is none."""
    failed: str
    """The lowest load at which one was broken; empty if none was."""
    is_confirmed: bool
    """The load that was met held for three times as long."""
    steps: tuple[Step, ...]

    @property
    def text(self) -> str:
        """In one sentence."""
        if not self.met:
            return f"not even {self.failed} were met" if self.failed else "no load was held to its end"
        sure = ", confirmed three times as long" if self.is_confirmed else ", not confirmed"
        return f"met at {self.met}, failed at {self.failed}{sure}" if self.failed else f"at least {self.met}{sure}"


def bracket(search: Search, steps: Sequence[Step]) -> Capacity:
    """The bracket that the steps come to: the same search, told the same answers."""
    hunt = Hunt(search)
    for step in steps:
        hunt.tell(met=step.met)
    say = search.say
    return Capacity(
        "" if hunt.met is None else say(hunt.met),
        "" if hunt.failed is None else say(hunt.failed),
        hunt.is_confirmed,
        tuple(steps),
    )


class Searching:
    """A search under way. Told of every second; says when a step has ended, and which load is next."""

    def __init__(self, search: Search, thresholds: Sequence[Threshold]) -> None:
        self._search = search
        self._thresholds = thresholds
        self.hunt = Hunt(search)
        self._start = 0
        self._slices: list[Slice] = []
        self._waiting: list[int] = []

    def second(self, number: int, slices: Sequence[Slice], waiting: int) -> Step | None:
        """`number` full seconds have passed. The step that has just ended, and been judged; None within a step."""
        self._slices += slices
        judged = self._start + -(-self.hunt.settle_ns // SECOND)
        if number > judged:
            self._waiting.append(waiting)
        end = self._start + -(-self.hunt.hold_ns // SECOND)
        if number <= end:  # a second longer, for the answers to what was due in its last one
            return None
        step = self._judged(self._start * SECOND, judged * SECOND, end * SECOND)
        self.hunt.tell(met=step.met)
        self._start, self._slices, self._waiting = number, [], []
        return step

    def _judged(self, start_ns: int, judged_ns: int, end_ns: int) -> Step:
        verdicts = judge(self._thresholds, self._slices, [(judged_ns, end_ns)], Circumstances())
        broken = [f"{v.threshold}" for v in verdicts if v.outcome == "FAIL"]
        if all(v.outcome == "NO_DATA" for v in verdicts):
            broken.append("nothing was measured")
        if _is_growing(self._waiting):
            broken.append("more and more waited for answers")
        load, doing = self._search.say(self.hunt.level), self.hunt.doing
        return Step(load, doing, start_ns, judged_ns, end_ns, not broken, "; ".join(broken), verdicts)


def _is_growing(waiting: Sequence[int]) -> bool:
    """The last third is well above the first: by a fifth, by one at least, and by more than chance would have it."""
    third = len(waiting) // 3
    if len(waiting) < FEWEST_SAMPLES:
        return False
    first, last = waiting[:third], waiting[-third:]
    noise = 2 * sqrt((variance(first) + variance(last)) / third)
    return fmean(last) > GROWN * fmean(first) and fmean(last) - fmean(first) > max(1.0, noise)
