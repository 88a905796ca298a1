"""Carry a plan out, write its run folder, judge it."""

import os
import platform
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from secrets import token_hex

import anyio

from perfspec import __version__
from perfspec.app.live import live_page
from perfspec.app.plan import Planned
from perfspec.app.report import Finished, report
from perfspec.base.clock import utc_now
from perfspec.base.codec import pretty
from perfspec.base.errors import EnvironmentFailure, ExitCode
from perfspec.base.masking import masked
from perfspec.engine.environment import is_this_machine
from perfspec.engine.load import Inputs, Listener
from perfspec.engine.run import run as engine_run
from perfspec.engine.slicelog import NOT_STARTED, Beginning, End, SliceLog
from perfspec.plan.model import Plan
from perfspec.spec.model import Secret, Spec
from perfspec.spec.reading import SHORTEST_SECRET

__all__ = ["new_run_id", "run", "secrets_of"]

STOPPED_BY = {ExitCode.INTERRUPTED: "interrupted", ExitCode.TERMINATED: "terminated"}


def run(
    planned: Planned,
    *,
    out: str | None = None,
    confirm: Callable[[str], bool],
    listeners: Sequence[Listener] = (),
    tell: Callable[[str], None] = lambda _: None,
    junit: str = "junit",
) -> Finished:
    """Run a plan, write the run folder, judge.

    `confirm` is asked where the environment wants it; `tell` hears what happens before the load; `junit` is the format
    of junit.xml.

    Raises EnvironmentFailure before any load; after that there is a result, whatever happens.
    """
    plan, spec = planned.plan, planned.checked.spec
    assert plan is not None
    assert spec is not None
    secrets = secrets_of(spec, plan)
    question = spec.environments[plan.target.environment].confirm
    if question and not confirm(f"{plan.target.environment}: {question}"):
        message = f"environment `{plan.target.environment}` wants to be confirmed: {question}"
        raise EnvironmentFailure(message, "say yes, or add --yes")
    folder = _run_folder(out, plan)
    started_at = utc_now()
    run_id = new_run_id()
    try:
        (folder / "plan.json").write_bytes(pretty(plan))
        log = SliceLog(folder)
    except OSError as error:
        raise EnvironmentFailure(f"{folder} cannot be written to: {error}", "choose another --out") from error
    log.write(Beginning(run_id, started_at.isoformat(timespec="seconds"), plan.hash, __version__, _versions()))
    inputs = Inputs(run_id, planned.rows, secrets)
    try:
        with live_page(plan, folder) as live:
            anyio.run(engine_run, plan, inputs, folder, log, [*listeners, live], tell)
    except EnvironmentFailure as failure:
        failure.message = masked(failure.message, secrets.values())
        log.write(End(STOPPED_BY.get(failure.exit_code, NOT_STARTED), 0, notes=(failure.message,)))
        report(folder, junit)  # whoever reads only the files must see it as well
        raise
    finally:
        log.close()
    with _undisturbed():
        return report(folder, junit)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """An impatient Ctrl-C while the result is being written must not lose it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
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


def _run_folder(out: str | None, plan: Plan) -> Path:
    """A new folder. Raises EnvironmentFailure where none can be made."""
    base = Path(out) if out else Path("results") / f"{utc_now():%Y%m%d-%H%M%S}-{plan.service}-{plan.stage}"
    for number in range(1, 1000):
        folder = base if number == 1 else base.with_name(f"{base.name}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            if out and folder.is_dir() and not any(folder.iterdir()):
                return folder
            continue
        except OSError as error:
            raise EnvironmentFailure(f"{folder} cannot be made: {error}", "choose another --out") from error
        return folder
    raise EnvironmentFailure(f"{base} exists a thousand times", "choose another --out")


def _versions() -> dict[str, str]:
    """What the numbers may depend on."""
    packages = ("faker", "httptools", "orjson", "msgspec")
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        **{name: metadata.version(name) for name in packages},
    }
