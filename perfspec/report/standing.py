"""How the limits stand while a run lasts: fed second by second, without bounds and without a verdict.

Nothing is said before the point could mean anything: a share needs the requests that prove it when none is bad.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from perfspec.base.clock import SECOND
from perfspec.engine.slicelog import LoggedSecond
from perfspec.metrics.rows import Row
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


@dataclass(slots=True)
class Seen:
    """Of one threshold: no more than is said of it, so it takes no more room the longer a run lasts."""

    n: int = 0
    share: tuple[int, int] | None = None
    """(bad, n) where the limit is on a share. Both add up over seconds."""

    def add(self, threshold: Threshold, row: Row) -> None:
        self.n += row.n
        found = bad_and_total(threshold, row) if is_share(threshold.cell) and row.n else None
        if found is not None:
            bad, n = self.share or (0, 0)
            self.share = bad + found[0], n + found[1]


class Standing:
    def __init__(self, plan: Plan) -> None:
        self._thresholds = plan.thresholds
        self._seen = [Seen() for _ in plan.thresholds]
        windows = plan.windows(max(plan.for_ns, plan.extend_to_ns))
        self._windows = [(window.start_ns, window.end_ns) for window in windows]
        self.begins_s = min((start for start, _ in self._windows), default=0) // SECOND
        """The second in which judging begins."""

    def add(self, second: LoggedSecond) -> None:
        judged = [s for s in second.slices if s.key.part == "load" and is_judged(s.second, self._windows)]
        if not judged:
            return
        for threshold, seen in zip(self._thresholds, self._seen, strict=True):
            seen.add(threshold, of_row(judged, threshold))

    def now(self) -> list[Stand]:
        """In the order of the plan."""
        return [_stand(t, seen) for t, seen in zip(self._thresholds, self._seen, strict=True)]


def _stand(threshold: Threshold, seen: Seen) -> Stand:
    text = str(threshold)
    if seen.share is None:
        return Stand(text, EARLY, f"{count(seen.n)} requests; judged at the end" if seen.n else "no requests yet")
    bad, n = seen.share
    share, strict = share_limit(threshold)
    needed = bounds.n_min(share)
    if needed is not None and n < needed:
        return Stand(text, EARLY, f"{count(n)} of {count(needed)} requests")
    holds = bad <= bounds.allowed_bad(share, n, strict=strict)
    return Stand(
        text, "holds" if holds else "broken", f"{percent(bad / n)} of {count(n)}, {percent(float(share))} allowed"
    )
