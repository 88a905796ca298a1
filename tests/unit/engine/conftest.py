"""A connection without a socket: what it is given is told, and what its lane hears of it."""

from collections.abc import Callable
from typing import Any

import pytest

from perfspec.engine.connection import Connection
from perfspec.steps.runtime import Call, Origin, Outcome

ORIGIN = Origin("x", 80, "127.0.0.1")
SENT, TIMEOUT = 1_000, 5_000


class Lane:
    def __init__(self) -> None:
        self.outcome = Outcome()
        self.got: list[tuple[int, bytes, str | None]] = []

    def resume(self, outcome: Outcome) -> None:
        self.got.append((outcome.status, outcome.body, outcome.error))

    def answered(self, outcome: Outcome, _sent: bytes) -> None:
        self.resume(outcome)


class Epoll:
    def __init__(self) -> None:
        self.events: list[int] = []

    def modify(self, _fd: int, events: int) -> None:
        self.events.append(events)


class Reactor:
    def __init__(self) -> None:
        self.epoll = Epoll()
        self.outbox: list[Connection] | None = None
        self.first_errors: dict[str, str] = {}

    def behind_ns(self, _now: int) -> int:
        return 0

    slept_ns = behind_ns

    def forget(self, _connection: Connection) -> None: ...


def request(method: str = "GET", at_ns: int = SENT) -> tuple[Any, Lane]:
    """A connection that has sent a request, and its lane."""
    lane: Any = Lane()
    lane.call = Call("x", ORIGIN, TIMEOUT, no_body=method == "HEAD", idempotent=True, render=lambda _: b"x")
    connection: Any = Connection(Reactor(), lane, ORIGIN)  # type: ignore[arg-type]
    connection.send, connection.phase, connection.connected = len, "", True
    connection.put(lane.call, b"GET / HTTP/1.1\r\n\r\n")
    lane.outcome.sent, lane.outcome.last, connection.deadline = at_ns, at_ns + 10, at_ns + TIMEOUT
    return connection, lane


@pytest.fixture(scope="session")
def asked() -> Callable[..., tuple[Any, Lane]]:
    return request
