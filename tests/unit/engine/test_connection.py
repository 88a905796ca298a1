"""What a connection makes of the bytes that it is given: the short way for an answer that comes whole, and the long."""

import select
from collections.abc import Callable
from dataclasses import replace

import pytest

from perfspec.engine.http1 import known_head, parse_head
from perfspec.engine.uploads import Upload

ANSWERS = {
    "a body": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, b"hello"),
    "an empty body": (b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", 201, b""),
    "no body": (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
}


def know(data: bytes) -> None:
    """The head of this answer has been seen before."""
    raw, end, _ = data.partition(b"\r\n\r\n")
    while known_head(raw) is None:
        parse_head(raw + end)


@pytest.mark.parametrize("name", ANSWERS)
def test_wherever_an_answer_is_cut_in_two_it_is_the_same_answer(asked, name: str) -> None:
    data, status, body = ANSWERS[name]
    know(data)
    for at in range(1, len(data)):
        connection, lane = asked()
        connection.received(data[:at])
        assert lane.got == [], data[:at]
        connection.received(data[at:])
        assert lane.got == [(status, body, None)]
        assert not connection.busy


@pytest.mark.parametrize("name", ANSWERS)
def test_a_whole_answer_leaves_the_connection_ready_for_the_next(asked, name: str) -> None:
    data, status, body = ANSWERS[name]
    connection, lane = asked()
    for _ in range(3):  # its head is unknown, then known
        connection.received(data)
        assert connection.open
        assert not connection.busy
        connection.put(lane.call, b"again")
        lane.outcome.last = lane.outcome.sent
    assert lane.got == [(status, body, None)] * 3


def test_a_body_that_must_not_be_there_is_an_error(asked) -> None:
    data, _, _ = ANSWERS["a body"]
    connection, lane = asked("HEAD")
    connection.received(data)
    assert lane.got == [(0, b"", "protocol")]


def test_an_answer_to_head_has_the_length_of_what_is_not_there(asked) -> None:
    data, _, _ = ANSWERS["a body"]
    connection, lane = asked("HEAD")
    connection.received(data.removesuffix(b"hello"))
    assert lane.got == [(200, b"", None)]


def test_a_whole_answer_that_came_too_late_is_a_time_out(asked) -> None:
    data, _, _ = ANSWERS["a body"]
    know(data)
    connection, lane = asked()
    lane.outcome.last = connection.deadline + 1
    connection.received(data)
    assert lane.got == [(0, b"", "timeout")]


EARLY = {
    **ANSWERS,
    "a refusal": (b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno", 413, b"no"),
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", 200, b"hi"),
    "a cookie": (b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nContent-Length: 2\r\n\r\nhi", 200, b"hi"),
}
UPLOADS = {"bytes": b"x" * 100, "from files": Upload(b"x" * 60, (b"y" * 40,))}


def half(data: bytes | memoryview) -> int:
    """A kernel that takes a part only."""
    return len(data[:10])  # a TypeError for what is no bytes, as with a socket


@pytest.mark.parametrize("upload", UPLOADS)
@pytest.mark.parametrize("name", EARLY)
def test_an_answer_before_the_request_is_out_closes_the_connection(asked, name: str, upload: str) -> None:
    """Also if its head is known: the next request would be written into this one's body."""
    data, status, body = EARLY[name]
    know(data)
    connection, lane = asked()
    connection.received(ANSWERS["a body"][0])
    connection.send = half
    connection.put(lane.call, UPLOADS[upload])
    connection.writable()
    assert connection.unsent
    lane.outcome.last = lane.outcome.sent
    connection.received(data)
    assert lane.got[1:] == [(status, body, None)]
    assert not connection.open
    assert not connection.unsent
    assert connection.rest is None


def test_what_is_put_while_others_go_on_is_sent_after_them(asked) -> None:
    connection, lane = asked()
    connection.received(ANSWERS["a body"][0])
    sent: list[bytes] = []
    connection.send = lambda data: sent.append(data) or len(data)
    connection.reactor.outbox = outbox = []
    lane.outcome.due, before = 0, lane.outcome.sent
    connection.put(lane.call, b"later")
    assert (sent, outbox, lane.outcome.due, connection.busy) == ([], [connection], 0, True)
    connection.push()
    assert sent == [b"later"]
    assert lane.outcome.due == lane.outcome.sent > before
    assert connection.deadline == lane.outcome.sent + lane.call.timeout_ns


class Kernel:
    """Takes so many bytes at a time; none: EAGAIN."""

    def __init__(self, *most: int) -> None:
        self.most = iter(most)
        self.took = b""

    def send(self, data: bytes | memoryview) -> int:
        part = bytes(data[: next(self.most, 1 << 20)])
        if not part:
            raise BlockingIOError
        self.took += part
        return len(part)


KERNELS: dict[str, Callable[[], Kernel]] = {
    "all at once": Kernel,
    "EAGAIN": lambda: Kernel(0, 0),
    "in parts": lambda: Kernel(7, 0, 30),
}


@pytest.mark.parametrize("upload", UPLOADS)
@pytest.mark.parametrize("kernel", KERNELS)
def test_whatever_the_kernel_takes_of_what_was_in_the_outbox_all_is_sent_once(asked, kernel: str, upload: str) -> None:
    connection, lane = asked()
    connection.received(ANSWERS["a body"][0])
    taking, message = KERNELS[kernel](), UPLOADS[upload]
    connection.send = taking.send
    connection.reactor.outbox = []
    connection.put(lane.call, message)
    connection.reactor.outbox = None
    connection.push()
    for _ in range(10):
        connection.writable()
    assert taking.took == (message if isinstance(message, bytes) else b"".join(message.pieces()))
    assert not connection.unsent
    asked_for = connection.reactor.epoll.events
    assert asked_for[-1:] in ([], [select.EPOLLIN])  # and is not woken for nothing from then on
    lane.outcome.last = lane.outcome.sent
    connection.received(ANSWERS["a body"][0])
    assert lane.got == [(200, b"hello", None)] * 2
    assert connection.open


def test_a_race_out_of_the_outbox_is_told_afterwards(asked) -> None:
    """A lane is never resumed while it is asking."""
    connection, lane = asked()
    connection.received(ANSWERS["a body"][0])

    def broken(_: bytes) -> int:
        raise ConnectionResetError(104, "reset")

    soon: list[object] = []
    connection.send = broken
    connection.reactor.call_soon = lambda fn, arg: soon.append((fn, arg))
    connection.put(lane.call, b"x")
    assert len(lane.got) == 1
    (((fn, error)),) = soon
    assert fn == connection.fail_with
    assert isinstance(error, ConnectionResetError)


@pytest.mark.parametrize("name", ANSWERS)
def test_who_listens_gets_the_body_also_if_the_head_is_known(asked, name: str) -> None:
    data, status, body = ANSWERS[name]
    know(data)
    connection, lane = asked()
    parts: list[bytes] = []
    connection.listen(parts.append)
    connection.received(data)
    assert b"".join(parts) == body
    assert lane.got == [(status, b"", None)]


def test_what_was_dropped_of_one_answer_is_not_told_of_the_next(asked) -> None:
    connection, lane = asked()
    lane.call = replace(lane.call, whole=False)
    large = 300_000
    connection.received(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % large)
    for _ in range(3):
        connection.received(bytes(large // 3))
    assert len(lane.outcome.body) + lane.outcome.dropped == large
    assert lane.outcome.dropped
    connection.put(lane.call, b"x")
    lane.outcome.last = lane.outcome.sent
    connection.received(ANSWERS["a body"][0])
    assert (lane.outcome.body, lane.outcome.dropped) == (b"hello", 0)
