"""`perfspec try SPEC`"""

import json

import click

from perfspec.app import lint as lint_case
from perfspec.app import trial as trial_case
from perfspec.app.trial import Exchange, Round, Trial
from perfspec.base.errors import EnvironmentFailure, ExitCode
from perfspec.base.masking import masked
from perfspec.base.units import format_duration
from perfspec.cli import findings
from perfspec.cli.asking import agreed
from perfspec.cli.screen import say

__all__ = ["trial"]

MOST_LINES = 40
MOST_CHARACTERS = 4000


@click.command("try")
@click.argument("spec", type=click.Path())
@click.option("--env", "environment", help="The environment; the spec's first if left out.")
@click.option("--only", multiple=True, metavar="FLOW", help="This flow only; may be given several times.")
@click.option("--seed", type=int, help="Instead of the spec's random_seed.")
@click.option("--yes", is_flag=True, help="Do not ask where an environment wants to be confirmed.")
def trial(spec: str, environment: str | None, only: tuple[str, ...], seed: int | None, *, yes: bool) -> int:
    """Do one round of each flow and print everything: requests, answers, what was expected, what was captured.

    Secrets are masked. Pauses are at most 200ms. Exit code 0 if everything was as expected, else 1.
    """
    try:
        tried = trial_case.prepare(spec, environment, only, seed)
    except lint_case.SpecFailure as failure:
        findings.show(failure.checked, err=True)
        return failure.exit_code
    if tried.question and not (yes or agreed(tried.question)):
        raise EnvironmentFailure(f"this has to be confirmed: {tried.question}", "say yes, or add --yes")
    printer = Printer(tried)
    good = trial_case.trial(tried, say, printer.show)
    return ExitCode.PASS if good else ExitCode.THRESHOLD_FAILED


class Printer:
    """Prints a trial as it goes on. What a step captures as a secret is one from then on."""

    def __init__(self, tried: Trial) -> None:
        self.secrets = {*tried.secrets.values()}

    def show(self, event: Exchange | Round) -> None:
        if isinstance(event, Round):
            say(self._masked(f"\n=== {event.title}: {event.ended}" if event.ended else f"\n=== {event.title}"))
            return
        self.secrets |= {str(each.value) for each in event.looked if each.secret and each.value}
        say(self._masked("\n".join(_lines(event))))

    def _masked(self, text: str) -> str:
        return masked(text, self.secrets)


def _lines(exchange: Exchange) -> list[str]:
    head, _, body = exchange.sent.partition(b"\r\n\r\n")
    lines = [f"\n--- {exchange.name}"]
    lines += [f"> {line}" for line in head.decode("latin-1").split("\r\n")]
    lines += _body(body, "> ")
    if exchange.error is not None:
        return [*lines, f"< no answer: {exchange.error}", "  FAIL  an answer"]
    lines.append(f"< {exchange.status} after {format_duration(exchange.ns // 100_000 * 100_000)}")
    lines += [f"< {name.decode('latin-1')}: {value.decode('latin-1')}" for name, value in exchange.headers]
    lines += _body(exchange.body, "< ")
    for each in exchange.looked:
        state = "ok   " if each.holds else "again" if each.what == "until" else "FAIL "
        value = f" = {_short(each.value)}" if each.what == "capture" and each.holds else ""
        lines.append(f"  {state} {each.what} {each.text}{value}")
    return lines


def _body(body: bytes, mark: str) -> list[str]:
    if not body:
        return []
    try:
        text = json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        text = body.decode(errors="replace")
    lines = text[:MOST_CHARACTERS].splitlines()
    more = len(lines) > MOST_LINES or len(text) > MOST_CHARACTERS
    shown = [mark.rstrip(), *(f"{mark}{line}" for line in lines[:MOST_LINES])]
    return [*shown, f"{mark}... ({len(body)} bytes)"] if more else shown


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 120 else f"{text[:119]}…"
