"""`perfspec trend`"""

import click

from perfspec.app import trend as trend_case
from perfspec.base.codec import pretty
from perfspec.cli.screen import say
from perfspec.history.records import Wanted
from perfspec.report.trend import compliance_lines, series_lines

__all__ = ["trend"]


@click.command("trend")
@click.option("--history", "url", help="The index: a file or a database URL; PERFSPEC_HISTORY, else results/.")
@click.option("--service", default="", help="This service only.")
@click.option("--stage", default="", help="This stage only.")
@click.option("--env", "environment", default="", help="This environment only.")
@click.option(
    "--weeks", type=click.IntRange(1, 104), default=8, show_default=True, help="Weeks in the table of limits."
)
@click.option("--json", "as_json", is_flag=True, help="The trends as JSON.")
def trend(url: str | None, service: str, stage: str, environment: str, weeks: int, *, as_json: bool) -> int:
    """Show how services change from run to run: steps with the commits they came between, and limits met by week."""
    found = trend_case.trends(Wanted(service, stage, environment), url, weeks)
    if as_json:
        say(pretty(found).decode().rstrip())
        return 0
    out = []
    for each in found:
        others = f", {each.others} of another load or machine left out" if each.others else ""
        out += [f"{each.service} {each.stage} on {each.environment}: {each.runs} runs{others}", ""]
        out += [*series_lines(each.series), "", *compliance_lines(each.compliance, each.weeks), ""]
    say("\n".join(out).rstrip())
    return 0
