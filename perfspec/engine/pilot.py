"""Who watches a load: logs every second, ends it where a rule says so, lets it run on, leads a search.

Gets what all processes told of a second, merged; so it judges ten of them exactly like one.
"""

from collections.abc import Callable
from typing import Protocol

from perfspec.base.clock import SECOND
from perfspec.engine.part import Told
from perfspec.engine.slicelog import LoggedSecond
from perfspec.load import Shape
from perfspec.metrics.rows import to_judge
from perfspec.plan.model import Plan
from perfspec.verdict.abort import Abort, Watch
from perfspec.verdict.capacity import Heard, Judging, Searching, Step
from perfspec.verdict.health import Sampled, late_limit_ns, tightest_ns, worst_ns
from perfspec.verdict.judge import Circumstances, judge
from perfspec.verdict.sums import Sums

__all__ = ["Listener", "Pilot", "Steered"]

Listener = Callable[[LoggedSecond], None]
"""Gets every second as it is logged. It must not block."""


class Steered(Protocol):
    """What a pilot asks of a load."""

    def stop(self, reason: str) -> None: ...
    def change(self, shape: Shape, at_ns: int) -> None: ...


class Pilot:
    def __init__(self, plan: Plan, load: Steered, on_second: Listener) -> None:
        self._plan = plan
        self._load = load
        self._on_second = on_second
        windows = plan.windows(max(plan.for_ns, plan.extend_to_ns))
        stretches = [(w.start_ns, w.end_ns) for w in windows]
        self._watch = Watch(
            plan.abort, plan.thresholds, stretches, plan.promised,
            of_search=plan.search is not None, is_capped=plan.is_capped,
        )  # fmt: skip
        self._late_limit_ns = late_limit_ns(tightest_ns(plan.thresholds))
        self._searching = None if plan.search is None else Searching(plan.search, _judging(plan))
        self._planned = [(w.start_ns, w.end_ns) for w in plan.windows()]
        self._sums = Sums(self._planned)
        self.abort: Abort | None = None

    def hear(self, told: Told) -> None:
        """Another second."""
        step = self._step(told)
        if self._plan.extend_to_ns > self._plan.for_ns:
            self._sums.add(to_judge(piece) for piece in told.slices)
        line = LoggedSecond(
            told.number,
            told.users,
            told.slices,
            told.lateness,
            told.cpu_ns,
            told.vitals,
            told.exemplars,
            extended=told.is_extended,
            held=told.held,
            workers=told.workers,
            lost=told.lost,
            step=step,
        )
        self._on_second(line)
        is_resting = self._searching is not None and self._searching.is_resting
        if self.abort is None and not told.is_ending and not is_resting:
            late_ns = worst_ns(told.lateness, told.vitals, self._late_limit_ns)
            self.abort = self._watch.second(told.number, told.slices, told.waiting, late_ns)
            if self.abort is not None:
                self._load.stop("aborted")

    def _step(self, told: Told) -> Step | None:
        """The step of a search that ends with this second; the next one begins."""
        searching = self._searching
        if searching is None or told.is_ending:
            return None
        vitals = Sampled.of(told.lateness, told.cpu_ns, told.vitals, told.slices, told.workers, at_s=told.number - 1)
        heard = Heard(told.number, told.users, told.waiting, told.slices, told.held, vitals, told.under_way)
        step = searching.second(heard)
        if step is not None and searching.is_over:
            self._load.stop("finished")
        elif searching.begins is not None:
            self._load.change(searching.begins, told.number * SECOND)
        return step

    def is_close(self) -> bool:
        """A borderline FAIL and no clear one: the stage runs on, so that a close call is not decided by a few
        requests.
        """
        circumstances = Circumstances(warn_only=self._plan.warn_only)
        verdicts = judge(self._plan.thresholds, self._sums.slices, self._planned, circumstances)
        failed = {v.strength for v in verdicts if v.outcome == "FAIL"}
        return "borderline" in failed and "clear" not in failed


def _judging(plan: Plan) -> Judging:
    visits = plan.each_user.first or plan.each_user.last
    limits = {name: found for (name, timer), found in plan.request_limits().items() if not timer}
    return Judging(plan.thresholds, plan.rules, plan.target.most_requests_per_s, bool(visits), limits)
