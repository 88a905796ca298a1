"""`perfspec affected --base REF`"""

import json
from collections.abc import Callable, Mapping

import click

from perfspec.app import affected as affected_case
from perfspec.app.affected import Concerned
from perfspec.cli.screen import say

__all__ = ["affected"]


def _text(found: Concerned) -> str:
    if not found.specs:
        return f"none of {found.known} specs is concerned"
    width = max(len(each.spec) for each in found.specs)
    return "\n".join(f"{each.spec:{width}}  {each.because}" for each in found.specs)


def _json(found: Concerned) -> str:
    return json.dumps(
        {"affected": [each._asdict() for each in found.specs], "known": found.known, "doubt": found.doubt}, indent=2
    )


def _matrix(found: Concerned) -> str:
    return json.dumps({"include": [{"spec": each.spec, "service": each.service} for each in found.specs]})


RENDERERS: Mapping[str, Callable[[Concerned], str]] = {
    "text": _text,
    "names": lambda found: " ".join(each.spec for each in found.specs),
    "json": _json,
    "matrix": _matrix,
}
WITHOUT_REASONS = ("names", "matrix")


@click.command("affected")
@click.argument("specs", nargs=-1, type=click.Path())
@click.option("--base", default="origin/main", show_default=True, help="The branch that this one will be merged into.")
@click.option(
    "--format",
    "form",
    type=click.Choice(list(RENDERERS)),
    default="text",
    show_default=True,
    help="`names`: on one line, for a shell; `matrix`: one line for a job matrix of GitHub Actions.",
)
def affected(specs: tuple[str, ...], base: str, form: str) -> int:
    """List the specs to run for a change: those whose `run_when_changed`, files or data differ from the base.

    SPECS are files and folders; `specs` if left out. Where git cannot tell what changed, all of them. `names` and
    `matrix` have no room for the reasons; these are on the standard error then.
    """
    found = affected_case.concerned(specs or ("specs",), base)
    if form in WITHOUT_REASONS:
        click.echo(_text(found), err=True)
    say(RENDERERS[form](found))
    return 0
