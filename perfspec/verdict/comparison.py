"""A run beside those before it: each request's percentiles, judged by regression.py.

The median run stands for all: its histogram gives the range of the ratio. Medians and p95 can be regressions; p99 is
shown, because a tail is too noisy to stop anybody by.
"""

from collections.abc import Sequence
from fractions import Fraction
from math import isinf
from typing import Literal

import msgspec

from perfspec.metrics import histogram
from perfspec.metrics.histogram import Histogram
from perfspec.verdict.regression import Range, State, effect, judge_change, quantile_range, ratio

__all__ = ["Change", "Comparison", "Measure", "Numbers", "compare"]

QUANTILES = {"p50": Fraction(1, 2), "p95": Fraction(19, 20), "p99": Fraction(99, 100)}
JUDGED = ("p50", "p95")
FEWEST = 20
"""Answers, on either side."""


class Measure(msgspec.Struct, frozen=True):
    """One request of one run."""

    request: str
    n: int
    failed: int
    response: Histogram
    information: float = 1.0
    """n_effective / n: less than 1 where requests that are close in time are alike."""


class Numbers(msgspec.Struct, frozen=True):
    """What is compared of a run."""

    run_id: str
    started_at: str
    commit: str
    measures: tuple[Measure, ...]

    def of(self, request: str) -> Measure | None:
        return next((measure for measure in self.measures if measure.request == request), None)


class Change(msgspec.Struct, frozen=True):
    """One number of one request, before and now."""

    request: str
    statistic: Literal["p50", "p95", "p99"]
    before_ns: int
    """The median of the runs compared with."""
    now_ns: int
    ratio: float
    low: float | None
    """Where the ratio to the median run likely lies; None: too few requests to bound that side."""
    high: float | None
    limit: float
    """The ratio above which it is a regression."""
    state: State
    effect: float
    """How often a request now is slower than one of the median run; 0.5: as often as not."""
    runs: int


class Comparison(msgspec.Struct, frozen=True):
    """What became of a run's numbers since the runs it is compared with."""

    baseline: str
    """In words: `the median of 7 runs on main`."""
    runs: tuple[str, ...]
    commits: tuple[str, ...]
    """Of the newest run compared with, and of this one; empty where unknown."""
    changes: tuple[Change, ...]
    same_shape: bool = True
    """False: another load, environment or machine; the ratio may be due to that."""
    only_now: tuple[str, ...] = ()
    only_before: tuple[str, ...] = ()
    fails: bool = False
    """A regression fails the run."""

    @property
    def regressed(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.state == "regressed")


def compare(now: Numbers, history: Sequence[Numbers], baseline: str, *, same_shape: bool = True) -> Comparison:
    """`history`: the runs to compare with, oldest first; at least one."""
    changes: list[Change] = []
    before = {measure.request for run in history for measure in run.measures}
    for measure in now.measures:
        seen = [m for run in history if (m := run.of(measure.request)) and histogram.count(m.response) >= FEWEST]
        if seen and histogram.count(measure.response) >= FEWEST:
            changes += (_change(measure, seen, statistic) for statistic in QUANTILES)
    newest = history[-1].commit
    return Comparison(
        baseline=baseline,
        runs=tuple(run.run_id for run in history),
        commits=(newest, now.commit) if newest and now.commit else (),
        changes=tuple(changes),
        same_shape=same_shape,
        only_now=tuple(m.request for m in now.measures if m.request not in before),
        only_before=tuple(sorted(before - {m.request for m in now.measures})),
    )


def _change(now: Measure, history: Sequence[Measure], statistic: str) -> Change:
    q = QUANTILES[statistic]
    values = [max(1, histogram.quantile(m.response, q)) for m in history]
    value = max(1, histogram.quantile(now.response, q))
    middle = sorted(range(len(values)), key=lambda i: values[i])[(len(values) - 1) // 2]
    within = ratio(_range(history[middle], q), _range(now, q))
    judged = judge_change(value, values, within)
    state: State = judged.state
    if statistic not in JUDGED and state in ("regressed", "improved"):
        state = "maybe slower" if state == "regressed" else "maybe faster"
    return Change(
        request=now.request,
        statistic=statistic,  # type: ignore[arg-type]
        before_ns=int(judged.median * 1000),
        now_ns=value * 1000,
        ratio=judged.ratio,
        low=within.low or None,
        high=None if isinf(within.high) else within.high,
        limit=judged.limit,
        state=state,
        effect=effect(history[middle].response, now.response),
        runs=len(history),
    )


def _range(measure: Measure, q: Fraction) -> Range:
    return quantile_range(measure.response, q, measure.information * histogram.count(measure.response))
