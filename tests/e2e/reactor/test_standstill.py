"""A load generator that stood still for a while: what came meanwhile came in time, and what was under way goes on."""

import asyncio
import time
from typing import Any

from perfspec.base.clock import MILLISECOND as MS

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def sleeping(site, answers_after: float | None = None) -> Any:
    """The loop of the load generator is this one: asleep after the request, it sweeps before it reads."""

    async def script(peer) -> None:
        await peer.request()
        if answers_after is None:
            await peer.send(OK)
        time.sleep(0.6)  # noqa: ASYNC251
        site.driver.transport.sweep(None)
        if answers_after is not None:
            await asyncio.sleep(answers_after)
            await peer.send(OK)
        await peer.reader.read()

    return script


def test_what_came_while_it_slept_is_read_before_the_sweep(site) -> None:
    site.run(site.get(site.call(site.serve(sleeping(site)), timeout_ns=200 * MS)))
    assert [(seen.error, seen.status) for seen in site.seen] == [(None, 200)]


def test_what_was_under_way_is_given_the_time_back(site) -> None:
    site.run(site.get(site.call(site.serve(sleeping(site, 0.1)), timeout_ns=300 * MS)))
    assert [(seen.error, seen.status) for seen in site.seen] == [(None, 200)]


def test_but_not_more_than_that(site) -> None:
    begin = time.monotonic()
    site.run(site.get(site.call(site.serve(sleeping(site, 10)), timeout_ns=200 * MS)))
    assert [seen.error for seen in site.seen] == ["timeout"]
    assert time.monotonic() - begin < 2


def test_whoever_is_late_all_the_time_still_sees_time_outs(site) -> None:
    """A sweep that is late each time takes its hundred milliseconds off a time-out all the same."""

    async def script(peer) -> None:
        await peer.request()
        await peer.reader.read()

    def busy() -> None:
        time.sleep(0.12)
        site.loop.call_later(0.03, busy)

    site.loop.call_soon(busy)
    site.run(site.get(site.call(site.serve(script), timeout_ns=300 * MS)))
    assert [seen.error for seen in site.seen] == ["timeout"]
