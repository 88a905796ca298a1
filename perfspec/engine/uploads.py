"""Files in request bodies: small ones are held, large ones are read piece by piece while they are sent.

A file is opened once, when its request is bound, and read at given places, so any number of uploads share one
descriptor. Its size is that of then: one that gets shorter in the middle of a run fails the request.
"""

import hashlib
import os
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from perfspec.steps.runtime import Streamed

__all__ = ["HELD_BYTES", "File", "Upload", "digest"]

HELD_BYTES = 64 * 1024
"""Larger files are not held."""
PIECE_BYTES = 256 * 1024


def digest(path: str) -> tuple[str, int]:
    """(SHA-256, bytes) of what a file holds, however large it is. Raises OSError."""
    _must_be_a_file(path)
    with Path(path).open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
        return found, file.tell()


def _must_be_a_file(path: str) -> None:
    """A pipe would be waited for, and a device may have no end."""
    if Path(path).exists() and not Path(path).is_file():
        raise OSError(f"{path} is no file")


class File:
    """A file as it was when it was opened. Raises OSError if it cannot be."""

    def __init__(self, path: str) -> None:
        self.path = path
        _must_be_a_file(path)
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        weakref.finalize(self, os.close, self._fd)
        self.size = os.fstat(self._fd).st_size

    @property
    def is_small(self) -> bool:
        return self.size <= HELD_BYTES

    def content(self) -> bytes:
        return b"".join(self.pieces())

    def pieces(self) -> Iterator[bytes]:
        """Raises OSError if the file has become shorter."""
        at = 0
        while at < self.size:
            piece = os.pread(self._fd, min(PIECE_BYTES, self.size - at), at)
            if not piece:
                raise OSError(f"{self.path} has become shorter")
            at += len(piece)
            yield piece


@dataclass(frozen=True, slots=True)
class Upload:
    """See steps.runtime.Streamed."""

    head: bytes
    body: tuple[bytes | File, ...]

    def with_head(self, head: bytes) -> Streamed:
        return Upload(head, self.body)

    def pieces(self) -> Iterator[bytes]:
        yield self.head
        for part in self.body:
            if isinstance(part, File):
                yield from part.pieces()
            elif part:
                yield part
