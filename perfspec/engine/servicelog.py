"""What a service says that we started: `service.log` in the run folder, which others are given, so without its secrets.

The service itself writes to a file without a name: nobody finds that one, and however this process ends, it is gone.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from perfspec.base.masking import masked

__all__ = ["ServiceLog"]


class ServiceLog:
    """`learnt`: secrets that may become more. `file`: what the service writes to. Raises OSError where there is no
    room for one.
    """

    def __init__(self, path: Path, secrets: Sequence[str], learnt: Sequence[str]) -> None:
        self.path = path
        self._secrets = secrets
        self._learnt = learnt
        self._at = 0
        raw = path.with_suffix(".part")
        self.file = raw.open("wb")
        self._said = raw.open("rb")
        raw.unlink()

    def keep(self, *, is_last: bool = False) -> None:
        """Put into the log what was said since the last time; half a line waits for its rest, as a secret may be in
        it. What a full disk does not take is lost.
        """
        until = os.fstat(self._said.fileno()).st_size
        with suppress(OSError), self.path.open("ab") as kept:
            while self._at < until:
                line = self._said.readline()
                if not line.endswith(b"\n") and not (line and is_last):
                    self._said.seek(self._at)
                    break
                self._at += len(line)
                text = masked(line.decode(errors="surrogateescape"), [*self._secrets, *self._learnt])
                kept.write(text.encode(errors="surrogateescape"))

    def last_line(self) -> str:
        """Of all that was said so far; empty where nothing was."""
        self.keep(is_last=True)
        try:
            lines = self.path.read_text(errors="replace").strip().splitlines()
        except OSError:
            return ""
        return lines[-1][:200] if lines else ""

    def close(self) -> None:
        """Nothing more is said."""
        self.keep(is_last=True)
        self.file.close()
        self._said.close()
