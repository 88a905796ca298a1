"""What a run would do, without anything being sent."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from perfspec.app.foresee import foresee
from perfspec.app.lint import Checked, SpecFailure, lint
from perfspec.base.errors import UsageFailure
from perfspec.data import csv
from perfspec.data.kinds import Csv
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.plan.build import Choice, build
from perfspec.plan.estimates import Estimate, estimate
from perfspec.plan.model import Plan

__all__ = ["Planned", "plan", "rows_of"]


@dataclass(frozen=True, slots=True)
class Planned:
    checked: Checked
    plan: Plan | None
    estimate: Estimate | None
    rows: dict[str, list[dict[str, str]]]


def plan(path: str, choice: Choice) -> Planned:
    """What would happen, without anything being sent. Raises SpecFailure or UsageFailure."""
    checked = lint(path)
    if checked.has_errors:
        raise SpecFailure(checked)
    if checked.spec is None:
        raise UsageFailure(f"{path} holds shared parts and cannot be run", "name a spec that includes it")
    out = Diagnostics()
    built = build(checked.spec, choice, checked.files, out)
    if built is None:
        raise SpecFailure(_with(checked, out))
    rows = rows_of(built, checked.files)
    estimated = estimate(built, rows)
    foresee(checked.spec, built, estimated, out)
    return Planned(_with(checked, out), built, estimated, rows)


def rows_of(plan: Plan, files: Mapping[str, str]) -> dict[str, list[dict[str, str]]]:
    """Name of a generator -> the rows of its file. `files`: path -> text."""
    return {data.name: csv.rows(files[data.path]) for data in plan.data if isinstance(data, Csv) and data.path in files}


def _with(checked: Checked, out: Diagnostics) -> Checked:
    return replace(checked, findings=sorted([*checked.findings, *out.sorted()], key=lambda d: d.span))
