"""A run beside those before it: each request's percentiles, judged by regression.py.

The median run stands for all: its histogram gives the range of the ratio. Medians and p95 can be regressions; p99 is
shown where its range says that it changed, because a tail is too noisy to stop anybody by. Of errors the difference of
shares is judged, against all earlier runs together: with (l, p, u) a share and its two-sided 95 % bounds,
    lo = d - hypot(p1 - l1, u0 - p0),  hi = d + hypot(u1 - p1, p0 - l0),  d = p1 - p0
regressed: lo is over one point. Limits judge errors; this says that they have changed.
"""

from collections.abc import Sequence
from fractions import Fraction
from math import hypot, isinf
from typing import Literal

import msgspec

from perfspec.metrics import histogram
from perfspec.metrics.histogram import Histogram
from perfspec.verdict.bounds import lower_bound, upper_bound
from perfspec.verdict.regression import ENOUGH_RUNS, LEAST, Range, State, effect, judge_change, quantile_range, ratio

__all__ = ["Change", "Comparison", "ErrorChange", "Measure", "Numbers", "compare"]

QUANTILES = {"p50": Fraction(1, 2), "p95": Fraction(19, 20), "p99": Fraction(99, 100)}
JUDGED = ("p50", "p95")
POINT = 0.01
"""Of errors that many more, surely, are a regression."""
ONE_SIDE = 0.975
_HINTS: dict[State, State] = {"regressed": "maybe worse", "improved": "maybe better"}
FEWEST = 20
"""Answers, on either side."""
LEAST_US = 500
"""Less is no regression while too few runs tell what this request differs by without any change: a busier machine, or
one more worker, is as much.
"""


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

    @property
    def is_as_before(self) -> bool:
        """Not so if it only cannot be told whether it changed."""
        told = self.limit if self.runs >= ENOUGH_RUNS else LEAST
        return self.state == "unchanged" and 1 / told <= self.ratio <= told

    @property
    def is_unsure(self) -> bool:
        return self.state == "unchanged" and not self.is_as_before


class ErrorChange(msgspec.Struct, frozen=True):
    """The share of failed requests, before and now."""

    request: str
    before: float
    """Of all runs compared with, together."""
    now: float
    low: float
    """Where the difference of the shares likely lies."""
    high: float
    state: State
    """`regressed`: surely over a point more; `maybe worse`: surely more."""
    runs: int

    @property
    def statistic(self) -> str:
        return "errors"

    @property
    def is_unsure(self) -> bool:
        """It moved by over a point, and that may be chance."""
        return self.state == "unchanged" and abs(self.now - self.before) > POINT


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
    errors: tuple[ErrorChange, ...] = ()
    """Of requests that fail, or failed before."""
    too_few: tuple[str, ...] = ()
    """Requests whose times are not compared, for there are too few answers on one side."""

    @property
    def regressed(self) -> tuple[Change | ErrorChange, ...]:
        return tuple(change for change in self.told if change.state == "regressed")

    @property
    def told(self) -> tuple[Change | ErrorChange, ...]:
        """What is not as before."""
        every: tuple[Change | ErrorChange, ...] = (*self.errors, *self.changes)
        return tuple(change for change in every if change.state != "unchanged")


def compare(now: Numbers, history: Sequence[Numbers], baseline: str, *, same_shape: bool = True) -> Comparison:
    """`history`: the runs to compare with, oldest first; at least one."""
    changes: list[Change] = []
    before = {measure.request for run in history for measure in run.measures}
    errors: list[ErrorChange] = []
    too_few: list[str] = []
    for measure in now.measures:
        found = _errors(measure, [m for run in history if (m := run.of(measure.request))])
        errors += [found] if found is not None else []
        more_failed = found is not None and found.low > 0
        seen = [m for run in history if (m := run.of(measure.request)) and histogram.count(m.response) >= FEWEST]
        if seen and histogram.count(measure.response) >= FEWEST:
            changes += (_change(measure, seen, statistic, more_failed=more_failed) for statistic in QUANTILES)
        elif measure.request in before:
            too_few.append(measure.request)
    newest = history[-1].commit
    return Comparison(
        baseline=baseline,
        runs=tuple(run.run_id for run in history),
        commits=(newest, now.commit) if newest and now.commit else (),
        changes=tuple(changes),
        same_shape=same_shape,
        only_now=tuple(m.request for m in now.measures if m.request not in before),
        only_before=tuple(sorted(before - {m.request for m in now.measures})),
        errors=tuple(errors),
        too_few=tuple(too_few),
    )


def _errors(now: Measure, history: Sequence[Measure]) -> ErrorChange | None:
    """None where nothing failed, or so little was sent on one side that it says nothing."""
    n, failed = sum(m.n for m in history), sum(m.failed for m in history)
    if not n or not now.n or not failed + now.failed:
        return None
    was, is_now = failed / n, now.failed / now.n
    below = hypot(is_now - lower_bound(now.failed, now.n, ONE_SIDE), upper_bound(failed, n, ONE_SIDE) - was)
    above = hypot(upper_bound(now.failed, now.n, ONE_SIDE) - is_now, was - lower_bound(failed, n, ONE_SIDE))
    low, high = is_now - was - below, is_now - was + above
    state: State = "regressed" if low > POINT else "improved" if high < -POINT else "unchanged"
    if state == "unchanged":
        state = "maybe worse" if low > 0 else "maybe better" if high < 0 else "unchanged"
    if state == "unchanged" and min(n, now.n) < FEWEST:
        return None
    return ErrorChange(now.request, was, is_now, low, high, state, len(history))


def _change(now: Measure, history: Sequence[Measure], statistic: str, *, more_failed: bool) -> Change:
    """`more_failed`: surely. What still went well is then no measure of how fast the service has become."""
    q = QUANTILES[statistic]
    values = [max(1, histogram.quantile(m.response, q)) for m in history]
    value = max(1, histogram.quantile(now.response, q))
    middle = sorted(range(len(values)), key=lambda i: values[i])[(len(values) - 1) // 2]
    within = ratio(_range(history[middle], q), _range(now, q))
    judged = judge_change(value, values, within)
    state: State = judged.state
    if len(values) < ENOUGH_RUNS and abs(value - judged.median) < LEAST_US:
        state = _HINTS.get(state, state)
    if statistic not in JUDGED:
        state = _HINTS.get(state, state) if within.excludes_no_change else "unchanged"
    if more_failed and state in ("improved", "maybe better"):
        state = "not comparable"
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
