"""Carry a plan out, write its run folder, judge it."""

import os
import platform
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from secrets import token_hex

import msgspec

from perfspec import __version__
from perfspec.app import compare
from perfspec.app.folder import new_folder, out_folder
from perfspec.app.history import remember
from perfspec.app.live import live_page
from perfspec.app.metrics import served
from perfspec.app.origin import origin
from perfspec.app.outlets import Outlets, told
from perfspec.app.plan import Planned
from perfspec.app.report import COMPARISON, Finished, report, write_whole, written
from perfspec.base.clock import utc_now
from perfspec.base.codec import pretty
from perfspec.base.errors import EnvironmentFailure, ExitCode, PerfspecError, UsageFailure
from perfspec.base.masking import masked
from perfspec.engine.environment import is_this_machine
from perfspec.engine.fine_loop import run_on_fine_loop
from perfspec.engine.load import Inputs, Listener
from perfspec.engine.machine import most_workers, usable_cores
from perfspec.engine.run import run as engine_run
from perfspec.engine.signals import ENDING
from perfspec.engine.slicelog import NOT_STARTED, Beginning, End, SliceLog, Unwritten
from perfspec.plan.model import Plan
from perfspec.spec.model import Secret, Spec
from perfspec.spec.reading import SHORTEST_SECRET
from perfspec.verdict.comparison import Comparison

__all__ = ["History", "Means", "new_run_id", "run", "secrets_of"]


@dataclass(frozen=True, slots=True)
class History:
    """What a run has to do with earlier ones."""

    url: str | None = None
    """The index; None: where it usually is."""
    keep: bool = False
    """Add this run to it."""
    baseline: str = ""
    """`main`, `last`, or a result file; empty: nothing is compared."""
    fail_on_regression: bool = False


@dataclass(frozen=True, slots=True)
class Means:
    """What a run has at its disposal."""

    out: str | None = None
    """The run folder; None: a new one below results/."""
    workers: int | None = 1
    """Processes that send; None: as many as there are cores."""


NO_HISTORY = History()
USUAL_MEANS = Means()
USUAL_OUTLETS = Outlets()

STOPPED_BY = {ExitCode.INTERRUPTED: "interrupted", ExitCode.TERMINATED: "terminated"}


def run(
    planned: Planned,
    *,
    means: Means = USUAL_MEANS,
    confirm: Callable[[str], bool],
    listeners: Sequence[Listener] = (),
    tell: Callable[[str], None] = lambda _: None,
    history: History = NO_HISTORY,
    outlets: Outlets = USUAL_OUTLETS,
) -> Finished:
    """Run a plan, write the run folder, judge, compare, remember.

    `confirm` is asked where the environment wants it; `tell` hears what happens before the load.

    Raises EnvironmentFailure before any load; after that there is a result, whatever happens.
    """
    plan, spec = planned.plan, planned.checked.spec
    assert plan is not None
    assert spec is not None
    secrets = secrets_of(spec, plan)
    sharers = _sharers(plan, means.workers)
    if history.fail_on_regression:
        compare.check(history.baseline, history.url)
    _confirmed(spec, plan, confirm)
    claimed = new_folder(plan) if means.out is None else out_folder(means.out, tell)
    with claimed as folder:  # nobody else's until the result is made, compared and told
        beginning = _beginning(spec, plan, sharers)
        log = _log_of(folder, plan, beginning)
        inputs = Inputs(beginning.run_id, planned.rows, secrets)
        try:
            with live_page(plan, folder) as live, served(plan, outlets.metrics, tell) as asked:
                run_on_fine_loop(engine_run, plan, inputs, folder, log, [*listeners, live, *asked], tell, sharers)
        except EnvironmentFailure as failure:
            failure.message = masked(failure.message, secrets.values())
            log.write(End(STOPPED_BY.get(failure.exit_code, NOT_STARTED), 0, notes=(failure.message,)))
            with _undisturbed():  # whoever reads only the files must see it as well
                finished = report(folder, outlets.junit, log.unwritten)
            for problem in told(finished, spec, secrets, outlets):
                tell(problem)
            raise
        finally:
            log.close()
        with _undisturbed():
            finished = _compared(report(folder, outlets.junit, log.unwritten), history, outlets.junit, log.unwritten)
        return replace(finished, problems=(*finished.problems, *told(finished, spec, secrets, outlets)))


def _beginning(spec: Spec, plan: Plan, sharers: int) -> Beginning:
    since = utc_now().isoformat(timespec="seconds")
    return Beginning(new_run_id(), since, plan.hash, __version__, _versions(), *origin(spec.path), workers=sharers)


def _log_of(folder: Path, plan: Plan, beginning: Beginning) -> SliceLog:
    """Begun, beside the plan. Raises EnvironmentFailure where not even that can be written."""
    try:
        (folder / "plan.json").write_bytes(pretty(plan))
        log = SliceLog(folder)
    except OSError as error:
        raise EnvironmentFailure(f"{folder} cannot be written to: {error}", "choose another --out") from error
    log.write(beginning)
    if log.unwritten.lines:
        log.close()
        raise EnvironmentFailure(f"{folder} cannot be written to: no room is left", "choose another --out")
    return log


def _sharers(plan: Plan, workers: int | None) -> int:
    """Processes among which the load is shared. Raises UsageFailure if some would have nothing to do."""
    most = most_workers(plan)
    if workers is None:
        return min(usable_cores(), most)
    if workers > most:
        message = f"the load of this stage cannot be shared by {workers} workers: some would have nothing to do"
        raise UsageFailure(message, f"use --workers {most}, or auto")
    return workers


def _compared(finished: Finished, history: History, junit: str, unwritten: Unwritten) -> Finished:
    """With the comparison that was asked for, and in the index. What goes wrong there loses no result; whoever wants
    regressions to fail has no pass without a comparison.
    """
    problems: list[str] = []
    if history.baseline and finished.result.is_whole:
        try:
            found = compare.against(finished.result, history.baseline, history.url)
        except PerfspecError as failure:
            problems.append(f"{failure.message}; {failure.hint}")
            if history.fail_on_regression:
                finished = _uncompared(finished, junit, failure.message)
        else:
            if found is None:
                problems.append(f"there is no accepted run yet to compare with (`{history.baseline}`)")
            else:
                found = msgspec.structs.replace(found, fails=history.fail_on_regression)
                finished = _beside(finished.folder, found, junit, unwritten)
    if history.keep and (problem := remember(finished, history.url)):
        problems.append(problem)
    return replace(finished, problems=(*finished.problems, *problems))


def _beside(folder: Path, found: Comparison, junit: str, unwritten: Unwritten) -> Finished:
    try:
        write_whole(folder / COMPARISON, pretty(found))
    except OSError as error:
        finished = report(folder, junit, unwritten, found)
        lost = f"{folder / COMPARISON} could not be written: {error}"
        return replace(finished, problems=(*finished.problems, lost))
    return report(folder, junit, unwritten)


def _uncompared(finished: Finished, junit: str, why: str) -> Finished:
    """Regressions were to fail this run, and nobody knows whether there are any."""
    result = finished.result
    if result.outcome != "PASS":
        return finished
    notes = (*result.notes, f"no pass, for it could not be compared: {why}")
    doubtful = msgspec.structs.replace(
        result, outcome="INCONCLUSIVE", exit_code=int(ExitCode.INCONCLUSIVE), notes=notes
    )
    return written(doubtful, finished.folder, junit, finished.problems)


def _confirmed(spec: Spec, plan: Plan, confirm: Callable[[str], bool]) -> None:
    name = plan.target.environment
    question = spec.environments[name].confirm
    if question and not confirm(f"{name}: {question}"):
        message = f"environment `{name}` wants to be confirmed: {question}"
        raise EnvironmentFailure(message, "say yes, or add --yes")


@contextmanager
def _undisturbed() -> Iterator[None]:
    """An impatient Ctrl-C while the result is being written must not lose it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def new_run_id() -> str:
    """A name that no other run has; it sorts by time."""
    return f"{utc_now():%Y%m%d-%H%M%S}-{token_hex(3)}"


def secrets_of(spec: Spec, plan: Plan) -> dict[str, str]:
    local = is_this_machine(plan.target.url)
    return {secret.name: _secret(secret, local=local) for secret in spec.secrets.values()}


def _secret(secret: Secret, *, local: bool) -> str:
    value = os.environ.get(secret.from_env) or (secret.when_local if local else None)
    if value is None:
        message = f"the secret `{secret.name}` is read from {secret.from_env}, which is not set"
        raise EnvironmentFailure(message, f"export {secret.from_env}=...")
    if len(value) < SHORTEST_SECRET:
        message = f"the secret `{secret.name}` is shorter than {SHORTEST_SECRET} characters and could not be masked"
        raise EnvironmentFailure(message, "use a longer one")
    return value


def _versions() -> dict[str, str]:
    """What the numbers may depend on."""
    packages = ("faker", "httptools", "orjson", "msgspec")
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        **{name: metadata.version(name) for name in packages},
    }
