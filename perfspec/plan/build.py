"""Spec + environment + stage + seed -> Plan. Everything that depends on the choice of stage and environment is
decided here.
"""

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from posixpath import basename
from typing import Literal

import msgspec

from perfspec.base.clock import SECOND
from perfspec.base.errors import UsageFailure
from perfspec.data import table
from perfspec.data.kinds import OF_FILES, Csv, Jsonl
from perfspec.data.table import Table
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Span
from perfspec.language.expressions import Path
from perfspec.language.rules import measures, rule_tree
from perfspec.plan.model import DataFile, EachUser, Plan, PlannedFlow, PlannedPhase, PlannedStart, Skipped, Target
from perfspec.plan.phases import check_ceiling, planned_load, scaled
from perfspec.spec import drawn
from perfspec.spec.model import Environment, Flow, Rule, Spec, Stage
from perfspec.spec.promises import stage_promises
from perfspec.spec.rules import resolve_rule, row_and_cell, stage_rules
from perfspec.spec.thresholds import resolve
from perfspec.steps import changed, groups, names, requests
from perfspec.steps.kinds import Pause, Step
from perfspec.steps.reading import Read

__all__ = ["Choice", "build", "read_files"]

_NO_TEXT = "is not UTF-8 text"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
WARMUP_NS = 5 * SECOND
WARMUP_SHARE = 5
"""A short first phase gives at most a fifth of itself to the warm-up, in whole seconds, as slices are."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the caller asked for; None: the first environment, the spec's seed."""

    stage: str
    environment: str | None = None
    seed: int | None = None
    transport: Literal["fast", "httpx"] | None = None
    """None: the fast one, unless the environment needs httpx."""
    only: str | None = None
    """The one flow to run."""
    time_scale: Fraction = Fraction(1)
    """What the times of phases are multiplied by."""


def build(spec: Spec, choice: Choice, tables: Mapping[str, Table], out: Diagnostics) -> Plan | None:
    """The plan, or None with the reason in `out`. `tables`: name of a generator -> the rows of its file.

    Raises UsageFailure for a stage or environment that the spec does not have.
    """
    stage = _named(spec.stages, choice.stage, "stage", spec.path)
    environment = _environment(spec, choice.environment)
    if not _is_possible(stage, environment, out):
        return None
    flows = _flows(spec, stage, choice.only)
    if not flows:
        out.add("PS504", f"stage `{stage.name}` gives no flow a weight above zero", stage.span, "add the flow to `mix`")
        return None
    values: dict[str, object] = {f"values.{name}": v.text for name, v in environment.values.items()}
    resolved = (resolve(promise, values, out, spec.promised) for promise in stage_promises(spec, stage))
    thresholds = [t for t in resolved if t is not None]
    rules = [r for promise in stage_rules(spec, stage) if (r := resolve_rule(promise, values, out)) is not None]
    _check_transport(choice, environment)
    if out.has_errors:
        return None
    left_out = _left_out(spec, flows, in_mix=stage.mix is not None, only=choice.only)
    skipped = tuple(Skipped(t, why) for t in thresholds if (why := left_out.get((t.row.kind, t.row.name))))
    scale = choice.time_scale
    phases, search = planned_load(stage, environment, scale)
    return Plan(
        spec=spec.path,
        service=spec.service,
        stage=stage.name,
        target=_target(spec, environment, choice.transport),
        seed=spec.seed if choice.seed is None else choice.seed,
        phases=phases,
        warmup_ns=_warmup(stage, phases, scale),
        extend_to_ns=scaled(stage.extend_to_ns, scale),
        setup=_capped(spec.setup, stage.pause_cap_ns),
        teardown=_capped(spec.teardown, stage.pause_cap_ns),
        each_user=EachUser(_capped(spec.first, stage.pause_cap_ns), _capped(spec.last, stage.pause_cap_ns)),
        flows=tuple(PlannedFlow(f.name, f.span, w, _capped(f.steps, stage.pause_cap_ns)) for f, w in flows),
        data=spec.data,
        files=_files(spec, tables),
        thresholds=tuple(t for t in thresholds if (t.row.kind, t.row.name) not in left_out),
        promised=spec.promised,
        rules=tuple(msgspec.structs.replace(rule, skipped=_why_skipped(rule, left_out)) for rule in rules),
        skipped=skipped,
        abort=stage.abort,
        warn_only=stage.warn_only,
        only_proven=stage.only_proven,
        tags=spec.tags,
        search=search,
        time_scale=float(scale),
    )


def _check_transport(choice: Choice, environment: Environment) -> None:
    if choice.transport == "fast" and (environment.access.http == 2 or environment.access.proxy is not None):
        word = "proxy" if environment.access.proxy is not None else "http"
        message = f"environment `{environment.name}` says `{word}`, which only httpx can do"
        raise UsageFailure(message, "leave --transport out")


def _why_skipped(rule: Rule, left_out: Mapping[tuple[str, str], str]) -> str:
    """A rule needs all of its rows."""
    rows = (row_and_cell(measure, rule)[0] for measure in measures(rule_tree(rule.text)))
    return next((why for row in rows if (why := left_out.get((row.kind, row.name)))), "")


def _is_possible(stage: Stage, environment: Environment, out: Diagnostics) -> bool:
    """A stage that must not run somewhere is told nothing else."""
    if environment.stages is not None and stage.name not in environment.stages:
        message = f"stage `{stage.name}` must not run in environment `{environment.name}`"
        span = environment.stage_spans[0] if environment.stage_spans else environment.span
        out.add("PS503", message, span, f"allowed there: {', '.join(environment.stages)}")
        return False
    check_ceiling(stage, environment, out)
    if stage.search is None and not stage.phases:
        out.add("PS507", f"stage `{stage.name}` has no phases", stage.span, "add `phases: [{for: 30s, users: 5}]`")
    return not out.has_errors


def _named(table: dict[str, Stage], name: str, what: str, path: str) -> Stage:
    if name in table:
        return table[name]
    near = difflib.get_close_matches(name, table, 1)
    hint = f"did you mean `{near[0]}`?" if near else f"there is {', '.join(table) or 'none'}"
    raise UsageFailure(f"{path} has no {what} `{name}`", hint)


def _environment(spec: Spec, name: str | None) -> Environment:
    if name is None:
        return next(iter(spec.environments.values()))
    if name in spec.environments:
        return spec.environments[name]
    near = difflib.get_close_matches(name, spec.environments, 1)
    hint = f"did you mean `{near[0]}`?" if near else f"there is {', '.join(spec.environments)}"
    raise UsageFailure(f"{spec.path} has no environment `{name}`", hint)


def _flows(spec: Spec, stage: Stage, only: str | None) -> list[tuple[Flow, float]]:
    """Raises UsageFailure if the one flow that was asked for is none."""
    if only is not None:
        if only not in spec.flows:
            near = difflib.get_close_matches(only, spec.flows, 1)
            hint = f"did you mean `{near[0]}`?" if near else f"there is {', '.join(spec.flows)}"
            raise UsageFailure(f"{spec.path} has no flow `{only}`", hint)
        return [(spec.flows[only], 1.0)]
    if stage.mix is None:
        return [(flow, flow.weight) for flow in spec.flows.values() if flow.weight > 0]
    return [(flow, stage.mix[name]) for name, flow in spec.flows.items() if stage.mix.get(name, 0) > 0]


def _left_out(
    spec: Spec, flows: list[tuple[Flow, float]], *, in_mix: bool, only: str | None
) -> dict[tuple[str, str], str]:
    """(kind of row, name) of what only flows outside the mix do -> why."""
    kept = {flow.name for flow, _ in flows}
    once = (*spec.setup, *spec.first, *spec.last, *spec.teardown)
    sent = {name for flow, _ in flows for name in _names(flow.steps)} | set(_names(once))
    reasons: dict[tuple[str, str], str] = {}
    for flow in spec.flows.values():
        if flow.name not in kept:
            reason = f"the stage's mix leaves out `{flow.name}`" if in_mix else f"`{flow.name}` has no weight"
            reason = f"only `{only}` was asked for" if only is not None else reason
            reasons["flow", flow.name] = reason
            reasons.update({row: reason for row in _names(flow.steps) if row not in sent})
    return reasons


def _names(steps: tuple[Step, ...]) -> list[tuple[str, str]]:
    """(kind of row, name) of what the steps send or time."""
    return [
        *(("request", request.name) for request in requests(steps)),
        *(("group", group.name) for group in groups(steps)),
    ]


def _warmup(stage: Stage, phases: tuple[PlannedPhase, ...], scale: Fraction) -> int:
    """Nothing of a phase of rounds: it is judged whole, as it is counted."""
    first = next((phase for phase in phases if phase.measured), None)
    if stage.warmup_ns is not None:
        return min(scaled(stage.warmup_ns, scale), first.for_ns - SECOND) if first and scale != 1 else stage.warmup_ns
    if first is not None and (first.rounds or stage.search is not None):
        return 0
    return min(WARMUP_NS, first.for_ns // WARMUP_SHARE // SECOND * SECOND) if first else 0


def _target(spec: Spec, environment: Environment, asked: Literal["fast", "httpx"] | None) -> Target:
    start, access = environment.start, environment.access
    needs_httpx = access.http == 2 or access.proxy is not None
    return Target(
        environment=environment.name,
        url=environment.url,
        span=environment.url_span,
        ready=environment.ready,
        start=PlannedStart(start.command, start.ready, start.within_ns) if start else None,
        values=tuple((name, value.value) for name, value in environment.values.items()),
        secrets=tuple((s.name, s.from_env) for s in spec.secrets.values()),
        access=access,
        transport="httpx" if needs_httpx or asked == "httpx" else "fast",
        most_requests_per_s=floor(environment.most_requests_per_s or 0),
    )


def _capped(steps: tuple[Step, ...], cap_ns: int) -> tuple[Step, ...]:
    """The steps with every pause at most this long; 0: as they are."""
    if not cap_ns:
        return steps
    return changed(
        steps, lambda step: msgspec.structs.replace(step, cap_ns=cap_ns) if isinstance(step, Pause) else step
    )


def _files(spec: Spec, tables: Mapping[str, Table]) -> tuple[DataFile, ...]:
    used = {data.path: tables[data.name] for data in spec.data if isinstance(data, OF_FILES) and data.name in tables}
    return tuple(DataFile(path, rows.sha256, len(rows)) for path, rows in used.items())


def read_files(
    spec: Spec,
    files: Mapping[str, bytes | None],
    out: Diagnostics,
    beside: Callable[[str], Sequence[str]] = lambda _: (),
) -> dict[str, Table]:
    """Name of a generator -> the rows of its file. Reports files that are missing or unusable, and columns they do not
    have. `beside`: the names of the files in the folder of one that is missing.
    """
    tables: dict[str, Table] = {}
    read: dict[tuple[type, str], Table | str] = {}
    for data in spec.data:
        if not isinstance(data, OF_FILES):
            continue
        content, key = files.get(data.path), (type(data), data.path)
        if content is None:
            near = difflib.get_close_matches(basename(data.path), beside(data.path), 1)
            hint = f"did you mean `{near[0]}`?" if near else "paths are relative to the file that says them"
            out.add("PS212", f"there is no file `{data.path}`", data.span, hint)
            continue
        if key not in read:
            read[key] = _table(data, content)
        found = read[key]
        if isinstance(found, str):
            hint = "save the file as UTF-8" if found == _NO_TEXT else ""
            out.add("PS212", f"`{data.path}` {found}", data.span, hint)
        else:
            tables[data.name] = found
    rows = {data.name for data in spec.data if isinstance(data, Csv)}
    _columns(spec, {name: (found.columns, name in rows) for name, found in tables.items()}, out)
    return tables


def _table(data: Csv | Jsonl, content: bytes) -> Table | str:
    """Or what is wrong with it."""
    try:
        return (table.of_csv if isinstance(data, Csv) else table.of_jsonl)(content)
    except UnicodeDecodeError:
        return _NO_TEXT
    except ValueError as error:
        return f"cannot be read as {'CSV' if isinstance(data, Csv) else 'JSON lines'}: {error}"


def _columns(spec: Spec, columns: dict[str, tuple[tuple[str, ...], bool]], out: Diagnostics) -> None:
    """Report reads of columns that are not there. The flag: a row is always read by column."""
    read = [(name.path, name.span) for steps in spec.parts() for name in names(steps) if isinstance(name, Read)]
    for path, span in (*read, *drawn.reads(spec)):
        if path.root in columns:
            _column(path, span, *columns[path.root], out)


def _column(path: Path, span: Span, columns: tuple[str, ...], by_column: bool, out: Diagnostics) -> None:
    rest = path.parts[1:]
    if (rest and rest[0] in columns) or (not rest and not by_column):
        return
    said = str(rest[0]) if rest else ""
    near = difflib.get_close_matches(said, columns, 1)
    hint = f"did you mean `{_read_as(path.root, near[0])}`?" if near else f"there is {', '.join(columns)}"
    message = f"`{path.root}` has no column `{said}`" if rest else f"`{path.root}` is a row; say which column"
    out.add("PS309", message, span, hint)


def _read_as(root: str, column: str) -> str:
    """A column as it is written in `${ }`."""
    return f"{root}.{column}" if _NAME.fullmatch(column) else f'{root}["{column}"]'
