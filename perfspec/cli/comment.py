"""`perfspec comment RUN...`"""

from pathlib import Path

import click

from perfspec.app import comment as comment_case
from perfspec.app import diff as diff_case
from perfspec.app.report import read_result
from perfspec.cli.screen import say
from perfspec.report.changes import RENDERERS
from perfspec.report.comment import body

__all__ = ["comment"]

SAID = {
    "written": "the comment is written",
    "updated": "the comment is up to date",
    "not allowed": "no comment: this token may not write to the pull request (as in one from a fork)",
}


@click.command("comment")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--repo", help="OWNER/NAME; on GitHub Actions it is known.")
@click.option("--pr", "number", type=int, help="The pull request; on GitHub Actions it is known.")
@click.option("--key", default="default", show_default=True, help="Tells several comments of one repository apart.")
@click.option("--link", default="", help="Where the whole report can be found.")
@click.option("--base", help="Also say what changed in the specs since this commit.")
@click.option("--print", "only_print", is_flag=True, help="Print the comment, send nothing.")
def comment(
    runs: tuple[Path, ...],
    repo: str | None,
    number: int | None,
    key: str,
    link: str,
    base: str | None,
    *,
    only_print: bool,
) -> int:
    """Write one comment about runs under a pull request, and keep it up to date.

    The token is read from GITHUB_TOKEN. One that may not write is no error: the verdict does not depend on a comment.
    """
    results = [read_result(run) for run in runs]
    changes = RENDERERS["markdown"](diff_case.diff(base, None, ["specs"])) if base else ""
    text = body(results, key, link, changes)
    if only_print:
        say(text.rstrip())
        return 0
    place = comment_case.place_of(comment_case.surroundings(), repo, number)
    say(SAID[comment_case.comment(place, key, text)])
    return 0
