"""`perfspec show SPEC`"""

import click

from perfspec.app import show as show_case
from perfspec.base.errors import ExitCode
from perfspec.cli import findings
from perfspec.cli.screen import say

__all__ = ["show"]


@click.command("show")
@click.argument("spec", type=click.Path())
def show(spec: str) -> int:
    """Print the spec with all that it includes, each line with the file and line it comes from.

    What a key of the spec wins over in an included file is gone: what is printed is what counts.
    """
    shown = show_case.show(spec)
    findings.show(shown.checked, err=True)
    if shown.text:
        say(shown.text.rstrip("\n"))
    return ExitCode.SPEC if shown.checked.has_errors else ExitCode.PASS
