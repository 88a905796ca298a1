"""Answers made by a grammar and then broken, against an independent parser (h11): where both take an answer, they take
the same one; and nothing but ProtocolError ever comes out of ours.
"""

import random
from collections.abc import Callable
from typing import Any

import h11
import pytest

from perfspec.engine.http1 import KEPT_BYTES, Http1, ProtocolError

STATUSES = ["200", "201", "204", "304", "404", "500", "999", "99", "2000", "abc", ""]
NAMES = ["Content-Length", "content-length", "Transfer-Encoding", "Connection", "X-A", "Set-Cookie", "", "X A", "X:A"]
VALUES = [
    "0",
    "5",
    "7",
    "+5",
    "5, 5",
    "1e3",
    "-1",
    "chunked",
    "gzip, chunked",
    "close",
    "keep-alive",
    "a\tb",
    "",
    "\x00",
    "ü",
]
ENDS = ["\r\n", "\r\n", "\r\n", "\r\n", "\n", "\r", "\r\n "]


class Made:
    """One answer by chance; the same seed makes the same one."""

    def __init__(self, seed: int) -> None:
        self.pick = random.Random(seed)

    def answer(self) -> bytes:
        pick = self.pick
        body = bytes(pick.randrange(256) for _ in range(pick.choice([0, 0, 5, 7, 300])))
        head, body = self._sound(body) if pick.random() < 0.7 else (self._wild(), body)
        data = bytearray(head + body)
        for _ in range(pick.choice([0, 0, 1, 2])):
            at = pick.randrange(len(data) + 1)
            match pick.randrange(4):
                case 0:
                    data[at:at] = bytes([pick.randrange(256)])
                case 1:
                    del data[at : at + pick.randrange(1, 9)]
                case 2 if at < len(data):
                    data[at] = pick.randrange(256)
                case _:
                    data[at:at] = data[at // 2 : at]
        return bytes(data)

    def _sound(self, body: bytes) -> tuple[bytes, bytes]:
        """A good answer in one of the three framings."""
        head = f"HTTP/1.{self.pick.choice('1110')} {self.pick.choice(STATUSES[:6])} Reason\r\nX-A: b\r\n"
        match self.pick.randrange(3):
            case 0:
                return f"{head}Content-Length: {len(body)}\r\n\r\n".encode(), body
            case 1 if "HTTP/1.1" in head:
                return f"{head}Transfer-Encoding: chunked\r\n\r\n".encode(), self._chunked(body)
            case _:
                return f"{head}\r\n".encode(), body

    def _chunked(self, body: bytes) -> bytes:
        out, at = b"", 0
        while at < len(body):
            size = self.pick.randrange(1, 60)
            part = body[at : at + size]
            extension = self.pick.choice([b"", b"", b";a=b"])
            out += b"%x%b\r\n%b\r\n" % (len(part), extension, part)
            at += size
        return out + b"0\r\n" + self.pick.choice([b"", b"", b"X-T: 1\r\n"]) + b"\r\n"

    def _wild(self) -> bytes:
        lines = [f"HTTP/1.{self.pick.choice('0129')} {self.pick.choice(STATUSES)} Reason"]
        pairs = [(self.pick.choice(NAMES), self.pick.choice(VALUES)) for _ in range(self.pick.randrange(4))]
        lines += [f"{name}: {value}" for name, value in pairs]
        return "".join(line + self.pick.choice(ENDS) for line in [*lines, ""]).encode()

    def reads(self, data: bytes) -> list[bytes]:
        """The data as a network may bring it."""
        at = sorted(self.pick.randrange(len(data) + 1) for _ in range(self.pick.randrange(6)))
        return [part for a, b in zip([0, *at], [*at, len(data)], strict=True) if (part := data[a:b])]


Understood = tuple[int, bytes] | None


def ours(reads: list[bytes], *, whole: bool = True) -> Understood:
    connection = Http1()
    connection.busy, connection.whole = True, whole
    head = None
    try:
        for read in reads:
            head = connection.feed(read)
        head = connection.eof() or head
    except ProtocolError:
        return None
    if head is None:
        return None
    return head.status, connection.body if whole else b"%d" % (len(connection.body) + connection.dropped)


def theirs(data: bytes) -> Understood:
    connection = h11.Connection(our_role=h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("host", "x")]))
    connection.send(h11.EndOfMessage())
    status, body = 0, b""
    try:
        for piece in (data, b""):
            connection.receive_data(piece)
            while (event := connection.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
                if isinstance(event, h11.Response):
                    status = event.status_code
                elif isinstance(event, h11.Data):
                    body += bytes(event.data)
                elif isinstance(event, h11.EndOfMessage):
                    return (status, body) if not connection.trailing_data[0] else None
                elif isinstance(event, h11.ConnectionClosed):
                    return None
    except h11.RemoteProtocolError:
        return None
    return None


def connected(asked: Callable[..., Any], reads: list[bytes]) -> Understood:
    """As a connection has it, that knows a short way for answers whose head it has seen before."""
    connection, lane = asked()
    lane.outcome.first = lane.outcome.last
    for read in [*reads, b""]:
        if not lane.got:
            connection.received(read)
    ((status, body, error),) = lane.got
    return None if error else (status, body)


def fuzz(asked: Callable[..., Any], seeds: range) -> int:
    """How many answers both took."""
    both = 0
    for seed in seeds:
        made = Made(seed)
        data = made.answer()
        reads = made.reads(data)
        if not reads:
            continue
        taken = ours(reads)
        assert taken == ours([data]), f"seed {seed}: a split changes it: {reads}"
        assert connected(asked, [data]) == connected(asked, [data]) == taken, f"seed {seed}: the short way: {data!r}"
        assert taken is None or connected(asked, reads) == taken, f"seed {seed}: the short way: {reads}"
        other = theirs(data)
        if taken is not None and other is not None:
            both += 1
            assert taken == other, f"seed {seed}: {data!r}"
        if taken is not None:
            assert ours(reads, whole=False) == (taken[0], b"%d" % len(taken[1])), f"seed {seed}: {data!r}"
    return both


def test_answers_by_chance_mean_the_same_to_another_parser(asked) -> None:
    assert fuzz(asked, range(4000)) > 800


@pytest.mark.slow
def test_many_answers_by_chance_mean_the_same_to_another_parser(asked) -> None:
    assert fuzz(asked, range(1_000_000, 1_300_000)) > 60_000


def test_what_nothing_reads_is_counted_however_it_comes() -> None:
    body = bytes(3 * KEPT_BYTES)
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:9], body[9:70_000], body[70_000:]))
    for data in (
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + body,
    ):
        for size in (7, 4096, 50_000, len(data)):
            reads = [data[at : at + size] for at in range(0, len(data), size)]
            assert ours(reads, whole=False) == (200, b"%d" % len(body))
