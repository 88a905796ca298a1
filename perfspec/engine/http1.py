"""HTTP/1.1 answers on one keep-alive connection: framing without I/O. One answer is awaited at a time, no pipelining.

States: idle (`busy` false) -> awaited (`busy`, set by the sender) -> in pieces (a part has come) -> idle. Rules:
1. `feed` and `eof` raise ProtocolError and nothing else, whatever the bytes; how they are split never matters.
2. What is not asked for is an error: data while idle, data after a complete answer.
3. A head is a pure function of its bytes, and servers repeat heads byte for byte (Date changes once a second). So each
   distinct head is parsed by llhttp in its strict mode, and kept from its second time on, in a bounded cache that is
   cleared whole: of heads with an id of their own, keeping each would make parsing a tenth dearer (decision 082).
   A whole answer in one read then costs a split and a dict hit (`Connection.received`).
4. Whether a body follows also depends on the request (HEAD), so that is not part of the cached head.
"""

import re
from collections.abc import Callable

import httptools

__all__ = [
    "EMPTY_LINE",
    "KEPT_BYTES",
    "MAX_BODY_BYTES",
    "MAX_HEAD_BYTES",
    "Head",
    "Http1",
    "ProtocolError",
    "TooLarge",
    "known_head",
    "parse_head",
]

MAX_HEAD_BYTES = 64 * 1024
MAX_BODY_BYTES = 16 * 1024 * 1024
"""A larger body cannot be kept whole."""
KEPT_BYTES = 64 * 1024
"""What is kept of a body that nothing reads, once it turns out to be larger than one read."""

REDIRECTS = frozenset({301, 302, 303, 307, 308})

_CHUNKED, _UNTIL_EOF, _NOT_PLAIN = -1, -2, -3
_CACHED_HEADS = 1024
_CACHED_HEAD_BYTES = 4096
_VERSION = b"HTTP/1."
EMPTY_LINE = b"\r\n\r\n"
"""With the end of the line before it."""
_BARE = re.compile(rb"(?<!\r)\n")
_MOST_IDLE = MAX_HEAD_BYTES
"""Of a chunked body, bytes that bring nothing of it: trailers, which llhttp keeps, and extensions."""
_TAIL = 5
"""The end of a chunked answer is an empty line after a line that is not empty: what must be seen of it."""


class ProtocolError(Exception):
    """The peer broke HTTP, or one of the limits above. The connection cannot be used any longer."""


class TooLarge(ProtocolError):
    """More than may be kept."""

    def __init__(self) -> None:
        super().__init__(f"answer too large: at most {MAX_BODY_BYTES >> 20} MiB are kept of one that is looked into")


class Head:
    """A response head as the outcome shows it. Shared between equal answers: read only."""

    __slots__ = ("coding", "headers", "keep", "length", "plain", "says_more", "status")

    def __init__(self, status: int, headers: tuple[tuple[bytes, bytes], ...], length: int, keep: bool) -> None:
        self.status = status
        self.headers = headers
        self.length = length
        """Bytes of the body, or one of the two negative framings."""
        self.keep = keep
        """The connection may be used again."""
        found = dict(headers)
        self.coding = found.get(b"content-encoding", b"").strip().lower()
        self.says_more = b"set-cookie" in found or (b"location" in found and status in REDIRECTS)
        """There is something to do before a program sees the answer: keep a cookie, go on to another place."""
        self.plain = length if keep and status >= 200 and not self.says_more else _NOT_PLAIN
        """Bytes of the body, if nothing but that has to be looked at; else no number of bytes."""


class _Sink:
    """What llhttp tells about one message."""

    __slots__ = ("begun", "done", "headed", "headers", "parts")

    def __init__(self) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.parts: list[bytes] = []
        self.begun = 0
        self.headed = self.done = False

    def on_message_begin(self) -> None:
        self.begun += 1

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self.headed = True

    def on_body(self, part: bytes) -> None:
        self.parts.append(part)

    def on_message_complete(self) -> None:
        self.done = True


def _advance(parser: httptools.HttpResponseParser, data: bytes) -> None:
    try:
        parser.feed_data(data)
    except httptools.HttpParserUpgrade:  # a 101: whoever sees the status decides
        pass
    except httptools.HttpParserError as error:
        raise ProtocolError(str(error)) from error


_cache: dict[bytes, Head] = {}
"""Heads without their empty line."""
_seen_once: set[int] = set()
"""Hashes of them."""
known_head = _cache.get
"""Of a head without its empty line; None if it has not been seen twice."""


def parse_head(raw: bytes) -> Head:
    """A head with its empty line. Remembers short ones that come again. Raises ProtocolError."""
    if not raw.startswith(_VERSION):  # llhttp also speaks RTSP and skips leading empty lines
        raise ProtocolError("not an HTTP/1 answer")
    if len(raw) > MAX_HEAD_BYTES:
        raise ProtocolError("head too long")
    sink = _Sink()
    parser = httptools.HttpResponseParser(sink)
    _advance(parser, raw)
    status = parser.get_status_code()
    if not sink.headed or status < 100:
        raise ProtocolError("malformed head")
    head = Head(status, tuple(sink.headers), _framing(status, sink.headers), _keeps(raw, status, sink.headers))
    if len(raw) <= _CACHED_HEAD_BYTES:
        _remember(raw.removesuffix(EMPTY_LINE), head)
    return head


def _remember(raw: bytes, head: Head) -> None:
    mark = hash(raw)
    known: dict[bytes, Head] | set[int] = _cache if mark in _seen_once else _seen_once
    if len(known) >= _CACHED_HEADS:
        known.clear()
    if known is _cache:
        _cache[raw] = head
    else:
        _seen_once.add(mark)


def _framing(status: int, headers: list[tuple[bytes, bytes]]) -> int:
    """How the body ends. llhttp has already refused malformed and contradictory lengths."""
    if status < 200 or status in (204, 304):
        return 0
    length = _UNTIL_EOF
    for name, value in headers:
        if name == b"content-length":
            length = int(value)
        elif name == b"transfer-encoding":
            length = _CHUNKED if value.rstrip().lower().endswith(b"chunked") else _UNTIL_EOF
    return length


def _keeps(raw: bytes, status: int, headers: list[tuple[bytes, bytes]]) -> bool:
    options = b",".join(value.lower() for name, value in headers if name == b"connection")
    old = raw[len(_VERSION) : len(_VERSION) + 1] == b"0"
    return status != 101 and (b"keep-alive" in options if old else b"close" not in options)


class Http1:
    """The receiving side of one connection.

    The sender sets `busy` and `no_body` when it sends; `feed` and `eof` return the head of the answer that they
    completed, whose body then stands in `body`.
    """

    __slots__ = (
        "_end", "_head", "_idle", "_sink", "_size", "_tail", "body", "busy", "dropped", "no_body", "on_part", "pieces",
        "whole",
    )  # fmt: skip

    def __init__(self) -> None:
        self.busy = False
        self.no_body = False
        self.body = b""
        self.whole = True
        """All of a body is wanted; else its beginning is enough."""
        self.dropped = 0
        """Bytes of the last body that were not kept."""
        self.on_part: Callable[[bytes], None] | None = None
        self.pieces: list[bytes] | None = None
        """What has come of the awaited answer and is not handed out yet; None: nothing has come."""
        self._head: Head | None = None
        self._end = 0  # how this answer's body ends: bytes still to come, or a negative framing
        self._size = 0  # bytes of the body so far
        self._tail = b""
        self._idle = 0
        self._sink: tuple[httptools.HttpResponseParser, _Sink] | None = None

    @property
    def head(self) -> Head | None:
        """The final head of an answer whose body is not yet complete."""
        return self._head

    def listen(self, on_part: Callable[[bytes], None]) -> None:
        """Hand out the body of the next answer part by part instead of keeping it."""
        self.on_part = on_part
        self.pieces = []  # no fast path for this answer: it looks at nothing but this

    def feed(self, data: bytes) -> Head | None:
        """The head of the answer that these bytes complete, None if more is to come. Raises ProtocolError."""
        if not self.busy:
            raise ProtocolError("data that no request asked for")
        if self._head is None:
            rest = self._find_head(data)
            if rest is None:
                return None
            data = rest
        if self._end == _CHUNKED:
            return self._chunked(data)
        if self._end != _UNTIL_EOF:
            self._end -= len(data)
            if self._end < 0:
                raise ProtocolError("data after the answer")
        if data:
            self._keep(data)
        return self._complete() if self._end == 0 else None

    def eof(self) -> Head | None:
        """The peer has closed. Completes a body that lasts until then; raises ProtocolError if an answer is cut."""
        if not self.busy:
            return None
        if self._head is None or self._end != _UNTIL_EOF:
            raise ProtocolError("connection closed before the whole answer came")
        return self._complete()

    def _find_head(self, data: bytes) -> bytes | None:
        """What follows the final head, None if that is not complete yet. Skips interim answers (1xx)."""
        if self.pieces:
            data = self.pieces[0] + data
        while EMPTY_LINE in data:
            raw, end, data = data.partition(EMPTY_LINE)
            head = known_head(raw) or parse_head(raw + end)
            if head.status >= 200 or head.status == 101:
                self._begin_body(raw + end, head)
                return data
        if len(data) > MAX_HEAD_BYTES:
            raise ProtocolError("head too long")
        if not data.startswith(_VERSION[: len(data)]):
            raise ProtocolError("not an HTTP/1 answer")
        if b"\n" in data and _BARE.search(data):
            raise ProtocolError("a line of the head ends in a bare line feed")
        self.pieces = [data]
        return None

    def _begin_body(self, raw: bytes, head: Head) -> None:
        end = 0 if self.no_body else head.length
        if end > MAX_BODY_BYTES and self.whole and self.on_part is None:
            raise TooLarge
        self._head, self._end, self.pieces, self._size, self.dropped = head, end, [], 0, 0
        if end == _CHUNKED:  # llhttp decodes chunks, extensions and trailers, and wants to see the head for it
            sink = _Sink()
            parser = httptools.HttpResponseParser(sink)
            _advance(parser, raw)
            self._sink, self._tail, self._idle = (parser, sink), b"", 0

    def _chunked(self, data: bytes) -> Head | None:
        assert self._sink is not None
        parser, sink = self._sink
        _advance(parser, data)
        self._idle = 0 if sink.parts else self._idle + len(data)
        if self._idle > _MOST_IDLE and not sink.done:
            raise ProtocolError("trailers too long")
        for part in sink.parts:  # not from inside llhttp, which turns every exception into its own
            self._keep(part)
        sink.parts.clear()
        self._tail = (self._tail + data[-_TAIL:])[-_TAIL:]
        if not sink.done:
            return None
        # llhttp would begin the next answer, and it skips empty lines in front of that without a word
        if sink.begun > 1 or self._tail[:1] in b"\r\n" or self._tail[1:] != b"\r\n\r\n":
            raise ProtocolError("data after the answer")
        return self._complete()

    def _keep(self, part: bytes) -> None:
        if self.on_part is not None:
            self.on_part(part)
            return
        if self._size >= KEPT_BYTES and not self.whole:
            self.dropped += len(part)
            return
        self._size += len(part)
        if self._size > MAX_BODY_BYTES and self.whole:
            raise TooLarge
        assert self.pieces is not None
        self.pieces.append(part)

    def _complete(self) -> Head | None:
        head, parts = self._head, self.pieces
        self.body = b"".join(parts or ())
        self._head = self.pieces = self._sink = self.on_part = None
        self.busy = False
        return head
