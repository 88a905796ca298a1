"""A small service with everything that a transport has to cope with, over HTTP or HTTPS. Not a test: tests start it.

Its answers depend on nothing but the request, and it notes every request line and body, so that two runs of one spec
can be compared.
"""

import asyncio
import gzip
import json
import ssl
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Self

TEXT = json.dumps({"items": list(range(2000)), "id": "packed"}).encode()


class Web:
    """A server on a thread of its own."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.seen: list[tuple[str, str, bytes]] = []
        """Request line, cookies, body."""
        self.handshakes = 0
        self.url = ""
        self._tls = tls
        self._loop = asyncio.new_event_loop()
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._up.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._over = asyncio.Event()
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0, ssl=self._tls, limit=1 << 20)
        port = server.sockets[0].getsockname()[1]
        self.url = f"{'https' if self._tls else 'http'}://127.0.0.1:{port}"
        self._up.set()
        await self._over.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.handshakes += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                line, *rest = head.strip().split("\r\n")
                headers = {k.lower(): v for k, _, v in (each.partition(": ") for each in rest)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                self.seen.append((line, headers.get("cookie", ""), body))
                method, target, _ = line.split(" ")
                if "://" in target:  # as a proxy asks
                    target = "/" + target.split("/", 3)[3]
                writer.write(answer(method, target, headers, body))
                await writer.drain()
                if target == "/closing":
                    break
        except (asyncio.IncompleteReadError, OSError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


def answer(method: str, target: str, headers: dict[str, str], body: bytes) -> bytes:
    path = target.partition("?")[0]
    if path == "/home":
        return reply(200 if "sid=abc" in headers.get("cookie", "") else 403, b'{"user": "perf"}')
    if path == "/echo":
        auth, digest = headers.get("authorization"), sha256(body).hexdigest()
        said = {"method": method, "size": len(body), "hash": digest, "auth": auth}
        return reply(201, json.dumps(said).encode())
    return ANSWERS.get(path, NOTHING_HERE)


def reply(status: int, body: bytes, *headers: str) -> bytes:
    lines = (f"HTTP/1.1 {status} -", f"Content-Length: {len(body)}", *headers)
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


CHUNKS = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (b'{"a": ', b"[1, 2, 3]", b"}"))
NOTHING_HERE = reply(404, b'{"error": "nothing here"}')
ANSWERS = {
    "/login": reply(302, b"moved", "Location: /home", "Set-Cookie: sid=abc; Path=/; HttpOnly"),
    "/again": reply(307, b"", "Location: /echo"),
    "/gzip": reply(200, gzip.compress(TEXT), "Content-Encoding: gzip"),
    "/deflate": reply(200, zlib.compress(TEXT), "Content-Encoding: deflate"),
    "/bomb": reply(200, gzip.compress(bytes(40_000_000)), "Content-Encoding: gzip"),
    "/chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Kind: chunks\r\n\r\n" + CHUNKS + b"0\r\n\r\n",
    "/closing": b'HTTP/1.1 200 OK\r\nX-Kind: eof\r\n\r\n{"until": "the end"}',
    "/head": b"HTTP/1.1 200 OK\r\nX-Length: 5\r\nContent-Length: 5\r\n\r\n",
    "/none": b"HTTP/1.1 204 No Content\r\n\r\n",
    "/interim": b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + reply(200, b"{}"),
    "/large": reply(200, bytes(3_000_000)),
    "/loop": reply(302, b"", "Location: /loop"),
    "/ready": reply(200, b'{"database": "up"}'),
}


@contextmanager
def web(tls: ssl.SSLContext | None = None) -> Iterator[Web]:
    with Web(tls) as service:
        yield service
