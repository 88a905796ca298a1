"""`perfspec slo show|rules|dashboards|status|openslo SPEC...`"""

from pathlib import Path

import click

from perfspec.app import slo as slo_case
from perfspec.app.lint import SpecFailure
from perfspec.app.slo_status import ask
from perfspec.base.errors import ExitCode, UsageFailure, worst
from perfspec.base.units import parse_share
from perfspec.cli import findings
from perfspec.cli.screen import say
from perfspec.slo.dashboards import dashboards as make_dashboards
from perfspec.slo.grafana import to_json
from perfspec.slo.objectives import Promises
from perfspec.slo.openslo import openslo as to_openslo
from perfspec.slo.rules import rules as make_rules
from perfspec.slo.rules import to_text as rules_text
from perfspec.slo.show import RENDERERS
from perfspec.slo.status import code, table

__all__ = ["slo"]

SPECS = click.argument("specs", nargs=-1, required=True, type=click.Path())


@click.group("slo")
def slo() -> None:
    """What follows from `slo` in specs: error budgets, alert rules, dashboards, the gate of deployments.

    A folder stands for the specs in it.
    """


def _promises(specs: tuple[str, ...]) -> tuple[Promises, ...]:
    return _promised(specs).services


def _promised(specs: tuple[str, ...]) -> slo_case.Promised:
    """A spec that promises nothing is named. One with errors is shown, and ends the call: raises click's Exit."""
    try:
        found = slo_case.promised(specs)
    except SpecFailure as failure:
        findings.show(failure.checked, err=True)
        raise click.exceptions.Exit(failure.exit_code) from failure
    for path in found.silent:
        click.echo(f"{path} promises nothing and is left out", err=True)
    return found


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


@slo.command("dashboards")
@SPECS
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The folder to write to.")
def dashboards(specs: tuple[str, ...], out: Path) -> int:
    """Write pages for Grafana: all budgets, each service against its promises, the runs of load tests."""
    services = _promises(specs)
    for each in (sentence for promises in services for sentence in promises.left_out):
        click.echo(f"left out: {each}", err=True)
    pages = make_dashboards(services)
    for name, page in pages.items():
        slo_case.write(out / name, to_json(page))
    say(f"{out}/: {', '.join(pages)}")
    return ExitCode.PASS


@slo.command("status")
@SPECS
@click.option("--prometheus", required=True, metavar="URL", help="Such as http://127.0.0.1:9090.")
@click.option("--freeze-at", default="100%", show_default=True, help="The share of a budget from which to end with 1.")
def status(specs: tuple[str, ...], prometheus: str, freeze_at: str) -> int:
    """Ask Prometheus how much of each error budget is spent, and say what the policy wants.

    A gate for deployments: exit code 1 where a budget is spent, or as far as --freeze-at; 3 where something is not
    known; 4 where Prometheus does not answer.
    """
    limit = parse_share(freeze_at)
    if limit is None or not 0 < limit <= 1:
        raise UsageFailure(f"--freeze-at cannot be `{freeze_at}`", "write a share of the budget, such as 80%")
    asked = _promised(specs)
    found = ask(asked.services, prometheus)
    say("\n".join(table(found)))
    unknown = [sentence for promises in asked.services for sentence in promises.left_out]
    for each in unknown:
        click.echo(each, err=True)
    return worst([code(found, limit), ExitCode.INCONCLUSIVE if unknown or asked.silent else ExitCode.PASS])


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
