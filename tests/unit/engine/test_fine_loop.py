"""A loop that can sleep by the microsecond: how long it asks the kernel to sleep, and that it hears what is ready."""

import asyncio
import select
import socket
from collections.abc import Iterator
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from perfspec.engine import fine_loop
from perfspec.engine.fine_loop import FineLoop, run_on_fine_loop
from perfspec.engine.reactor import RealDriver


@pytest.fixture
def loop() -> Iterator[FineLoop]:
    loop = FineLoop()
    yield loop
    loop.close()


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long select() was asked to wait at most; it does."""
    asked: list[float] = []

    class Select:
        def __getattr__(self, name: str) -> Any:
            return getattr(select, name)

        def select(self, reading: Any, writing: Any, failing: Any, timeout: float) -> Any:
            asked.append(timeout)
            return select.select(reading, writing, failing, timeout)

    monkeypatch.setattr(fine_loop, "select", Select())
    return asked


def test_the_last_two_milliseconds_are_slept_in_select(loop: FineLoop, slept: list[float]) -> None:
    loop.is_fine = True
    loop.run_until_complete(asyncio.sleep(0.0015))
    assert slept
    assert 0 < slept[0] < 0.0015
    slept.clear()
    loop.run_until_complete(asyncio.sleep(0.02))  # epoll rounds up to the millisecond: it is asked for less than that
    assert slept
    assert all(timeout < 0.002 for timeout in slept)


def test_a_loop_is_coarse_until_it_is_told_otherwise(loop: FineLoop, slept: list[float]) -> None:
    loop.run_until_complete(asyncio.sleep(0.0015))
    assert slept == []


def test_where_select_knows_no_such_file_epoll_does_it_all(
    loop: FineLoop, slept: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    loop.is_fine = True
    monkeypatch.setattr(fine_loop, "_MOST_FD", 0)
    loop.run_until_complete(asyncio.sleep(0.0015))
    assert slept == []


@pytest.mark.parametrize("patience_s", [0.0015, 30])
def test_what_is_ready_ends_the_sleep(loop: FineLoop, patience_s: float) -> None:
    loop.is_fine = True
    near, far = socket.socketpair()
    heard: list[bytes] = []
    with near, far:
        late = loop.call_later(patience_s, loop.stop)
        loop.add_reader(near, lambda: (heard.append(near.recv(9)), loop.stop()))
        far.send(b"here")
        loop.run_forever()
        loop.remove_reader(near)
        late.cancel()
    assert heard == [b"here"]


@pytest.mark.parametrize("by_the_clock", [True, False])
def test_a_plan_by_the_clock_makes_the_loop_fine(*, by_the_clock: bool) -> None:
    async def look() -> bool:
        loop = asyncio.get_running_loop()
        driver = RealDriver(loop, by_the_clock=by_the_clock)
        driver.close()
        await anyio.lowlevel.checkpoint()
        assert isinstance(loop, FineLoop)
        return loop.is_fine

    assert run_on_fine_loop(look) is by_the_clock
