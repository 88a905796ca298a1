"""`perfspec diff BASE [HEAD]`"""

import click

from perfspec.app import diff as diff_case
from perfspec.base.errors import ExitCode
from perfspec.cli.screen import say
from perfspec.report.changes import RENDERERS

__all__ = ["diff"]


@click.command("diff")
@click.argument("base")
@click.argument("head", required=False)
@click.option("--specs", multiple=True, type=click.Path(), help="A spec or a folder of specs; `specs` if left out.")
@click.option("--format", "form", type=click.Choice(list(RENDERERS)), default="text", show_default=True)
@click.option("--no-loosening", is_flag=True, help="End with exit code 1 if anything was loosened.")
def diff(base: str, head: str | None, specs: tuple[str, ...], form: str, *, no_loosening: bool) -> int:
    """Say in words what a change to specs means for the gate.

    BASE and HEAD are commits; without HEAD the files are taken as they are.
    """
    found = diff_case.diff(base, head, specs or ("specs",))
    say(RENDERERS[form](found))
    loosened = any(change.kind == "loosened" for change in found)
    return ExitCode.THRESHOLD_FAILED if loosened and no_loosening else ExitCode.PASS
