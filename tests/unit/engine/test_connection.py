"""What a connection makes of the bytes that it is given: the short way for an answer that comes whole, and the long."""

from typing import Any

import pytest

from perfspec.engine.connection import Connection
from perfspec.engine.http1 import parse_head
from perfspec.steps.runtime import Call, Origin, Outcome

ORIGIN = Origin("x", 80, "127.0.0.1")
SENT, TIMEOUT = 1_000, 5_000
ANSWERS = {
    "a body": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, b"hello"),
    "an empty body": (b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", 201, b""),
    "no body": (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
}


class Lane:
    def __init__(self) -> None:
        self.outcome = Outcome()
        self.got: list[tuple[int, bytes, str | None]] = []

    def resume(self, outcome: Outcome) -> None:
        self.got.append((outcome.status, outcome.body, outcome.error))

    def answered(self, outcome: Outcome, _sent: bytes) -> None:
        self.resume(outcome)


class Reactor:
    def __init__(self) -> None:
        self.outbox: list[Connection] | None = None
        self.first_errors: dict[str, str] = {}

    def behind_ns(self, _now: int) -> int:
        return 0

    slept_ns = behind_ns

    def forget(self, _connection: Connection) -> None: ...


def asked(method: str = "GET", at_ns: int = SENT) -> tuple[Any, Lane]:
    """A connection that has sent a request, and its lane."""
    lane: Any = Lane()
    lane.call = Call("x", ORIGIN, TIMEOUT, no_body=method == "HEAD", idempotent=True, render=lambda _: b"x")
    connection: Any = Connection(Reactor(), lane, ORIGIN)  # type: ignore[arg-type]
    connection.send, connection.phase = len, ""
    connection.put(lane.call, b"GET / HTTP/1.1\r\n\r\n")
    lane.outcome.sent, lane.outcome.last, connection.deadline = at_ns, at_ns + 10, at_ns + TIMEOUT
    return connection, lane


@pytest.mark.parametrize("name", ANSWERS)
def test_wherever_an_answer_is_cut_in_two_it_is_the_same_answer(name: str) -> None:
    data, status, body = ANSWERS[name]
    parse_head(data.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")  # seen before
    for at in range(1, len(data)):
        connection, lane = asked()
        connection.received(data[:at])
        assert lane.got == [], data[:at]
        connection.received(data[at:])
        assert lane.got == [(status, body, None)]
        assert not connection.busy


@pytest.mark.parametrize("name", ANSWERS)
def test_a_whole_answer_leaves_the_connection_ready_for_the_next(name: str) -> None:
    data, status, body = ANSWERS[name]
    connection, lane = asked()
    for _ in range(2):  # its head is unknown, then known
        connection.received(data)
        assert connection.open
        assert not connection.busy
        connection.put(lane.call, b"again")
        lane.outcome.last = lane.outcome.sent
    assert lane.got == [(status, body, None)] * 2


def test_a_body_that_must_not_be_there_is_an_error() -> None:
    data, _, _ = ANSWERS["a body"]
    connection, lane = asked("HEAD")
    connection.received(data)
    assert lane.got == [(0, b"", "protocol")]


def test_an_answer_to_head_has_the_length_of_what_is_not_there() -> None:
    data, _, _ = ANSWERS["a body"]
    connection, lane = asked("HEAD")
    connection.received(data.removesuffix(b"hello"))
    assert lane.got == [(200, b"", None)]


def test_a_whole_answer_that_came_too_late_is_a_time_out() -> None:
    data, _, _ = ANSWERS["a body"]
    parse_head(data.removesuffix(b"hello"))
    connection, lane = asked()
    lane.outcome.last = connection.deadline + 1
    connection.received(data)
    assert lane.got == [(0, b"", "timeout")]


def test_what_is_put_while_others_go_on_is_sent_after_them() -> None:
    connection, lane = asked()
    connection.received(ANSWERS["a body"][0])
    sent: list[bytes] = []
    connection.send = lambda data: sent.append(data) or len(data)
    connection.reactor.outbox = outbox = []
    lane.outcome.due = 0
    connection.put(lane.call, b"later")
    assert (sent, outbox, lane.outcome.due, connection.busy) == ([], [connection], 0, True)
    connection.push()
    assert sent == [b"later"]
    assert lane.outcome.due == lane.outcome.sent > SENT
    assert connection.deadline == lane.outcome.sent + TIMEOUT
