"""However an answer is cut into reads, it means the same; whatever the bytes, only ProtocolError comes out."""

from dataclasses import dataclass, field

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from perfspec.engine import http1
from perfspec.engine.http1 import Head, Http1, ProtocolError, parse_head


@dataclass(frozen=True)
class Row:
    says: str
    data: bytes
    status: int
    body: bytes
    keep: bool = True
    no_body: bool = False
    until_eof: bool = False
    headers: dict[bytes, bytes] = field(default_factory=dict)


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
GOOD = [
    Row("a length", OK + b"Content-Length: 5\r\nX-A: b\r\n\r\nhello", 200, b"hello", headers={b"x-a": b"b"}),
    Row("a length of nothing", OK + b"Content-Length: 0\r\n\r\n", 200, b""),
    Row("a body that looks like a head", OK + b"Content-Length: 8\r\n\r\na\r\n\r\nb\r\n", 200, b"a\r\n\r\nb\r\n"),
    Row("chunks", CHUNKED + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", 200, b"abcde"),
    Row("no chunk but the last", CHUNKED + b"0\r\n\r\n", 200, b""),
    Row("extensions and trailers", CHUNKED + b"3;a=b\r\nabc\r\n0\r\nX-T: 1\r\n\r\n", 200, b"abc"),
    Row("a chunk that ends in empty lines", CHUNKED + b"8\r\n\r\n\r\n\r\n\r\n\r\n0\r\n\r\n", 200, b"\r\n" * 4),
    Row("gzip in chunks", OK + b"Transfer-Encoding: gzip, Chunked\r\n\r\n1\r\nz\r\n0\r\n\r\n", 200, b"z"),
    Row("until the end", OK + b"X: y\r\n\r\nall of it", 200, b"all of it", until_eof=True),
    Row("nothing until the end", OK + b"\r\n", 200, b"", until_eof=True),
    Row("HEAD with a length", OK + b"Content-Length: 5\r\n\r\n", 200, b"", no_body=True),
    Row("HEAD with chunks", CHUNKED, 200, b"", no_body=True),
    Row("HEAD with neither", OK + b"\r\n", 200, b"", no_body=True),
    Row("204", b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
    Row("204 that says chunked", b"HTTP/1.1 204 -\r\nTransfer-Encoding: chunked\r\n\r\n", 204, b""),
    Row("304 with the length of what it stands for", b"HTTP/1.1 304 -\r\nContent-Length: 9\r\n\r\n", 304, b""),
    Row("an interim answer", b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 1\r\n\r\nx", 200, b"x"),
    Row("two of them", b"HTTP/1.1 103 -\r\nLink: a\r\n\r\nHTTP/1.1 100 -\r\n\r\n" + CHUNKED + b"0\r\n\r\n", 200, b""),
    Row("101 is an answer", b"HTTP/1.1 101 -\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", 101, b"", keep=False),
    Row("close", OK + b"Connection: close\r\nContent-Length: 1\r\n\r\nx", 200, b"x", keep=False),
    Row("1.0 closes", b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", 200, b"x", keep=False),
    Row("1.0 may keep", b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\nx", 200, b"x"),
    Row("no reason phrase", b"HTTP/1.1 500\r\nContent-Length: 0\r\n\r\n", 500, b""),
]
BAD = {
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n",
    "a protocol that llhttp knows": b"RTSP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/2 in text": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "an empty line first": b"\r\n\r\n" + OK + b"Content-Length: 0\r\n\r\n",
    "a status below 100": b"HTTP/1.1 099 x\r\nContent-Length: 0\r\n\r\n",
    "a status of four digits": b"HTTP/1.1 2000 x\r\nContent-Length: 0\r\n\r\n",
    "a bare line feed": b"HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n",
    "nothing but bare line feeds": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "a bare line feed in a head that is not whole": OK + b"X: a\nY: b",
    "two lengths": OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
    "a length and chunks": OK + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a length that is none": OK + b"Content-Length: +1\r\n\r\nx",
    "a folded header": OK + b"X: a\r\n b\r\nContent-Length: 0\r\n\r\n",
    "a chunk size that is none": CHUNKED + b"xyz\r\nabc\r\n0\r\n\r\n",
    "a chunk longer than it says": CHUNKED + b"2\r\nabc\r\n0\r\n\r\n",
    "a head that never ends": OK + b"X: " + b"a" * http1.MAX_HEAD_BYTES,
    "a head that is too long": OK + b"X: " + b"a" * http1.MAX_HEAD_BYTES + b"\r\n\r\n",
    "more than the cap": OK + b"Content-Length: %d\r\n\r\n" % (http1.MAX_BODY_BYTES + 1),
}


def awaiting(no_body: bool = False) -> Http1:
    connection = Http1()
    connection.busy = True
    connection.no_body = no_body
    return connection


def feed_all(*reads: bytes) -> None:
    connection = awaiting()
    for read in reads:
        connection.feed(read)


def answer(connection: Http1, reads: list[bytes], until_eof: bool) -> Head:
    heads = [connection.feed(read) for read in reads if read]
    assert all(head is None for head in heads[:-1])
    assert connection.busy == (heads[-1] is None)
    if until_eof:
        heads.append(connection.eof())
    head = heads[-1]
    assert head is not None
    return head


@pytest.mark.parametrize("row", GOOD, ids=lambda row: row.says)
def test_every_split_of_every_framing_parses_alike(row: Row) -> None:
    end = len(row.data)
    splits = [[row.data], [bytes([byte]) for byte in row.data]]
    splits += [[row.data[:at], row.data[at:]] for at in range(1, end)]
    splits += [[row.data[:at], row.data[at : at + 3], row.data[at + 3 :]] for at in range(1, end)]
    connection = awaiting()
    for reads in splits:
        connection.busy, connection.no_body = True, row.no_body  # one connection for all: nothing is left behind
        head = answer(connection, reads, row.until_eof)
        assert (head.status, connection.body, head.keep) == (row.status, row.body, row.keep)
        assert row.headers.items() <= dict(head.headers).items()
        assert not connection.busy
        assert connection.head is None
        assert connection.pieces is None


@pytest.mark.parametrize("row", GOOD, ids=lambda row: row.says)
def test_a_cut_answer_is_an_error_at_every_point(row: Row) -> None:
    for at in range(1, len(row.data)):
        connection = awaiting(row.no_body)
        assert connection.feed(row.data[:at]) is None
        if row.until_eof and b"\r\n\r\n" in row.data[:at]:
            assert connection.eof() is not None
        else:
            with pytest.raises(ProtocolError):
                connection.eof()


@pytest.mark.parametrize("more", [b"x", b"\r\n", b"\r", b"\n", b"\r\n\r\n", OK, b"0\r\n\r\n"])
@pytest.mark.parametrize("row", [row for row in GOOD if not row.until_eof], ids=lambda row: row.says)
def test_data_after_a_complete_answer_is_an_error_in_the_same_read_or_the_next(row: Row, more: bytes) -> None:
    with pytest.raises(ProtocolError):
        awaiting(row.no_body).feed(row.data + more)
    for at in range(1, len(row.data)):
        connection = awaiting(row.no_body)
        connection.feed(row.data[:at])
        with pytest.raises(ProtocolError):
            connection.feed(row.data[at:] + more)
    connection = awaiting(row.no_body)
    connection.feed(row.data)
    with pytest.raises(ProtocolError):
        connection.feed(more)


@pytest.mark.parametrize("data", BAD.values(), ids=BAD.keys())
def test_what_is_no_answer_is_refused_however_it_comes(data: bytes) -> None:
    step = max(1, len(data) // 200)
    for at in range(1, len(data), step):
        with pytest.raises(ProtocolError):
            feed_all(data[:at], data[at:])
    with pytest.raises(ProtocolError):
        feed_all(data)


def test_another_protocol_is_known_by_its_first_byte() -> None:
    with pytest.raises(ProtocolError, match="not an HTTP/1 answer"):
        awaiting().feed(b"S")


@pytest.mark.parametrize("framing", [b"Connection: close\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n"])
def test_a_body_without_a_stated_length_is_capped_as_it_grows(monkeypatch: pytest.MonkeyPatch, framing: bytes) -> None:
    monkeypatch.setattr(http1, "MAX_BODY_BYTES", 11)
    connection = awaiting()
    connection.feed(OK + framing)
    piece = b"6\r\nabcdef\r\n"
    connection.feed(piece)
    with pytest.raises(ProtocolError, match="answer too large"):
        connection.feed(piece)


def test_a_streamed_body_is_handed_out_and_neither_kept_nor_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http1, "MAX_BODY_BYTES", 4)
    connection = awaiting()
    for data, parts in (
        (OK + b"Content-Length: 6\r\n\r\nabcdef", [b"abcdef"]),
        (CHUNKED + b"3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n", [b"abc", b"def"]),
    ):
        for reads, expected in (([data], parts), ([data[:30], data[30:]], parts)):
            got: list[bytes] = []
            connection.busy = True
            connection.listen(got.append)
            assert answer(connection, reads, until_eof=False).status == 200
            assert (got, connection.body) == (expected, b"")
    connection.busy = True
    connection.feed(OK + b"Content-Length: 2\r\n\r\nno")
    assert connection.body == b"no"  # the listener was for one answer


def test_a_bug_in_a_listener_comes_out_as_it_is() -> None:
    def bug(_: bytes) -> None:
        raise ZeroDivisionError

    connection = awaiting()
    connection.listen(bug)
    with pytest.raises(ZeroDivisionError):
        connection.feed(CHUNKED + b"1\r\nx\r\n0\r\n\r\n")


def test_the_end_of_an_idle_connection_is_no_error() -> None:
    assert Http1().eof() is None


def test_equal_heads_are_one_object_from_the_second_on() -> None:
    raw = OK + b"X-Same: 1\r\n\r\n"
    first, second = parse_head(raw), parse_head(raw)
    one, two = awaiting(no_body=True), awaiting(no_body=True)
    assert one.feed(raw) is two.feed(raw) is second is not first


def test_heads_that_never_come_again_are_not_kept_and_put_out_none_that_do() -> None:
    http1._cache.clear()
    same = OK + b"X-Same: 2\r\n\r\n"
    for number in range(3000):
        if number % 10 == 0:
            parse_head(same)
        parse_head(OK + b"X-Id: %d\r\n\r\n" % number)
        assert len(http1._seen_once) <= 1024
    assert list(http1._cache) == [same.removesuffix(b"\r\n\r\n")]


def test_what_is_kept_of_heads_is_bounded() -> None:
    for number in range(3000):
        for _ in range(2):
            parse_head(OK + b"X-Twice: %d\r\n\r\n" % number)
        assert len(http1._cache) <= 1024
    size = len(http1._cache)
    for _ in range(3):
        parse_head(OK + b"X-Long: " + b"a" * 5000 + b"\r\n\r\n")
    assert len(http1._cache) == size


heads = st.sampled_from([row.data for row in GOOD] + [data[:2000] for data in BAD.values()])
noise = st.one_of(st.binary(max_size=60), st.sampled_from([b"\r\n", b"\r\n\r\n", b"0\r\n\r\n", b"HTTP/1.1 200 OK\r\n"]))
reads_of_anything = st.lists(st.one_of(noise, heads), max_size=6)


@given(reads=reads_of_anything, no_body=st.booleans(), at=st.integers(0, 200), byte=st.integers(0, 255))
@example(reads=[b"\r\n\r\n"], no_body=False, at=0, byte=0)
def test_whatever_comes_only_protocol_errors_go_out(reads: list[bytes], no_body: bool, at: int, byte: int) -> None:
    data = bytearray(b"".join(reads))
    if at < len(data):
        data[at] = byte  # a good answer with one byte changed goes deeper than pure noise
    for pieces in ([bytes(data)], reads, [bytes(data[:at]), bytes(data[at:])]):
        connection = awaiting(no_body)
        try:
            for piece in pieces:
                if piece:
                    connection.feed(piece)
            connection.eof()
        except ProtocolError:
            pass


@given(data=st.one_of(heads, st.binary(max_size=200)), at=st.integers(0, 300), byte=st.integers(0, 255), cut=st.data())
def test_a_split_never_changes_the_result(data: bytes, at: int, byte: int, cut: st.DataObject) -> None:
    changed = bytearray(data)
    if at < len(changed):
        changed[at] = byte

    def result(pieces: list[bytes]) -> tuple[int, bytes] | str:
        connection = awaiting()
        head = None
        try:
            for piece in pieces:
                head = connection.feed(piece) if piece else head
            head = connection.eof() or head
        except ProtocolError:
            return "error"
        assert head is not None
        return head.status, connection.body

    whole = bytes(changed)
    if whole:
        split = cut.draw(st.integers(0, len(whole)))
        assert result([whole]) == result([whole[:split], whole[split:]]) == result([bytes([b]) for b in whole])
