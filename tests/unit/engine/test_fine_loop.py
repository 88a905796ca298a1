"""A loop that can sleep by the microsecond: how long it asks the kernel to sleep, and that it hears what is ready."""

import asyncio
import select
import selectors
import socket
from collections.abc import Iterator
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from perfspec.engine import fine_loop
from perfspec.engine.fine_loop import FineLoop, FineSelector, run_on_fine_loop
from perfspec.engine.reactor import RealDriver


@pytest.fixture
def loop() -> Iterator[FineLoop]:
    loop = FineLoop()
    yield loop
    loop.close()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, float | None]]:
    """For how long the kernel was asked to wait, and by which call; nobody waits."""
    calls: list[tuple[str, float | None]] = []

    def by_select(_reading: Any, _writing: Any, _failing: Any, timeout: float) -> Any:
        calls.append(("select", timeout))
        return [], [], []

    def by_epoll(_: Any, timeout: float | None = None) -> Any:
        calls.append(("epoll", timeout))
        return []

    monkeypatch.setattr(select, "select", by_select)
    monkeypatch.setattr(selectors.EpollSelector, "select", by_epoll)
    return calls


@pytest.mark.parametrize(
    ("timeout", "expected"),
    [
        (0.0015, [("select", 0.0015), ("epoll", 0)]),
        (0.02, [("epoll", pytest.approx(0.019))]),  # epoll rounds up to whole milliseconds
        (0, [("epoll", 0)]),
        (None, [("epoll", None)]),
    ],
)
def test_the_last_two_milliseconds_are_slept_in_select(asked, timeout: float | None, expected: Any) -> None:
    with FineSelector() as selector:
        selector.is_fine = True
        assert selector.select(timeout) == []
    assert asked == expected


def test_a_loop_is_coarse_until_it_is_told_otherwise(asked) -> None:
    with FineSelector() as selector:
        selector.select(0.0015)
    assert asked == [("epoll", 0.0015)]


def test_where_select_knows_no_such_file_epoll_does_it_all(asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fine_loop, "_MOST_FD", 0)
    with FineSelector() as selector:
        selector.is_fine = True
        selector.select(0.0015)
    assert asked == [("epoll", 0.0015)]


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
