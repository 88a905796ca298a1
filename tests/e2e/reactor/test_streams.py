"""Streams over real sockets: however a service sends them, breaks them off or falls silent, and what is made of it."""

import asyncio

import pytest

from perfspec.base.clock import MILLISECOND as MS
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Source
from perfspec.engine.binding import Binder
from perfspec.language.compose import compose
from perfspec.metrics import histogram
from perfspec.metrics.rows import Row
from perfspec.metrics.series import Registry
from perfspec.steps import bind, read_steps
from perfspec.steps.reading import Reading

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
UNTIL_CLOSED = HEAD + b"Connection: close\r\n\r\n"
END = b"0\r\n\r\n"
ROLE = b'data: {"choices":[{"delta":{"role":"assistant"}}]}\n\n'
DONE = b"data: [DONE]\n\n"
STREAM = """
post: /v1/generate
name: chat
json: {stream: true}
stream: {ends_with: "[DONE]", silence: 400ms}
expect: {status: 200, events: at least 2}
timeout: 5s
"""


def token(text: str) -> bytes:
    return f'data: {{"choices":[{{"delta":{{"content":"{text}"}}}}]}}\n\n'.encode()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@pytest.fixture
def streamed(site):
    """Run the stream so many times against the parts that a service sends: bytes, or seconds to wait for."""

    def run(*parts: bytes | float, times: int = 1, stays: bool = False, step: str = STREAM) -> dict[str, Row]:
        async def script(peer) -> None:
            while True:
                site.requests.append(await peer.request())
                for part in parts:
                    if isinstance(part, bytes):
                        await peer.send(part)
                    else:
                        await asyncio.sleep(part)
                if not stays:
                    return

        origin = site.serve(script)
        out = Diagnostics()
        node = compose(Source("s.yaml", "- " + "\n  ".join(step.strip().splitlines())), out)
        (stream,) = read_steps(node, "flows.chat", Reading(out, lambda *_: (), 1))
        assert out.sorted() == []
        registry = Registry(site.driver.now_ns(), {})
        program = bind(stream, Binder(f"http://127.0.0.1:{origin.port}", origin, {}, registry, "load"))

        def repeated(lane):
            for _ in range(times):
                yield from program(lane)

        site.run(repeated)
        rows: dict[str, Row] = {}
        for piece in registry.drain():
            rows.setdefault(piece.key.timer, Row()).add(piece)
        return rows

    return run


def fastest(row: Row) -> float:
    return histogram.lowest(min(row.response)) * 1000 / MS


def slowest(row: Row) -> float:
    return histogram.highest(max(row.response)) * 1000 / MS


def test_the_chunk_that_only_opens_is_not_the_first_token_and_the_connection_is_used_again(site, streamed) -> None:
    rows = streamed(
        CHUNKED + chunk(ROLE), 0.1, chunk(token("a")), 0.05, chunk(token("b") + DONE), END, times=2, stays=True
    )
    assert rows[""].errors == {}
    assert rows[""].n == 2
    assert fastest(rows["first_event"]) >= 99
    assert fastest(rows["event_gap"]) >= 49
    assert rows["event_gap"].n == 2
    assert rows["events"].response == {histogram.index(2000): 2}
    assert slowest(rows["first_event"]) < fastest(rows[""])
    assert site.accepted == 1


def test_events_may_be_split_anywhere_by_any_framing(streamed) -> None:
    stream = ROLE + token("a") + token("b").replace(b"\n", b"\r\n") + DONE
    pieces = [part for at in range(0, len(stream), 7) for part in (stream[at : at + 7], 0.001)]
    rows = streamed(UNTIL_CLOSED, *pieces)
    assert rows[""].errors == {}
    assert rows["events"].response == {histogram.index(2000): 1}


def test_whole_stream_in_one_piece_with_its_head(streamed) -> None:
    body = token("a") + token("b") + DONE
    rows = streamed(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    assert (rows[""].errors, rows["event_gap"].response) == ({}, {0: 1})


@pytest.mark.parametrize(
    ("parts", "kind"),
    [
        ((CHUNKED, chunk(token("a")), 1.0), "silence"),
        ((0.6,), "silence"),
        ((CHUNKED + chunk(token("a")),), "cut off"),
        ((CHUNKED + chunk(token("a")) + b"ff\r\ndata: hal",), "cut off"),
        ((CHUNKED + chunk(token("a")) + END,), "cut off"),
        ((UNTIL_CLOSED + token("a") + token("b"),), "cut off"),
        ((CHUNKED + chunk(token("a")) + b"zz\r\n",), "protocol"),
        ((b'HTTP/1.1 429 Too Many Requests\r\nContent-Length: 13\r\n\r\n{"error": {}}',), "status 429"),
        ((b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",), "no stream"),
        ((CHUNKED + chunk(token("a") + DONE) + END,), "check s.yaml:5 events at least 2"),
        ((), "closed"),
        ((b"nonsense\r\n\r\n",), "protocol"),
    ],
)
def test_a_stream_fails_in_ways_of_its_own(site, streamed, parts, kind) -> None:
    rows = streamed(*parts)
    assert rows[""].errors == {kind: 1}
    assert rows["first_event"].errors == {kind: 1}
    assert rows["event_gap"].errors == {kind: 1}
    assert site.kinds == [None if kind.startswith(("status", "no stream", "check")) else kind]


def test_a_stream_whose_end_came_is_not_kept_open_for_ever(site, streamed) -> None:
    rows = streamed(CHUNKED + chunk(token("a") + token("b") + DONE), stays=True, times=2)
    assert rows[""].errors == {}
    assert slowest(rows[""]) < 400
    assert site.accepted == 2


def test_signs_of_life_keep_a_stream_alive(streamed) -> None:
    rows = streamed(CHUNKED, *[0.2, chunk(b": ping\n\n")] * 4, chunk(token("a") + token("b") + DONE), END)
    assert rows[""].errors == {}
    assert fastest(rows["first_event"]) >= 799


def test_a_stream_is_not_sent_twice(site, streamed) -> None:
    """It meets a connection that the service is just closing: POST is not repeated."""
    assert streamed()[""].errors == {"closed": 1}
    assert len(site.requests) == 1


TIMED = STREAM.replace("timeout: 5s", "timeout: 150ms")


def test_a_stream_that_ends_after_its_time_out_is_a_time_out(streamed) -> None:
    """Both where its end closes the answer and where the connection stays open behind it."""
    begin = CHUNKED + chunk(token("a")) + chunk(token("b"))
    for end in ((chunk(DONE) + END,), (chunk(DONE), 2.0)):
        rows = streamed(begin, 0.17, *end, step=TIMED)
        assert rows[""].errors == {"timeout": 1}


def test_a_stream_that_ended_in_time_is_whole_though_its_connection_stays_open_beyond_the_time_out(streamed) -> None:
    rows = streamed(CHUNKED + chunk(token("a")) + chunk(token("b") + DONE), 2.0, step=TIMED)
    assert rows[""].errors == {}
    assert rows["events"].n == 1
    assert slowest(rows[""]) < 150
