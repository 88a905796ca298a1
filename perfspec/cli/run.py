"""`perfspec run SPEC... --stage STAGE`"""

from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, NamedTuple

import click

from perfspec.app import lint as lint_case
from perfspec.app import plan as plan_case
from perfspec.app import run as run_case
from perfspec.app.compare import is_known
from perfspec.app.find import runnable
from perfspec.app.folder import out_folder
from perfspec.app.history import is_named
from perfspec.app.metrics import address_of
from perfspec.app.outlets import Outlets
from perfspec.base.errors import ExitCode, PerfspecError, UsageFailure, worst
from perfspec.cli import findings
from perfspec.cli.asking import agreed
from perfspec.cli.progress import progress
from perfspec.cli.scale import SCALE
from perfspec.cli.screen import columns, say
from perfspec.plan.build import Choice
from perfspec.report.formats import OF_A_RUN
from perfspec.report.result import Result
from perfspec.report.schedule import lines
from perfspec.report.terminal import overview, summary

__all__ = ["run"]

OUT = (
    "The run folder; a new one below results/ if left out. A run that is in it already is moved to FOLDER-1. "
    "The history knows the run only where --history or PERFSPEC_HISTORY names one."
)


@click.command("run")
@click.argument("specs", nargs=-1, required=True, type=click.Path())
@click.option("--stage", default="smoke", show_default=True, help="The stage of the spec.")
@click.option("--env", "environment", help="The environment; the spec's first if left out.")
@click.option("--transport", type=click.Choice(["fast", "httpx"]), help="httpx: to check the fast one against it.")
@click.option("--seed", type=int, help="Instead of the spec's random_seed.")
@click.option("--only", metavar="FLOW", help="This flow and no other.")
@click.option("--time-scale", type=SCALE, default="1", help="What the times of phases are multiplied by, such as 0.1.")
@click.option("--out", type=click.Path(), help=OUT)
@click.option("--yes", is_flag=True, help="Do not ask where an environment wants to be confirmed.")
@click.option("--baseline", default="", help="Compare with `main`, `last`, or the result file or folder of a run.")
@click.option("--fail-on-regression", "fails", is_flag=True, help="Exit 1 if a request is slower than the baseline.")
@click.option("--history", "url", help="The index of runs; PERFSPEC_HISTORY, else results/history.sqlite.")
@click.option("--quiet", is_flag=True, help="Nothing while it runs, only the result.")
@click.option("--verbose", is_flag=True, help="First show the plan, as `perfspec plan` does.")
@click.option(
    "--workers", metavar="N|auto", default="1", show_default=True, help="Processes that send; auto: one for each core."
)
@click.option(
    "--metrics", metavar="PORT", help="Serve its numbers to Prometheus; 0.0.0.0:PORT for other machines, too."
)
@click.option("--push", "gateway", metavar="URL", help="Put the result into a Pushgateway at the end.")
@click.option("--junit-file-attr", is_flag=True, help="Name the spec on every case of junit.xml, as GitLab wants it.")
def run(
    specs: tuple[str, ...],
    stage: str,
    environment: str | None,
    seed: int | None,
    only: str | None,
    time_scale: Fraction,
    **asked: Any,
) -> int:
    """Run a stage of one spec, or of several one after another, and judge it. The exit code is the worst of all.

    A folder stands for the specs in it.
    """
    specs = tuple(runnable(specs))
    transport = asked.pop("transport")
    choice, options = Choice(stage, environment, seed, transport, only, time_scale), Asked(**asked)
    options.check()
    if len(specs) == 1:
        return _one(specs[0], choice, options).code
    with (
        nullcontext() if options.out is None else out_folder(options.out, options.tell, for_several=True)
    ):  # held for all of them
        ended = _each(specs, choice, options)
    say("\n".join(["", *overview([each.result or each.spec for each in ended])]))
    return worst(each.code for each in ended)


def _each(specs: Iterable[str], choice: Choice, options: "Asked") -> list["Ended"]:
    """One after another, in folders that have numbers, until all are done or a signal ends one."""
    ended: list[Ended] = []
    for number, spec in enumerate(specs, 1):
        out = None if options.out is None else f"{options.out}/{number}"
        ended.append(_one(spec, choice, replace(options, out=out)))
        if ended[-1].code in (ExitCode.INTERRUPTED, ExitCode.TERMINATED):
            break
    return ended


@dataclass(frozen=True, slots=True)
class Asked:
    """What the call says about how to run; which stage to run where is the plan's."""

    out: str | None
    yes: bool
    quiet: bool
    junit_file_attr: bool
    baseline: str
    fails: bool
    url: str | None
    verbose: bool
    workers: str
    metrics: str | None
    """[HOST:]PORT."""
    gateway: str | None

    @property
    def history(self) -> run_case.History:
        """Runs below results/ are remembered without being asked; others where the history is named."""
        keep = self.out is None or self.url is not None or is_named()
        return run_case.History(self.url, keep, self.baseline, self.fails)

    @property
    def means(self) -> run_case.Means:
        return run_case.Means(self.out, None if self.workers == "auto" else int(self.workers))

    @property
    def outlets(self) -> Outlets:
        return Outlets("junit-file-attr" if self.junit_file_attr else "junit", self.metrics, self.gateway)

    def tell(self, text: str) -> None:
        if not self.quiet:
            say(text)

    def check(self) -> None:
        """Raises click.UsageError."""
        if self.workers != "auto" and not (self.workers.isascii() and self.workers.isdigit() and int(self.workers)):
            raise click.UsageError(f"--workers is a number of processes, or `auto`, not `{self.workers}`")
        if self.metrics is not None:
            try:
                address_of(self.metrics)
            except UsageFailure as error:
                raise click.UsageError(f"{error.message}: {error.hint}") from error
        if self.fails and not self.baseline:
            raise click.UsageError("--fail-on-regression needs a --baseline")
        if self.baseline and not is_known(self.baseline):
            known = "name `main`, `last`, or the result file or folder of a run"
            raise click.UsageError(f"there is no baseline `{self.baseline}`: {known}")


class Ended(NamedTuple):
    """What became of one spec; without a result, no load was sent."""

    spec: str
    code: ExitCode
    result: Result | None = None


def _one(spec: str, choice: Choice, asked: Asked) -> Ended:
    try:
        planned = plan_case.plan(spec, choice)
        findings.show(planned.checked, err=True)
        assert planned.plan is not None
        assert planned.estimate is not None
        if asked.verbose:
            say("\n".join([*lines(planned.plan, planned.estimate), ""]))
        with progress(planned.plan, quiet=asked.quiet) as listener:
            finished = run_case.run(
                planned,
                means=asked.means,
                confirm=lambda question: asked.yes or agreed(question),
                listeners=[listener],
                tell=asked.tell,
                history=asked.history,
                outlets=asked.outlets,
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
