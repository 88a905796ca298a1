"""`perfspec fmt SPEC...`"""

import sys
from pathlib import Path

import click

from perfspec.app import fmt as fmt_case
from perfspec.app.find import find
from perfspec.app.fmt import Laid
from perfspec.base.errors import ExitCode, UsageFailure
from perfspec.cli import findings
from perfspec.cli.screen import say, write

__all__ = ["fmt"]

STDIN = "-"


@click.command("fmt")
@click.argument("specs", nargs=-1, required=True, type=click.Path())
@click.option("--check", is_flag=True, help="Write nothing; exit code 2 if a file is not in its layout.")
@click.option("--diff", is_flag=True, help="Write nothing; show what would change.")
def fmt(specs: tuple[str, ...], *, check: bool, diff: bool) -> int:
    """Lay specs out: two spaces a level, one blank line at most, comments kept. The meaning never changes.

    Folders are searched for specs; `-` reads one from the standard input and writes it to the standard output.
    """
    code = ExitCode.PASS
    for path in find(specs).specs:
        laid = fmt_case.fmt(path, sys.stdin.buffer.read() if path == STDIN else None)
        if laid.checked is not None:
            findings.show(laid.checked, err=True)
            code = ExitCode.SPEC
        elif check or diff:
            code = _shown(laid, diff=diff, wanted=ExitCode.SPEC if check else ExitCode.PASS) or code
        else:
            _write(laid)
    return code


def _shown(laid: Laid, *, diff: bool, wanted: ExitCode) -> ExitCode:
    if not laid.differs:
        return ExitCode.PASS
    say(laid.diff().rstrip("\n") if diff else f"{laid.path} is not in its layout")
    return wanted


def _write(laid: Laid) -> None:
    if laid.path == STDIN:
        write(laid.after)
    elif laid.differs:
        try:
            Path(laid.path).write_bytes(laid.after)
        except OSError as error:
            raise UsageFailure(f"{laid.path} cannot be written: {error.strerror}") from error
        say(f"{laid.path} laid out")
