"""What a run would do, without anything being sent."""

import os
from dataclasses import dataclass, replace

import msgspec

from perfspec.app.foresee import foresee
from perfspec.app.lint import Checked, SpecFailure, lint
from perfspec.base.errors import UsageFailure
from perfspec.data.table import Table
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.engine.environment import is_this_machine
from perfspec.engine.uploads import digest
from perfspec.plan.build import Choice, build
from perfspec.plan.estimates import Estimate, estimate
from perfspec.plan.little import check_users
from perfspec.plan.model import Plan, UploadedFile
from perfspec.spec.model import Spec
from perfspec.steps import requests

__all__ = ["Planned", "asked_first", "plan"]


@dataclass(frozen=True, slots=True)
class Planned:
    checked: Checked
    plan: Plan | None
    estimate: Estimate | None
    rows: dict[str, Table]
    foreseen: Checked
    """`checked`, and what this plan will not be able to do: limits too little reaches, rows that run out."""


def plan(path: str, choice: Choice) -> Planned:
    """What would happen, without anything being sent. Raises SpecFailure or UsageFailure."""
    checked = lint(path)
    if checked.has_errors:
        raise SpecFailure(checked)
    if checked.spec is None:
        raise UsageFailure(f"{path} holds shared parts and cannot be run", "name a spec that includes it")
    out, foreseen = Diagnostics(), Diagnostics()
    built = build(checked.spec, choice, checked.tables, out)
    checked = _with(checked, out)
    if built is None:
        raise SpecFailure(checked)
    assert checked.spec is not None
    built = msgspec.structs.replace(built, uploads=_uploads(built))
    estimated = estimate(built, checked.tables)
    foresee(checked.spec, built, estimated, checked.tables, foreseen)
    check_users(built, estimated, foreseen)
    return Planned(checked, built, estimated, checked.tables, _with(checked, foreseen))


def asked_first(spec: Spec, plan: Plan) -> list[str]:
    """What a run asks for before it begins: an answer to a question, variables without a stand-in."""
    question = spec.environments[plan.target.environment].confirm
    found = [f"asks     first, as {question} (or takes --yes)"] if question else []
    local = is_this_machine(plan.target.url)
    for secret in spec.secrets.values():
        if not (local and secret.when_local):
            missing = "" if os.environ.get(secret.from_env) else ", which is not set here"
            found.append(f"needs    {secret.from_env} for the secret `{secret.name}`{missing}")
    return found


def _uploads(built: Plan) -> tuple[UploadedFile, ...]:
    """What is sent from files is a part of the plan: another content is another load."""
    visits = (built.each_user.first, built.each_user.last)
    parts = (built.setup, *(flow.steps for flow in built.flows), *visits, built.teardown)
    paths = dict.fromkeys(file.path for steps in parts for request in requests(steps) for file in request.files)
    try:
        return tuple(UploadedFile(path, *digest(path)) for path in paths)
    except OSError as error:
        raise UsageFailure(f"a file to be uploaded cannot be read: {error}") from error


def _with(checked: Checked, out: Diagnostics) -> Checked:
    """What was found in the spec, and in the plan that was made of it."""
    more = [finding for finding in out.sorted() if finding not in checked.findings]
    findings = sorted([*checked.findings, *more], key=lambda d: d.span)
    return replace(checked, findings=findings)
