"""`perfspec plan SPEC --stage STAGE`"""

from fractions import Fraction
from typing import Literal

import click

from perfspec.app import lint as lint_case
from perfspec.app import plan as plan_case
from perfspec.base.codec import pretty
from perfspec.cli import findings
from perfspec.cli.scale import SCALE
from perfspec.cli.screen import say
from perfspec.plan.build import Choice
from perfspec.report.schedule import lines

__all__ = ["plan"]


@click.command("plan")
@click.argument("spec", type=click.Path())
@click.option("--stage", default="smoke", show_default=True, help="The stage of the spec.")
@click.option("--env", "environment", help="The environment; the spec's first if left out.")
@click.option("--transport", type=click.Choice(["fast", "httpx"]), help="httpx: to check the fast one against it.")
@click.option("--seed", type=int, help="Instead of the spec's random_seed.")
@click.option("--only", metavar="FLOW", help="This flow and no other.")
@click.option("--time-scale", type=SCALE, default="1", help="What the times of phases are multiplied by, such as 0.1.")
@click.option("--json", "as_json", is_flag=True, help="The whole plan as JSON.")
def plan(  # noqa: PLR0913 - one argument per option
    spec: str,
    stage: str,
    environment: str | None,
    seed: int | None,
    transport: Literal["fast", "httpx"] | None,
    only: str | None,
    time_scale: Fraction,
    *,
    as_json: bool,
) -> int:
    """Show phases over time and how many requests each threshold can expect. Sends nothing."""
    try:
        planned = plan_case.plan(spec, Choice(stage, environment, seed, transport, only, time_scale))
    except lint_case.SpecFailure as failure:
        findings.show(failure.checked, err=True)
        return failure.exit_code
    assert planned.plan is not None
    assert planned.estimate is not None
    if as_json:
        say(pretty(planned.plan).decode().rstrip())
        return 0
    findings.show(planned.foreseen, err=True)
    assert planned.checked.spec is not None
    first = plan_case.asked_first(planned.checked.spec, planned.plan)
    say("\n".join(lines(planned.plan, planned.estimate, first)))
    return 0
