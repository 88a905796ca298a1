"""The run folder's log: one JSON line at the start, one a second, one at the end. All that is measured is in here.

A line is written in one go and flushed to the kernel, so whatever ends the process loses at most the last second; a
torn last line is left out when reading. A disk that is full ends the writing, not the run, and is told in the end.
"""

import fcntl
from collections.abc import Iterable
from contextlib import suppress
from io import FileIO
from pathlib import Path

import msgspec

from perfspec.base.codec import Malformed, decode, encode
from perfspec.engine.exemplars import Exemplar
from perfspec.metrics.series import Slice
from perfspec.metrics.vitals import Lost, OfWorker, Vitals
from perfspec.verdict.abort import Abort
from perfspec.verdict.capacity import Step

__all__ = ["NOT_STARTED", "Beginning", "End", "Log", "LoggedSecond", "SliceLog", "read_log"]

NAME = "slices.jsonl"
NOT_STARTED = "not started"
"""How a run ended whose environment was not fit for load."""


class Beginning(msgspec.Struct, frozen=True, tag="beginning"):
    run_id: str
    started_at: str
    """ISO 8601, UTC."""
    plan_hash: str
    perfspec: str
    versions: dict[str, str] = {}
    commit: str = ""
    """Of what is tested, as far as somebody said it."""
    branch: str = ""
    machine: str = ""
    """The class of the load generator: `Linux x86_64, 2 cores`."""
    workers: int = 1
    """Processes that send."""


class LoggedSecond(msgspec.Struct, frozen=True, tag="second"):
    second: int
    users: int
    slices: list[Slice]
    lateness: dict[int, int] = {}
    """How late timers were called: us -> count."""
    cpu_ns: int = 0
    """CPU time of the load generator since the last line, all its processes together."""
    vitals: Vitals | None = None
    """How the load generator and its machine fared; None in simulation."""
    exemplars: tuple[Exemplar, ...] = ()
    """Requests to look at that came since the last line."""
    extended: bool = False
    """The stage was too close to call and runs on."""
    held: int = 0
    """Requests that the environment's ceiling held back."""
    step: Step | None = None
    """The step of a search that has just ended."""
    workers: tuple[OfWorker, ...] = ()
    """Of several processes: what each did."""
    lost: tuple[Lost, ...] = ()
    """Processes that were found to be there no more."""


class End(msgspec.Struct, frozen=True, tag="end"):
    reason: str
    ended_ns: int
    unfinished: int = 0
    waits: int = 0
    abort: Abort | None = None
    notes: tuple[str, ...] = ()
    left: int = 0
    """How often a user left because its data was used up."""


class Log(msgspec.Struct, frozen=True):
    """What a log holds. Without an end the run was torn: killed, or its disk was full."""

    beginning: Beginning | None
    seconds: tuple[LoggedSecond, ...]
    end: End | None
    unreadable: int = 0
    """Lines that could not be read."""


class SliceLog:
    """Open for appending; one per run, and locked as long as it lasts, so that nobody moves it away."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError if the file cannot be made."""
        self._file: FileIO | None = FileIO(folder / NAME, "x")
        with suppress(OSError):  # a file system without locks
            fcntl.flock(self._file.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB)
        self.problem = ""
        """Why writing ended early; empty while all is well."""

    def write(self, line: Beginning | LoggedSecond | End) -> None:
        if self._file is None:
            return
        data = encode(line) + b"\n"
        try:
            if self._file.write(data) != len(data):
                raise OSError("only a part was written")  # noqa: TRY301 - the same end as any other failure
        except OSError as error:
            self.problem = f"{NAME} could not be written any further: {error}"
            self.close()

    def close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()


def read_log(lines: Iterable[bytes]) -> Log:
    """The log of a run, torn or whole."""
    beginning: Beginning | None = None
    end: End | None = None
    seconds: list[LoggedSecond] = []
    unreadable = 0
    for line in lines:
        try:
            found = decode(line, Beginning | LoggedSecond | End)  # type: ignore[arg-type]
        except Malformed:
            unreadable += 1
            continue
        if isinstance(found, Beginning):
            beginning = found
        elif isinstance(found, End):
            end = found
        elif isinstance(found, LoggedSecond):
            seconds.append(found)
    return Log(beginning, tuple(seconds), end, unreadable)
