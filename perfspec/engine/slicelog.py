"""The run folder's log: one JSON line at the start, one a second, one at the end. All that is measured is in here.

A line is written in one go and flushed to the kernel, so whatever ends the process loses at most the last second; a
torn last line is left out when reading. What a full disk does not take is kept in memory and tried again with the next
line: the result is made from the file and from what is kept, and why the file is not whole is told.
"""

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import TypeAlias

import msgspec

from perfspec.base.codec import Malformed, decode, encode
from perfspec.engine.exemplars import Exemplar
from perfspec.metrics.series import Slice
from perfspec.metrics.vitals import Lost, OfWorker, Vitals
from perfspec.verdict.abort import Abort
from perfspec.verdict.capacity import Step

__all__ = [
    "NOTHING_UNWRITTEN", "NOT_STARTED", "Beginning", "End", "Log", "LoggedSecond", "SliceLog", "Unwritten",
    "read_outline", "read_seconds",
]  # fmt: skip

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
    """CPU time since the last line of what sends: this process, or all workers together without the one that leads."""
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
    problem: str = ""
    """Why the file holds less than this."""


Line: TypeAlias = Beginning | LoggedSecond | End


class Unwritten(msgspec.Struct, frozen=True):
    """What is only in memory, because the file could not take it."""

    lines: tuple[Line, ...] = ()
    problem: str = ""
    """Why; empty if everything is in the file."""


NOTHING_UNWRITTEN = Unwritten()


class SliceLog:
    """Open for appending; one per run."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError if the file cannot be made."""
        self._file: FileIO | None = FileIO(folder / NAME, "x")
        self._size = 0
        """Of the lines that are whole in the file."""
        self._kept: list[Line] = []
        self._problem = ""

    def write(self, line: Line) -> None:
        self._kept.append(line)
        self._flush()

    @property
    def unwritten(self) -> Unwritten:
        seconds = sum(isinstance(line, LoggedSecond) for line in self._kept)
        lost = f"{self._problem}; {seconds} s of this result stand in no log"
        return Unwritten(tuple(self._kept), lost if self._kept else "")

    def close(self) -> None:
        self._flush()
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):  # the number of the file is free in any case
                file.close()

    def _flush(self) -> None:
        """Write all that waits, in order; what cannot be written goes on waiting."""
        while self._kept and self._file is not None:
            data = encode(self._kept[0]) + b"\n"
            try:
                at = self._file.write(data)
                if at < len(data):  # the system tells why only when it is asked for the rest
                    at += self._file.write(data[at:])
                if at < len(data):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # noqa: TRY301 - ends as any other failure
            except OSError as error:
                self._problem = f"{NAME} could not be written any further: {error.strerror}"
                self._without_half_a_line(self._file)
                return
            self._size += len(data)
            del self._kept[0]

    def _without_half_a_line(self, file: FileIO) -> None:
        with suppress(OSError):
            file.truncate(self._size)
            file.seek(self._size)


class _Outline(msgspec.Struct, frozen=True, tag="second"):
    """The little of a second that says how a run went."""

    second: int
    extended: bool = False
    held: int = 0
    step: Step | None = None
    lost: tuple[Lost, ...] = ()

    @property
    def line(self) -> LoggedSecond:
        return LoggedSecond(self.second, 0, [], extended=self.extended, held=self.held, step=self.step, lost=self.lost)


def read_seconds(lines: Iterable[bytes], unwritten: Unwritten = NOTHING_UNWRITTEN) -> Iterator[LoggedSecond]:
    """One by one, so that only one of them is held. `unwritten`: what stands in no file."""
    for line in lines:
        try:
            found: Line = decode(line, Line)  # type: ignore[arg-type]
        except Malformed:
            continue
        if isinstance(found, LoggedSecond):
            yield found
    yield from (line for line in unwritten.lines if isinstance(line, LoggedSecond))


def read_outline(lines: Iterable[bytes], unwritten: Unwritten = NOTHING_UNWRITTEN) -> Log:
    """The log of a run, torn or whole, without what its seconds brought: small, however long the run was."""
    unreadable = 0
    found: list[Line] = []
    for line in lines:
        try:
            line_of = decode(line, Beginning | _Outline | End)  # type: ignore[arg-type]
        except Malformed:
            unreadable += 1
            continue
        found.append(line_of.line if isinstance(line_of, _Outline) else line_of)
    found += unwritten.lines
    beginnings = [each for each in found if isinstance(each, Beginning)]
    ends = [each for each in found if isinstance(each, End)]
    seconds = tuple(each for each in found if isinstance(each, LoggedSecond))
    last = ends[-1] if ends else None
    return Log(beginnings[-1] if beginnings else None, seconds, last, unreadable, unwritten.problem)
