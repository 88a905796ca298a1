"""A run from beginning to end: environment, setup, load, teardown, with everything measured going to the log.

anyio owns what surrounds the load (the environment, signals); the load itself is driver callbacks. A signal during the
load: stop and report; a second: stop now. Setup is let finish by a first Ctrl-C only; SIGTERM and a hang-up end it at
once. Teardown follows whatever was set up, in a hurry after two signals; one more ends it. A listener gets copies of
what was logged; one that fails is dropped and named.
"""

import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import anyio
import msgspec
from anyio.abc import TaskStatus

from perfspec import steps as kinds
from perfspec.base import random
from perfspec.base.clock import MILLISECOND
from perfspec.base.errors import EnvironmentFailure, ExitCode
from perfspec.base.masking import masked
from perfspec.engine.binding import Binder, constants, environment_headers, generators
from perfspec.engine.ceiling import below
from perfspec.engine.environment import addresses, prepared, resolve
from perfspec.engine.exemplars import Exemplars, hidden_names, texts_of
from perfspec.engine.fleet import Fleet, hired
from perfspec.engine.health import watched
from perfspec.engine.lanes import Lane
from perfspec.engine.load import Inputs, Listener, Load
from perfspec.engine.machine import check_machine
from perfspec.engine.messages import assignment
from perfspec.engine.part import CRASHED_WITHIN_S
from perfspec.engine.pilot import Steered
from perfspec.engine.pool import Ending
from perfspec.engine.reactor import RealDriver
from perfspec.engine.signals import heeded
from perfspec.engine.slicelog import End, LoggedSecond, SliceLog
from perfspec.engine.transports import opened, tls_of
from perfspec.engine.unsendable import all_of, kind_of_key
from perfspec.load import Segment
from perfspec.metrics.rows import total
from perfspec.metrics.series import Registry
from perfspec.plan.model import Plan
from perfspec.steps.kinds import Step
from perfspec.steps.runtime import Origin, Vars
from perfspec.steps.sequence import in_turn
from perfspec.verdict.abort import Abort

__all__ = ["run"]

START_AFTER_NS = 20 * MILLISECOND
TRY_IT = "look at its requests and answers: perfspec try SPEC"
HURRIED_S = 1.5
"""For the teardown of a run that was told twice to end: a build that is cancelled is killed soon after that."""


async def run(
    plan: Plan,
    inputs: Inputs,
    folder: Path,
    log: SliceLog,
    listeners: Sequence[Listener],
    tell: Callable[[str], None],
    workers: int = 1,
) -> End:
    """Carry the plan out; everything measured is in the log when this returns. Raises EnvironmentFailure before any
    load. `workers`: processes that send; one is this one.
    """
    check_machine(plan, workers)
    return await _Running(plan, inputs, log, list(listeners), workers).carry_out(folder, tell)


class _Carried(NamedTuple):
    """How a load went, in however many processes."""

    ending: Ending
    abort: Abort | None
    first_errors: Mapping[str, str]
    sent_again: int


class _Running:
    """One run on the reactor."""

    def __init__(self, plan: Plan, inputs: Inputs, log: SliceLog, listeners: list[Listener], workers: int) -> None:
        self._plan = plan
        self._workers = workers
        self._inputs = inputs
        self._log = log
        self._listeners = listeners
        self._notes: list[str] = []
        self._learnt: list[str] = []
        """Secrets that setup or teardown has captured."""
        self._load: Steered | None = None
        self._signals: list[int] = []
        self._names = constants(plan, inputs.run_id, inputs.secrets)
        self._drawn = generators(plan, inputs.rows, self._names)
        self._tls = tls_of(plan.target)
        self._before = anyio.CancelScope()
        """Around all that comes before the load: one signal ends it."""
        self._tell: Callable[[str], None] = lambda _: None
        self._doing = ""
        """Setup or teardown, while it runs."""
        self._signals_before = 0
        """How many had come when it began."""
        self._part: anyio.CancelScope | None = None
        """Around setup or teardown while it runs."""

    async def carry_out(self, folder: Path, tell: Callable[[str], None]) -> End:
        """The run, with signals turned into its end. Raises what the run raises, not a group around it."""
        failure: EnvironmentFailure | None = None
        end: End | None = None
        self._tell = tell
        async with anyio.create_task_group() as group:
            await group.start(self._watch_signals)
            try:
                end = await self._in_environment(folder, tell)
            except EnvironmentFailure as error:
                failure = error
                failure.message = "; ".join([failure.message, *self._notes])  # how teardown went
            group.cancel_scope.cancel()
        if failure is not None:
            raise failure
        if end is None:
            end = End(self._stopped_by, 0, notes=("interrupted before any load", *self._notes))
            self._log.write(end)
        return end

    async def _in_environment(self, folder: Path, tell: Callable[[str], None]) -> End | None:
        """None if a signal came before the load. The end is in the log before the service is stopped."""
        end: End | None = None
        target = self._plan.target
        with self._before:
            if target.start is None:
                await addresses(target)  # a name nobody knows is told at once
            async with prepared(target, folder, tell, self._names, self._tls, self._learnt):
                end = await self._on_the_reactor(await resolve(target))
                self._log.write(end)
        return end

    async def _watch_signals(self, *, task_status: TaskStatus[None]) -> None:
        with anyio.open_signal_receiver(*heeded()) as received:
            task_status.started()
            async for number in received:
                self._signals.append(number)
                if self._load is not None:
                    self._load.stop(self._stopped_by)
                elif self._part is None:
                    self._before.cancel()
                if self._part is not None and self._must_end_now:
                    self._part.cancel()
                elif self._doing:
                    self._tell(f"{self._doing} is let finish; once more ends it")

    @property
    def _stopped_by(self) -> str:
        return "interrupted" if self._signals[0] == signal.SIGINT else "terminated"

    @property
    def _must_end_now(self) -> bool:
        """A person's first Ctrl-C lets setup finish; what else ends a run has little patience. Teardown is ended by a
        signal that came after it began, unless that is the first of all.
        """
        if self._doing == "setup":
            return len(self._signals) > 1 or self._stopped_by == "terminated"
        return len(self._signals) > max(1, self._signals_before)

    async def _on_the_reactor(self, origin: Origin) -> End:
        async with (
            opened(self._plan.target, self._names, self._tls, by_the_clock=self._plan.is_by_the_clock) as driver,
            hired(self._workers, self._secret_variables) as fleet,
        ):
            shared = await self._set_up(driver, origin)
            try:
                if fleet is None:
                    carried = await self._here(driver, origin, shared)
                else:
                    carried = await self._in_workers(fleet, origin, shared)
            finally:
                with anyio.CancelScope(shield=True):
                    await self._tear_down(driver, origin, shared)
            first = all_of((driver.first_errors, carried.first_errors))
            texts = [f"{kind_of_key(key)}: {text}" for key, text in first.items()]
            if again := carried.sent_again:
                who, were = ("1 request", "was") if again == 1 else (f"{again} requests", "were")
                texts.append(f"{who} met a connection that was just being closed, and {were} sent once more")
            self._notes.extend(map(self._masked, texts))
            ending = carried.ending
            return End(
                ending.reason, ending.ended_ns, ending.unfinished, ending.waits,
                carried.abort, tuple(self._notes), ending.left,
            )  # fmt: skip

    @property
    def _secret_variables(self) -> frozenset[str]:
        return frozenset(variable for _, variable in self._plan.target.secrets)

    async def _here(self, driver: RealDriver, origin: Origin, shared: Mapping[str, object]) -> _Carried:
        """The load, in this process."""
        done = anyio.Event()
        endings: list[Ending] = []

        def on_done(ending: Ending) -> None:
            endings.append(ending)
            done.set()

        load = Load(self._plan, driver, origin, self._inputs, self._heard, on_done, shared, self._drawn)

        def on_crash(error: Exception) -> None:
            self._note_bug(f"{type(error).__name__}: {error}")
            driver.loop.call_later(CRASHED_WITHIN_S, on_done, Ending("crashed", driver.now_ns() - start_ns, 0, 0))
            load.stop("crashed")

        driver.on_crash = on_crash
        driver.settle()
        start_ns = driver.now_ns() + START_AFTER_NS
        load.start(start_ns)
        self._begun(load)
        with watched(driver.loop) as load.vitals:
            await done.wait()
        return _Carried(endings[0], load.abort, driver.first_errors, driver.transport.sent_again)

    async def _in_workers(self, fleet: Fleet, origin: Origin, shared: Mapping[str, object]) -> _Carried:
        """The load, in processes of its own."""
        weights = (1,) * len(fleet)
        segments = [Segment(worker, weights) for worker in range(len(fleet))]
        await fleet.assign([assignment(self._plan, each, self._inputs, origin, shared) for each in segments])
        ending, crew = await fleet.carry(self._plan, self._heard, self._note_bug, self._begun)
        return _Carried(ending, crew.abort, crew.first_errors, crew.sent_again)

    def _begun(self, load: Steered) -> None:
        """From now on signals end the load."""
        self._load = load
        if self._signals:
            load.stop(self._stopped_by)

    def _note_bug(self, text: str) -> None:
        self._notes.append(self._masked(f"bug in perfspec: {text}"))

    def _heard(self, second: LoggedSecond) -> None:
        if second.lost:  # why may be words of another program
            lost = (msgspec.structs.replace(each, why=self._masked(each.why)) for each in second.lost)
            second = msgspec.structs.replace(second, lost=tuple(lost))
        self._log.write(second)
        for listener in tuple(self._listeners):
            try:
                listener(second)
            except Exception as error:  # noqa: BLE001 - whatever it is, it must not end the load
                self._listeners.remove(listener)
                self._notes.append(f"a listener was dropped: {type(error).__name__}: {error}")

    def _masked(self, text: str) -> str:
        return masked(text, [*self._inputs.secrets.values(), *self._learnt])

    async def _set_up(self, driver: RealDriver, origin: Origin) -> dict[str, object]:
        """What it captured. What a setup that failed has made is taken down all the same."""
        shared, failure = await self._once(driver, origin, self._plan.setup, "setup", {})
        if failure is not None:
            await self._tear_down(driver, origin, shared)
            raise failure
        return shared

    async def _tear_down(self, driver: RealDriver, origin: Origin, shared: dict[str, object]) -> None:
        _, failure = await self._once(driver, origin, self._plan.teardown, "teardown", shared)
        if failure is not None:
            self._notes.append(failure.message)

    async def _once(
        self, driver: RealDriver, origin: Origin, steps: tuple[Step, ...], part: str, shared: Mapping[str, object]
    ) -> tuple[dict[str, object], EnvironmentFailure | None]:
        """Run setup or teardown: all that it captured, also if a request of it failed, or if a signal came that does
        not wait.
        """
        if not steps:
            return dict(shared), None
        registry = Registry(driver.now_ns(), self._plan.request_limits(), statuses=self._plan.statuses())
        headers = environment_headers(self._plan)
        exemplars = Exemplars.of(driver.now_ns(), self._inputs.secrets.values(), hidden_names(self._plan))
        binder = Binder(self._plan.target.url, origin, self._names, registry, part, headers=headers)
        binder.exemplars = exemplars
        program = in_turn(steps, binder)
        lane = Lane(below(driver, driver.now_ns(), self._plan.target.most_requests_per_s), -1)
        lane.vars = scope = self._scope(shared)
        over = anyio.Event()
        ended: list[str | None] = []

        def on_end(_lane: Lane, kind: str | None) -> None:
            ended.append(kind)
            over.set()

        driver.on_crash = lambda error: on_end(lane, f"bug in perfspec: {type(error).__name__}: {error}")
        driver.call_soon(lambda _: lane.run(program(lane), on_end), None)
        is_cut_short = await self._is_cut_short(part, over)
        names = {name.name for name in kinds.names(steps) if isinstance(name, kinds.Bind) and name.what != "loop"}
        captured = dict(shared) | {name: scope[name] for name in names if name in scope}
        self._learnt += texts_of({name: captured[name] for name in hidden_names(self._plan) & captured.keys()})
        if is_cut_short:
            lane.kill()
            failure = EnvironmentFailure(f"{part} was cut short by a signal")
            failure.exit_code = ExitCode.TERMINATED if self._stopped_by == "terminated" else ExitCode.INTERRUPTED
            return captured, failure
        lane.release()
        slices = registry.drain()
        self._log.write(LoggedSecond(0, 0, slices, exemplars=exemplars.drain(0, is_last=True)))
        failed = total(slices).errors
        if failed or ended[0]:
            texts = driver.first_errors
            found = ", ".join(f"{kind}: {texts[kind]}" if kind in texts else kind for kind in failed or [str(ended[0])])
            return captured, EnvironmentFailure(self._masked(f"{part} failed: {found}"), TRY_IT)
        return captured, None

    def _scope(self, shared: Mapping[str, object]) -> Vars:
        scope = Vars(shared)
        scope.generators, scope.draws = self._drawn, {}
        scope.base, scope.step = random.base(random.person(self._plan.seed, 0), 0), 0
        return scope

    async def _is_cut_short(self, part: str, over: anyio.Event) -> bool:
        """By a signal, while it was waited for. After two signals a teardown has little time, but it has some."""
        self._doing, self._signals_before = part, len(self._signals)
        with anyio.move_on_after(HURRIED_S if len(self._signals) > 1 else None) as self._part:
            await over.wait()
        is_cut_short = self._part.cancelled_caught
        self._doing, self._part = "", None
        return is_cut_short
