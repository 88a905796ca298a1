"""The processes of a run on several cores: started, told their parts, watched, and none of them left behind.

Each is a Python of its own with its own reactor, and one end of a pair of sockets as its standard input. They share
the machine's monotonic clock, so one start instant is enough. What dies is known at once, by the end of its channel.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import IO, cast

import anyio
import msgspec

from perfspec.base.clock import MILLISECOND, SECOND, monotonic_ns
from perfspec.base.codec import Malformed, pack, unpack
from perfspec.base.errors import EnvironmentFailure, ExitCode
from perfspec.engine.channel import Channel, joined
from perfspec.engine.crew import TICK_NS, Crew, Links
from perfspec.engine.messages import Assignment, Order, Ready, Refused, Word
from perfspec.engine.part import CRASHED_WITHIN_S
from perfspec.engine.pilot import Listener
from perfspec.engine.places import Board
from perfspec.engine.pool import Ending
from perfspec.engine.signals import ENDING
from perfspec.plan.model import Plan

__all__ = ["Fleet", "hired"]

START_AFTER_NS = 300 * MILLISECOND
"""Binding the steps takes a moment in each process."""
READY_WITHIN_S = 120
"""Making a lot of data takes a while; a process that hangs must not keep the run for ever."""
EXIT_WITHIN_S = 0.1
"""Between the end of a worker's channel and its own."""
END_WITHIN_S = 5
"""A worker whose channel was closed ends by itself; after this it is made to."""
COMMAND = (sys.executable, "-P", "-m", "perfspec.engine.worker")
"""-P: a file of the user's folder must not stand in for a module."""


class _Link:
    """One worker, seen from the coordinator."""

    def __init__(self, process: "subprocess.Popen[bytes]", errors: IO[bytes]) -> None:
        self.process = process
        self.channel: Channel | None = None
        self.is_gone = False
        self.word: Ready | Refused | None = None
        """Its answer to its assignment."""
        self._errors = errors

    def send(self, order: Order) -> None:
        if self.channel is not None:
            self.channel.send(pack(order))

    def death(self, within_s: float = 0.5) -> str:
        """How it ended, in words."""
        try:
            code = self.process.wait(timeout=within_s)
        except subprocess.TimeoutExpired:
            return "it closed its channel"
        if code < 0:
            return f"ended by signal {-code}"
        self._errors.seek(0)
        said = self._errors.read().decode(errors="replace").strip().splitlines()
        return f"ended with exit status {code}" + (f": {said[-1][:200]}" if said else "")

    def close(self) -> None:
        if self.channel is not None:
            self.channel.close()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()

    def forget(self) -> None:
        self._errors.close()


class Fleet:
    def __init__(self, workers: int, secret_variables: Collection[str]) -> None:
        """`secret_variables`: those of the environment that workers do not get; what they hold is told them."""
        self._links: list[_Link] = []
        self._workers = workers
        self._board: Board | None = None
        """Who has how many of the people that come."""
        self._environment = {name: value for name, value in os.environ.items() if name not in secret_variables}
        self._changed = anyio.Event()
        """Somebody is ready, refuses, or is gone."""
        self._crew: Crew | None = None
        self._crashed_ns = 0
        """When this process itself met a bug; 0: never."""
        self._is_over = False
        """Who leaves now is no loss."""

    def __len__(self) -> int:
        return self._workers

    async def start(self) -> None:
        """Begin as many processes as were asked for; they get ready while setup runs. Raises EnvironmentFailure."""
        self._board = board = _board(self._workers)
        for worker in range(self._workers):
            link, ours = _begun(self._environment, board.descriptor)
            self._links.append(link)
            link.channel = await joined(ours, self._hears(worker, link), self._ends(worker, link))

    async def assign(self, assignments: Sequence[Assignment]) -> None:
        """Tell all their parts, and wait until they are ready. Raises EnvironmentFailure if one cannot be, or is
        not in time.
        """
        board = None if self._board is None else self._board.descriptor
        with anyio.move_on_after(READY_WITHIN_S):
            for link, assignment in zip(self._links, assignments, strict=True):
                if link.channel is not None:  # one after the other: rows can be many
                    await link.channel.send_whole(pack(msgspec.structs.replace(assignment, board=board)))
            while not self._are_ready():
                changed = self._changed
                await changed.wait()
            return
        late = next(worker for worker, link in enumerate(self._links) if link.word is None)
        message = f"worker {late + 1} of {self._workers} was not ready within {READY_WITHIN_S} s"
        raise EnvironmentFailure(message, "run with --workers 1")

    def _are_ready(self) -> bool:
        """Raises EnvironmentFailure if one of them never will be."""
        for worker, link in enumerate(self._links):
            self._check(worker, link)
        return all(link.word is not None for link in self._links)

    def _check(self, worker: int, link: _Link) -> None:
        who = f"worker {worker + 1} of {self._workers}"
        if isinstance(link.word, Refused):
            prefix = "bug in perfspec: " if link.word.is_bug else ""
            failure = EnvironmentFailure(f"{prefix}{who}: {link.word.message}", link.word.hint)
            if link.word.is_bug:
                failure.exit_code = ExitCode.BUG
            raise failure
        if link.is_gone:
            raise EnvironmentFailure(f"{who} was gone before the load began ({link.death()})", "run with --workers 1")

    async def carry(
        self, plan: Plan, on_second: Listener, on_crash: Callable[[str], None], started: Callable[[Crew], None]
    ) -> tuple[Ending, Crew]:
        """The load from its first second to its last. `started` gets what can be stopped."""
        over = anyio.Event()
        endings: list[Ending] = []

        def on_done(ending: Ending) -> None:
            endings.append(ending)
            over.set()

        links = Links(self._send, self._kill, on_second, on_done, on_crash)
        self._crew = crew = Crew(plan, self._workers, links)
        crew.start(monotonic_ns() + START_AFTER_NS)
        started(crew)
        for worker, link in enumerate(self._links):
            if link.is_gone:
                crew.lose(worker, link.death(), monotonic_ns())
        while not over.is_set() and not self._is_hopeless:
            with anyio.move_on_after(TICK_NS / SECOND):
                await over.wait()
            if not over.is_set():
                self._guarded(lambda: crew.tick(monotonic_ns()))
        self._is_over = True
        return endings[0] if endings else crew.ending(), crew

    def _guarded(self, do: Callable[[], None]) -> None:
        """A bug in what judges a run must not lose its numbers: the workers end in order, and it is told."""
        try:
            do()
        except Exception as error:  # noqa: BLE001 - whatever it is
            if self._crew is not None and not self._crashed_ns:
                self._crashed_ns = monotonic_ns()
                self._crew.fail(f"{type(error).__name__}: {error}")

    @property
    def _is_hopeless(self) -> bool:
        """After a bug: the end in order never came."""
        return bool(self._crashed_ns) and monotonic_ns() - self._crashed_ns > CRASHED_WITHIN_S * SECOND

    def _send(self, worker: int, order: Order) -> None:
        self._links[worker].send(order)

    def _kill(self, worker: int) -> None:
        self._links[worker].process.kill()

    def _hears(self, worker: int, link: _Link) -> Callable[[bytes | bytearray], None]:
        def heard(message: bytes | bytearray) -> None:
            try:
                word = unpack(message, cast("type[Word]", Word))
            except Malformed as error:
                link.process.kill()
                self._lost(worker, f"it said what nobody understands: {error}")
                return
            if isinstance(word, Ready):
                link.word = word
            elif isinstance(word, Refused):
                link.word = word
                if self._crew is not None:  # whoever refuses an order during the load sends nothing more
                    self._kill(worker)
                self._lost(worker, word.message)
            elif self._crew is not None:
                crew = self._crew
                self._guarded(lambda: crew.hear(worker, word, monotonic_ns()))
            self._tell_change()

        return heard

    def _ends(self, worker: int, link: _Link) -> Callable[[], None]:
        def ended() -> None:
            link.is_gone = True
            if self._crew is not None:  # a moment later the system knows how; nobody waits for it during the load
                asyncio.get_running_loop().call_later(EXIT_WITHIN_S, lost)
            self._tell_change()

        def lost() -> None:
            if not self._is_over:
                self._lost(worker, link.death(within_s=0))

        return ended

    def _lost(self, worker: int, why: str) -> None:
        crew = self._crew
        if self._board is not None:
            self._board.forget(worker)
        if crew is not None:
            self._guarded(lambda: crew.lose(worker, why, monotonic_ns()))

    def _tell_change(self) -> None:
        changed, self._changed = self._changed, anyio.Event()
        changed.set()

    async def dismiss(self) -> None:
        """All are gone when this returns."""
        for link in self._links:
            link.close()
        with anyio.move_on_after(END_WITHIN_S):
            while any(link.process.poll() is None for link in self._links):  # noqa: ASYNC110 - processes tell nobody
                await anyio.sleep(0.02)
        for link in self._links:
            link.end()
            link.forget()
        if self._board is not None:
            self._board.close()


def _board(workers: int) -> Board:
    try:
        return Board(workers)
    except OSError as error:
        raise EnvironmentFailure(f"workers can share no memory: {error}", "run with --workers 1") from error


def _begun(environment: Mapping[str, str], board: int) -> tuple[_Link, socket.socket]:
    """A process, and the coordinator's end of the channel to it. Raises EnvironmentFailure. `board`: the descriptor of
    what all share.
    """
    ours, theirs = socket.socketpair()
    errors = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
    try:
        with theirs, _without_signals():
            process = subprocess.Popen(  # noqa: S603 - this very Python, fixed words
                COMMAND, stdin=theirs.fileno(), stdout=subprocess.DEVNULL, stderr=errors, env=environment,
                pass_fds=(board,),
            )  # fmt: skip
    except OSError as error:
        ours.close()
        errors.close()
        raise EnvironmentFailure(f"a worker could not be started: {error}", "run with fewer --workers") from error
    return _Link(process, errors), ours


@contextmanager
def _without_signals() -> Iterator[None]:
    """What is started inside never gets them: Ctrl-C and a hang-up go to every process of a terminal, and are for
    one to handle.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@asynccontextmanager
async def hired(workers: int, secret_variables: Collection[str]) -> AsyncIterator[Fleet | None]:
    """As many processes; None for one, which is this one, and nothing is started. Outside, none of them is left."""
    if workers == 1:
        yield None
        return
    fleet = Fleet(workers, secret_variables)
    try:
        await fleet.start()
        yield fleet
    finally:
        with anyio.CancelScope(shield=True):
            await fleet.dismiss()
