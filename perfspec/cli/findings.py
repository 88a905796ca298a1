"""Diagnostics on the screen, and the one line that counts them."""

from functools import partial

import click

from perfspec.app.lint import Checked
from perfspec.cli.screen import say
from perfspec.diagnostics.diagnostic import Severity
from perfspec.diagnostics.render.text import render

__all__ = ["show"]


def show(checked: Checked, *, err: bool = False) -> None:
    """Print every finding with its source line. Nothing where nothing was found."""
    tell = partial(click.echo, err=True) if err else say
    for finding in checked.findings:
        tell(render(finding, checked.sources))
    errors = sum(d.severity is Severity.ERROR for d in checked.findings)
    warnings = len(checked.findings) - errors
    counted = [f"{n} {word}{'' if n == 1 else 's'}" for n, word in ((errors, "error"), (warnings, "warning")) if n]
    if counted:
        tell(f"{checked.path}: {', '.join(counted)}")
