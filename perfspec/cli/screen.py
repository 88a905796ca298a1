"""The screen: how wide it is, and printing to it. Whoever reads may be gone (`| head`), or there be no screen at all
(cron): what was found, and the exit code, do not depend on it. Where the disk behind `>` is full, a file is left that
is no whole document: `not_whole` says why.
"""

import errno
import io
import os
import select
import shutil
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

__all__ = ["columns", "not_whole", "open_streams", "say", "write"]


NOBODY = (errno.EPIPE, errno.EBADF)


class _Patient(io.FileIO):
    """What cannot be written is lost, and nothing else. `trouble`: why somebody who reads on does not get it all."""

    def __init__(self, file: str | int, *, closefd: bool) -> None:
        super().__init__(file, "w", closefd=closefd)
        self.trouble: OSError | None = None
        self._gone = (*NOBODY, errno.EIO) if self.isatty() else NOBODY  # a terminal that was closed says EIO

    def write(self, data: "ReadableBuffer", /) -> int:
        try:
            while (count := super().write(data)) is None:  # others have made it a stream that does not wait
                select.select([], [self], [])
        except OSError as error:
            if error.errno not in self._gone:
                self.trouble = self.trouble or error
            return len(memoryview(data))
        return count


def open_streams() -> None:
    """Make standard output and errors such that no text, and no fate of a reader, ends the program."""
    for name, number in (("stdout", 1), ("stderr", 2)):
        given = getattr(sys, name)
        raw = _Patient(os.devnull if given is None else number, closefd=given is None)
        stream = io.TextIOWrapper(
            io.BufferedWriter(raw),
            encoding="utf-8" if given is None else given.encoding,
            errors="backslashreplace",
            line_buffering=True,
        )
        setattr(sys, name, stream)


def not_whole() -> str:
    """Why what was printed is not all there, for those who read it; empty where it is."""
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    if not isinstance(raw, _Patient) or raw.trouble is None:
        return ""
    return f"what was printed could not be written whole: {raw.trouble.strerror}"


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
