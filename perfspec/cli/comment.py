"""`perfspec comment RUN...`"""

from pathlib import Path
from typing import Any, NamedTuple

import click

from perfspec.app import comment as comment_case
from perfspec.app import diff as diff_case
from perfspec.base.errors import UsageFailure
from perfspec.cli.report import results_of
from perfspec.cli.screen import say
from perfspec.report.changes import RENDERERS
from perfspec.report.comment import body
from perfspec.report.markdown import escaped

__all__ = ["comment"]

SAID = {
    "written": "the comment is written",
    "updated": "the comment is up to date",
    "nothing there": "there is no comment to bring up to date",
    "not allowed": "no comment: this token may not write to the pull request (as in one from a fork)",
}


@click.command("comment")
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path))
@click.option("--repo", help="OWNER/NAME; on GitHub Actions it is known.")
@click.option("--pr", "number", type=int, help="The pull request; on GitHub Actions it is known.")
@click.option("--key", default="default", show_default=True, help="Tells several comments of one repository apart.")
@click.option("--link", default="", help="Where the whole report can be found.")
@click.option("--base", help="Also say what changed in the specs since this branch left there.")
@click.option("--specs", multiple=True, default=["specs"], show_default=True, help="Where the specs are, for --base.")
@click.option("--instead", metavar="TEXT", help="Without runs: what a comment that is there already says now.")
@click.option("--print", "only_print", is_flag=True, help="Print the comment, send nothing.")
def comment(runs: tuple[Path, ...], repo: str | None, number: int | None, **asked: Any) -> int:
    """Write one comment about runs under a pull request, and keep it up to date.

    The token is read from GITHUB_TOKEN. One that may not write is no error: the verdict does not depend on a comment.
    """
    text = _text(runs, Asked(**{name: asked[name] for name in Asked._fields}))
    if asked["only_print"]:
        say(text.rstrip())
        return 0
    place = comment_case.place_of(comment_case.surroundings(), repo, number)
    say(SAID[comment_case.comment(place, asked["key"], text, only_update=not runs)])
    return 0


class Asked(NamedTuple):
    """What the comment is to say besides the runs."""

    key: str
    link: str
    base: str | None
    specs: tuple[str, ...]
    instead: str | None


def _text(runs: tuple[Path, ...], asked: Asked) -> str:
    if bool(runs) == bool(asked.instead):
        raise click.UsageError("name runs, or what is said --instead of them")
    results = results_of(runs) if runs else []
    return body(results, asked.key, asked.link, _changes(asked), asked.instead or "")


def _changes(asked: Asked) -> str:
    """What cannot be compared is said: the verdict is worth a comment all the same."""
    if not asked.base:
        return ""
    try:
        return RENDERERS["markdown"](diff_case.since(asked.base, asked.specs))
    except UsageFailure as failure:
        return escaped(f"{failure.message}: {failure.hint}")
