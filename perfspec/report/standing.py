"""How the limits stand while a run lasts: fed second by second, without bounds and without a verdict.

Nothing is said before the point could mean anything: a share needs the requests that prove it when none is bad.
"""

from typing import Literal, NamedTuple

from perfspec.base.clock import SECOND
from perfspec.engine.slicelog import LoggedSecond
from perfspec.metrics.rows import Row, to_judge
from perfspec.plan.model import Plan
from perfspec.report.words import count, percent
from perfspec.spec.model import Threshold
from perfspec.spec.thresholds import is_share, share_limit
from perfspec.verdict import bounds
from perfspec.verdict.samples import bad_and_total, is_judged, of_row

__all__ = ["Stand", "Standing"]

Word = Literal["holds", "broken", "too early to say"]
EARLY: Word = "too early to say"


class Stand(NamedTuple):
    threshold: str
    word: Word
    seen: str
    """What speaks for it, in words: `2.1 % of 300, 5 % allowed`."""


class Standing:
    def __init__(self, plan: Plan) -> None:
        self._thresholds = plan.thresholds
        self._rows = [Row() for _ in plan.thresholds]
        windows = plan.windows(max(plan.for_ns, plan.extend_to_ns))
        self._windows = [(window.start_ns, window.end_ns) for window in windows]
        self.begins_s = min((start for start, _ in self._windows), default=0) // SECOND
        """The second in which judging begins."""

    def add(self, second: LoggedSecond) -> None:
        judged = [to_judge(s) for s in second.slices if s.key.part == "load" and is_judged(s.second, self._windows)]
        if not judged:
            return
        for threshold, row in zip(self._thresholds, self._rows, strict=True):
            row.add(of_row(judged, threshold))

    def now(self) -> list[Stand]:
        """In the order of the plan."""
        return [_stand(t, row) for t, row in zip(self._thresholds, self._rows, strict=True)]


def _stand(threshold: Threshold, row: Row) -> Stand:
    text = str(threshold)
    found = bad_and_total(threshold, row) if is_share(threshold.cell) and row.n else None
    if found is None:
        return Stand(text, EARLY, f"{count(row.n)} requests; judged at the end" if row.n else "no requests yet")
    bad, n = found
    share, strict = share_limit(threshold)
    needed = bounds.n_min(share)
    if needed is not None and n < needed:
        return Stand(text, EARLY, f"{count(n)} of {count(needed)} requests")
    holds = bad <= bounds.allowed_bad(share, n, strict=strict)
    return Stand(
        text, "holds" if holds else "broken", f"{percent(bad / n)} of {count(n)}, {percent(float(share))} allowed"
    )
