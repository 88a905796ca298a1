"""What a run would do, without anything being sent."""

from dataclasses import dataclass

from perfspec.app.lint import Checked, SpecFailure, lint
from perfspec.base.errors import UsageFailure
from perfspec.data import csv
from perfspec.data.kinds import Csv
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.plan.build import Choice, build
from perfspec.plan.estimates import Estimate, estimate
from perfspec.plan.model import Plan

__all__ = ["Planned", "plan"]


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
