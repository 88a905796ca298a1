"""Request bodies from files over real sockets: piece by piece, again from the beginning, or not to the end."""

import asyncio
import os
from dataclasses import replace

import pytest

from perfspec.engine.connection import LONG_IDLE_NS
from perfspec.engine.uploads import File, Upload, digest
from perfspec.steps.runtime import Call, Origin

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def streamed(site, origin: Origin, folder, size: int, method: str = "PUT", **options) -> Call:
    """A call whose body is a file of this size."""
    (folder / "large.bin").write_bytes(bytes(range(256)) * (size // 256))
    file = File(str(folder / "large.bin"))
    head = f"{method} / HTTP/1.1\r\nHost: site.test\r\nContent-Length: {file.size}\r\n\r\n".encode()
    return replace(site.call(origin, method, **options), render=lambda _: Upload(head, (file,)))


def test_a_file_is_sent_piece_by_piece(site, tmp_path) -> None:
    call = streamed(site, site.answering(OK), tmp_path, 5_000_000 // 256 * 256)
    site.run(site.get(call, times=2))
    assert [seen.status for seen in site.seen] == [200] * 2
    body = (tmp_path / "large.bin").read_bytes()
    assert [request.partition(b"|")[2] == body for request in site.requests] == [True, True]
    assert site.accepted == 1


def test_an_upload_that_is_refused_early_is_not_sent_to_its_end(site, tmp_path) -> None:
    read: list[int] = []

    async def script(peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 40000\r\n\r\n")
        await asyncio.sleep(0.05)
        await peer.send(bytes(40_000))
        read.append(len(await peer.reader.read(100_000_000)))

    call = streamed(site, site.serve(script), tmp_path, 64_000_000)
    site.run(site.get(call))
    assert [(seen.error, seen.status, len(seen.body)) for seen in site.seen] == [(None, 413, 40_000)]
    assert not site.driver.transport.connections


@pytest.mark.parametrize("answer", [b"HTTP/1.1 413 -\r\nContent-Length: 2\r\n\r\nno", OK], ids=["refused", "taken"])
def test_a_request_after_an_upload_that_was_answered_early_is_not_written_into_its_body(
    site, tmp_path, answer: bytes
) -> None:
    """The head is known from the first time on."""

    async def script(peer) -> None:
        while True:
            head = await peer.reader.readuntil(b"\r\n\r\n")
            await peer.send(answer)
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            body = await peer.reader.read(100)
            while len(body) < length and (more := await peer.reader.read(length - len(body))):
                body += more
            site.requests.append(head[:4] + body)

    origin = site.serve(script)
    order, upload = site.call(origin, "POST", b"order"), streamed(site, origin, tmp_path, 8_000_000)

    def program(lane):
        for call in (order, upload, order, upload, order):
            lane.request(call)
            yield
            site.note(lane.outcome)

    site.run(program)
    status = int(answer[9:12])
    assert [(seen.error, seen.status) for seen in site.seen] == [(None, status)] * 5
    site.until(lambda: site.requests.count(b"POSTorder") == 3)
    assert not [request for request in site.requests if b"POST" in request[4:]]


def test_an_upload_that_meets_a_race_is_sent_again_from_its_beginning(site, tmp_path) -> None:
    async def script(peer) -> None:
        site.requests.append(await peer.request())
        await peer.send(OK)
        if peer.number == 1:
            await peer.reader.readuntil(b"\r\n\r\n")
            peer.reset()

    call = streamed(site, site.serve(script), tmp_path, 1_000_000 // 256 * 256)
    site.run(site.get(call, times=2, idle_ns=LONG_IDLE_NS))
    assert [seen.status for seen in site.seen] == [200] * 2
    assert site.requests[0] == site.requests[1]
    assert site.driver.transport.sent_again == 1


def test_an_upload_is_sent_again_by_a_307_and_with_cookies(site, tmp_path) -> None:
    heads: list[bytes] = []

    async def script(peer) -> None:
        for answer in (b"HTTP/1.1 307 -\r\nLocation: /b\r\nSet-Cookie: a=1\r\nContent-Length: 0\r\n\r\n", OK):
            heads.append(await peer.reader.readuntil(b"\r\n\r\n"))
            site.requests.append(await peer.reader.readexactly(256 * 4000))
            await peer.send(answer)

    site.run(site.get(streamed(site, site.serve(script), tmp_path, 256 * 4000, follows=True)))
    assert [(seen.error, seen.status) for seen in site.seen] == [(None, 200)]
    assert heads[1].startswith(b"PUT /b HTTP/1.1\r\nCookie: a=1\r\n")
    assert site.requests[0] == site.requests[1]


def test_a_file_that_gets_shorter_fails_the_request_and_not_the_run(site, tmp_path) -> None:
    async def script(peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        os.truncate(tmp_path / "large.bin", 10)
        await peer.reader.read()

    call = streamed(site, site.serve(script), tmp_path, 64_000_000)
    site.run(site.get(call, times=2))
    assert [seen.error for seen in site.seen] == ["unsendable"] * 2
    assert "has become shorter" in site.driver.first_errors["unsendable"]


def test_a_pipe_is_refused_and_not_waited_for(tmp_path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for opened in (File, digest):
        with pytest.raises(OSError, match="pipe is no file"):
            opened(str(tmp_path / "pipe"))
