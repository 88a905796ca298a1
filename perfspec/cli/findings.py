"""Diagnostics on the screen, and the one line that counts them."""

import click

from perfspec.app import Checked
from perfspec.diagnostics.diagnostic import Severity
from perfspec.diagnostics.render.text import render

__all__ = ["show"]


def show(checked: Checked, *, err: bool = False) -> None:
    """Print every finding with its source line. Nothing where nothing was found."""
    for finding in checked.findings:
        click.echo(render(finding, checked.sources), err=err)
    errors = sum(d.severity is Severity.ERROR for d in checked.findings)
    warnings = len(checked.findings) - errors
    counted = [f"{n} {word}{'' if n == 1 else 's'}" for n, word in ((errors, "error"), (warnings, "warning")) if n]
    if counted:
        click.echo(f"{checked.path}: {', '.join(counted)}", err=err)
