"""A request that is ended from above, over our own sockets and over httpx alike: a silent stream, an ended one."""

import asyncio

import anyio
import pytest

from perfspec.base.clock import MILLISECOND as MS
from perfspec.base.clock import SECOND
from perfspec.diagnostics.source import Span
from perfspec.engine.lanes import Lane
from perfspec.engine.transports import opened
from perfspec.plan.model import Target
from perfspec.steps.runtime import Call, Origin, Run

STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
GET = b"GET / HTTP/1.1\r\nHost: site.test\r\n\r\n"


class Patience:
    def __init__(self, until_ns: int, kind: str | None) -> None:
        self._until_ns, self.kind, self.over = until_ns, kind, False

    def until_ns(self, _now_ns: int) -> int:
        return self._until_ns


@pytest.mark.parametrize("transport", ["fast", "httpx"])
@pytest.mark.parametrize(
    ("sent", "kind", "status"), [(STREAM, "silence", 200), (STREAM, None, 200), (b"", "silence", 0)]
)
def test_what_is_cut_ends_as_it_was_said_and_the_lane_goes_on(transport, sent, kind, status) -> None:
    seen: list[tuple[str | None, int]] = []
    parts: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK if seen else sent)
        try:
            await reader.read()
        finally:
            writer.close()

    async def main() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        origin = Origin("site.test", server.sockets[0].getsockname()[1], "127.0.0.1")
        call = Call("get", origin, 5 * SECOND, no_body=False, idempotent=True, render=lambda _: GET)
        target = Target(
            "local", "http://site.test", Span("s.yaml", 1, 1, 1, 1), None, None, (), (), transport=transport
        )
        over = anyio.Event()

        def program(lane: Lane) -> Run:
            patience = Patience(lane.now() + 200 * MS, kind)
            lane.stream(call, lambda part, _: parts.append(part))
            lane.watch(patience)
            yield
            patience.over = True
            seen.append((lane.outcome.error, lane.outcome.status))
            assert 190 * MS < lane.outcome.last - lane.outcome.due < 3 * SECOND
            lane.request(call)
            yield
            seen.append((lane.outcome.error, lane.outcome.status))

        async with opened(target, {}, None) as driver:
            lane = Lane(driver, 0)
            driver.call_soon(lambda _: lane.run(program(lane), lambda *_: over.set()), None)
            with anyio.fail_after(20):
                await over.wait()
            lane.release()
            assert driver.crash is None
        server.close()
        if talks := asyncio.all_tasks() - {asyncio.current_task()}:
            for talk in talks:
                talk.cancel()
            await asyncio.wait(talks)
        await asyncio.sleep(0)  # what they have open closes in the next pass of the loop

    anyio.run(main)
    assert seen == [(kind, status), (None, 200)]
    assert b"".join(parts) == (b"abc" if sent else b"")
