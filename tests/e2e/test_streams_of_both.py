"""One spec of streams over our own sockets and over httpx: however they end, it is called the same."""

import contextlib
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator

import pytest

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
LAST = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


TOKENS = b"".join(chunk(b'data: {"choices":[{"delta":{"content":"%b"}}]}\n\n' % text) for text in (b"a", b"b"))
DONE = chunk(b"data: [DONE]\n\n")
JSON = b"HTTP/1.1 %d -\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
STAYS, RESETS = object(), object()
STREAMS: dict[str, tuple[tuple[object, ...], set[str]]] = {
    "good": ((HEAD, 0.05, TOKENS + DONE + LAST), set()),
    "kept-open": ((HEAD + TOKENS + DONE, STAYS), set()),
    "silent": ((HEAD + TOKENS, STAYS), {"silence"}),
    "cut": ((HEAD + TOKENS,), {"cut off"}),
    "reset": ((HEAD + TOKENS, 0.02, RESETS), {"cut off"}),
    "unended": ((HEAD + TOKENS + LAST,), {"cut off"}),
    "no-stream": ((JSON % 200,), {"no stream"}),
    "busy": ((JSON % 429,), {"status 429"}),
    "endless": ((HEAD, *(TOKENS, 0.05) * 40), {"timeout"}),
    "packed": ((HEAD.replace(b"OK", b"OK\r\nContent-Encoding: gzip"), TOKENS, LAST),
               {"undecodable"}),
}  # fmt: skip
SPEC = (
    "flows:\n"
    + "".join(
        f"  {name}: {{steps: [{{post: /{name}, name: {name}, timeout: 1s, json: {{}},"
        " stream: {ends_with: '[DONE]', silence: 300ms}}]}\n"
        for name in STREAMS
    )
    + "stages: {smoke: {phases: [{for: 2s, users: 10}]}}\nthresholds: {all: {count: at least 1}}\n"
)


def talk(peer: socket.socket) -> None:
    with peer, contextlib.suppress(OSError), peer.makefile("rb") as asked:
        while head := b"".join(iter(asked.readline, b"\r\n")):
            asked.read(int(re.search(rb"(?i)content-length: (\d+)", head)[1]))
            for what in STREAMS[head.split(b" ")[1].decode()[1:]][0]:
                if isinstance(what, bytes):
                    peer.sendall(what)
                elif isinstance(what, float):
                    time.sleep(what)
                elif what is STAYS:
                    asked.read(1)
                    return
                else:
                    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return
            if not what.endswith(LAST) and b"Content-Length" not in what:
                return


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=talk, args=(listener.accept()[0],), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)


@pytest.mark.parametrize("transport", ["fast", "httpx"])
def test_streams_end_alike_over_both_transports(new_folder, perfspec, small_spec, url, transport: str) -> None:
    ended = perfspec(small_spec(new_folder(transport), url, SPEC), "--transport", transport)
    for timer in ("", "first_event"):
        found = {name: set(ended.summary(name, timer)["errors"]) for name in STREAMS}
        assert found == {name: kinds for name, (_, kinds) in STREAMS.items()}
    for name in ("good", "kept-open"):
        assert ended.summary(name)["n"] == ended.summary(name, "event_gap")["n"] > 0
        assert ended.summary(name, "events")["response"]["max"] == 2_000_000
