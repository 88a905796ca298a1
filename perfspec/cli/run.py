"""`perfspec run SPEC... --stage STAGE`"""

import sys
from typing import NamedTuple

import click

from perfspec.app import lint as lint_case
from perfspec.app import plan as plan_case
from perfspec.app import run as run_case
from perfspec.base.errors import EnvironmentFailure, ExitCode, PerfspecError, worst
from perfspec.cli import findings
from perfspec.cli.progress import progress
from perfspec.cli.screen import columns, say
from perfspec.plan.build import Choice
from perfspec.report.formats import OF_A_RUN
from perfspec.report.result import Result
from perfspec.report.terminal import overview, summary

__all__ = ["run"]


@click.command("run")
@click.argument("specs", nargs=-1, required=True, type=click.Path())
@click.option("--stage", default="smoke", show_default=True, help="The stage of the spec.")
@click.option("--env", "environment", help="The environment; the spec's first if left out.")
@click.option("--seed", type=int, help="Instead of the spec's random_seed.")
@click.option("--out", type=click.Path(), help="The run folder; a new one below results/ if left out.")
@click.option("--yes", is_flag=True, help="Do not ask where an environment wants to be confirmed.")
@click.option("--quiet", is_flag=True, help="Nothing while it runs, only the result.")
def run(
    specs: tuple[str, ...],
    stage: str,
    environment: str | None,
    seed: int | None,
    out: str | None,
    *,
    yes: bool,
    quiet: bool,
) -> int:
    """Run a stage of one spec, or of several one after another, and judge it. The exit code is the worst of all."""
    choice = Choice(stage, environment, seed)
    ended: list[Ended] = []
    for spec in specs:
        folder = out if out is None or len(specs) == 1 else f"{out}/{len(ended) + 1}"
        ended.append(_one(spec, choice, folder, yes=yes, quiet=quiet))
        if ended[-1].code in (ExitCode.INTERRUPTED, ExitCode.TERMINATED):
            break
    if len(specs) > 1:
        say("\n".join(["", *overview([each.result or each.spec for each in ended])]))
    return worst(each.code for each in ended)


class Ended(NamedTuple):
    """What became of one spec; without a result, no load was sent."""

    spec: str
    code: ExitCode
    result: Result | None = None


def _one(spec: str, choice: Choice, out: str | None, *, yes: bool, quiet: bool) -> Ended:
    try:
        planned = plan_case.plan(spec, choice)
        findings.show(planned.checked, err=True)
        assert planned.plan is not None
        tell = (lambda _: None) if quiet else say
        with progress(planned.plan, quiet=quiet) as listener:
            finished = run_case.run(
                planned, out=out, confirm=lambda question: yes or _ask(question), listeners=[listener], tell=tell
            )
    except lint_case.SpecFailure as failure:
        findings.show(failure.checked, err=True)
        return Ended(spec, failure.exit_code)
    except PerfspecError as error:
        click.echo(error.message if spec in error.message else f"{spec}: {error.message}", err=True)
        if error.hint:
            click.echo(f"    {error.hint}", err=True)
        return Ended(spec, error.exit_code)
    say("\n".join(summary(finished.result, columns())))
    for problem in finished.problems:
        click.echo(problem, err=True)
    say(f"{finished.folder}/: {', '.join(name for name, _ in OF_A_RUN)}, slices.jsonl, plan.json")
    return Ended(spec, ExitCode(finished.result.exit_code), finished.result)


def _ask(question: str) -> bool:
    """Raises EnvironmentFailure where nobody is there to answer."""
    if not sys.stdin.isatty():
        raise EnvironmentFailure(f"this has to be confirmed ({question}), and nobody is here to ask", "add --yes")
    return click.confirm(f"{question}. Run it?")
