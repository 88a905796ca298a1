"""`perfspec report FOLDER`"""

from pathlib import Path

import click

from perfspec.app import report as report_case
from perfspec.cli.screen import columns, say
from perfspec.report.terminal import summary

__all__ = ["report"]


@click.command("report")
@click.argument("folder", type=click.Path(path_type=Path))
def report(folder: Path) -> int:
    """Judge what a run folder holds and write its result.json and junit.xml again. Works on a run that was cut off."""
    finished = report_case.report(folder)
    say("\n".join(summary(finished.result, columns())))
    for problem in finished.problems:
        click.echo(problem, err=True)
    say(f"{finished.folder}/: result.json, junit.xml")
    return finished.result.exit_code
