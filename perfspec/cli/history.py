"""`perfspec history`, `history import FOLDER...`, `history export`"""

from pathlib import Path

import click

from perfspec.app import history as history_case
from perfspec.app.report import write_whole
from perfspec.base.errors import EnvironmentFailure
from perfspec.cli.screen import say
from perfspec.history.records import Run, Wanted

__all__ = ["history"]

NEWEST = 20


def _choices(command: click.Command) -> click.Command:
    """The options that say which runs, on any of these commands."""
    for option in (
        click.Option(
            ["--history", "url"], help="The index: a file or a database URL; PERFSPEC_HISTORY, else results/."
        ),
        click.Option(["--service"], default="", help="Runs of this service only."),
        click.Option(["--stage"], default="", help="Runs of this stage only."),
        click.Option(["--env", "environment"], default="", help="Runs in this environment only."),
    ):
        command.params.append(option)
    return command


@click.group("history", invoke_without_command=True)
@click.option("--newest", type=click.IntRange(1), default=NEWEST, show_default=True, help="How many.")
@click.pass_context
def history(context: click.Context, newest: int, url: str | None, service: str, stage: str, environment: str) -> int:
    """Show the runs that are known. The result files are the truth: the index over them can be made again.

    A run with --out is known where --history or PERFSPEC_HISTORY named the index; `history import FOLDER` adds others.
    """
    if context.invoked_subcommand is not None:
        context.obj = url
        return 0
    with history_case.opened(url) as store:
        runs = store.runs(Wanted(service, stage, environment), newest=newest)
    say("\n".join(_table(runs)) if runs else "no run is known; add some: perfspec history import FOLDER")
    return 0


@history.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--history", "url", help="The index; that of `history` if left out.")
@click.pass_obj
def import_(outer: str | None, paths: tuple[Path, ...], url: str | None) -> int:
    """Add every result.json in these folders, however deep; a run that is known is replaced."""
    found = history_case.add_files(paths, url or outer)
    for problem in found.problems:
        click.echo(problem, err=True)
    say(f"{len(found.added)} run{'' if len(found.added) == 1 else 's'} added")
    return 0


@history.command("export")
@click.option("--out", type=click.Path(path_type=Path), help="Write it there instead of printing it.")
@click.pass_obj
def export(outer: str | None, out: Path | None, url: str | None, service: str, stage: str, environment: str) -> int:
    """A CSV of all valid runs of one kind, a line a run, as Apache Otava reads it."""
    data = history_case.as_csv(Wanted(service, stage, environment), url or outer)
    if out is None:
        say(data.decode().rstrip())
        return 0
    try:
        write_whole(out, data)
    except OSError as error:
        raise EnvironmentFailure(f"{out} could not be written: {error.strerror}", "choose another --out") from error
    return 0


_choices(history)
_choices(export)


def _table(runs: tuple[Run, ...]) -> list[str]:
    rows = [("started", "service", "stage", "environment", "outcome", "branch", "commit", "run")]
    for run in runs:
        outcome = run.outcome if run.valid else f"{run.outcome}, not comparable"
        rows.append(
            (
                run.started_at[:16].replace("T", " "),
                run.service,
                run.stage,
                run.environment,
                outcome,
                run.branch or "-",
                run.commit[:10] or "-",
                run.run_id,
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
