"""One non-blocking connection: a socket, the framing of its answers, and the lane that it serves for its whole life.

States: connecting -> busy <-> idle -> closed. Rules:
1. Times are stamped straight into the lane's outcome, by the reactor when it reads and here when it sends.
2. A keep-alive race (a used connection dies before the first byte of an answer) sends an idempotent request once more
   over a new connection; due time and deadline stay those of the first attempt.
3. A connection is reused only after a whole answer to a wholly sent request. An answer that comes before the request
   is out ends the sending if it is an error (a 413, say); either way the connection is closed after it.
4. An instant failure is told through `call_soon`: a lane is never resumed while it is asking.
"""

import errno
import os
import select
import socket
from typing import TYPE_CHECKING

from perfspec.base.clock import monotonic_ns
from perfspec.engine.driver import Chunk, LaneState
from perfspec.engine.http1 import Http1, ProtocolError
from perfspec.steps.runtime import Call, Origin

if TYPE_CHECKING:
    from perfspec.engine.reactor import Reactor

__all__ = ["Connection", "kind_of"]

_READABLE, _WRITABLE = select.EPOLLIN, select.EPOLLOUT
_KINDS = {
    errno.ECONNREFUSED: "refused",
    errno.ECONNRESET: "reset",
    errno.EPIPE: "closed",
    errno.ECONNABORTED: "closed",
    errno.ETIMEDOUT: "timeout",
    errno.EMFILE: "no descriptors",
    errno.ENFILE: "no descriptors",
    errno.EADDRNOTAVAIL: "no ports",
    errno.ENOMEM: "no memory",
    errno.ENOBUFS: "no memory",
}
_SAYS_ALL = frozenset({"refused", "reset", "closed", "timeout"})
"""Kinds to which the system's own text adds nothing."""
_RACE = frozenset({"closed", "reset"})
_NOTHING = memoryview(b"")


def kind_of(error: OSError) -> str:
    """The error kind that a request is counted under. Whatever has no kind of its own: `unreachable`."""
    if isinstance(error, socket.gaierror):
        return "dns"
    return _KINDS.get(error.errno or 0, "unreachable")


class Connection(Http1):
    __slots__ = (
        "connected",
        "deadline",
        "fd",
        "lane",
        "open",
        "origin",
        "outcome",
        "reactor",
        "recv",
        "send",
        "sock",
        "unsent",
        "used",
        "wire",
    )

    def __init__(self, reactor: "Reactor", lane: LaneState, origin: Origin) -> None:
        super().__init__()
        self.reactor = reactor
        self.lane = lane
        self.origin = origin
        self.outcome = lane.outcome
        self.sock: socket.socket | None = None
        self.fd = -1
        self.open = True
        self.connected = False
        self.used = False
        """A whole answer has come over it."""
        self.deadline = 0
        self.wire = b""
        """The request in flight, for the case that it is sent once more."""
        self.unsent = _NOTHING

    def connect(self, call: Call, data: bytes, deadline: int) -> None:
        """Begin to connect; the request is sent when that is done."""
        outcome = self.outcome
        outcome.sent = monotonic_ns()
        outcome.first = outcome.status = 0
        outcome.error = None
        self.busy = True
        self.wire = data
        self.deadline = deadline or outcome.sent + call.timeout_ns
        reactor = self.reactor
        try:
            family, address = reactor.target(self.origin)
            sock = self.sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            refusal = sock.connect_ex(address)
        except OSError as error:
            reactor.call_soon(self.fail_with, error)
            return
        if refusal not in (0, errno.EINPROGRESS):
            reactor.call_soon(self.fail_with, OSError(refusal, os.strerror(refusal)))
            return
        self.fd, self.recv, self.send = sock.fileno(), sock.recv, sock.send
        reactor.watch(self, _WRITABLE)

    def put(self, call: Call, data: bytes) -> None:
        """Send a request over the idle connection."""
        outcome = self.outcome
        self.busy = True
        self.no_body = call.no_body
        self.wire = data
        outcome.first = outcome.status = 0
        outcome.error = None
        outcome.sent = now = monotonic_ns()
        self.deadline = now + call.timeout_ns
        try:
            sent = self.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self.reactor.call_soon(self.fail_with, error)
            return
        if sent != len(data):
            self.unsent = memoryview(data)[sent:]
            self.reactor.epoll.modify(self.fd, _READABLE | _WRITABLE)

    def listen_to(self, chunk: Chunk) -> None:
        """Give the body of the next answer to `chunk` as it comes, with the instant of the read."""
        outcome = self.outcome
        self.listen(lambda part: chunk(part, outcome.last))

    def writable(self) -> None:
        """The kernel takes bytes: connecting has ended, or a partly sent request can go on."""
        if not self.connected:
            self._connected()
            return
        if not self.unsent:
            return
        try:
            self.unsent = self.unsent[self.send(self.unsent) :]
        except BlockingIOError:
            return
        except OSError as error:
            if not self.outcome.first:
                self.fail_with(error)
            return  # an answer has begun: the read that follows tells how it ends
        if not self.unsent:
            self.reactor.epoll.modify(self.fd, _READABLE)

    def received(self, data: bytes) -> None:
        try:
            head = self.feed(data)
        except ProtocolError as error:
            self.fail("protocol", str(error))
            return
        if head is None:
            if self.unsent and self.head is not None and self.head.status >= 400:
                self.reactor.epoll.modify(self.fd, _READABLE)  # the rest is not wanted
            return
        outcome = self.outcome
        outcome.status = head.status
        outcome.head = head
        outcome.body = self.body
        self.used = True
        self.wire = b""
        if not head.keep or self.unsent:
            self.close()
        self.lane.resume(outcome)

    def ended(self) -> None:
        """The peer has closed."""
        try:
            head = self.eof()
        except ProtocolError:
            self.fail("closed")
            return
        self.close()
        if head is not None:
            outcome = self.outcome
            outcome.status, outcome.head, outcome.body = head.status, head, self.body
            self.lane.resume(outcome)

    def fail_with(self, error: OSError) -> None:
        kind = kind_of(error)
        self.fail(kind, "" if kind in _SAYS_ALL else str(error))

    def fail(self, kind: str, text: str = "") -> None:
        """Close. If an answer was awaited, its outcome is this error, or the request is sent once more."""
        busy, lane, outcome = self.busy, self.lane, self.outcome
        self.close()
        if not busy:
            return
        call = lane.call
        assert call is not None
        if self.used and call.idempotent and kind in _RACE and not outcome.first:
            self.reactor.send_again(self, call)
            return
        self.wire = b""
        if text:
            self.reactor.first_errors.setdefault(kind, f"{call.name}: {text}")
        outcome.error, outcome.status = kind, 0
        # The sweep finds a time-out a little late; it took as long as it was allowed to.
        outcome.last = self.deadline if kind == "timeout" else monotonic_ns()
        outcome.head, outcome.body = None, b""
        lane.resume(outcome)

    def close(self) -> None:
        self.busy = False
        if self.open:
            self.open = False
            self.unsent = _NOTHING
            self.reactor.forget(self)
            if self.sock is not None:
                self.sock.close()

    def _connected(self) -> None:
        assert self.sock is not None
        refusal = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if refusal:
            self.fail_with(OSError(refusal, os.strerror(refusal)))
            return
        self.connected = True
        self.reactor.epoll.modify(self.fd, _READABLE)
        call, deadline = self.lane.call, self.deadline
        assert call is not None
        self.put(call, self.wire)
        self.deadline = deadline  # connecting counts
