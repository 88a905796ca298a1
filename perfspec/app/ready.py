"""Are the environments of specs there and ready for load, and what each of their services depends on?"""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import anyio

from perfspec.app.lint import SpecFailure, lint
from perfspec.base.errors import EnvironmentFailure, ExitCode, UsageFailure, worst
from perfspec.base.masking import masked
from perfspec.engine.environment import is_this_machine
from perfspec.engine.readiness import Asking, asking_client, listens
from perfspec.engine.tls import context
from perfspec.spec.model import Environment, Spec
from perfspec.steps.kinds import Check

__all__ = ["Row", "ready", "table", "verdict"]


@dataclass(frozen=True, slots=True)
class Row:
    """One environment of one spec."""

    service: str
    environment: str
    url: str
    code: ExitCode
    state: str
    """`ready`, `not ready`, `starts` where a run would start it, `unknown` where the spec has no such environment."""
    said: str
    dependencies: tuple[tuple[str, str], ...] = ()


def ready(paths: Sequence[str], environments: Sequence[str]) -> list[Row]:
    """Ask all of them at once; of each spec the environments of these names, or the one that `run` would take.

    Raises SpecFailure or UsageFailure for the first spec that cannot be understood.
    """
    wanted: list[tuple[Spec, str]] = []
    for path in paths:
        checked = lint(path)
        if checked.has_errors:
            raise SpecFailure(checked)
        if checked.spec is None:
            raise UsageFailure(f"{path} holds shared parts and has no environment to be ready", "name specs that run")
        known = checked.spec.environments
        names = environments or list(known)[:1]
        wanted += [(checked.spec, name) for name in names]
    return anyio.run(_ask_all, wanted)


async def _ask_all(wanted: Sequence[tuple[Spec, str]]) -> list[Row]:
    rows: dict[int, Row] = {}

    async def look(place: int, spec: Spec, name: str) -> None:
        environment = spec.environments.get(name)
        if environment is None:
            rows[place] = Row(spec.service, name, "", ExitCode.SPEC, "unknown", "the spec has no such environment")
        else:
            rows[place] = await _look(spec, environment)

    async with anyio.create_task_group() as group:
        for place, (spec, name) in enumerate(wanted):
            group.start_soon(look, place, spec, name)
    return [rows[place] for place in sorted(rows)]


async def _look(spec: Spec, environment: Environment) -> Row:
    place = (spec.service, environment.name, environment.url)
    if environment.access.proxy is None and not await listens(environment.url):
        if environment.start is not None:
            return Row(*place, ExitCode.PASS, "starts", f"a run starts it: {environment.start.command}")
        return Row(*place, ExitCode.ENVIRONMENT, "not ready", "nothing answers there")
    path, until = _question(environment)
    if path is None:
        return Row(*place, ExitCode.PASS, "ready", "it takes connections; the spec names no `ready` to ask")
    names = _names(spec, environment)
    try:
        tls = context(environment.access.tls) if environment.url.startswith("https://") else None
        async with asking_client(environment.access, names, tls) as client:
            asking = Asking(client, environment.url + path, until, names)
            said = await asking.said()
    except EnvironmentFailure as failure:
        return Row(*place, ExitCode.ENVIRONMENT, "not ready", failure.message)
    except LookupError as missing:
        return Row(*place, ExitCode.ENVIRONMENT, "not ready", f"{missing.args[0]} is asked for and not set")
    if said:
        said = masked(f"GET {path} {said}", [str(value) for name, value in names.items() if name.startswith("secret.")])
        return Row(*place, ExitCode.ENVIRONMENT, "not ready", said, asking.dependencies)
    return Row(*place, ExitCode.PASS, "ready", f"GET {path} succeeds", asking.dependencies)


def _question(environment: Environment) -> tuple[str | None, tuple[Check, ...]]:
    if environment.ready is not None:
        return environment.ready.path, environment.ready.until
    return (environment.start.ready if environment.start else None), ()


def _names(spec: Spec, environment: Environment) -> dict[str, object]:
    """What may stand in headers and conditions. A secret that is not set is missing only where it is asked for."""
    local = is_this_machine(environment.url)
    names: dict[str, object] = {"run.id": "ready", "run.stage": "ready", "run.environment": environment.name}
    names |= {f"values.{name}": value.value for name, value in environment.values.items()}
    for secret in spec.secrets.values():
        value = os.environ.get(secret.from_env) or (secret.when_local if local else None)
        if value is not None:
            names[f"secret.{secret.name}"] = value
    return names


def verdict(rows: Sequence[Row]) -> ExitCode:
    return worst(row.code for row in rows)


def table(rows: Sequence[Row]) -> list[str]:
    """A line per environment."""
    cells = [("service", "environment", "state", "dependencies", "address", "")]
    for row in rows:
        states = ", ".join(f"{name} {state}" for name, state in row.dependencies)
        cells.append((row.service, row.environment, row.state, states or "-", row.url or "-", row.said))
    widths = [max(len(line[place]) for line in cells) for place in range(len(cells[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
