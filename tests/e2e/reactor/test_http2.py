"""HTTP/2 against a service that does as it is told: what is an answer, what is an error, and which it is."""

import asyncio
from collections.abc import Callable, Sequence

import anyio
import h2.config
import h2.connection
import h2.events
import pytest
from h2.errors import ErrorCodes

from perfspec.base.clock import MILLISECOND as MS
from perfspec.base.clock import SECOND
from perfspec.diagnostics.source import Span
from perfspec.engine.lanes import Lane
from perfspec.engine.transports import opened
from perfspec.plan.model import Target
from perfspec.spec.model import Access
from perfspec.steps.runtime import Call, Origin, Run

TARGET = Target(
    "local", "http://site.test", Span("s.yaml", 1, 1, 1, 1), None, None, (), (), Access(http=2), transport="httpx"
)
GET = b"GET /x HTTP/1.1\r\nHost: site.test\r\n\r\n"
POST = b"POST /x HTTP/1.1\r\nHost: site.test\r\nContent-Length: 4\r\n\r\nbody"
OK = [(":status", "200")]


class Peer:
    """The service's side of one connection."""

    def __init__(self, number: int, writer: asyncio.StreamWriter) -> None:
        self.number = number
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        self.writer = writer
        self.h2.initiate_connection()
        self.flush()

    def flush(self) -> None:
        self.writer.write(self.h2.data_to_send())

    def answer(self, stream: int, body: bytes = b"ok") -> None:
        self.h2.send_headers(stream, OK)
        self.h2.send_data(stream, body, end_stream=True)
        self.flush()

    def say_farewell(self, last: int, error: int = ErrorCodes.NO_ERROR) -> None:
        """A frame of its own: the library would end every stream with it."""
        self.flush()
        payload = last.to_bytes(4, "big") + int(error).to_bytes(4, "big")
        self.writer.write(len(payload).to_bytes(3, "big") + b"\x07\x00\x00\x00\x00\x00" + payload)

    def close(self) -> None:
        self.writer.close()


class Served:
    def __init__(self) -> None:
        self.seen: list[tuple[str | None, int, bytes]] = []
        self.bodies: list[bytes] = []
        self.accepted = 0
        self.again = 0
        self.texts: dict[str, str] = {}


Serve = Callable[[Peer, int], None]


async def talk(peer: Peer, reader: asyncio.StreamReader, whole: list[bytes], serve: Serve) -> None:
    bodies: dict[int, bytes] = {}
    while data := await reader.read(65536):
        for event in peer.h2.receive_data(data):
            if isinstance(event, h2.events.DataReceived):
                bodies[event.stream_id] = bodies.get(event.stream_id, b"") + event.data
            elif isinstance(event, h2.events.StreamEnded):
                whole.append(bodies.get(event.stream_id, b""))
                serve(peer, event.stream_id)
        if not peer.writer.is_closing():
            peer.flush()


def served(serve: Serve, wires: Sequence[bytes], timeout_ns: int = 5 * SECOND) -> Served:
    """Send the messages one after another; `serve` is called with the peer and the stream of each that came whole."""
    found = Served()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found.accepted += 1
        try:
            await talk(Peer(found.accepted, writer), reader, found.bodies, serve)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def main() -> None:
        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        origin = Origin("site.test", server.sockets[0].getsockname()[1], "127.0.0.1")
        over = anyio.Event()
        async with opened(TARGET, {}, None) as driver:
            lane = Lane(driver, 0)

            def program(lane: Lane) -> Run:
                for wire in wires:
                    lane.request(Call("get", origin, timeout_ns, False, wire is not POST, lambda _, w=wire: w))
                    yield
                    o = lane.outcome
                    found.seen.append((o.error, o.status, o.body))

            driver.call_soon(lambda _: lane.run(program(lane), lambda *_: over.set()), None)
            with anyio.fail_after(20):
                await over.wait()
            lane.release()
            found.again, found.texts = driver.transport.sent_again, driver.first_errors
            assert driver.crash is None
        server.close()
        talks = asyncio.all_tasks() - {asyncio.current_task()}
        for each in talks:
            each.cancel()
        await asyncio.gather(*talks, return_exceptions=True)
        await asyncio.sleep(0)

    anyio.run(main)
    return found


@pytest.mark.parametrize("wire", [GET, POST], ids=["get", "post"])
@pytest.mark.parametrize("late", [False, True])
def test_what_is_answered_before_or_after_a_farewell_is_an_answer(wire: bytes, late: bool) -> None:
    def serve(peer: Peer, stream: int) -> None:
        if stream < 5:
            peer.answer(stream)
            return
        peer.say_farewell(stream)
        if late:
            asyncio.get_running_loop().call_later(0.03, peer.answer, stream)
        else:
            peer.answer(stream)

    found = served(serve, [wire] * 7)
    assert found.seen == [(None, 200, b"ok")] * 7
    assert (found.accepted, found.again) == (3, 0)


@pytest.mark.parametrize("closes", [True, False])
def test_what_a_closing_connection_did_not_accept_is_sent_over_another_with_its_body(closes: bool) -> None:
    def serve(peer: Peer, stream: int) -> None:
        if stream == 1 or peer.number > 1:
            peer.answer(stream)
            return
        peer.say_farewell(1)
        if closes:
            asyncio.get_running_loop().call_later(0.02, peer.close)

    found = served(serve, [POST] * 2)
    assert found.seen == [(None, 200, b"ok")] * 2
    assert found.bodies == [b"body"] * 3
    assert found.accepted == 2


def test_an_answer_that_is_broken_off_is_a_reset_and_is_not_asked_for_again() -> None:
    def serve(peer: Peer, stream: int) -> None:
        if stream == 3:
            peer.h2.reset_stream(stream, ErrorCodes.INTERNAL_ERROR)
        else:
            peer.answer(stream)

    found = served(serve, [GET] * 3)
    assert found.seen == [(None, 200, b"ok"), ("reset", 0, b""), (None, 200, b"ok")]
    assert (found.accepted, found.again) == (1, 0)


def say(data: bytes, *, close: bool = False) -> Serve:
    def serve(peer: Peer, _stream: int) -> None:
        peer.writer.write(data)
        if close:
            peer.close()

    return serve


FAULTS = [
    (lambda peer, stream: peer.say_farewell(stream, ErrorCodes.ENHANCE_YOUR_CALM), "protocol"),
    (say(bytes(9)), "protocol"),
    (say(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", close=True), "closed"),
    (say(b"", close=True), "closed"),
    (lambda _peer, _stream: None, "timeout"),
]


@pytest.mark.parametrize(
    ("serve", "kind"), FAULTS, ids=["complaint", "data of no stream", "http/1", "closed", "silence"]
)
def test_a_fault_is_the_services_and_never_the_specs(serve: Serve, kind: str) -> None:
    found = served(serve, [POST], timeout_ns=200 * MS)
    assert found.seen == [(kind, 0, b"")]
