"""httpx behind the same seam, for HTTP/2 and proxies, and to check our own sockets against.

One client per user, whose branches share it; one TLS context for all; nothing is read from the environment variables of
this process. What lies above the seam (cookies, redirects, unpacking, checks) is not httpx's business: it gets its
transport layer only. Costs about fifty times what the reactor costs, so it is chosen only where it is needed.

States of an exchange: connecting -> sent -> answered, each told by httpcore's trace. Rules:
1. An exchange ends in one callback, or, once cancelled, in none; never from inside `start`.
2. A keep-alive race is sent once more, as the reactor does it. Which of a user's connections a request took is not
   told: it was idle for as long as none of them brought anything.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
import httpx
from anyio.abc import TaskGroup

from perfspec.base.clock import MILLISECOND, SECOND, monotonic_ns
from perfspec.engine.connection import LONG_IDLE_NS, kind_of, reason
from perfspec.engine.driver import Chunk, LaneState
from perfspec.engine.http1 import KEPT_BYTES, MAX_BODY_BYTES, REDIRECTS, Head, TooLarge
from perfspec.engine.unsendable import note
from perfspec.steps.runtime import Call, Outcome, Streamed

if TYPE_CHECKING:
    from perfspec.engine.reactor import RealDriver

__all__ = ["HttpxTransport", "Way"]

_STOOD_STILL_NS = 50 * MILLISECOND
_SPARE_NS = 100 * MILLISECOND
"""As the reactor has it: see its sweep."""
_CLOSED = ("disconnected", "closed connection", "connection closed", "connectionclosed")
_LENGTHS = frozenset({b"content-length", b"transfer-encoding"})
_WITHOUT_BODY = frozenset({204, 304})
_NOBODY_THERE = frozenset({"refused", "unreachable", "dns"})
"""Kinds of whom we connect to."""
_SAYS_ALL = frozenset({"refused", "reset", "closed", "timeout"})


@dataclass(frozen=True, slots=True)
class Way:
    """How every client speaks."""

    tls: ssl.SSLContext | None = None
    http2: bool = False
    proxy: str | None = None


class _Client:
    """A user's connections."""

    def __init__(self, way: Way) -> None:
        several = None if not way.http2 else 1  # over HTTP/2 all branches of a user share a connection
        if way.http2:
            from perfspec.engine.http2 import farewells_are_heard  # noqa: PLC0415 - h2 is loaded where it is used

            farewells_are_heard()
        self.open = httpx.AsyncHTTPTransport(
            verify=way.tls or False,
            http1=not way.http2,
            http2=way.http2,
            trust_env=False,
            proxy=way.proxy,
            limits=httpx.Limits(max_connections=several, max_keepalive_connections=several, keepalive_expiry=None),
        )
        self.heard_ns = monotonic_ns()
        """When something came over any of them, or a new one was made."""


class _Exchange:
    """One request under way, and what httpcore tells about it."""

    def __init__(self, lane: LaneState, client: _Client, call: Call, data: bytes | Streamed) -> None:
        self.lane = lane
        self.client = client
        self.call = call
        self.data = data
        self.scope = anyio.CancelScope()
        self.chunk: Chunk | None = None
        self.head: Head | None = None
        self.is_over = False
        self.began = 0
        self.connected = self.is_sent = False
        self.idle_ns = 0
        """For how long nothing had come when it was sent."""
        self.deadline = lane.outcome.sent + call.timeout_ns

    async def trace(self, event: str, _info: dict[str, Any]) -> None:
        _, _, name = event.partition(".")
        outcome, now = self.lane.outcome, monotonic_ns()
        match name:
            case "connect_tcp.started" | "start_tls.started":
                self.began = now
            case "connect_tcp.complete":
                self.connected = True
                self.client.heard_ns = now
                self._timed("connect", now)
            case "start_tls.complete":
                self._timed("tls", now)
            case "connect_tcp.failed" | "start_tls.failed" if self.call.timer is not None:
                timer = "connect" if name.startswith("connect") else "tls"
                self.call.timer(timer).value(self.began, 0, "failed")
            case "send_request_headers.started":
                outcome.sent = now
                self.idle_ns = now - self.client.heard_ns
            case "send_request_headers.complete":
                self.is_sent = True
            case "receive_response_headers.complete":
                outcome.first = self.client.heard_ns = now

    def _timed(self, timer: str, now: int) -> None:
        if self.call.timer is not None and self.call.timer(timer).value(self.began, now - self.began):
            self.lane.outcome.missed = True


class _Body(httpx.AsyncByteStream):
    """Of a message, from its beginning each time: what a closing connection did not accept is sent over another."""

    def __init__(self, message: bytes | Streamed, begin: int) -> None:
        self._message = message
        self._begin = begin

    def __aiter__(self) -> AsyncIterator[bytes]:
        return _pieces(self._message, self._begin)


class HttpxTransport:
    """`lane.conn` is the lane's exchange; clients are kept by the lane of their user."""

    def __init__(self, driver: "RealDriver", group: TaskGroup, way: Way) -> None:
        self.driver = driver
        self.sent_again = 0
        self._group = group
        self._way = way
        self._clients: dict[int, _Client] = {}

    # the transport's contract

    def start(self, lane: LaneState, call: Call, data: bytes | Streamed) -> None:
        outcome = lane.outcome
        outcome.sent = now = monotonic_ns()
        outcome.due = outcome.due or now
        outcome.first = outcome.status = outcome.dropped = 0
        outcome.head, outcome.body, outcome.error = None, b"", None
        lane.conn = exchange = _Exchange(lane, self._client(lane), call, data)
        self._group.start_soon(self._carry_out, exchange)

    def listen(self, lane: LaneState, chunk: Chunk) -> None:
        if lane.conn is not None and not lane.conn.is_over:
            lane.conn.chunk = chunk

    def cut(self, lane: LaneState, kind: str | None) -> None:
        exchange: _Exchange | None = lane.conn
        if exchange is not None and not exchange.is_over:
            self.cancel(lane)
            outcome, head = lane.outcome, exchange.head
            outcome.error, outcome.last = kind, monotonic_ns()
            outcome.status, outcome.head = (head.status if head else 0), head
            lane.resume(outcome)

    def cancel(self, lane: LaneState) -> None:
        exchange: _Exchange | None = lane.conn
        if exchange is not None and not exchange.is_over:
            exchange.is_over = True
            exchange.scope.cancel()

    def release(self, lane: LaneState) -> None:
        client = self._clients.pop(id(lane), None)  # that of a whole user: its branches have none
        lane.conn = None
        if client is not None:
            self._group.start_soon(client.open.aclose)

    async def close_all(self) -> None:
        for client in self._clients.values():
            await client.open.aclose()
        self._clients.clear()

    # one exchange

    async def _carry_out(self, exchange: _Exchange) -> None:
        try:
            with exchange.scope:
                await self._in_time(exchange)
            if not exchange.is_over:
                exchange.is_over = True
                self._tell(exchange)
        except Exception as error:  # noqa: BLE001 - a bug is told at once; the other answers count all the same
            self.driver.crashed(error)

    async def _in_time(self, exchange: _Exchange) -> None:
        outcome = exchange.lane.outcome
        with anyio.CancelScope() as allowed, self._expiring(exchange, allowed):
            try:
                await self._attempt(exchange)
            except (httpx.HTTPError, httpx.InvalidURL, OSError, TooLarge) as error:
                kind, text = _failure(error)
                kind = "protocol" if kind == "unsendable" and exchange.is_sent else kind
                if self._way.proxy is not None and kind in _NOBODY_THERE:
                    kind, text = "proxy", f"{kind}: the proxy cannot be reached"
                if kind in ("closed", "reset") and not _is_of_stream(error) and self._may_send_again(exchange):
                    self.sent_again += 1
                    exchange.connected = True
                    try:
                        await self._attempt(exchange)
                    except (httpx.HTTPError, OSError, TooLarge) as again:
                        self._fail(exchange, *_failure(again))
                else:
                    self._fail(exchange, kind, text)
            if outcome.error is not None or outcome.last - self.driver.behind_ns(outcome.last) <= exchange.deadline:
                return
        head = exchange.head if exchange.chunk is not None else None  # a stream may have ended before
        outcome.error, outcome.last, outcome.status = "timeout", exchange.deadline, head.status if head else 0
        outcome.head, outcome.body, outcome.dropped = head, b"", 0

    @contextmanager
    def _expiring(self, exchange: _Exchange, allowed: anyio.CancelScope) -> Iterator[None]:
        """Until the deadline. If it passed while the loop stood still, what has come is read first: that takes a few
        turns of the loop, and what was under way may go on for as long as it could have. Once, so that time-outs come.
        """
        excused = False
        handle: asyncio.TimerHandle

        def expire() -> None:
            nonlocal handle, excused
            late_ns = monotonic_ns() - exchange.deadline
            if late_ns > _STOOD_STILL_NS and not excused:
                excused = True
                exchange.deadline += late_ns + _SPARE_NS
                handle = at_deadline()
            else:
                allowed.cancel()

        def at_deadline() -> asyncio.TimerHandle:
            return self.driver.loop.call_later((exchange.deadline - monotonic_ns()) / SECOND, expire)

        handle = at_deadline()
        try:
            yield
        finally:
            handle.cancel()

    def _may_send_again(self, exchange: _Exchange) -> bool:
        if exchange.connected or exchange.lane.outcome.first:
            return False
        return exchange.call.idempotent and exchange.idle_ns >= LONG_IDLE_NS

    async def _attempt(self, exchange: _Exchange) -> None:
        outcome, call = exchange.lane.outcome, exchange.call
        response = await exchange.client.open.handle_async_request(self._request(exchange))
        try:
            head = Head(response.status_code, _lower(response.headers.raw), 0, keep=True)
            exchange.head = head
            goes_on = call.follows and head.says_more and head.status in REDIRECTS
            chunk = None if goes_on else exchange.chunk
            outcome.body, outcome.dropped = await _read(response, call, outcome, chunk)
        finally:
            await response.aclose()
            if _ends_with_connection(response, call):
                await response.extensions["network_stream"].aclose()  # else httpcore goes on to use it
        outcome.last = exchange.client.heard_ns = monotonic_ns()
        outcome.status, outcome.head = response.status_code, head

    def _request(self, exchange: _Exchange) -> httpx.Request:
        data, origin = exchange.data, exchange.call.origin
        head = data if isinstance(data, bytes) else data.head
        end = head.find(b"\r\n\r\n")
        first, *lines = head[:end].split(b"\r\n")
        method, target, _ = first.split(b" ")
        headers = [(name, value.strip()) for name, _, value in (line.partition(b":") for line in lines)]
        host = origin.host if self._way.proxy is not None else origin.address  # a proxy looks names up itself
        url = httpx.URL(scheme="https" if origin.tls else "http", host=host, port=origin.port, raw_path=target)
        extensions: dict[str, Any] = {"trace": exchange.trace, "sni_hostname": origin.host}
        if self._way.proxy is None:
            extensions["target"] = target  # as it was rendered, byte for byte
        body = _Body(data, end + 4)
        return httpx.Request(method.decode(), url, headers=headers, stream=body, extensions=extensions)

    def _client(self, lane: LaneState) -> _Client:
        while lane.parent is not None:
            lane = lane.parent
        client = self._clients.get(id(lane))
        if client is None:
            client = self._clients[id(lane)] = _Client(self._way)
        return client

    def _fail(self, exchange: _Exchange, kind: str, text: str) -> None:
        outcome = exchange.lane.outcome
        outcome.error, outcome.status, outcome.last = kind, 0, monotonic_ns()
        outcome.head, outcome.body, outcome.dropped = None, b"", 0
        if text and kind not in _SAYS_ALL:
            note(self.driver.first_errors, kind, exchange.call, text)

    def _tell(self, exchange: _Exchange) -> None:
        lane = exchange.lane
        if lane.outcome.error is None:
            lane.answered(lane.outcome, exchange.data)
        else:
            lane.resume(lane.outcome)


def _ends_with_connection(response: httpx.Response, call: Call) -> bool:
    """Is the end of the connection all that says where the body ends?"""
    if response.extensions["http_version"] == b"HTTP/2" or call.no_body or response.status_code in _WITHOUT_BODY:
        return False
    return not any(name.lower() in _LENGTHS for name, _ in response.headers.raw)


def _lower(headers: list[tuple[bytes, bytes]]) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((name.lower(), value) for name, value in headers)


async def _read(response: httpx.Response, call: Call, outcome: Outcome, chunk: Chunk | None) -> tuple[bytes, int]:
    """The body as it came, and how much of it was not kept. Raises TooLarge."""
    assert isinstance(response.stream, httpx.AsyncByteStream)
    kept: list[bytes] = []
    size = dropped = 0
    async for part in response.stream:
        if chunk is not None:
            outcome.last = monotonic_ns()
            chunk(part, outcome.last)
        elif size >= KEPT_BYTES and not call.whole:
            dropped += len(part)
        else:
            size += len(part)
            if size > MAX_BODY_BYTES and call.whole:
                raise TooLarge
            kept.append(part)
    return b"".join(kept), dropped


async def _pieces(data: bytes | Streamed, begin: int) -> AsyncIterator[bytes]:
    if isinstance(data, bytes):
        if len(data) > begin:
            yield data[begin:]
        return
    pieces = data.pieces()
    next(pieces)
    for piece in pieces:
        yield piece


def _is_of_stream(error: Exception) -> bool:
    """Was one answer broken off, over HTTP/2, and its connection is well?"""
    return isinstance(error, httpx.RemoteProtocolError) and "StreamReset" in str(error)


def _failure(error: Exception) -> tuple[str, str]:
    """Kind and text of an exception; httpx wraps what really happened several times."""
    if isinstance(error, TooLarge):
        return "too large", str(error)
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return "tls", reason(cause)
        if isinstance(cause, OSError) and (cause.errno or kind_of(cause) == "dns"):
            return kind_of(cause), reason(cause)
        cause = cause.__cause__ or cause.__context__
    text = str(error)
    if _is_of_stream(error):
        return "reset", text
    if isinstance(error, httpx.ProxyError):
        return "proxy", text
    if isinstance(error, httpx.LocalProtocolError | httpx.InvalidURL | httpx.UnsupportedProtocol):
        return "unsendable", text
    if isinstance(error, httpx.RemoteProtocolError) and not any(words in text.lower() for words in _CLOSED):
        return "protocol", text
    was_open = isinstance(error, httpx.RemoteProtocolError | httpx.ReadError | httpx.WriteError)
    return "closed" if was_open else "unreachable", text
