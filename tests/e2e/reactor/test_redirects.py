"""Redirects and cookies over real sockets: one sample, one time-out, one address; and who is sent which cookie."""

import asyncio
from dataclasses import replace

import pytest

from perfspec.base.clock import MILLISECOND as MS
from perfspec.diagnostics.source import Span
from perfspec.engine.lanes import Lane
from perfspec.language.phrases import Capture
from perfspec.steps.captures import take
from perfspec.steps.kinds import Captured
from perfspec.steps.paths import MISSING
from perfspec.steps.runtime import Origin, Run

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def moved(location: str, status: int = 302, more: str = "", body: bytes = b"over there") -> bytes:
    head = f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\n{more}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def pages(site, answers: dict[str, bytes]) -> tuple[Origin, list[str]]:
    """A server by targets; what was asked of it is noted as whole messages."""
    asked: list[str] = []

    async def script(peer) -> None:
        while True:
            head = await peer.reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            body = await peer.reader.readexactly(int(length or 0))
            asked.append((head + body).decode())
            await peer.send(answers[head.split(b" ")[1].decode()])

    return site.serve(script), asked


def lines(message: str) -> list[str]:
    return message.partition("\r\n\r\n")[0].split("\r\n")


def test_a_chain_is_one_sample_with_the_stamps_of_its_beginning(site) -> None:
    origin, asked = pages(site, {"/a": moved("/b"), "/b": moved("c?x=1"), "/c?x=1": OK})
    site.run(site.get(site.call(origin, path="/a", follows=True), times=2))
    assert [(seen.status, seen.body) for seen in site.seen] == [(200, b"ok")] * 2
    assert [lines(message)[0] for message in asked[:3]] == [f"GET {t} HTTP/1.1" for t in ("/a", "/b", "/c?x=1")]
    assert site.accepted == 1
    hops = site.timings.told["redirect"]
    assert len(hops) == 4
    first = site.seen[0]
    assert first.sent == hops[0][0]
    assert first.due <= first.sent < hops[1][0] < first.first <= first.last
    assert sum(ns for _, ns, _ in hops[:2]) < first.last - first.sent


def test_where_redirects_are_kept_the_answer_is_what_it_is(site) -> None:
    origin, asked = pages(site, {"/a": moved("/b")})
    site.run(site.get(site.call(origin, path="/a")))
    assert (site.seen[0].status, site.seen[0].body, len(asked)) == (302, b"over there", 1)


def test_an_answer_that_points_nowhere_is_the_last_one(site) -> None:
    origin, _ = pages(site, {"/a": b"HTTP/1.1 304 Not Modified\r\nLocation: /b\r\n\r\n"})
    site.run(site.get(site.call(origin, path="/a", follows=True)))
    assert site.seen[0].status == 304


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [
        (301, "POST", "GET"), (302, "POST", "GET"), (303, "POST", "GET"), (303, "PUT", "GET"), (302, "HEAD", "HEAD"),
        (307, "POST", "POST"), (308, "PUT", "PUT"), (301, "GET", "GET"),
    ],
)  # fmt: skip
def test_what_is_sent_next(site, status: int, method: str, then: str) -> None:
    empty = b"" if method == "HEAD" else b"over there"
    origin, asked = pages(site, {"/a": moved("/b", status, body=empty), "/b": OK if method != "HEAD" else OK[:-2]})
    body = b"the body" if method not in ("GET", "HEAD") else b""
    site.run(site.get(site.call(origin, method, body, path="/a", follows=True)))
    assert site.seen[0].status == 200
    assert lines(asked[1])[0] == f"{then} /b HTTP/1.1"
    assert "Host: site.test" in lines(asked[1])
    kept = then == method
    assert asked[1].endswith("\r\n\r\nthe body") == (kept and bool(body))
    assert any(line.startswith("Content-Length") for line in lines(asked[1])) == (kept and bool(body))


def test_a_loop_ends_after_ten(site) -> None:
    origin, asked = pages(site, {"/a": moved("/b"), "/b": moved("/a")})
    site.run(site.get(site.call(origin, path="/a", follows=True), times=2))
    assert [(seen.error, seen.status) for seen in site.seen] == [("redirect loop", 0)] * 2
    assert len(asked) == 22
    assert "10 redirects in a row" in site.driver.first_errors["redirect loop"]


@pytest.mark.parametrize(
    "location", ["http://elsewhere.test/x", "https://site.test/x", "//elsewhere.test/x", "http://site.test:1/x"]
)
def test_no_request_goes_to_another_address(site, location: str) -> None:
    origin, asked = pages(site, {"/a": moved(location)})
    site.run(site.get(site.call(origin, path="/a", follows=True)))
    assert (site.seen[0].error, len(asked)) == ("redirect elsewhere", 1)
    told = site.driver.first_errors["redirect elsewhere"]
    assert location.removesuffix("/x").rpartition("//")[2] in told
    assert "/x" not in told  # what else stands in an address may be a secret


def test_the_whole_address_may_be_said_if_it_is_ours(site) -> None:
    answers: dict[str, bytes] = {"/b/%C3%BC": OK}
    origin, _ = pages(site, answers)
    answers["/a"] = moved(f"http://site.test:{origin.port}/b/%C3%BC#part")
    site.run(site.get(site.call(origin, path="/a", follows=True)))
    assert site.seen[0].status == 200


def test_a_place_that_is_no_address_is_the_services_mistake(site) -> None:
    origin, _ = pages(site, {"/a": moved("http://[oops/")})
    site.run(site.get(site.call(origin, path="/a", follows=True)))
    assert site.seen[0].error == "protocol"


def test_the_time_out_is_that_of_the_whole_chain(site) -> None:
    async def script(peer) -> None:
        while True:
            await peer.request()
            await asyncio.sleep(0.02)
            await peer.send(moved("/b"))

    site.run(site.get(site.call(site.serve(script), path="/a", follows=True, timeout_ns=70 * MS)))
    (seen,) = site.seen
    assert seen.error == "timeout"
    assert 60 * MS < seen.last - seen.sent <= 71 * MS


def test_a_last_answer_after_the_time_out_of_the_chain_is_a_time_out(site) -> None:
    """It came before the sweep, and in time for its own request."""

    async def script(peer) -> None:
        await peer.request()
        await asyncio.sleep(0.04)
        await peer.send(moved("/b"))
        await peer.request()
        await asyncio.sleep(0.04)
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    site.run(site.get(site.call(site.serve(script), path="/a", follows=True, timeout_ns=60 * MS)))
    (seen,) = site.seen
    assert (seen.error, seen.status, seen.body) == ("timeout", 0, b"")
    assert seen.last - seen.sent <= 61 * MS


def test_a_chain_goes_on_over_a_new_connection(site) -> None:
    async def script(peer) -> None:
        await peer.request()
        await peer.send(moved("/b", more="Connection: close\r\n") if peer.number == 1 else OK)

    site.run(site.get(site.call(site.serve(script), path="/a", follows=True)))
    assert (site.seen[0].status, site.accepted) == (200, 2)


def test_who_listens_hears_the_last_answer_only(site) -> None:
    origin, _ = pages(site, {"/a": moved("/b"), "/b": OK})
    parts: list[bytes] = []

    def program(lane: Lane) -> Run:
        lane.stream(site.call(origin, path="/a", follows=True), lambda part, _: parts.append(part))
        yield
        site.note(lane.outcome)

    site.run(program)
    assert (site.seen[0].status, parts) == (200, [b"ok"])


def test_a_lane_can_be_killed_in_a_chain_and_used_again(site) -> None:
    async def script(peer) -> None:
        await peer.request()
        if peer.number == 1:
            await peer.send(moved("/b"))
            await peer.reader.read()
        await peer.send(OK)

    call = site.call(site.serve(script), path="/a", follows=True)
    lane = Lane(site.driver, 0)
    site.driver.call_soon(lambda _: lane.run(site.get(call)(lane), lambda *_: None), None)
    site.until(lambda: lane.chain is not None)
    lane.kill()
    ended: list[str | None] = []
    site.driver.call_soon(lambda _: lane.run(site.get(call)(lane), lambda _, kind: ended.append(kind)), None)
    site.until(lambda: ended == [None])
    assert [seen.status for seen in site.seen] == [200]
    lane.release()


# cookies


def test_what_is_set_comes_back_to_the_same_user_and_to_nobody_else(site) -> None:
    origin, asked = pages(site, {"/a": moved("/b", more="Set-Cookie: sid=1; Path=/; HttpOnly\r\n"), "/b": OK})
    call = site.call(origin, path="/a", follows=True)
    site.run(site.get(call, times=2), site.get(call))
    cookies = [[line for line in lines(message) if line.startswith("Cookie")] for message in asked]
    assert sorted(len(each) for each in cookies) == [0, 0, 1, 1, 1, 1]
    assert {line for each in cookies for line in each} == {"Cookie: sid=1"}


@pytest.mark.parametrize("status", [302, 307])
def test_a_cookie_of_the_specs_own_goes_along_and_those_of_the_jar_go_where_they_belong(site, status: int) -> None:
    set_here = "Set-Cookie: here=1; Path=/a\r\nSet-Cookie: all=1; Path=/\r\n"
    origin, asked = pages(site, {"/a": moved("/b", status, set_here), "/b": OK})
    call = site.call(origin, path="/a", follows=True)
    own = replace(call, render=lambda _: b"GET /a HTTP/1.1\r\nHost: site.test\r\nCookie: own=1\r\n\r\n")

    def program(lane: Lane) -> Run:
        for each in (call, call, own):
            lane.request(each)
            yield
        lane.release()

    site.run(program)
    sent = [[line for line in lines(message) if line.startswith("Cookie")] for message in asked]
    jar = ["Cookie: here=1; all=1"]
    assert sent == [[], ["Cookie: all=1"], jar, ["Cookie: all=1"], ["Cookie: own=1"], ["Cookie: own=1"]]


def test_a_cookie_that_was_set_on_the_way_can_be_captured(site) -> None:
    origin, _ = pages(site, {"/a": moved("/b", more="Set-Cookie: sid=1\r\n"), "/b": OK})
    values: list[object] = []

    def program(lane: Lane) -> Run:
        yield from site.get(site.call(origin, path="/a", follows=True))(lane)
        for name in ("sid", "other"):
            captured = Captured("x", Capture("cookie", name), Span("s.yaml", 1, 1, 1, 1))
            values.append(take(captured, "at")(lane.outcome, MISSING, lane.vars))

    site.run(program)
    assert values == ["1", MISSING]


def test_branches_share_the_cookies_of_their_user(site) -> None:
    origin, asked = pages(site, {"/a": OK.replace(b"OK\r\n", b"OK\r\nSet-Cookie: a=1\r\n"), "/b": OK})

    def program(lane: Lane) -> Run:
        yield from site.get(site.call(origin, path="/a"))(lane)
        lane.fork((site.get(site.call(origin, path="/b")),) * 2)
        yield
        lane.release()

    site.run(program)
    assert ["Cookie: a=1" in lines(message) for message in asked] == [False, True, True]


def test_a_hundred_thousand_cookies_are_too_long_a_head(site) -> None:
    flood = b"HTTP/1.1 200 OK\r\n" + b"Set-Cookie: a=1\r\n" * 100_000 + b"Content-Length: 0\r\n\r\n"
    origin = site.answering(flood, OK)
    site.run(site.get(site.call(origin), times=2))
    assert [(seen.error, seen.status) for seen in site.seen] == [("protocol", 0)] * 2
    assert "head too long" in site.driver.first_errors["protocol"]


# bodies


def test_of_a_body_that_nothing_reads_only_the_beginning_is_kept(site) -> None:
    size = 5_000_000
    plain = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + bytes(size)
    eof = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + bytes(size)

    async def script(peer) -> None:
        await peer.request()
        await peer.send(plain)
        await peer.request()
        await peer.send(OK)
        await peer.request()
        await peer.send(eof)

    site.run(site.get(site.call(site.serve(script), whole=False), times=3))
    assert [len(seen.body) + seen.dropped for seen in site.seen] == [size, 2, size]
    assert all(len(seen.body) < 400_000 for seen in site.seen)
    assert [seen.dropped > 0 for seen in site.seen] == [True, False, True]


def test_an_endless_body_that_nothing_reads_ends_with_the_time_out(site) -> None:
    async def script(peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            await peer.send(bytes(100_000))

    site.run(site.get(site.call(site.serve(script), whole=False, timeout_ns=300 * MS)))
    assert site.seen[0].error == "timeout"


def test_an_endless_body_that_is_read_is_too_large(site) -> None:
    async def script(peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            await peer.send(bytes(1_000_000))

    site.run(site.get(site.call(site.serve(script))))
    assert site.seen[0].error == "too large"
