"""`perfspec lint SPEC...`"""

import sys
from dataclasses import replace
from pathlib import Path

import click

from perfspec.app import fix as fix_case
from perfspec.app import lint as lint_case
from perfspec.app.find import find
from perfspec.app.lint import Checked
from perfspec.base.errors import ExitCode, UsageFailure
from perfspec.cli import findings
from perfspec.cli.screen import say, write
from perfspec.diagnostics.diagnostic import Diagnostic

__all__ = ["lint"]

STDIN = "-"
STDIN_NAME = "<stdin>"


@click.command("lint")
@click.argument("specs", nargs=-1, required=True, type=click.Path())
@click.option(
    "--format",
    "as_format",
    type=click.Choice(["text", *findings.FORMATS]),
    default="text",
    show_default=True,
    help="For people, for programs, for annotations on GitHub, for code scanning.",
)
@click.option("--strict", is_flag=True, help="Warnings count, and the plans of all stages in all environments.")
@click.option("--fix", is_flag=True, help="Repair what has one reading only; the rest is reported.")
def lint(specs: tuple[str, ...], as_format: str, *, strict: bool, fix: bool) -> int:
    """Check specs and the files they include.

    Folders are searched for *.yaml and *.yml files that hold specs; `-` reads one from the standard input, as if it lay
    in the current folder. Exit code 0 if there is no error, else 2.
    """
    files, others = find(specs)
    if not files:
        raise UsageFailure(f"there is no spec below {', '.join(specs)}", "name a spec, or a folder that holds specs")
    checked = _without_repeats([_look(path, strict=strict, fix=fix) for path in files])
    found = [finding for each in checked for finding in each.findings]
    is_bad = any(each.has_errors for each in checked) or (strict and bool(found))
    if as_format == "text":
        _report(checked, others, is_bad=is_bad, piped=fix and STDIN in files)
    else:
        say(findings.FORMATS[as_format](found))
    return ExitCode.SPEC if is_bad else ExitCode.PASS


def _look(path: str, *, strict: bool, fix: bool) -> Checked:
    name = STDIN_NAME if path == STDIN else path
    content = sys.stdin.buffer.read() if path == STDIN else None
    if fix:
        content = _repair(name, content)
    if strict:
        # The plans of all stages need more of perfspec than a look at the spec alone.
        from perfspec.app.strict import lint_strictly  # noqa: PLC0415

        return lint_strictly(name, content)
    return lint_case.lint(name, content)


def _repair(path: str, content: bytes | None) -> bytes:
    """The content after repair; a file is written back, the standard input goes on to the standard output."""
    fixed = fix_case.fix(path, content)
    for done in fixed.done:
        click.echo(f"{done.span} repaired {done.code}: {done.message}", err=True)
    if content is not None:
        write(fixed.content)
    elif fixed.done:
        try:
            Path(path).write_bytes(fixed.content)
        except OSError as error:
            raise UsageFailure(f"{path} cannot be written: {error.strerror}") from error
    return fixed.content


def _without_repeats(checked: list[Checked]) -> list[Checked]:
    """What is wrong in a file that several specs include is said once."""
    said: set[Diagnostic] = set()
    found = []
    for each in checked:
        new = [finding for finding in each.findings if finding not in said]
        said.update(new)
        found.append(replace(each, findings=new))
    return found


def _report(checked: list[Checked], others: list[str], *, is_bad: bool, piped: bool) -> None:
    for each in checked:
        findings.show(each, err=piped)
    if piped:
        return
    if others:
        say(f"not looked at, as they are no specs: {', '.join(others)}")
    if not is_bad:
        say(f"{len(checked)} {'spec' if len(checked) == 1 else 'specs'} without errors")
