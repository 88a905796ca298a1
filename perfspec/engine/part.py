"""One segment's part of the load of a plan, on one driver: binds it, carries it out, tells what every second brought.

Whoever is told judges. The same on the reactor and in simulation, in this process and in a worker.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec

from perfspec import steps as kinds
from perfspec.base.clock import cpu_ns
from perfspec.data.table import Table
from perfspec.engine.arrivals import Numbers
from perfspec.engine.binding import Binder, constants, environment_headers, generators
from perfspec.engine.ceiling import LimitedDriver
from perfspec.engine.driver import Driver
from perfspec.engine.exemplars import Exemplar, Exemplars, hidden_names
from perfspec.engine.places import Places
from perfspec.engine.pool import Ending, Hooks, Pool, Second
from perfspec.engine.rounds import BoundFlow, Generators, Rounds
from perfspec.engine.visits import Visits
from perfspec.load import Segment, Shape
from perfspec.metrics.series import Key, Registry, Slice
from perfspec.metrics.vitals import Lost, OfWorker, Vitals
from perfspec.plan.model import Plan
from perfspec.steps.kinds import Pause
from perfspec.steps.runtime import Origin
from perfspec.steps.sequence import in_turn

__all__ = ["CRASHED_WITHIN_S", "Inputs", "Part", "Told"]

CRASHED_WITHIN_S = 8
"""After a bug in the load path: the load is over by then, whether or not it could be ended in order."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a run needs beside its plan."""

    run_id: str
    rows: Mapping[str, Table]
    """Generator -> the rows of its file."""
    secrets: Mapping[str, str]


class Told(msgspec.Struct, frozen=True, tag="told"):
    """What one second brought in one process, or in several. A new field has a default, and its sum in merging.py."""

    number: int
    users: int
    slices: list[Slice]
    waiting: int
    lateness: dict[int, int] = {}
    is_ending: bool = False
    is_extended: bool = False
    cpu_ns: int = 0
    vitals: Vitals | None = None
    exemplars: tuple[Exemplar, ...] = ()
    held: int = 0
    """Requests that the environment's ceiling held back."""
    workers: tuple[OfWorker, ...] = ()
    """Of several processes: what each did."""
    lost: tuple[Lost, ...] = ()
    """Processes that are there no more, each said once."""
    under_way: list[Slice] = []
    """Of a search: the requests that are waited for, by the second in which they were due."""


@dataclass(slots=True)
class Part:
    plan: Plan
    driver: Driver
    origin: Origin
    inputs: Inputs
    segment: Segment
    on_told: Callable[[Told], None]
    may_extend: Callable[[], bool | None]
    on_done: Callable[[Ending], None]
    shared: Mapping[str, object] = field(default_factory=dict)
    drawn: Generators | None = None
    """The plan's data, if it is at hand: making it can take longer than a second."""
    vitals: Callable[[], Vitals | None] = lambda: None
    """Asked once a second."""
    places: Places = field(default_factory=Places.of_one)
    """Of people who come, shared with the other parts."""
    _pool: Pool | None = None
    _exemplars: Exemplars = field(default_factory=lambda: Exemplars.of(0, (), ()))
    _ceiled: LimitedDriver | None = None
    _cpu_ns: int = 0

    def start(self, start_ns: int) -> None:
        """Begin at this instant of the driver's clock."""
        plan = self.plan
        registry = Registry(start_ns, plan.request_limits(), plan.held_to, plan.statuses(), plan.tag_values())
        names = constants(plan, self.inputs.run_id, self.inputs.secrets)
        self._exemplars = exemplars = Exemplars.of(start_ns, self.inputs.secrets.values(), hidden_names(plan))
        binder = self._binder(registry, exemplars, names)
        flows = [
            BoundFlow(
                flow.name,
                flow.weight,
                in_turn(flow.steps, binder("load", flow.name)),
                registry.series(Key(flow.name, "round", flow=flow.name)),
                any(isinstance(step, Pause) for step in kinds.walk(flow.steps)),
            )
            for flow in plan.flows
        ]
        hooks = Hooks(self._second, self.may_extend, self.on_done)
        drawn = generators(plan, self.inputs.rows, names) if self.drawn is None else self.drawn
        rounds = Rounds(flows, registry, drawn, _visits(plan, binder("each_user", ""), self.shared), plan.seed)
        numbers = Numbers(plan.seed, plan.first_arrival, self.segment, self.places)
        self._pool = Pool(self._limited(start_ns), plan, numbers, rounds, registry, hooks)
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

    def change(self, shape: Shape, at_ns: int) -> None:
        """Another load from here on: the next step of a search."""
        if self._pool is not None:
            self._pool.change(shape, at_ns)

    def decide(self, *, extend: bool) -> None:
        """The answer to `may_extend`, where it was not given at once."""
        if self._pool is not None:
            self._pool.decide(extend=extend)

    def _second(self, second: Second) -> None:
        now = cpu_ns()
        told = Told(
            second.number,
            second.users,
            second.slices,
            second.waiting,
            second.lateness,
            second.is_ending,
            second.is_extended,
            now - self._cpu_ns,
            self.vitals(),
            tuple(self._exemplars.drain(second.number, is_last=second.is_ending)),
            0 if self._ceiled is None else self._ceiled.drain_held(),
            under_way=second.under_way,
        )
        self._cpu_ns = now
        self.on_told(told)


def _visits(plan: Plan, binder: Binder, shared: Mapping[str, object]) -> Visits:
    first, last = plan.each_user.first, plan.each_user.last
    return Visits(
        in_turn(first, binder) if first else None,
        in_turn(last, binder) if last else None,
        frozenset(name.name for name in kinds.names(first) if isinstance(name, kinds.Bind) and name.what != "loop"),
        shared,
    )
