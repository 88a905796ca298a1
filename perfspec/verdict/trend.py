"""A service over time: where a number changed its level, and how often each limit was met."""

from collections.abc import Sequence

import msgspec

from perfspec.metrics import histogram
from perfspec.verdict.changepoints import changes
from perfspec.verdict.comparison import QUANTILES, Numbers

__all__ = ["Compliance", "Met", "Point", "Series", "Step", "compliance", "series"]

STATISTICS = ("p50", "p95")


class Point(msgspec.Struct, frozen=True):
    run_id: str
    started_at: str
    commit: str
    ns: int


class Step(msgspec.Struct, frozen=True):
    """A change of level: it came with some commit after `after`, up to that of `since`."""

    since: Point
    after: Point
    ratio: float
    p: float
    runs: int
    """Since then."""


class Series(msgspec.Struct, frozen=True):
    request: str
    statistic: str
    points: tuple[Point, ...]
    steps: tuple[Step, ...]


class Met(msgspec.Struct, frozen=True):
    """Did a run meet a limit?"""

    threshold: str
    started_at: str
    met: bool


class Compliance(msgspec.Struct, frozen=True):
    """One limit by period: (met, judged); None: not judged in that time."""

    threshold: str
    periods: tuple[tuple[int, int] | None, ...]


def series(runs: Sequence[Numbers]) -> tuple[Series, ...]:
    """Each request's median and p95 over the runs, oldest first."""
    names = dict.fromkeys(measure.request for run in runs for measure in run.measures)
    found = []
    for request in names:
        measured = [(run, m) for run in runs if (m := run.of(request)) is not None and m.response]
        for statistic in STATISTICS:
            points = tuple(
                Point(
                    run.run_id, run.started_at, run.commit, histogram.quantile(m.response, QUANTILES[statistic]) * 1000
                )
                for run, m in measured
            )
            found.append(Series(request, statistic, points, _steps(points)))
    return tuple(found)


def _steps(points: Sequence[Point]) -> tuple[Step, ...]:
    found = changes([max(point.ns, 1) for point in points])
    return tuple(Step(points[c.index], points[c.index - 1], c.ratio, c.p, len(points) - c.index) for c in found)


def compliance(judged: Sequence[Met], periods: Sequence[tuple[str, str]]) -> tuple[Compliance, ...]:
    """`periods`: [from, to) as ISO dates, oldest first."""
    found = []
    for threshold in dict.fromkeys(each.threshold for each in judged):
        mine = [each for each in judged if each.threshold == threshold]
        counts = []
        for start, end in periods:
            inside = [each.met for each in mine if start <= each.started_at < end]
            counts.append((sum(inside), len(inside)) if inside else None)
        found.append(Compliance(threshold, tuple(counts)))
    return tuple(found)
