"""The screen: how wide it is, and printing to it. Whoever reads may be gone (`| head`), the disk behind `>` be full, or
there be no screen at all (cron): what was found, and the exit code, do not depend on it.
"""

import io
import os
import shutil
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

__all__ = ["columns", "open_streams", "say", "write"]


class _Patient(io.FileIO):
    """What cannot be written is lost, and nothing else."""

    def write(self, data: "ReadableBuffer", /) -> int:
        try:
            return super().write(data)
        except OSError:
            return len(memoryview(data))


def open_streams() -> None:
    """Make standard output and errors such that no text, and no fate of a reader, ends the program."""
    for name, number in (("stdout", 1), ("stderr", 2)):
        given = getattr(sys, name)
        raw = _Patient(os.devnull if given is None else number, "w", closefd=given is None)
        stream = io.TextIOWrapper(
            io.BufferedWriter(raw),
            encoding="utf-8" if given is None else given.encoding,
            errors="backslashreplace",
            line_buffering=True,
        )
        setattr(sys, name, stream)


def columns() -> int:
    """Of the terminal; 0 where the output goes to a file or a pipe, which wrap nothing."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 0


def say(text: str) -> None:
    """Print a line, or several."""
    click.echo(text)


def write(data: bytes) -> None:
    """Print a document, byte for byte."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
