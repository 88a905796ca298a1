"""One fault at a time over real sockets, each by its kind; and the races that are no faults."""

import asyncio
import contextlib
import resource
import socket
import struct
import threading

import pytest

from perfspec.base.clock import MILLISECOND as MS
from perfspec.engine.connection import LONG_IDLE_NS
from perfspec.engine.lanes import Lane
from perfspec.metrics.error_kinds import GENERATOR_KINDS
from perfspec.steps.runtime import Origin, Run

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CUTS = {"before the head": b"", "in the head": OK[:20], "in the body": OK[:-1]}


def fault(site, script):
    site.run(site.get(site.call(site.serve(script))))
    (seen,) = site.seen
    assert (seen.status, seen.body) == (0, b"")
    assert 0 < seen.due <= seen.sent <= seen.last
    assert not site.driver.transport.connections
    return seen


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_refused(site) -> None:
    site.run(site.get(site.call(Origin("site.test", closed_port(), "127.0.0.1")), times=3))
    assert [seen.error for seen in site.seen] == ["refused"] * 3
    assert all(seen.first == 0 < seen.sent for seen in site.seen)


@pytest.mark.parametrize("sent", CUTS.values(), ids=CUTS.keys())
def test_reset(site, sent: bytes) -> None:
    async def script(peer) -> None:
        await peer.request()
        await peer.send(sent)
        await asyncio.sleep(0.005 if sent else 0)
        peer.reset()

    seen = fault(site, script)
    assert seen.error == "reset"
    assert bool(seen.first) == bool(sent)
    assert site.driver.transport.sent_again == 0  # nothing had come over this connection yet


@pytest.mark.parametrize("sent", CUTS.values(), ids=CUTS.keys())
def test_closed(site, sent: bytes) -> None:
    async def script(peer) -> None:
        await peer.request()
        await peer.send(sent)

    assert fault(site, script).error == "closed"


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "not an HTTP/1 answer"),
        (OK + b"!", "data after the answer"),
    ],
)
def test_protocol(site, sent: bytes, text: str) -> None:
    async def script(peer) -> None:
        await peer.request()
        await peer.send(sent)
        await peer.reader.read()

    assert fault(site, script).error == "protocol"
    assert site.driver.first_errors == {"protocol": f"get: {text}"}


def test_too_large(site) -> None:
    async def script(peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
        await peer.reader.read()

    assert fault(site, script).error == "too large"
    assert site.driver.first_errors == {
        "too large": "get: answer too large: at most 16 MiB are kept of one that is looked into"
    }


def test_timeout(site) -> None:
    async def script(peer) -> None:
        await peer.request()
        await peer.send(OK[:10])
        await peer.reader.read()

    site.run(site.get(site.call(site.serve(script), timeout_ns=10 * MS)))
    (seen,) = site.seen
    assert seen.error == "timeout"
    assert seen.first
    assert 0 < seen.last - seen.sent <= 10 * MS  # from the beginning of the attempt, not to when it was noticed


def test_a_time_out_counts_from_the_beginning_of_the_connection(site) -> None:
    """A full backlog: the handshake never ends."""
    with socket.socket() as listener, contextlib.ExitStack() as stack:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        for _ in range(3):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(address)
        site.run(site.get(site.call(Origin("site.test", address[1], "127.0.0.1"), timeout_ns=10 * MS)))
    (seen,) = site.seen
    assert (seen.error, seen.first) == ("timeout", 0)
    assert seen.last - seen.sent >= 10 * MS


def test_no_descriptors_is_the_generators_fault(site) -> None:
    origin = site.answering(OK)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.socket() as probe:
        used = probe.fileno()
    resource.setrlimit(resource.RLIMIT_NOFILE, (used, limits[1]))
    try:
        site.run(site.get(site.call(origin)))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert site.seen[0].error == "no descriptors"
    assert site.seen[0].error in GENERATOR_KINDS
    assert "Too many open files" in site.driver.first_errors["no descriptors"]


def test_unreachable_and_a_name_that_was_not_resolved(site) -> None:
    broadcast, name = Origin("a.test", 80, "255.255.255.255"), Origin("b.test", 80, "b.test")
    site.run(site.get(site.call(broadcast)), site.get(site.call(name)))
    assert sorted(seen.error or "" for seen in site.seen) == ["dns", "unreachable"]


# keep-alive races


def hanging_up(site, reset: bool) -> Origin:
    """Answers the first request of each connection, reads the second and hangs up."""

    async def script(peer) -> None:
        site.requests.append(await peer.request())
        await peer.send(OK)
        site.requests.append(await peer.request())
        if reset:
            peer.reset()

    return site.serve(script)


def test_a_stream_that_meets_a_race_goes_to_the_same_listener(site) -> None:
    origin = hanging_up(site, reset=False)
    parts: list[bytes] = []

    def program(lane: Lane) -> Run:
        yield from site.get(site.call(origin), idle_ns=LONG_IDLE_NS)(lane)
        lane.stream(site.call(origin), lambda part, _: parts.append(part))
        yield
        site.note(lane.outcome)

    site.run(program)
    assert [(seen.error, seen.body) for seen in site.seen] == [(None, b"ok"), (None, b"")]
    assert parts == [b"ok"]
    assert site.driver.transport.sent_again == 1


@pytest.mark.parametrize("reset", [False, True])
def test_a_keep_alive_race_is_sent_once_more_with_the_first_due_time(site, reset: bool) -> None:
    site.run(site.get(site.call(hanging_up(site, reset)), times=3, idle_ns=LONG_IDLE_NS))
    assert [seen.error for seen in site.seen] == [None] * 3
    assert len(site.requests) == 5
    assert site.accepted == site.driver.transport.connects == 3
    assert site.driver.transport.sent_again == 2
    assert site.seen[0].last <= site.seen[1].due < site.seen[1].sent


def test_what_is_not_idempotent_is_not_sent_again(site) -> None:
    site.run(site.get(site.call(hanging_up(site, False), "POST", b"x"), times=3, idle_ns=LONG_IDLE_NS))
    assert [seen.error for seen in site.seen] == [None, "closed", None]
    assert site.driver.transport.sent_again == 0


@pytest.mark.parametrize(("reset", "kind"), [(False, "closed"), (True, "reset")])
@pytest.mark.parametrize("idle_ns", [0, LONG_IDLE_NS - 900 * MS])
def test_what_happens_to_a_connection_in_use_is_the_services_doing(site, reset: bool, kind: str, idle_ns: int) -> None:
    """It had the request and broke it off: the next answer would hide that."""
    site.run(site.get(site.call(hanging_up(site, reset)), times=4, idle_ns=idle_ns))
    assert [seen.error for seen in site.seen] == [None, kind, None, kind]
    assert len(site.requests) == 4
    assert site.driver.transport.sent_again == 0


def test_each_connection_of_a_lane_was_idle_for_its_own_time(site) -> None:
    """One is in use all the time, the other is idle for long meanwhile; and the other way round."""
    busy, idle = site.answering(OK), hanging_up(site, reset=False)

    def program(lane: Lane) -> Run:
        yield from site.get(site.call(idle), idle_ns=LONG_IDLE_NS)(lane)
        yield from site.get(site.call(busy), times=2)(lane)
        yield from site.get(site.call(idle))(lane)  # sent again, over a new one
        yield from site.get(site.call(busy), idle_ns=LONG_IDLE_NS)(lane)
        yield from site.get(site.call(idle))(lane)

    site.run(program)
    assert [seen.error for seen in site.seen] == [None] * 5 + ["closed"]
    assert site.driver.transport.sent_again == 1


def test_it_is_sent_again_only_once(site) -> None:
    async def script(peer) -> None:
        await peer.request()
        if peer.number == 1:
            await peer.send(OK)
            await peer.request()

    site.run(site.get(site.call(site.serve(script)), times=2, idle_ns=LONG_IDLE_NS))
    assert [seen.error for seen in site.seen] == [None, "closed"]
    assert (site.accepted, site.driver.transport.sent_again) == (2, 1)


def test_a_send_that_fails_at_once_is_a_race_as_well(site) -> None:
    """The service resets the idle connection while the client is busy elsewhere: `send` itself says so."""
    answered, hung_up = threading.Event(), threading.Event()

    def serve(listener: socket.socket) -> None:
        for last in (False, True):
            with listener.accept()[0] as peer:
                peer.recv(1000)
                peer.sendall(OK)
                if last:
                    peer.recv(1000)
                    return
                answered.wait(20)
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            hung_up.set()

    def program(lane: Lane) -> Run:
        yield from get(lane)
        answered.set()
        hung_up.wait(20)
        yield from get(lane)
        site.driver.transport.release(lane)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        call = site.call(Origin("site.test", listener.getsockname()[1], "127.0.0.1"))
        get = site.get(call, idle_ns=LONG_IDLE_NS)
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        site.run(program)
        thread.join(20)
    assert [seen.error for seen in site.seen] == [None, None]
    assert site.driver.transport.sent_again == 1


def test_a_connection_that_closes_while_idle_is_replaced_without_a_word(site) -> None:
    async def script(peer) -> None:
        await peer.request()
        await peer.send(OK)

    site.run(site.get(site.call(site.serve(script), "POST", b"x"), times=3, pause_ns=3 * MS))
    assert [seen.error for seen in site.seen] == [None] * 3
    assert site.accepted == 3
    assert (site.driver.transport.sent_again, site.driver.transport.unsolicited) == (0, 0)


def test_what_comes_while_idle_is_never_the_next_answer(site) -> None:
    async def script(peer) -> None:
        await peer.request()
        await peer.send(OK)
        await asyncio.sleep(0.001)
        await peer.send(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
        await peer.reader.read()

    site.run(site.get(site.call(site.serve(script)), times=3, pause_ns=10 * MS))
    assert [seen.status for seen in site.seen] == [200] * 3
    assert site.driver.transport.unsolicited == 2


def test_an_idle_connection_that_was_reset_is_not_used_again_in_the_pass_that_found_it(site) -> None:
    """The answer of one service and the end of the connection to another are read in one pass."""

    async def one(peer) -> None:
        site.requests.append(await peer.request())
        await peer.send(OK)
        peers.append(peer)
        await peer.reader.read()

    async def other(peer) -> None:
        await peer.request()
        peers[-1].reset()
        await peer.send(OK)
        await peer.reader.read()

    peers: list = []
    first, second = site.serve(one), site.serve(other)

    def program(lane: Lane) -> Run:
        for call in (site.call(first), site.call(second), site.call(first, "POST", b"x")):
            lane.request(call)
            yield
            site.note(lane.outcome)

    site.run(program)
    assert [(seen.error, seen.status) for seen in site.seen] == [(None, 200)] * 3
    assert site.requests[1].endswith(b"|x")


def test_a_connection_that_is_made_after_the_time_out_sends_nothing(site) -> None:
    """The sweep may come by later than that."""
    site.run(site.get(site.call(site.answering(OK), timeout_ns=1), times=20))
    assert [seen.error for seen in site.seen] == ["timeout"] * 20
    assert all(seen.sent <= seen.last <= seen.sent + 1 for seen in site.seen)
    site.until(lambda: site.accepted == 20)
    assert site.requests == []
    assert not site.driver.transport.connections
