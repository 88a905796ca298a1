"""The screen: how wide it is, and printing to it."""

import os
import shutil
import sys

import click

__all__ = ["columns", "say"]


def columns() -> int:
    """Of the terminal; 0 where the output goes to a file or a pipe, which wrap nothing."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 0


def say(text: str) -> None:
    """Print. Whoever reads may be gone (`| head`): what was found, and the exit code, do not depend on it."""
    try:
        click.echo(text)
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
