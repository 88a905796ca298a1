"""The strictest look at a spec: besides itself, the plans of all its stages in all environments that allow them."""

import re
from dataclasses import replace

from perfspec.app.foresee import foresee
from perfspec.app.lint import Checked, lint
from perfspec.diagnostics.diagnostic import Diagnostic, Diagnostics
from perfspec.plan.build import Choice, build
from perfspec.plan.estimates import estimate
from perfspec.spec.model import Spec
from perfspec.spec.unused import unused

__all__ = ["lint_strictly"]

_NUMBER = re.compile(r"\d[\d,]*")


def lint_strictly(path: str, content: bytes | None = None) -> Checked:
    """As `lint`, and what the plans foresee. Raises UsageFailure for a file that cannot be read."""
    checked = lint(path, content)
    if checked.spec is None or checked.has_errors:
        return checked
    found: dict[tuple[object, ...], Diagnostic] = {}
    for finding in (*checked.findings, *_unused(checked, checked.spec), *_foreseen(checked, checked.spec)):
        # Environments differ in their limits, so in how many requests they let through: one number is enough.
        found.setdefault((finding.span, finding.code, _NUMBER.sub("", finding.message)), finding)
    return replace(checked, findings=sorted(found.values(), key=lambda each: (each.span, each.code)))


def _unused(checked: Checked, spec: Spec) -> list[Diagnostic]:
    return unused(spec, checked.merged) if checked.merged is not None else []


def _foreseen(checked: Checked, spec: Spec) -> list[Diagnostic]:
    found: list[Diagnostic] = []
    for stage in spec.stages.values():
        allowed = [e for e in spec.environments.values() if e.stages is None or stage.name in e.stages]
        for environment in allowed:
            out = Diagnostics()
            plan = build(spec, Choice(stage.name, environment.name), checked.tables, out)
            if plan is not None:  # parts are small where limits are wide: that they can be judged at all is enough
                parts = environment is allowed[0]
                foresee(spec, plan, estimate(plan, checked.tables), checked.tables, out, parts=parts)
            found += out.sorted()
    return found
