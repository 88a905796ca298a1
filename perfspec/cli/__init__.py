"""Floor 9: the command line. The only place that prints or exits. A file per command, loaded when it is called."""

import sys
from difflib import get_close_matches
from importlib import import_module

import click

from perfspec import __version__
from perfspec.base.errors import EnvironmentFailure, ExitCode, PerfspecError
from perfspec.cli.screen import not_whole, open_streams

__all__ = ["main"]

COMMANDS = {
    "affected": "List the specs to run for a change.",
    "comment": "Keep one comment about runs under a pull request up to date.",
    "compare": "Compare a run with another one, or with the runs before it.",
    "diff": "Say what a change to specs means for the gate.",
    "explain": "Say at length what a code such as PS301 means.",
    "fmt": "Lay specs out: one style, comments kept.",
    "history": "Show the runs that are known; import more, export them.",
    "judge": "Judge a run that was stored by the limits that a spec has now.",
    "lint": "Check specs; every mistake with its place and its fix.",
    "new": "Write a first spec for a service, with comments.",
    "plan": "Show what a run would do. Sends nothing.",
    "ready": "Ask whether environments and what they depend on are ready for load.",
    "report": "Report on runs in a format of your choice, also on one that was cut off.",
    "run": "Run a stage and judge it.",
    "schema": "Print the JSON Schema of the language, for editors.",
    "serve": "Start a reference service to try things on.",
    "show": "Print a spec with all it includes, and where each line comes from.",
    "trend": "Show how services change over time, and how often each limit was met.",
    "try": "Do one round of each flow and print everything that is sent and answered.",
    "slo": "Error budgets, alert rules and dashboards from what specs promise.",
}
FILES = {"try": "trial"}
"""Where a command's word cannot be the name of its file."""


class Commands(click.Group):
    """Knows every command by name and one sentence, and imports a command's file only to run it."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = FILES.get(name, name)
        found: click.Command = getattr(import_module(f"perfspec.cli.{module}"), module)
        return found

    def invoke(self, ctx: click.Context) -> int:
        """Half a document is no success. What `run` prints is in its folder as well, so its verdict stands."""
        code = int(super().invoke(ctx) or 0)
        if said := not_whole():
            if code == ExitCode.PASS and ctx.invoked_subcommand != "run":
                raise EnvironmentFailure(said, "make room there, and run it again")
            click.echo(f"perfspec: {said}", err=True)
        return code

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        near = get_close_matches(args[0], COMMANDS, 1) if args[0] not in COMMANDS else []
        if near and not ctx.resilient_parsing:
            ctx.fail(f"there is no command `{args[0]}`; did you mean `perfspec {near[0]}`?")
        return super().resolve_command(ctx, args)

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="perfspec")
def perfspec() -> None:
    """Load tests as readable YAML, with verdicts that say how sure they are."""


def main() -> None:
    """Run the command line; end the process with one of the documented exit codes."""
    open_streams()
    try:
        code = perfspec.main(standalone_mode=False, prog_name="perfspec")
        sys.exit(int(code or 0))
    except click.exceptions.Abort:
        click.echo("interrupted", err=True)
        sys.exit(ExitCode.INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(ExitCode.SPEC)
    except PerfspecError as error:
        click.echo(f"perfspec: {error.message}", err=True)
        if error.hint:
            click.echo(f"          {error.hint}", err=True)
        sys.exit(error.exit_code)
    except Exception:  # noqa: BLE001 - whatever it is, it is ours, and the user is told so
        click.echo("this is a bug in perfspec; please report it with the lines below and the spec", err=True)
        import traceback  # noqa: PLC0415 - a tenth of the time that linting takes, for what never happens

        click.echo(traceback.format_exc(), err=True)
        sys.exit(ExitCode.BUG)
