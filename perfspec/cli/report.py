"""`perfspec report RUN...`"""

from collections.abc import Sequence
from pathlib import Path

import click

from perfspec.app import report as report_case
from perfspec.app.folder import is_held
from perfspec.base.errors import EnvironmentFailure, ExitCode, UsageFailure, worst
from perfspec.cli.screen import columns, say, write
from perfspec.report.formats import FORMATS, OF_A_RUN
from perfspec.report.remarks import HEADLINES, outcome_of
from perfspec.report.result import Result
from perfspec.report.terminal import overview, summary

__all__ = ["report", "results_of", "show"]


@click.command("report")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["text", *FORMATS]), default="text", show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="Write it there instead of printing it.")
def report(runs: tuple[Path, ...], form: str, out: Path | None) -> int:
    """Report on runs: folders, also of a run that was cut off, or their result.json.

    Several become one report, and the exit code is the worst of them; a folder that holds runs stands for all of them.
    A run folder gets its result.json, junit.xml and report.html written again.
    """
    if form == "text" and out is not None:
        raise click.UsageError("--out needs a --format")
    if form == "text" and len(runs) == 1 and report_case.runs_in(runs)[0] == [runs[0]] and runs[0].is_dir():
        return _folder(runs[0])
    results = results_of(runs)
    show(results, form, out)
    return worst(ExitCode(result.exit_code) for result in results)


def results_of(paths: Sequence[Path]) -> list[Result]:
    """Says which of the paths hold no run. Raises UsageFailure where none does, or one cannot be read, and
    EnvironmentFailure where one is still running.
    """
    runs, without = report_case.runs_in(paths)
    if not runs:
        verb = "holds" if len(paths) == 1 else "hold"
        message = f"{', '.join(map(str, paths))} {verb} no run (a run folder has a plan.json or a result.json)"
        raise UsageFailure(message, "name folders below results/, or their result.json")
    for path in without:
        click.echo(f"{path} holds no run and is left out", err=True)
    for run in runs:
        _has_ended(run)
    return [report_case.read_result(run) for run in runs]


def _has_ended(run: Path) -> None:
    """A verdict of half a run would be none, and its files are not ours. Raises EnvironmentFailure."""
    if run.is_dir() and is_held(run):
        hint = f"wait for its end; {run / 'report.html'} shows how it goes"
        raise EnvironmentFailure(f"{run} is still running, {report_case.so_far(run)}", hint)


def show(results: list[Result], form: str, out: Path | None) -> None:
    """On the screen, or into a file."""
    if form == "text":
        for result in results:
            say("\n".join(summary(result, columns())))
        if len(results) > 1:
            said = f"{len(results)} runs: {HEADLINES[outcome_of(results)]}"
            say("\n".join([said, "", *overview(results)]))
        return
    data = report_case.render(results, form, out)
    if out is None:
        write(data)
    else:
        say(f"{out} is written")


def _folder(folder: Path) -> int:
    _has_ended(folder)
    finished = report_case.report(folder)
    say("\n".join(summary(finished.result, columns())))
    for problem in finished.problems:
        click.echo(problem, err=True)
    say(f"{finished.folder}/: {', '.join(name for name, _ in OF_A_RUN)}")
    return finished.result.exit_code
