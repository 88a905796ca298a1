"""Try a spec out: one round of each flow against an environment, everything told."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import anyio

from perfspec.app.lint import Checked, SpecFailure, lint
from perfspec.app.run import new_run_id, secrets_of
from perfspec.base.errors import EnvironmentFailure, UsageFailure
from perfspec.base.masking import masked
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Source
from perfspec.engine.load import Inputs
from perfspec.engine.looking import Looked
from perfspec.engine.trial import Exchange, Round, Tell
from perfspec.engine.trial import trial as engine_trial
from perfspec.language.compose import compose
from perfspec.language.nodes import Mapping
from perfspec.plan.build import Choice, build
from perfspec.plan.model import Plan
from perfspec.spec.model import Spec, Stage
from perfspec.spec.stages import read_stage

__all__ = ["Exchange", "Looked", "Round", "Trial", "prepare", "trial"]

STAGE = "try"
_STAGE_TEXT = f"{STAGE}: {{pauses: at most 200ms, phases: [{{for: 1s, users: 1}}]}}\n"


class Trial:
    """What is going to be tried."""

    def __init__(self, checked: Checked, plan: Plan, secrets: dict[str, str], question: str) -> None:
        self.checked = checked
        self.plan = plan
        self.secrets = secrets
        self.question = question
        """What the environment wants to be asked before; empty if nothing."""

    def masked(self, text: str) -> str:
        return masked(text, self.secrets.values())


def prepare(path: str, environment: str | None, only: tuple[str, ...], seed: int | None) -> Trial:
    """A spec as far as it must be right to be tried. Raises SpecFailure, UsageFailure, EnvironmentFailure."""
    checked = lint(path)
    if checked.has_errors:
        raise SpecFailure(checked)
    if checked.spec is None:
        raise UsageFailure(f"{path} holds shared parts and cannot be tried", "name a spec that includes it")
    spec = _spec(checked.spec, only)
    out = Diagnostics()
    plan = build(spec, Choice(STAGE, environment, seed), checked.tables, out)
    if plan is None:
        raise SpecFailure(replace(checked, findings=[*checked.findings, *out.sorted()]))
    question = spec.environments[plan.target.environment].confirm
    asked = f"{plan.target.environment}: {question}" if question else ""
    return Trial(checked, plan, secrets_of(spec, plan), asked)


def _spec(spec: Spec, only: tuple[str, ...]) -> Spec:
    """One user, short pauses, every flow or only these. What may run where says nothing of a single round."""
    for name in only:
        if name not in spec.flows:
            raise UsageFailure(f"{spec.path} has no flow `{name}`", f"there is {', '.join(spec.flows)}")
    flows = {n: replace(flow, weight=1.0) for n, flow in spec.flows.items() if n in only or not only}
    environments = {name: replace(each, stages=None) for name, each in spec.environments.items()}
    return replace(spec, flows=flows, environments=environments, stages={STAGE: _stage()}, promises=())


def _stage() -> Stage:
    root = compose(Source("<try>", _STAGE_TEXT), Diagnostics())
    assert isinstance(root, Mapping)
    return read_stage(root.entries[0], Diagnostics())


def trial(tried: Trial, note: Callable[[str], None], tell: Tell) -> bool:
    """Send one round of each flow. Was everything as expected? Raises EnvironmentFailure if nothing could be sent."""
    inputs = Inputs(f"try-{new_run_id()}", tried.checked.tables, tried.secrets)
    with tempfile.TemporaryDirectory(prefix="perfspec-try-") as folder:
        try:
            return anyio.run(engine_trial, tried.plan, inputs, Path(folder), note, tell)
        except EnvironmentFailure as failure:
            failure.message = tried.masked(failure.message)
            raise
