"""One non-blocking connection: a socket, the framing of its answers, and the lane that it serves for its whole life.

States: connecting (`phase` says how far) -> busy <-> idle -> closed. Rules:
1. Times are stamped straight into the lane's outcome, by the reactor when it reads and here when it sends.
2. A keep-alive race (a connection that was idle for long dies before the first byte of an answer) sends an idempotent
   request once more over a new connection; due time and deadline stay those of the first attempt. Until something has
   come, the outcome's `last` is that of the answer before, so that how long it was idle is known where it matters.
3. A connection is reused only after a whole answer to a wholly sent request. An answer that comes before the request
   is out ends the sending if it is an error (a 413, say); either way the connection is closed after it.
4. An instant failure is told through `call_soon`: a lane is never resumed while it is asking.
5. How long connecting took, and the first byte of an answer that comes in several reads, are timers of the call.
"""

import errno
import os
import select
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from perfspec.base.clock import SECOND, monotonic_ns
from perfspec.engine.driver import Chunk, LaneState
from perfspec.engine.http1 import EMPTY_LINE, REDIRECTS, Head, Http1, ProtocolError, TooLarge, known_head
from perfspec.engine.unsendable import note
from perfspec.language.timers import FIRST_OF_SEVERAL
from perfspec.steps.runtime import Call, Origin, Streamed

if TYPE_CHECKING:
    from perfspec.engine.reactor import Reactor

__all__ = ["LONG_IDLE_NS", "Connection", "kind_of"]

LONG_IDLE_NS = SECOND
"""A service may be closing a connection that was idle for so long: none in use has less patience. What happens to one
that was in use just before is the service's doing.
"""

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
    if isinstance(error, ssl.SSLError):
        return "tls"
    return _KINDS.get(error.errno or 0, "unreachable")


def reason(error: OSError) -> str:
    """What a person is told: of TLS, what OpenSSL says without the place in its source."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.lower().replace("_", " ")
    return str(error)


class Connection(Http1):
    __slots__ = (
        "began",
        "connected",
        "deadline",
        "fd",
        "lane",
        "left",
        "open",
        "origin",
        "outcome",
        "phase",
        "reactor",
        "recv",
        "rest",
        "send",
        "sock",
        "unsent",
        "wire",
    )

    recv: Callable[[int], bytes]
    """What has come. Raises OSError; BlockingIOError before all is connected means: ask `writable`."""
    send: Callable[[bytes | memoryview], int]

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
        self.phase = "connect"
        """The timer of what is going on before the connection can be used; empty from then on."""
        self.began = 0
        """When this phase began; of a connection that can be used, when its first request was sent."""
        self.deadline = 0
        self.left = 0
        """When its last answer came, while its lane uses another one."""
        self.wire: bytes | Streamed = b""
        """The request in flight, for the case that it is sent once more."""
        self.unsent = _NOTHING
        self.rest: Iterator[bytes] | None = None
        """What follows after `unsent`."""

    def connect(self, call: Call, data: bytes | Streamed, deadline: int) -> None:
        """Begin to connect; the request is sent when that is done."""
        outcome = self.outcome
        outcome.sent = self.began = now = monotonic_ns()
        outcome.due = outcome.due or now
        outcome.first = outcome.status = 0
        outcome.error = None
        self.busy = True
        self.wire = data
        self.deadline = deadline or now + call.timeout_ns
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

    def put(self, call: Call, data: bytes | Streamed) -> None:
        """A request over the idle connection: with those of the other lanes that go on just now, or else at once."""
        outcome = self.outcome
        self.busy = True
        self.wire = data
        if call.no_body:
            self.pieces = []  # no fast path for its answer
        outcome.first = outcome.dropped = 0
        outcome.error = None
        outbox = self.reactor.outbox
        if outbox is None:
            self.push()
        else:
            outbox.append(self)

    def push(self) -> None:
        """Hand what was put to the kernel: it is sent now, and due now if nobody planned it."""
        outcome, data, send = self.outcome, self.wire, self.send
        outcome.sent = now = monotonic_ns()
        if not outcome.due:
            outcome.due = now
        self.deadline = now + self.lane.call.timeout_ns
        try:
            sent = send(data)  # type: ignore[arg-type]  # nothing but bytes is asked about, for speed
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self.reactor.call_soon(self.fail_with, error)
            return
        except TypeError:
            self._push_pieces(data)
            return
        if sent != len(data):  # type: ignore[arg-type]
            self.pieces = []  # as in `put`
            self.unsent = memoryview(data)[sent:]  # type: ignore[arg-type]
            self.reactor.epoll.modify(self.fd, _READABLE | _WRITABLE)

    def _push_pieces(self, message: bytes | Streamed) -> None:
        assert not isinstance(message, bytes)
        self.pieces = []  # as in `put`
        self.rest = message.pieces()
        self.unsent = memoryview(next(self.rest))
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
        if not self.unsent and not self._next_piece():
            self.reactor.epoll.modify(self.fd, _READABLE)

    def _next_piece(self) -> bool:
        """Is there more to send, or has that failed?"""
        if self.rest is None:
            return False
        try:
            self.unsent = memoryview(next(self.rest, b""))
        except OSError as error:
            self.fail("unsendable", str(error))
            return True
        return bool(self.unsent)

    def received(self, data: bytes) -> None:
        """These bytes have come; none: the peer has closed."""
        if self.pieces is None:  # the first of an answer, and nearly always all of it, with a head seen before
            raw, end, body = data.partition(EMPTY_LINE)
            head = known_head(raw)
            outcome = self.outcome
            if head is not None and len(body) == head.plain and end and outcome.last <= self.deadline:
                self.busy = False
                self.wire = b""
                outcome.status = head.status
                outcome.head = head
                outcome.body = body
                self.lane.resume(outcome)
                return
        self._received(data)

    def _received(self, data: bytes) -> None:
        """Whatever it is."""
        if not data:
            self.ended()
            return
        try:
            head = self.feed(data)
        except ProtocolError as error:
            self.fail("too large" if isinstance(error, TooLarge) else "protocol", str(error))
            return
        outcome = self.outcome
        if head is None:
            if outcome.last == outcome.first:
                self._timed(FIRST_OF_SEVERAL, outcome.sent, outcome.first)
            if self.unsent and self.head is not None and self.head.status >= 400:
                self.reactor.epoll.modify(self.fd, _READABLE)  # the rest is not wanted
            return
        outcome.status = head.status
        outcome.head = head
        outcome.body = self.body
        if not head.keep or self.unsent:
            self.close()
        if outcome.last > self.deadline and self._is_too_late():
            return
        if self.dropped:
            outcome.dropped, self.dropped = self.dropped, 0
        sent, self.wire = self.wire, b""
        if head.says_more:
            self.lane.answered(outcome, sent)
        else:
            self.lane.resume(outcome)

    def _is_too_late(self) -> bool:
        """The whole answer came after the time-out and before the sweep. How late we ourselves were to read it is not
        its fault. If it was too late, it is a time-out now.
        """
        last, reactor = self.outcome.last, self.reactor
        if last - max(reactor.behind_ns(last), reactor.slept_ns(last)) <= self.deadline:
            return False
        self.busy, self.dropped = True, 0
        self.fail("timeout")
        return True

    def _begin_body(self, raw: bytes, head: Head) -> None:
        call = self.lane.call
        self.whole, self.no_body = call.whole, call.no_body
        if call.follows and head.says_more and head.status in REDIRECTS:
            self.on_part = None  # who listens wants the last answer of the chain
        super()._begin_body(raw, head)

    def _timed(self, timer: str, begin_ns: int, end_ns: int, kind: str | None = None) -> None:
        call = self.lane.call
        if call.timer is not None and call.timer(timer).value(begin_ns, end_ns - begin_ns, kind):
            self.outcome.missed = True

    def ended(self) -> None:
        """The peer has closed."""
        try:
            head = self.eof()
        except ProtocolError:
            self.fail("closed")
            return
        outcome = self.outcome
        if head is not None and outcome.last > self.deadline and self._is_too_late():
            return
        self.close()
        if head is not None:
            outcome.status, outcome.head, outcome.body = head.status, head, self.body
            outcome.dropped = self.dropped
            self.lane.answered(outcome, self.wire)

    def fail_with(self, error: OSError) -> None:
        kind = kind_of(error)
        self.fail(kind, "" if kind in _SAYS_ALL else reason(error))

    def fail(self, kind: str, text: str = "") -> None:
        """Close. If an answer was awaited, its outcome is this error, or the request is sent once more."""
        busy, lane, outcome = self.busy, self.lane, self.outcome
        head = self.head if kind == "timeout" and self.on_part is not None else None  # a stream may have ended before
        self.close()
        if not busy:
            return
        call = lane.call
        if self.phase:
            self._timed(self.phase, self.began, self.began, kind)
        elif kind in _RACE and call.idempotent and not outcome.first and self._was_idle_for_long():
            self.reactor.send_again(self, call)
            return
        self.wire = b""
        if text:
            note(self.reactor.first_errors, kind, call, text)
        outcome.error, outcome.status = kind, head.status if head else 0
        # The sweep finds a time-out a little late; it took as long as it was allowed to.
        ends = min(self.deadline, outcome.sent + call.timeout_ns)  # without the time that the loop stood still
        outcome.last = max(ends, outcome.sent) if kind == "timeout" else monotonic_ns()
        outcome.head, outcome.body = head, b""
        lane.resume(outcome)

    def _was_idle_for_long(self) -> bool:
        """When the request was sent of which nothing has come yet. Who has sent only one was not idle at all."""
        outcome = self.outcome
        return outcome.sent != self.began and outcome.sent - outcome.last >= LONG_IDLE_NS

    def cut(self, kind: str | None) -> None:
        """Wait no longer. `kind`: why that is an error; None: what came stands for a whole answer."""
        head, outcome = self.head, self.outcome
        if kind is None and outcome.last > self.deadline and self._is_too_late():
            return
        self.close()
        self.wire = b""
        outcome.error, outcome.last = kind, monotonic_ns()
        outcome.status, outcome.head, outcome.body = (head.status if head else 0), head, b""
        self.lane.resume(outcome)

    def close(self) -> None:
        self.busy = False
        if self.open:
            self.open = False
            self.unsent = _NOTHING
            self.rest = self.pieces = None  # a lane keeps its dead connection until it needs another one
            self.reactor.forget(self)
            if self.sock is not None:
                self.sock.close()

    def _connected(self) -> None:
        assert self.sock is not None
        refusal = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if refusal:
            self.fail_with(OSError(refusal, os.strerror(refusal)))
            return
        self._timed(self.phase, self.began, monotonic_ns())
        self.reached()

    def reached(self) -> None:
        """The peer is there."""
        self.usable()

    def usable(self) -> None:
        """Requests can be sent; the first one is."""
        self.connected = True
        self.phase = ""
        self.reactor.epoll.modify(self.fd, _READABLE)
        now = monotonic_ns()
        self.deadline = deadline = self.deadline + self.reactor.slept_ns(now)  # connecting counts, our sleep does not
        if now > deadline:  # and the sweep has not come by yet
            self.fail("timeout")
            return
        self.put(self.lane.call, self.wire)
        self.began = self.outcome.sent
        self.deadline = deadline
