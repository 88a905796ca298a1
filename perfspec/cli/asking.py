"""Questions to whoever sits at the terminal."""

import sys

import click

from perfspec.base.errors import EnvironmentFailure

__all__ = ["agreed"]


def agreed(question: str) -> bool:
    """Raises EnvironmentFailure where nobody is there to answer."""
    if not sys.stdin.isatty():
        raise EnvironmentFailure(f"this has to be confirmed ({question}), and nobody is here to ask", "add --yes")
    return click.confirm(f"{question}. Run it?")
