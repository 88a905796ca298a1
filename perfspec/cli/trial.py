"""`perfspec try SPEC`"""

import json

import click

from perfspec.app import lint as lint_case
from perfspec.app import trial as trial_case
from perfspec.app.trial import Exchange, Looked, Round, Trial
from perfspec.base.errors import EnvironmentFailure, ExitCode
from perfspec.base.masking import masked
from perfspec.base.units import format_duration
from perfspec.cli import findings
from perfspec.cli.asking import agreed
from perfspec.cli.screen import say
from perfspec.engine.exemplars import texts_of

__all__ = ["trial"]

MOST_LINES = 40
MOST_CHARACTERS = 4000
MOST_OF_A_VALUE = 120
HINTS = {
    "refused": "nothing listens there; is the service running, and the port right?",
    "timeout": "no whole answer within the request's `timeout`",
    "closed": "the connection was closed before the answer was whole",
    "reset": "the connection was broken off before the answer was whole",
}
"""Of kinds about which the system has nothing to add."""


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
    say(f"\n{printer.summary()}")
    return ExitCode.PASS if good else ExitCode.THRESHOLD_FAILED


class Printer:
    """Prints a trial as it goes on. What a step captures as a secret is one from then on."""

    def __init__(self, tried: Trial) -> None:
        self.secrets = {*tried.secrets.values()}
        self.ended: list[Round] = []

    def summary(self) -> str:
        """One line for all of it, whatever the last part was."""
        wrong = [f"{each.title}: {each.ended}" for each in self.ended if each.ended != "ok" and not each.skipped]
        skipped = [each.title for each in self.ended if each.skipped]
        if not wrong:
            return f"PASS  all as expected: {', '.join(each.title for each in self.ended)}"
        left = f"; not tried: {', '.join(skipped)}" if skipped else ""
        said = f"{len(wrong)} of {len(self.ended)} not as expected: {'; '.join(wrong)}{left}"
        return self._masked(f"FAIL  {said}")

    def show(self, event: Exchange | Round) -> None:
        if isinstance(event, Round):
            self.ended += [event] if event.ended else []
            say(self._masked(f"\n=== {event.title}: {event.ended}" if event.ended else f"\n=== {event.title}"))
            return
        for each in event.looked:
            if each.secret and each.value:
                self.secrets |= {str(each.value), *texts_of(each.value)}
        say("\n".join(self._lines(event)))

    def _masked(self, text: str) -> str:
        return masked(text, self.secrets)

    def _lines(self, exchange: Exchange) -> list[str]:
        head, _, body = exchange.sent.partition(b"\r\n\r\n")
        lines = [f"\n--- {exchange.name}"]
        lines += [f"> {line}" for line in self._masked(head.decode("latin-1")).split("\r\n")]
        lines += self._body(body, "> ")
        if exchange.error is not None:
            return [*lines, f"< no answer: {self._why(exchange)}", f"  FAIL  an answer: {exchange.error}"]
        both = f" ({_time(exchange.before_ns + exchange.ns)} with the redirect)" if exchange.before_ns else ""
        lines.append(f"< {exchange.status} after {_time(exchange.ns)}{both}")
        for name, value in exchange.headers:
            lines.append(f"< {name.decode('latin-1')}: {self._masked(value.decode('latin-1'))}")
        return [*lines, *self._body(exchange.body, "< "), *map(self._looked, exchange.looked)]

    def _why(self, exchange: Exchange) -> str:
        text = exchange.why.removeprefix(exchange.name).removeprefix(": ").strip()
        known = HINTS.get(exchange.error or "", "")
        return self._masked(": ".join(part for part in (exchange.error or "", text or known) if part))

    def _looked(self, looked: Looked) -> str:
        state = "ok   " if looked.holds else "again" if looked.what == "until" else "FAIL "
        value = f" = {self._short(looked.value)}" if looked.what == "capture" and looked.holds else ""
        return f"  {state} {looked.what} {self._masked(looked.text)}{value}"

    def _body(self, body: bytes, mark: str) -> list[str]:
        """Masked before it is cut: half a secret would be found by nobody."""
        if not body:
            return []
        try:
            text = json.dumps(json.loads(body), indent=2, ensure_ascii=False)
        except ValueError:
            text = body.decode(errors="replace")
        text = self._masked(text)
        lines = text[:MOST_CHARACTERS].splitlines()
        shown = [mark.rstrip(), *(f"{mark}{line}".rstrip() for line in lines[:MOST_LINES])]
        more = len(lines) > MOST_LINES or len(text) > MOST_CHARACTERS
        return [*shown, f"{mark}... ({len(body)} bytes)"] if more else shown

    def _short(self, value: object) -> str:
        text = self._masked(json.dumps(value, ensure_ascii=False, default=str))
        return text if len(text) <= MOST_OF_A_VALUE else f"{text[: MOST_OF_A_VALUE - 1]}…"


def _time(ns: int) -> str:
    return format_duration(ns // 100_000 * 100_000)
