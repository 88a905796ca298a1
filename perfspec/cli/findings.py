"""Diagnostics on the screen: as text with the line that counts them, or in one of the formats for programs."""

from collections.abc import Callable, Sequence
from functools import partial

import click

from perfspec import __version__
from perfspec.app.explain import explain
from perfspec.app.lint import Checked
from perfspec.cli.screen import say
from perfspec.diagnostics.diagnostic import Diagnostic, Severity
from perfspec.diagnostics.render import github, json, sarif
from perfspec.diagnostics.render.text import render

__all__ = ["FORMATS", "counted", "show"]


def show(checked: Checked, *, err: bool = False) -> None:
    """Print every finding with its source line. Nothing where nothing was found."""
    tell = partial(click.echo, err=True) if err else say
    for finding in checked.findings:
        tell(render(finding, checked.sources))
    if checked.findings:
        tell(f"{checked.path}: {counted(checked.findings)}")


def counted(findings: Sequence[Diagnostic]) -> str:
    """`2 errors, 1 warning`."""
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    counts = ((errors, "error"), (len(findings) - errors, "warning"))
    return ", ".join(f"{n} {word}{'' if n == 1 else 's'}" for n, word in counts if n)


def _sarif(findings: Sequence[Diagnostic]) -> str:
    return sarif.render_all(findings, __version__, {f.code: explain(f.code).text.replace("\n", " ") for f in findings})


FORMATS: dict[str, Callable[[Sequence[Diagnostic]], str]] = {
    "json": json.render_all,
    "github": github.render_all,
    "sarif": _sarif,
}
