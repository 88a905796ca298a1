"""A scripted server and a driver on one loop: a test says what the server does, and looks at the outcomes."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

import pytest

from perfspec.base.clock import SECOND
from perfspec.engine.lanes import Lane
from perfspec.engine.reactor import RealDriver
from perfspec.steps.runtime import Call, Origin, Outcome, Program, Run

Script = Callable[["Peer"], Awaitable[None]]


class Peer:
    """The server's end of one connection; `number` counts them from 1."""

    def __init__(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.number = number
        self.reader = reader
        self.writer = writer

    async def request(self) -> bytes:
        """The first line and the body."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        body = await self.reader.readexactly(int(length)) if length else b""
        return head.partition(b"\r\n")[0] + b"|" + body

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        linger = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()


@dataclass(frozen=True)
class Seen:
    """What survives of an outcome."""

    error: str | None
    status: int
    body: bytes
    due: int
    sent: int
    first: int
    last: int
    dropped: int
    headers: tuple[tuple[bytes, bytes], ...]


class Timings:
    """What the timers of a call were told: (due, ns, kind) by timer."""

    def __init__(self) -> None:
        self.told: dict[str, list[tuple[int, int, str | None]]] = {}

    def __call__(self, timer: str) -> "Timing":
        return Timing(self.told.setdefault(timer, []))


class Timing:
    def __init__(self, told: list[tuple[int, int, str | None]]) -> None:
        self._told = told

    def record(self, outcome: Outcome, kind: str | None) -> None:
        raise AssertionError((outcome, kind))

    def value(self, due_ns: int, ns: int, kind: str | None = None) -> None:
        self._told.append((due_ns, ns, kind))


class Site:
    """A loop with a driver and scripted servers on it."""

    def __init__(self, trust: ssl.SSLContext | None = None) -> None:
        self.loop = asyncio.new_event_loop()
        self.driver = RealDriver(self.loop, trust)
        self.timings = Timings()
        self.seen: list[Seen] = []
        self.kinds: list[str | None] = []
        self.accepted = 0
        self.requests: list[bytes] = []
        self.faults: list[dict[str, object]] = []
        self._servers: list[asyncio.Server] = []
        self._live = 0
        self.loop.set_exception_handler(lambda _, context: self.faults.append(context))

    def serve(
        self, script: Script, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None, name: str = "site.test"
    ) -> Origin:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.accepted += 1
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await script(Peer(self.accepted, reader, writer))
            writer.close()

        server = self.loop.run_until_complete(asyncio.start_server(accept, host, 0, backlog=1024, ssl=tls))
        self._servers.append(server)
        return Origin(name, server.sockets[0].getsockname()[1], host, tls=tls is not None)

    def run(self, *programs: Program) -> "Site":
        """Until every program has ended."""
        for seat, program in enumerate(programs):
            lane = Lane(self.driver, seat)
            lane.vars.base, lane.vars.step, lane.vars.generators = 0, 0, {}
            self._live += 1
            self.driver.call_soon(lambda pair: pair[0].run(pair[1](pair[0]), self.ended), (lane, program))
        self._run()
        assert self._live == 0, "a program did not end"
        return self

    def _run(self) -> None:
        too_long = self.loop.call_later(20, self.loop.stop)
        self.loop.run_forever()
        too_long.cancel()

    def call(
        self, origin: Origin, method: str = "GET", body: bytes = b"", timeout_ns: int = 10 * SECOND, *,
        path: str = "/", follows: bool = False, whole: bool = True,
    ) -> Call:  # fmt: skip
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        wire = f"{method} {path} HTTP/1.1\r\nHost: site.test\r\n{length}\r\n".encode() + body
        return Call(
            "get", origin, timeout_ns, method == "HEAD", method != "POST", lambda _: wire,
            whole=whole, timer=self.timings, follows=follows,
        )  # fmt: skip

    def answering(self, *answers: bytes, tls: ssl.SSLContext | None = None) -> Origin:
        """Each request in turn gets the next answer, the last one for ever; every connection begins anew."""

        async def script(peer: Peer) -> None:
            turn = 0
            while True:
                self.requests.append(await peer.request())
                await peer.send(answers[min(turn, len(answers) - 1)])
                turn += 1

        return self.serve(script, tls=tls)

    def get(self, call: Call, times: int = 1, pause_ns: int = 0, *, idle_ns: int = 0) -> Program:
        """`idle_ns`: each answer came so much earlier than it did, so the connection was idle for longer."""

        def program(lane: Lane) -> Run:
            for turn in range(times):
                if turn and pause_ns:
                    lane.pause(pause_ns)
                    yield
                lane.request(call)
                yield
                self.note(lane.outcome)
                lane.outcome.last -= idle_ns

        return program

    def note(self, o: Outcome) -> None:
        self.seen.append(
            Seen(o.error, o.status, o.body, o.due, o.sent, o.first, o.last, o.dropped, o.head.headers if o.head else ())
        )

    def until(self, holds: Callable[[], bool]) -> None:
        """Let the loop turn until something has happened on the other side."""

        def look() -> None:
            if holds():
                self.loop.stop()
            else:
                self.loop.call_soon(look)

        self.loop.call_soon(look)
        self._run()
        assert holds()

    def close(self) -> None:
        self.driver.close()
        for server in self._servers:
            server.close()

        async def finish() -> None:
            scripts = asyncio.all_tasks() - {asyncio.current_task()}
            for script in scripts:
                script.cancel()
            await asyncio.gather(*scripts, return_exceptions=True)
            await asyncio.sleep(0)  # their transports close in the next pass of the loop

        self.loop.run_until_complete(finish())
        self.loop.close()

    def ended(self, _: Lane, kind: str | None) -> None:
        self.kinds.append(kind)
        self._live -= 1
        if not self._live:
            self.loop.stop()


@contextlib.contextmanager
def _site(trust: ssl.SSLContext | None = None) -> Iterator[Site]:
    site = Site(trust)
    try:
        yield site
    finally:
        site.close()
    assert site.faults == []


@pytest.fixture
def site() -> Iterator[Site]:
    with _site() as site:
        yield site


@pytest.fixture(scope="session")
def site_with() -> Callable[[ssl.SSLContext], contextlib.AbstractContextManager[Site]]:
    """A site whose driver trusts as the context says."""
    return _site
