"""Real load: own non-blocking sockets in one epoll set, which is nested into an asyncio loop.

Each pass has two phases: every ready socket is read and its time stamped, then the answers are processed. So the work
for one answer is never measured into the next. In the second phase a handful of lanes go on, then their requests are
sent, and so on: sending between any two of them costs a fifth more, for each finds the processor's caches full of the
other. A request is due when it is sent (decision 064), so nobody waits for that. Rules:
1. An event of an idle connection (the peer hung up, reset it, or sent what nobody asked for) closes it in the first
   phase: were its lane to use it again within this pass, old bytes would become the new answer.
2. Request time-outs are found by one sweep over all connections, at most 100 ms late: no timer per request. Time in
   which this process stood still is nobody's: what came meanwhile is read before anything is a time-out, and what was
   under way is given that time back.
3. An exception out of a callback is a bug. The first is kept in `crash` and told to `on_crash`, the loop goes on: the
   run can be stopped in order and keeps its numbers.
"""

import asyncio
import gc
import select
import socket
import ssl
from collections.abc import Callable
from typing import Any, TypeVar

from perfspec.base.clock import MILLISECOND, monotonic_ns
from perfspec.engine.connection import Connection
from perfspec.engine.driver import Chunk, LaneState
from perfspec.engine.fine_loop import FineLoop
from perfspec.engine.timers import COARSE_NS, FINE_NS, SlotTimers
from perfspec.engine.tls import SecureConnection
from perfspec.steps.runtime import Call, Origin, Streamed

__all__ = ["Reactor", "RealDriver"]

A = TypeVar("A")

_READABLE, _WRITABLE = select.EPOLLIN, select.EPOLLOUT
_BATCH = 1024
_HANDFUL = 32
"""So many lanes go on before what they ask for is sent: enough to keep the caches warm. 0.1 ms if they only look at a
status; what they take out of large answers takes its time, and the others' requests wait for that."""
_ANSWER_BYTES = 16 * 1024
_PIECE_BYTES = 256 * 1024
_SWEEP_NS = 100 * MILLISECOND
_STOOD_STILL_NS = 50 * MILLISECOND
"""A loop that is later than this was stopped, or its process was not given the CPU."""
_COLLECT = (50_000, 20, 50)
"""A full collection at the default thresholds is a pause of tens of milliseconds with ten thousand users."""

_Answers = list[tuple[Connection, bytes]]


class Reactor:
    """The transport: HTTP/1.1, one connection per lane and origin. A lane that uses one origin needs no look-up."""

    def __init__(self, driver: "RealDriver", tls: ssl.SSLContext | None = None) -> None:
        self.epoll = select.epoll()
        self.connections: dict[int, Connection] = {}
        self.call_soon = driver.call_soon
        self.behind_ns = driver.behind_ns
        self.first_errors = driver.first_errors
        self.connects = 0
        """Connections begun."""
        self.sent_again = 0
        """Requests that met a connection which the service was just closing, after it had been idle for long."""
        self.unsolicited = 0
        """Idle connections that were closed because the service sent something."""
        self._driver = driver
        self._tls = tls
        self._targets: dict[Origin, tuple[int, Any]] = {}
        self._swept_late = False
        self.outbox: list[Connection] | None = None
        """Who has something to send when the lanes of this handful have gone on; None: whoever has, sends at once."""

    # the transport's contract

    def start(self, lane: LaneState, call: Call, data: Any) -> None:  # bytes: that is how calls are bound for this one
        connection: Connection | None = lane.conn
        if connection is not None and connection.open and connection.origin is call.origin:
            connection.put(call, data)
            return
        connection = self._other(lane, connection, call.origin)
        if connection is not None:
            connection.put(call, data)
        else:
            self._connect(lane, call, data)

    def listen(self, lane: LaneState, chunk: Chunk) -> None:
        if lane.conn is not None and lane.conn.busy:
            lane.conn.listen_to(chunk)

    def cut(self, lane: LaneState, kind: str | None) -> None:
        if lane.conn is not None and lane.conn.busy:
            lane.conn.cut(kind)

    def cancel(self, lane: LaneState) -> None:
        if lane.conn is not None and lane.conn.busy:
            lane.conn.close()

    def release(self, lane: LaneState) -> None:
        for connection in (lane.conn, *(lane.conns or {}).values()):
            if connection is not None:
                connection.close()
        lane.conn = lane.conns = None

    # what connections need

    def target(self, origin: Origin) -> tuple[int, Any]:
        """Address family and socket address. Raises gaierror if the address is no numeric one: nobody is asked."""
        target = self._targets.get(origin)
        if target is None:
            flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
            family, _, _, _, address = socket.getaddrinfo(
                origin.address, origin.port, type=socket.SOCK_STREAM, flags=flags
            )[0]
            self._targets[origin] = target = (family, address)
        return target

    def watch(self, connection: Connection, events: int) -> None:
        self.connections[connection.fd] = connection
        self.epoll.register(connection.fd, events)

    def forget(self, connection: Connection) -> None:
        if self.connections.get(connection.fd) is connection:  # the number may already be a newer connection's
            del self.connections[connection.fd]
            self.epoll.unregister(connection.fd)

    def send_again(self, dead: Connection, call: Call) -> None:
        self.sent_again += 1
        on_part = dead.on_part
        connection = self._connect(dead.lane, call, dead.wire, dead.deadline)
        if on_part is not None:
            connection.listen(on_part)

    def slept_ns(self, now_ns: int) -> int:
        """For how long the loop has stood still by now, at the longest: of a sleeper nobody knows when it fell asleep,
        but that was after the sweep before. 0: it is awake.
        """
        behind = self.behind_ns(now_ns)
        return behind + _SWEEP_NS if behind > _STOOD_STILL_NS else 0

    def _other(self, lane: LaneState, connection: Connection | None, origin: Origin) -> Connection | None:
        """The lane's open connection to an origin that is not the one used last; None if there is none."""
        if connection is None or connection.origin == origin:
            return connection if connection is not None and connection.open else None
        if lane.conns is None:
            lane.conns = {connection.origin: connection}
        connection.left = lane.outcome.last
        other: Connection | None = lane.conns.get(origin)
        if other is None or not other.open:
            return None
        lane.conn = other
        lane.outcome.last = other.left
        return other

    @property
    def tls(self) -> ssl.SSLContext:
        """The one context of all connections; made when the first needs one, if none was given."""
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls

    def _connect(self, lane: LaneState, call: Call, data: bytes | Streamed, deadline: int = 0) -> Connection:
        self.connects += 1
        kind = SecureConnection if call.origin.tls else Connection
        lane.conn = connection = kind(self, lane, call.origin)
        if lane.conns is not None:
            lane.conns[call.origin] = connection
        connection.connect(call, data, deadline)
        return connection

    # the two phases

    def ready(self) -> None:
        answers, broken, writable = self._read()
        for at in range(0, len(answers), _HANDFUL):
            self._go_on(answers[at : at + _HANDFUL])
        for connection, why in broken:
            if connection.open:  # else a lane that went on has closed it
                self._driver.call(connection.fail_with, why)
        for connection in writable:
            if connection.open:
                self._driver.call(_write, connection)

    def _go_on(self, answers: _Answers) -> None:
        """Lanes get their answers; then what they ask for next is sent."""
        outbox: list[Connection] = []
        self.outbox = outbox
        for connection, data in answers:
            if connection.open:  # else an event before this one in the batch has closed it
                try:
                    connection.received(data)
                except Exception as error:  # noqa: BLE001 - a bug is told at once; the other answers count all the same
                    self._driver.crashed(error)
        self.outbox = None
        for connection in outbox:
            if connection.open:
                try:
                    connection.push()
                except Exception as error:  # noqa: BLE001 - as above
                    self._driver.crashed(error)

    def _read(self) -> tuple[_Answers, list[tuple[Connection, OSError]], list[Connection]]:
        """What was read (empty: the peer has closed), why it could not be, and who can write."""
        answers: _Answers = []
        broken: list[tuple[Connection, OSError]] = []
        writable: list[Connection] = []
        connections = self.connections
        for fd, events in self.epoll.poll(0, _BATCH):
            connection = connections[fd]  # nothing closes another connection in this phase
            if events != _READABLE:
                if events & _WRITABLE or not connection.connected:
                    writable.append(connection)
                if events == _WRITABLE or not connection.connected:
                    continue
            recv = connection.recv
            try:
                data = recv(_ANSWER_BYTES if connection.pieces is None else _PIECE_BYTES)
                now = monotonic_ns()
            except BlockingIOError:
                writable.append(connection)  # what is to be done before all is connected; else that is nothing
                continue
            except OSError as error:
                _broke(connection, error, broken)
                continue
            if not connection.busy:
                self.unsolicited += bool(data)
                connection.close()
                continue
            outcome = connection.outcome
            if outcome.first:
                outcome.last = now
            elif data:  # else `last` stays that of the answer before: how long the connection was idle
                outcome.first = outcome.last = now
            answers.append((connection, data))
        return answers, broken, writable

    def sweep(self, _: None) -> None:
        now = monotonic_ns()
        behind = self.behind_ns(now)
        self._driver.call_at(now + _SWEEP_NS, self.sweep, None)
        stood_still = behind > _STOOD_STILL_NS
        late = [c for c in self.connections.values() if c.busy and c.deadline <= now]
        if late:
            for _batch in range(len(self.connections) // _BATCH + 1):
                self.ready()
        if stood_still:
            self._give_back(behind if self._swept_late else behind + _SWEEP_NS, now - behind)
        self._swept_late = stood_still
        for connection in late:
            if connection.busy and connection.deadline <= now:
                try:
                    connection.fail("timeout")
                except Exception as error:  # noqa: BLE001 - as in `ready`
                    self._driver.crashed(error)

    def _give_back(self, ns: int, since_ns: int) -> None:
        """To requests that were under way then. The whole sweep before is given back only once in a row, so that even
        where the loop is late all the time, time-outs come.
        """
        for connection in self.connections.values():
            if connection.busy and connection.outcome.sent <= since_ns:
                connection.deadline += ns

    def close(self) -> None:
        for connection in list(self.connections.values()):
            connection.close()
        self.epoll.close()


def _broke(connection: Connection, error: OSError, broken: list[tuple[Connection, OSError]]) -> None:
    """Of an idle one nobody hears; one that awaits an answer fails in the second phase."""
    if connection.busy:
        broken.append((connection, error))
    else:
        connection.close()


def _write(connection: Connection) -> None:
    connection.writable()


class RealDriver:
    """Clock, timers and sockets on an asyncio loop, from its construction to `close`."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        tls: ssl.SSLContext | None = None,
        transport: Callable[["RealDriver"], Any] | None = None,
        *,
        by_the_clock: bool = False,
    ) -> None:
        """`transport`: makes another one than the reactor, which lives on the loop by itself. `by_the_clock`: what is
        due at planned instants is to be sent as punctually as the machine can.
        """
        self.loop = loop
        self.now_ns: Callable[[], int] = monotonic_ns
        self.first_errors: dict[str, str] = {}
        self.crash: Exception | None = None
        """The first exception that came out of a callback."""
        self.on_crash: Callable[[Exception], None] = self._report
        self._timers = SlotTimers(loop, self.crashed, FINE_NS if by_the_clock else COARSE_NS)
        if isinstance(loop, FineLoop):
            loop.is_fine = by_the_clock
        self.call_at = self._timers.call_at
        self.drain_lateness = self._timers.drain_lateness
        self.behind_ns = self._timers.behind_ns
        self._closed = False
        self._collect: tuple[int, int, int] | None = None
        self._reactor: Reactor | None = None
        self.transport: Any
        if transport is not None:
            self.transport = transport(self)
            return
        self.transport = self._reactor = reactor = Reactor(self, tls)
        self._epoll_fd = reactor.epoll.fileno()
        loop.add_reader(self._epoll_fd, reactor.ready)
        reactor.sweep(None)

    @property
    def tick_ns(self) -> int:
        return self._timers.tick_ns

    def call_soon(self, fn: Callable[[A], None], arg: A) -> None:
        self.loop.call_soon(self.call, fn, arg)

    def settle(self) -> None:
        """After the warm-up: the collector never again looks at what lives now."""
        gc.collect()
        gc.freeze()
        if self._collect is None:
            self._collect = gc.get_threshold()
        gc.set_threshold(*_COLLECT)

    def close(self) -> None:
        """Close every connection; nothing is called back any more. Not from inside a callback."""
        self._closed = True
        self._timers.close()
        if self._reactor is not None:
            self.loop.remove_reader(self._epoll_fd)
            self._reactor.close()
        if self._collect is not None:
            gc.unfreeze()
            gc.set_threshold(*self._collect)
            self._collect = None

    def crashed(self, error: Exception) -> None:
        """Raises nothing, so that what is under way goes on."""
        if self.crash is None:
            self.crash = error
            try:
                self.on_crash(error)
            except Exception as another:  # noqa: BLE001 - who listens may be wrong, too
                self._report(another)

    def _report(self, error: Exception) -> None:
        self.loop.call_exception_handler({"message": "bug in a callback of the load path", "exception": error})

    def call(self, fn: Callable[[A], None], arg: A) -> None:
        """At once."""
        if self._closed:
            return
        try:
            fn(arg)
        except Exception as error:  # noqa: BLE001 - as in `Reactor.ready`
            self.crashed(error)
