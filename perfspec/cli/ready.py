"""`perfspec ready SPEC...`"""

import click

from perfspec.app import ready as ready_case
from perfspec.app.lint import SpecFailure
from perfspec.base.errors import ExitCode
from perfspec.cli import findings
from perfspec.cli.screen import say

__all__ = ["ready"]


@click.command("ready")
@click.argument("specs", nargs=-1, required=True, type=click.Path())
@click.option(
    "--env", "environments", multiple=True, help="The environment, of each spec; more than once for several of them."
)
def ready(specs: tuple[str, ...], environments: tuple[str, ...]) -> ExitCode:
    """Ask the environments of specs whether they and what they depend on are ready for load.

    Nothing is started. Exit code 0 if all are ready, or would be started by a run; 4 if one is not.
    """
    try:
        rows = ready_case.ready(specs, environments)
    except SpecFailure as failure:
        findings.show(failure.checked, err=True)
        return failure.exit_code
    say("\n".join(ready_case.table(rows)))
    return ready_case.verdict(rows)
