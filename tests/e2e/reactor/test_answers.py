"""Whole answers over real sockets: every framing, every size, and the connections that they come over."""

import asyncio
from collections.abc import Callable

import pytest

from perfspec.engine.lanes import Lane
from perfspec.steps.runtime import Origin, Run

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def test_one_connection_serves_a_lane_for_all_its_requests(site) -> None:
    site.run(site.get(site.call(site.answering(OK)), times=5))
    assert [(seen.status, seen.body, seen.error) for seen in site.seen] == [(200, b"ok", None)] * 5
    assert site.accepted == site.driver.transport.connects == 1
    for seen in site.seen:
        assert 0 < seen.due <= seen.sent <= seen.first <= seen.last
    for before, after in zip(site.seen, site.seen[1:], strict=False):
        assert before.last <= after.due


def test_a_connection_that_is_to_be_closed_is_not_used_again(site) -> None:
    closing = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
    site.run(site.get(site.call(site.answering(closing)), times=3))
    assert [seen.body for seen in site.seen] == [b"ok"] * 3
    assert site.accepted == 3


def test_chunks_an_interim_answer_and_a_slow_drip(site) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"

    async def script(peer) -> None:
        while True:
            await peer.request()
            for byte in b"HTTP/1.1 100 Continue\r\n\r\n" + chunked:
                await peer.send(bytes([byte]))
                await asyncio.sleep(0)

    site.run(site.get(site.call(site.serve(script)), times=2))
    assert [seen.body for seen in site.seen] == [b"abcde"] * 2
    assert site.accepted == 1
    assert all(seen.first < seen.last for seen in site.seen)


def test_head_has_no_body_and_keeps_the_connection(site) -> None:
    origin = site.answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", OK)

    def program(lane: Lane) -> Run:
        yield from site.get(site.call(origin, "HEAD"))(lane)
        yield from site.get(site.call(origin))(lane)

    site.run(program)
    assert [(seen.status, seen.body) for seen in site.seen] == [(200, b""), (200, b"ok")]
    assert site.accepted == 1


def test_a_body_may_last_until_the_service_closes(site) -> None:
    async def script(peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\nfirst ")
        await asyncio.sleep(0)
        await peer.send(b"second")

    site.run(site.get(site.call(site.serve(script)), times=2))
    assert [(seen.body, seen.error) for seen in site.seen] == [(b"first second", None)] * 2
    assert site.accepted == 2


def test_a_download_of_three_megabytes_and_an_upload_of_five(site) -> None:
    big = bytes(range(256)) * 12_000

    head = b"HTTP/1.1 200 OK\r\nX-Got: %d\r\nContent-Length: %d\r\n\r\n"

    async def script(peer) -> None:
        await peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        while True:
            await peer.send(head % (len(await peer.request()), len(big)) + big)

    upload = b"u" * 5_000_000
    heads = []

    def program(lane: Lane) -> Run:
        for _ in range(2):
            yield from site.get(site.call(site_origin, "PUT", upload))(lane)
            assert lane.outcome.head is not None
            heads.append(dict(lane.outcome.head.headers)[b"x-got"])

    site_origin = site.serve(script)
    site.run(program)
    assert [seen.body == big for seen in site.seen] == [True, True]
    assert heads == [b"%d" % (len(upload) + len(b"PUT / HTTP/1.1|"))] * 2
    assert site.accepted == 1


def test_a_streamed_body_arrives_in_parts_with_their_instants(site) -> None:
    async def script(peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for part in (b"3\r\none", b"\r\n3\r\ntwo\r\n", b"0\r\n\r\n"):
            await peer.send(part)
            await asyncio.sleep(0.002)

    parts: list[tuple[bytes, int]] = []

    def program(lane: Lane) -> Run:
        lane.stream(site.call(origin), lambda part, at_ns: parts.append((part, at_ns)))
        yield
        site.note(lane.outcome)

    origin = site.serve(script)
    site.run(program)
    assert [part for part, _ in parts] == [b"one", b"two"]
    (seen,) = site.seen
    assert (seen.error, seen.body) == (None, b"")
    assert seen.first <= parts[0][1] < parts[1][1] < seen.last


def test_many_lanes_have_a_connection_each(site) -> None:
    origin = site.answering(OK)
    site.run(*[site.get(site.call(origin), times=4) for _ in range(300)])
    assert len(site.seen) == 1200
    assert {seen.error for seen in site.seen} == {None}
    assert site.accepted == 300


def test_a_lane_keeps_one_connection_for_each_origin(site) -> None:
    calls = [site.call(site.answering(OK)), site.call(site.answering(OK.replace(b"ok", b"no")))]
    calls.append(
        site.call(Origin(**{name: getattr(calls[0].origin, name) for name in Origin.__slots__}))
    )  # equal, not same

    def program(lane: Lane) -> Run:
        for number in (0, 1, 0, 1, 1, 2, 2, 0):
            yield from site.get(calls[number])(lane)
        lane.driver.transport.release(lane)
        assert not site.driver.transport.connections

    site.run(program)
    assert [seen.body for seen in site.seen] == [b"ok", b"no", b"ok", b"no", b"no", b"ok", b"ok", b"ok"]
    assert site.accepted == 2


def test_branches_have_connections_of_their_own_and_keep_them(site) -> None:
    get = site.get(site.call(site.answering(OK)), times=2)

    def program(lane: Lane) -> Run:
        for _ in range(3):
            lane.fork((get, get, get))
            assert (yield) is None
        assert len(site.driver.transport.connections) == 3
        lane.release()
        assert not site.driver.transport.connections

    site.run(program)
    assert len(site.seen) == 18
    assert site.accepted == 3


def test_the_loopback_of_ipv6(site, not_checked_here) -> None:
    async def script(peer) -> None:
        await peer.request()
        await peer.send(OK)

    try:
        origin = site.serve(script, "::1")
    except OSError:
        not_checked_here("no IPv6", required=False)
    site.run(site.get(site.call(origin)))
    assert site.seen[0].body == b"ok"


@pytest.mark.parametrize("keep", [b"", b"Connection: close\r\n"])
def test_an_early_answer_ends_a_large_request_and_the_connection(site, keep: bytes) -> None:
    async def script(peer) -> None:
        head = await peer.reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"PUT"):
            await peer.send(b"HTTP/1.1 413 Too Large\r\n" + keep + b"Content-Length: 4\r\n\r\n")
            await asyncio.sleep(0.005)
            await peer.send(b"gone")
            if not keep:
                await peer.reader.read()
        else:
            await peer.send(OK)

    origin = site.serve(script)

    def program(lane: Lane) -> Run:
        yield from site.get(site.call(origin, "PUT", b"u" * 20_000_000))(lane)
        yield from site.get(site.call(origin))(lane)

    site.run(program)
    assert [(seen.status, seen.body, seen.error) for seen in site.seen] == [(413, b"gone", None), (200, b"ok", None)]
    assert site.accepted == 2


def test_an_upload_that_is_cut_is_a_fault(site) -> None:
    async def script(peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        peer.reset()

    site.run(site.get(site.call(site.serve(script), "PUT", b"u" * 20_000_000)))
    assert site.seen[0].error == "reset"


def fussy(send: Callable[[bytes], int], *moods: int | OSError) -> Callable[[bytes], int]:
    """A kernel that takes so many bytes, or none; then it is as usual."""
    left = list(moods)

    def fussy_send(data: bytes) -> int:
        if not left:
            return send(data)
        mood = left.pop(0)
        if isinstance(mood, OSError):
            raise mood
        return send(data[:mood])

    return fussy_send


def test_the_kernel_may_take_as_little_as_it_likes(site) -> None:
    get = site.get(site.call(site.answering(OK), "PUT", b"body"))

    def program(lane: Lane) -> Run:
        yield from get(lane)
        lane.conn.send = fussy(lane.conn.send, BlockingIOError(), 1, BlockingIOError(), 40)
        yield from get(lane)

    site.run(program)
    assert [seen.body for seen in site.seen] == [b"ok", b"ok"]
    assert site.requests == [b"PUT / HTTP/1.1|body"] * 2
    assert site.accepted == 1


def test_a_send_that_fails_half_way_is_a_fault_unless_an_answer_has_begun(site) -> None:
    get = site.get(site.call(site.answering(OK), "POST", b"body"))

    def program(lane: Lane) -> Run:
        yield from get(lane)
        lane.conn.send = fussy(lane.conn.send, 5, BrokenPipeError(32, "Broken pipe"))
        yield from get(lane)

    site.run(program)
    assert [seen.error for seen in site.seen] == [None, "closed"]


def test_a_false_alarm_of_the_kernel_changes_nothing(site) -> None:
    get = site.get(site.call(site.answering(OK)))

    def program(lane: Lane) -> Run:
        yield from get(lane)
        recv, alarms = lane.conn.recv, [BlockingIOError()]

        def alarm(size: int) -> bytes:
            if alarms:
                raise alarms.pop()
            return bytes(recv(size))

        lane.conn.recv = alarm
        yield from get(lane)

    site.run(program)
    assert [seen.body for seen in site.seen] == [b"ok", b"ok"]
    assert site.accepted == 1
