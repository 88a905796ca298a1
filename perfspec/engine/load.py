"""The load of one plan on one driver: binds it, watches it, tells of every second. The same on the reactor and in
simulation.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from perfspec import steps as kinds
from perfspec.base.clock import SECOND, cpu_ns
from perfspec.engine.binding import Binder, constants, environment_headers, generators
from perfspec.engine.ceiling import LimitedDriver
from perfspec.engine.driver import Driver
from perfspec.engine.exemplars import Exemplars, hidden_names
from perfspec.engine.pool import Ending, Hooks, Pool, Second
from perfspec.engine.rounds import BoundFlow, Generators, Rounds
from perfspec.engine.slicelog import LoggedSecond
from perfspec.engine.visits import Visits
from perfspec.load import WHOLE, Segment
from perfspec.metrics.series import Key, Registry, Slice
from perfspec.metrics.vitals import Vitals
from perfspec.plan.model import Plan
from perfspec.steps.runtime import Origin
from perfspec.steps.sequence import in_turn
from perfspec.verdict.abort import Abort, Watch
from perfspec.verdict.capacity import Searching, Step
from perfspec.verdict.judge import Circumstances, judge

__all__ = ["Inputs", "Listener", "Load"]

Listener = Callable[[LoggedSecond], None]
"""Gets every second as it is logged. It must not block."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a run needs beside its plan."""

    run_id: str
    rows: Mapping[str, Sequence[Mapping[str, object]]]
    """Generator -> the rows of its file."""
    secrets: Mapping[str, str]


@dataclass(slots=True)
class Load:
    plan: Plan
    driver: Driver
    origin: Origin
    inputs: Inputs
    on_second: Listener
    on_done: Callable[[Ending], None]
    shared: dict[str, object] = field(default_factory=dict)
    drawn: Generators | None = None
    """The plan's data, if it is at hand: making it can take longer than a second."""
    vitals: Callable[[], Vitals | None] = lambda: None
    """Asked once a second."""
    segment: Segment = WHOLE
    abort: Abort | None = None
    _slices: list[Slice] = field(default_factory=list)
    """All so far, where the stage may run on; else nobody asks, and they are the one thing that would grow."""
    _pool: Pool | None = None
    _exemplars: Exemplars = field(default_factory=lambda: Exemplars.of(0, (), ()))
    _searching: Searching | None = None
    _ceiled: LimitedDriver | None = None
    _cpu_ns: int = 0

    def start(self, start_ns: int) -> None:
        """Begin at this instant of the driver's clock."""
        plan = self.plan
        registry = Registry(start_ns, plan.request_limits(), plan.held_to, plan.statuses())
        names = constants(plan, self.inputs.run_id, self.inputs.secrets)
        self._exemplars = exemplars = Exemplars.of(start_ns, self.inputs.secrets.values(), hidden_names(plan))
        binder = self._binder(registry, exemplars, names)
        flows = [
            BoundFlow(
                flow.name,
                flow.weight,
                in_turn(flow.steps, binder("load", flow.name)),
                registry.series(Key(flow.name, "round", flow=flow.name)),
            )
            for flow in plan.flows
        ]
        windows = plan.windows(max(plan.for_ns, plan.extend_to_ns))
        watch = Watch(plan.abort, plan.thresholds, [(w.start_ns, w.end_ns) for w in windows])
        hooks = Hooks(lambda second: self._second(second, watch), self._is_close, self.on_done)
        drawn = generators(plan, self.inputs.rows, names) if self.drawn is None else self.drawn
        rounds = Rounds(flows, registry, drawn, _visits(plan, binder("each_user", ""), self.shared), plan.seed)
        self._pool = Pool(self._limited(start_ns), plan, self.segment, rounds, registry, hooks)
        if plan.search is not None:
            self._searching = Searching(plan.search, plan.thresholds)
        self._cpu_ns = cpu_ns()
        self._pool.start(start_ns)

    def _binder(
        self, registry: Registry, exemplars: Exemplars, names: Mapping[str, object]
    ) -> Callable[[str, str], Binder]:
        """Part of the run and flow -> what binds their steps."""
        headers = environment_headers(self.plan)

        def binder(part: str, flow: str) -> Binder:
            found = Binder(self.plan.target.url, self.origin, names, registry, part, flow, headers=headers)
            found.exemplars = exemplars
            return found

        return binder

    def _limited(self, start_ns: int) -> Driver:
        """The driver, with the environment's ceiling where there is one."""
        most = self.plan.target.most_requests_per_s
        if not most:
            return self.driver
        self._ceiled = LimitedDriver(self.driver, start_ns, self.segment.share(most))
        return self._ceiled

    def stop(self, reason: str) -> None:
        """Once: nothing new is sent; twice: now."""
        if self._pool is not None:
            self._pool.stop(reason)

    def _second(self, second: Second, watch: Watch) -> None:
        now = cpu_ns()
        step = self._step(second)
        if self.plan.extend_to_ns > self.plan.for_ns:
            self._slices.extend(second.slices)
        line = LoggedSecond(
            second.number,
            second.users,
            second.slices,
            second.lateness,
            now - self._cpu_ns,
            self.vitals(),
            self._exemplars.drain(second.number, is_last=second.is_ending),
            extended=second.is_extended,
            held=0 if self._ceiled is None else self._ceiled.drain_held(),
            step=step,
        )
        self._cpu_ns = now
        self.on_second(line)
        if self.abort is None and not second.is_ending:
            self.abort = watch.second(second.number, second.slices, second.waiting)
            if self.abort is not None:
                self.stop("aborted")

    def _step(self, second: Second) -> Step | None:
        """The step of a search that ends with this second; the next one begins."""
        searching, pool, search = self._searching, self._pool, self.plan.search
        if searching is None or pool is None or search is None or second.is_ending:
            return None
        step = searching.second(second.number, second.slices, second.waiting)
        if step is not None and searching.hunt.doing == "over":
            pool.stop("finished")
        elif step is not None:
            pool.change(search.shape(searching.hunt.level), second.number * SECOND)
        return step

    def _is_close(self) -> bool:
        """A borderline FAIL and no clear one: the stage runs on, so that a close call is not decided by a few
        requests.
        """
        windows = [(w.start_ns, w.end_ns) for w in self.plan.windows()]
        verdicts = judge(self.plan.thresholds, self._slices, windows, Circumstances(warn_only=self.plan.warn_only))
        failed = {v.strength for v in verdicts if v.outcome == "FAIL"}
        return "borderline" in failed and "clear" not in failed


def _visits(plan: Plan, binder: Binder, shared: Mapping[str, object]) -> Visits:
    first, last = plan.each_user.first, plan.each_user.last
    return Visits(
        in_turn(first, binder) if first else None,
        in_turn(last, binder) if last else None,
        frozenset(name.name for name in kinds.names(first) if isinstance(name, kinds.Bind) and name.what != "loop"),
        shared,
    )
