"""One fault at a time over our own sockets and over httpx: the same kinds, so that a report reads the same."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable

import anyio
import pytest

from perfspec.base.clock import MILLISECOND as MS
from perfspec.base.clock import SECOND
from perfspec.diagnostics.source import Span
from perfspec.engine.connection import LONG_IDLE_NS
from perfspec.engine.lanes import Lane
from perfspec.engine.transports import opened
from perfspec.plan.model import Target
from perfspec.steps.runtime import Call, Origin, Run

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
GET = b"GET /x?a=%20b HTTP/1.1\r\nHost: site.test\r\nX-Own: Kept\r\n\r\n"
Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def target(transport: str) -> Target:
    return Target("local", "http://site.test", Span("s.yaml", 1, 1, 1, 1), None, None, (), (), transport=transport)


def call(origin: Origin, wire: bytes = GET, *, timeout_ns: int = 5 * SECOND, whole: bool = True) -> Call:
    is_idempotent = not wire.startswith(b"POST")
    return Call("get", origin, timeout_ns, wire.startswith(b"HEAD"), is_idempotent, lambda _: wire, whole=whole)


class Played:
    """What a lane saw, request by request."""

    def __init__(self) -> None:
        self.seen: list[tuple[str | None, int, bytes]] = []
        self.stamps: list[tuple[int, int, int, int]] = []
        self.requests: list[bytes] = []
        self.accepted = 0
        self.again = 0
        self.texts: dict[str, str] = {}


def play(
    transport: str, script: Script | None, wires: tuple[bytes, ...] = (GET,), *, pause_ns: int = 0, **options
) -> Played:
    """Send the messages one after another to a server that does what the script says; None: nobody listens."""
    played = Played()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        played.accepted += 1
        try:
            await script(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        server = None if script is None else await asyncio.start_server(serve, "127.0.0.1", 0)
        if server is not None:
            port = server.sockets[0].getsockname()[1]
        origin = Origin("site.test", port, "127.0.0.1")
        over = anyio.Event()
        async with opened(target(transport), {}, None) as driver:
            lane = Lane(driver, 0)

            def program(lane: Lane) -> Run:
                for wire in wires:
                    if pause_ns and played.seen:
                        lane.pause(pause_ns)
                        yield
                    lane.request(call(origin, wire, **options))
                    yield
                    o = lane.outcome
                    played.seen.append((o.error, o.status, o.body))
                    played.stamps.append((o.due, o.sent, o.first, o.last))

            driver.call_soon(lambda _: lane.run(program(lane), lambda *_: over.set()), None)
            with anyio.fail_after(20):
                await over.wait()
            lane.release()
            played.again, played.texts = driver.transport.sent_again, driver.first_errors
            assert driver.crash is None
        if server is not None:
            await finish(server)

    anyio.run(main)
    return played


async def finish(server: asyncio.Server) -> None:
    """End its conversations, too, before the loop is closed."""
    server.close()
    if talks := asyncio.all_tasks() - {asyncio.current_task()}:
        for talk in talks:
            talk.cancel()
        await asyncio.wait(talks)
    await asyncio.sleep(0)  # what they have open closes in the next pass of the loop


def says(*pieces: bytes, then: str = "close", pause: float = 0.0) -> Script:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)
        if then == "reset":
            await asyncio.sleep(0.02)
            writer.transport.abort()
        elif then == "wait":
            await reader.read()
        writer.close()

    return script


BOTH = pytest.mark.parametrize("transport", ["fast", "httpx"])
FAULTS = [
    (None, "refused"),
    (says(), "closed"),
    (says(OK[:20]), "closed"),
    (says(OK[:-1]), "closed"),
    (says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc"), "closed"),
    (says(b"SSH-2.0-OpenSSH_9.2\r\n\r\n", then="wait"), "protocol"),
    (says(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", then="wait"), "protocol"),
    (says(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", then="wait"), "protocol"),
    (says(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000 + b"\r\n\r\n", then="wait"), "protocol"),
    (says(b"HTTP/1.1 200 OK\r\n\r\n", *[bytes(1 << 20)] * 20), "too large"),
]


@BOTH
@pytest.mark.parametrize(("script", "kind"), FAULTS, ids=[f"{n} {kind}" for n, (_, kind) in enumerate(FAULTS)])
def test_the_kind_of_a_fault(transport: str, script: Script | None, kind: str) -> None:
    played = play(transport, script)
    assert played.seen == [(kind, 0, b"")]
    ((due, sent, _, last),) = played.stamps
    assert 0 < due <= sent <= last


@BOTH
def test_a_time_out_lasts_as_long_as_it_may(transport: str) -> None:
    played = play(transport, says(OK[:10], then="wait"), timeout_ns=50 * MS)
    assert played.seen == [("timeout", 0, b"")]
    ((_, sent, _, last),) = played.stamps
    assert 0 < last - sent <= 50 * MS


@BOTH
@pytest.mark.parametrize("closes", [True, False])
def test_an_answer_that_comes_after_its_time_out_is_a_time_out(transport: str, closes: bool) -> None:
    """Before the sweep that would have ended the request."""
    played = play(transport, late(closes=closes), wires=(GET,) * 4, timeout_ns=30 * MS)
    assert played.seen == [("timeout", 0, b"")] * 4
    for _, sent, _, last in played.stamps:
        assert last - sent <= 30 * MS


def late(*, closes: bool) -> Script:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.045)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nok" if closes else OK)
        await writer.drain()
        if not closes:
            await reader.read()

    return script


@BOTH
def test_what_the_load_generator_was_late_to_read_is_no_time_out(transport: str) -> None:
    """The answer is there in time, and its reader is held up until long after."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await writer.drain()
        time.sleep(0.5)  # noqa: ASYNC251 - the loop of the load generator is this one

    ((error, status, _),) = play(transport, script, timeout_ns=250 * MS).seen
    assert (error, status) == (None, 200)


@BOTH
def test_what_is_sent_is_what_was_rendered(transport: str) -> None:
    wires = (GET, b"POST /y HTTP/1.1\r\nHost: site.test\r\nContent-Length: 3\r\n\r\nabc")
    asked: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for wire in wires:
            asked.append(await reader.readexactly(len(wire)))
            writer.write(OK)

    played = play(transport, script, wires)
    assert played.seen == [(None, 200, b"ok")] * 2
    assert played.accepted == 1
    assert tuple(asked) == wires


async def answers_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """And closes when the next request has come."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(OK)
    await reader.readuntil(b"\r\n\r\n")


@BOTH
def test_a_keep_alive_race_is_sent_once_more(transport: str) -> None:
    played = play(transport, answers_once, (GET,) * 2, pause_ns=LONG_IDLE_NS + 50 * MS)
    assert played.seen == [(None, 200, b"ok")] * 2
    assert (played.accepted, played.again) == (2, 1)


@BOTH
def test_a_connection_in_use_that_is_closed_is_the_services_doing(transport: str) -> None:
    played = play(transport, answers_once, (GET,) * 4, pause_ns=10 * MS)
    assert played.seen == [(None, 200, b"ok"), ("closed", 0, b"")] * 2
    assert (played.accepted, played.again) == (2, 0)


@BOTH
def test_a_large_body_that_nothing_reads_is_not_kept(transport: str) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n"
    played = play(transport, says(head, bytes(4_000_000)), whole=False)
    ((error, status, body),) = played.seen
    assert (error, status) == (None, 200)
    assert len(body) < 400_000


@BOTH
def test_a_lane_that_is_killed_hears_nothing_more(transport: str) -> None:
    heard: list[object] = []

    async def main() -> None:
        server = await asyncio.start_server(says(b"", OK, pause=0.05), "127.0.0.1", 0)
        origin = Origin("site.test", server.sockets[0].getsockname()[1], "127.0.0.1")
        async with opened(target(transport), {}, None) as driver:
            lane = Lane(driver, 0)

            def program(lane: Lane) -> Run:
                lane.request(call(origin))
                heard.append((yield))

            driver.call_soon(lambda _: lane.run(program(lane), lambda *_: heard.append("ended")), None)
            await anyio.sleep(0.02)
            lane.kill()
            await anyio.sleep(0.1)
        await finish(server)

    anyio.run(main)
    assert heard == []
