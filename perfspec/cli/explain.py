"""`perfspec explain PS301`"""

import textwrap

import click

from perfspec.app import explain as explain_case
from perfspec.cli.screen import say
from perfspec.diagnostics.codes import CODES

__all__ = ["explain"]


@click.command("explain")
@click.argument("code", required=False)
def explain(code: str | None) -> int:
    """Say what a code means and why, with an example that gets it and one that does not. Without CODE, list them."""
    if code is None:
        say("\n".join(f"{row.code}  {row.about}" for row in CODES.values()))
        return 0
    found = explain_case.explain(code)
    parts = [f"{found.code}: {found.about}", found.text]
    parts += [f"{title}\n\n{textwrap.indent(spec.rstrip(), '    ')}" for title, spec in _examples(found)]
    say("\n\n".join(parts))
    return 0


def _examples(found: explain_case.Explanation) -> list[tuple[str, str]]:
    return [("Gets it:", found.wrong), ("Does not:", found.right)]
