"""`perfspec judge RUN --spec SPEC`"""

from pathlib import Path

import click

from perfspec.app import judge as judge_case
from perfspec.app.lint import SpecFailure
from perfspec.cli import findings
from perfspec.cli.report import show
from perfspec.report.formats import FORMATS

__all__ = ["judge"]


@click.command("judge")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--spec", required=True, type=click.Path(), help="The spec whose limits count.")
@click.option("--stage", help="The stage whose limits count; the run's if left out.")
@click.option("--env", "environment", help="The environment whose values count; the run's if left out.")
@click.option("--format", "form", type=click.Choice(["text", *FORMATS]), default="text", show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="Write it there instead of printing it.")
def judge(run: Path, spec: str, stage: str | None, environment: str | None, form: str, out: Path | None) -> int:
    """Judge a run that was stored by the limits that a spec has now. Sends nothing, and leaves the run as it is."""
    if form == "text" and out is not None:
        raise click.UsageError("--out needs a --format")
    try:
        result = judge_case.judge(run, spec, stage, environment)
    except SpecFailure as failure:
        findings.show(failure.checked, err=True)
        return failure.exit_code
    show([result], form, out)
    return result.exit_code
