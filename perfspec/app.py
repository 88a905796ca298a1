"""The use cases behind the commands: lint, plan, run, report. Prints nothing, exits never; tests and programs call
these.

Whoever calls gets values back: diagnostics with the sources to quote from, a plan, a result. Errors that end a use case
are PerfspecErrors with their exit code.
"""

import os
import platform
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path
from secrets import token_hex

import anyio
import orjson

from perfspec import __version__
from perfspec.base.clock import utc_now
from perfspec.base.codec import Malformed, decode, pretty
from perfspec.base.errors import EnvironmentFailure, ExitCode, PerfspecError, UsageFailure
from perfspec.base.masking import masked
from perfspec.data import csv
from perfspec.data.kinds import Csv
from perfspec.diagnostics.diagnostic import Diagnostic, Diagnostics, Severity
from perfspec.diagnostics.source import Source
from perfspec.engine.environment import is_this_machine
from perfspec.engine.run import Inputs, Listener
from perfspec.engine.run import run as engine_run
from perfspec.engine.slicelog import NAME as LOG_NAME
from perfspec.engine.slicelog import NOT_STARTED, Beginning, End, SliceLog, read_log
from perfspec.engine.wire import renderer
from perfspec.language.include import is_shared, load
from perfspec.language.schema import Schema
from perfspec.plan.build import Choice, build, check_files
from perfspec.plan.estimates import Estimate, estimate
from perfspec.plan.model import Plan
from perfspec.report.junit import to_junit
from perfspec.report.result import Result, make, to_json
from perfspec.spec.checks import check
from perfspec.spec.model import Secret, Spec
from perfspec.spec.reading import SHORTEST_SECRET, read
from perfspec.steps import requests

__all__ = ["Checked", "Finished", "Planned", "lint", "plan", "report", "run"]

STOPPED_BY = {ExitCode.INTERRUPTED: "interrupted", ExitCode.TERMINATED: "terminated"}
REFUSED = "PS503"
"""The code of a stage that an environment does not allow: a safety rule, not a mistake in the spec."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A spec as far as it could be understood, and everything found."""

    path: str
    spec: Spec | None
    findings: list[Diagnostic]
    sources: dict[str, Source]
    files: dict[str, str] = field(default_factory=dict)
    """Text of the data files, by path."""

    @property
    def has_errors(self) -> bool:
        return any(d.severity is Severity.ERROR for d in self.findings)


@dataclass(frozen=True, slots=True)
class Planned:
    checked: Checked
    plan: Plan | None
    estimate: Estimate | None
    rows: dict[str, list[dict[str, str]]]


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that happened, and where its files are."""

    result: Result
    folder: Path
    problems: tuple[str, ...] = ()
    """Files that could not be written."""


class SpecFailure(PerfspecError):
    """The spec has errors; they are in `checked`."""

    exit_code = ExitCode.SPEC

    def __init__(self, checked: Checked) -> None:
        super().__init__(f"{checked.path} has errors")
        self.checked = checked
        if {d.code for d in checked.findings if d.severity is Severity.ERROR} == {REFUSED}:
            self.exit_code = ExitCode.ENVIRONMENT


@cache
def _schema() -> Schema:
    """The words of the language: inside the installed package, or beside it in a checkout."""
    name = "perfspec-1.schema.json"
    package = Path(__file__).parent
    for folder in (package / "schema", package.parent / "schema"):
        if (folder / name).is_file():
            return Schema(orjson.loads((folder / name).read_bytes()))
    raise PerfspecError(f"{name} is missing from this installation", "install perfspec again")


def lint(path: str) -> Checked:
    """Read and check one spec, all errors in one go. Raises UsageFailure for a file that is no text."""
    try:
        Path(path).read_bytes().decode()
    except UnicodeDecodeError as error:
        raise UsageFailure(f"{path} is not UTF-8 text (byte {error.start})", "save the file as UTF-8") from error
    except OSError as error:
        raise UsageFailure(
            f"{path} cannot be read: {error.strerror}", "name a spec, such as specs/search.yaml"
        ) from error
    out = Diagnostics()
    loaded = load(Path(path).as_posix(), _read_text, _schema(), out, _root(path))
    spec: Spec | None = None
    files: dict[str, str] = {}
    if loaded.merged is not None and not is_shared(loaded.merged):
        spec = read(Path(path).as_posix(), loaded.merged, out)
        check(spec, out)
        found = {data.path: _read_text(data.path) for data in spec.data if isinstance(data, Csv)}
        unreadable = [name for name, text in found.items() if text is None and Path(name).is_file()]
        check_files(spec, found, out, unreadable)
        _check_requests(spec, out)
        files = {name: text for name, text in found.items() if text is not None}
    return Checked(path, spec, out.sorted(), loaded.sources, files)


def _check_requests(spec: Spec, out: Diagnostics) -> None:
    """Build every request once: what cannot be put on the wire is a mistake in the spec."""
    first = next(iter(spec.environments.values()), None)
    if out.has_errors or first is None:
        return
    names: dict[str, object] = dict.fromkeys(("run.id", "run.stage", "run.environment"), "x")
    names |= {f"values.{name}": value.value for name, value in first.values.items()}
    names |= {f"secret.{name}": "x" * SHORTEST_SECRET for name in spec.secrets}
    for steps in (spec.setup, *(flow.steps for flow in spec.flows.values()), spec.teardown):
        for request in requests(steps):
            try:
                renderer(request, first.url, names)
            except (ValueError, TypeError, LookupError) as error:
                out.add("PS113", f"this request cannot be sent: {error}", request.span, "look at its headers and body")


def _root(path: str) -> str | None:
    """The folder that includes must stay in: the repository around the spec, spelled like the spec's path."""
    folder = Path(path).parent
    for _ in range(20):
        if (folder / ".git").exists():
            return folder.as_posix()
        folder = folder.parent if folder.is_absolute() else folder / ".."
    return None


def _read_text(path: str) -> str | None:
    """A file's text, None if there is none that can be read."""
    try:
        return Path(path).read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        return None


def plan(path: str, choice: Choice) -> Planned:
    """What would happen, without anything being sent. Raises SpecFailure or UsageFailure."""
    checked = lint(path)
    if checked.has_errors:
        raise SpecFailure(checked)
    if checked.spec is None:
        raise UsageFailure(f"{path} holds shared parts and cannot be run", "name a spec that includes it")
    out = Diagnostics()
    built = build(checked.spec, choice, checked.files, out)
    findings = sorted([*checked.findings, *out.sorted()], key=lambda d: d.span)
    checked = Checked(path, checked.spec, findings, checked.sources, checked.files)
    if built is None:
        raise SpecFailure(checked)
    rows = {
        data.name: csv.rows(checked.files[data.path])
        for data in built.data
        if isinstance(data, Csv) and data.path in checked.files
    }
    return Planned(checked, built, estimate(built, rows), rows)


def run(
    planned: Planned,
    *,
    out: str | None = None,
    confirm: Callable[[str], bool],
    listeners: Sequence[Listener] = (),
    tell: Callable[[str], None] = lambda _: None,
) -> Finished:
    """Run a plan, write the run folder, judge.

    `confirm` is asked where the environment wants it; `tell` hears what happens before the load.

    Raises EnvironmentFailure before any load; after that there is a result, whatever happens.
    """
    plan, spec = planned.plan, planned.checked.spec
    assert plan is not None
    assert spec is not None
    secrets = _secrets(spec, plan)
    question = spec.environments[plan.target.environment].confirm
    if question and not confirm(f"{plan.target.environment}: {question}"):
        message = f"environment `{plan.target.environment}` wants to be confirmed: {question}"
        raise EnvironmentFailure(message, "say yes, or add --yes")
    folder = _run_folder(out, plan)
    started_at = utc_now()
    run_id = f"{started_at:%Y%m%d-%H%M%S}-{token_hex(3)}"
    try:
        (folder / "plan.json").write_bytes(pretty(plan))
        log = SliceLog(folder)
    except OSError as error:
        raise EnvironmentFailure(f"{folder} cannot be written to: {error}", "choose another --out") from error
    log.write(Beginning(run_id, started_at.isoformat(timespec="seconds"), plan.hash, __version__, _versions()))
    inputs = Inputs(run_id, planned.rows, secrets)
    try:
        anyio.run(engine_run, plan, inputs, folder, log, listeners, tell)
    except EnvironmentFailure as failure:
        failure.message = masked(failure.message, secrets.values())
        log.write(End(STOPPED_BY.get(failure.exit_code, NOT_STARTED), 0, notes=(failure.message,)))
        report(folder)  # whoever reads only the files must see it as well
        raise
    finally:
        log.close()
    with _undisturbed():
        return report(folder)


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


def report(folder: Path) -> Finished:
    """Make the result of what a run folder holds, and write its files. Raises UsageFailure if it holds no run."""
    try:
        plan = decode((folder / "plan.json").read_bytes(), Plan)
        with (folder / LOG_NAME).open("rb") as lines:
            log = read_log(lines)
    except (OSError, Malformed) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise UsageFailure(f"{folder} holds no run ({why})", "name a folder below results/") from error
    result = make(plan, log)
    problems = []
    for name, data in (("result.json", to_json(result)), ("junit.xml", to_junit(result))):
        try:
            _write_whole(folder / name, data)
        except OSError as error:
            problems.append(f"{folder / name} could not be written: {error}")
    return Finished(result, folder, tuple(problems))


def _write_whole(path: Path, data: bytes) -> None:
    """All or nothing: a reader never sees half a file."""
    half = path.with_suffix(path.suffix + ".part")
    half.write_bytes(data)
    half.replace(path)


def _secrets(spec: Spec, plan: Plan) -> dict[str, str]:
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
