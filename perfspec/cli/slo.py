"""`perfspec slo show|rules|dashboards|status|openslo SPEC...`"""

from pathlib import Path

import click

from perfspec.app import slo as slo_case
from perfspec.app.lint import SpecFailure
from perfspec.base.errors import ExitCode
from perfspec.cli import findings
from perfspec.cli.screen import say
from perfspec.slo.objectives import Promises
from perfspec.slo.openslo import openslo as to_openslo
from perfspec.slo.rules import rules as make_rules
from perfspec.slo.rules import to_text as rules_text
from perfspec.slo.show import RENDERERS

__all__ = ["slo"]

SPECS = click.argument("specs", nargs=-1, required=True, type=click.Path())


@click.group("slo")
def slo() -> None:
    """What follows from `slo` in specs: error budgets, alert rules, dashboards, the gate of deployments.

    A folder stands for the specs in it.
    """


def _promises(specs: tuple[str, ...]) -> tuple[Promises, ...]:
    """Raises click's Exit with the code for specs that have errors, which have then been shown."""
    try:
        found = slo_case.promised(specs)
    except SpecFailure as failure:
        findings.show(failure.checked, err=True)
        raise click.exceptions.Exit(failure.exit_code) from failure
    for path in found.silent:
        click.echo(f"{path} promises nothing and is left out", err=True)
    return found.services


@slo.command("show")
@SPECS
@click.option("--format", "form", type=click.Choice(list(RENDERERS)), default="text", show_default=True)
def show(specs: tuple[str, ...], form: str) -> int:
    """Print what is promised, the error budget of the period in minutes, and what is done when it is spent."""
    say("\n\n".join(RENDERERS[form](promises) for promises in _promises(specs)))
    return ExitCode.PASS


@slo.command("rules")
@SPECS
@click.option("--out", type=click.Path(path_type=Path), help="The file to write; printed if left out.")
def rules(specs: tuple[str, ...], out: Path | None) -> int:
    """Write recording and alert rules for Prometheus. What cannot be measured or cannot fire is left out and said."""
    made = make_rules(_promises(specs))
    for each in made.left_out:
        click.echo(f"left out: {each}", err=True)
    _give(rules_text(made), out)
    return ExitCode.PASS


@slo.command("openslo")
@SPECS
@click.option("--out", type=click.Path(path_type=Path), help="The file to write; printed if left out.")
def openslo(specs: tuple[str, ...], out: Path | None) -> int:
    """Write the promises as objects of OpenSLO v1."""
    services = _promises(specs)
    for each in (sentence for promises in services for sentence in promises.left_out):
        click.echo(f"left out: {each}", err=True)
    _give(to_openslo(services), out)
    return ExitCode.PASS


def _give(text: str, out: Path | None) -> None:
    if out is None:
        say(text.rstrip("\n"))
        return
    slo_case.write(out, text.encode())
    say(f"{out} is written")
