"""`perfspec compare A B`"""

import click

from perfspec.app import compare as compare_case
from perfspec.base.codec import pretty
from perfspec.base.errors import ExitCode
from perfspec.cli.screen import say
from perfspec.report.comparison import lines

__all__ = ["compare"]


@click.command("compare")
@click.argument("before")
@click.argument("now", type=click.Path(exists=True))
@click.option("--history", "url", help="The index: a file or a database URL; PERFSPEC_HISTORY, else results/.")
@click.option("--fail-on-regression", "fails", is_flag=True, help="Exit 1 if a request is slower for sure.")
@click.option("--json", "as_json", is_flag=True, help="The comparison as JSON.")
def compare(before: str, now: str, url: str | None, *, fails: bool, as_json: bool) -> int:
    """Compare a run (NOW) with another one or a baseline (BEFORE).

    BEFORE is a run folder or result file, `main` for the last ten accepted runs there, or `last`. NOW is a run folder
    or result file.
    """
    _, comparison = compare_case.compare_runs(before, now, url)
    say(pretty(comparison).decode().rstrip() if as_json else "\n".join(lines(comparison)))
    return ExitCode.THRESHOLD_FAILED if fails and comparison.regressed else ExitCode.PASS
