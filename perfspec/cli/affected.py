"""`perfspec affected --base REF`"""

import json

import click

from perfspec.app import affected as affected_case
from perfspec.cli.screen import say

__all__ = ["affected"]


@click.command("affected")
@click.argument("specs", nargs=-1, type=click.Path())
@click.option("--base", default="origin/main", show_default=True, help="The branch that this one will be merged into.")
@click.option("--format", "form", type=click.Choice(["text", "json", "matrix"]), default="text", show_default=True,
              help="`matrix`: one line for a job matrix of GitHub Actions.")  # fmt: skip
def affected(specs: tuple[str, ...], base: str, form: str) -> int:
    """List the specs to run for a change: those whose `run_when_changed`, files or data differ from the base.

    SPECS are files and folders; `specs` if left out. Where git cannot tell what changed, all of them.
    """
    found = affected_case.concerned(specs or ("specs",), base)
    entries = [{"spec": each.spec, "service": each.service, "because": each.because} for each in found.specs]
    if form == "json":
        say(json.dumps({"affected": entries, "known": found.known, "doubt": found.doubt}, indent=2))
    elif form == "matrix":
        say(json.dumps({"include": [{"spec": each.spec, "service": each.service} for each in found.specs]}))
    elif not found.specs:
        say(f"none of {found.known} specs is concerned")
    else:
        width = max(len(each.spec) for each in found.specs)
        say("\n".join(f"{each.spec:{width}}  {each.because}" for each in found.specs))
    return 0
