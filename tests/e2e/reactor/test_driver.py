"""The driver around the sockets: timers, bugs, killed lanes, the end."""

import asyncio
import gc
from collections.abc import Iterator
from itertools import count

import pytest

from perfspec.base.clock import MILLISECOND as MS
from perfspec.base.clock import SECOND
from perfspec.engine.lanes import Lane
from perfspec.engine.reactor import RealDriver
from perfspec.steps.runtime import Call, Origin, Run, Vars

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def test_a_killed_lane_hangs_up_and_is_not_called_back(site) -> None:
    gone: list[bytes] = []

    async def script(peer) -> None:
        await peer.request()
        gone.append(await peer.reader.read())

    get = site.get(site.call(site.serve(script)))
    lanes = [Lane(site.driver, seat) for seat in range(2)]
    lanes[0].run(get(lanes[0]), site.ended)
    site.until(lambda: site.accepted == 1)
    lanes[0].kill()
    lanes[1].run(get(lanes[1]), site.ended)
    lanes[1].kill()  # still connecting
    site.until(lambda: gone == [b""])
    assert (site.seen, site.kinds) == ([], [])
    assert not site.driver.transport.connections


def test_a_lane_that_is_killed_by_another_while_its_request_waits_to_be_sent_sends_nothing(site) -> None:
    """Both go on in the same pass."""
    transport, victims, unsent = site.driver.transport, [], []
    origin = site.answering(OK)

    def victim(lane: Lane) -> Run:
        victims.append(lane)
        for turn in count():
            lane.request(site.call(origin, path=f"/{lane.seat}-{turn}"))
            yield

    def killer(lane: Lane) -> Run:
        while not unsent:
            lane.request(site.call(origin))
            yield
            waiting = [each for each in victims if each.conn in (transport.outbox or ())]
            unsent.extend(each.conn.wire for each in waiting)
            for each in waiting:
                each.kill()
        lane.request(site.call(origin))
        yield
        for each in victims:
            each.kill()
            site.ended(each, "killed")

    site.run(victim, victim, killer)
    assert unsent
    assert not [each for each in unsent if each.partition(b"\r\n")[0] + b"|" in site.requests]
    assert site.driver.crash is None
    assert site.kinds == ["killed", "killed", None]


def test_a_lane_that_is_killed_over_an_instant_failure_is_not_called_back(site) -> None:
    lane = Lane(site.driver, 0)
    lane.run(site.get(site.call(Origin("b.test", 80, "b.test")))(lane), site.ended)
    lane.kill()
    site.loop.run_until_complete(asyncio.sleep(0))
    assert (site.seen, site.kinds) == ([], [])


def test_a_request_that_cannot_be_rendered_touches_no_socket(site) -> None:
    def render(_: Vars) -> bytes:
        raise ValueError("a line break in a header")

    site.run(site.get(Call("bad", Origin("a.test", 1, "127.0.0.1"), SECOND, False, True, render)))
    assert site.seen[0].error == "unsendable"
    assert site.driver.transport.connects == 0
    assert site.driver.first_errors == {"unsendable": "bad: a line break in a header"}


@pytest.mark.parametrize("where", ["in an answer", "in a timer", "in a failure", "in a time-out"])
def test_a_bug_is_told_once_and_the_other_lanes_go_on(site, where: str) -> None:
    crashes: list[Exception] = []
    site.driver.on_crash = crashes.append
    origin = site.answering(OK)

    async def silent(peer) -> None:
        await peer.reader.read()

    quiet = site.call(site.serve(silent), timeout_ns=1) if where == "in a time-out" else None
    lost = site.call(Origin("b.test", 80, "b.test")) if where == "in a failure" else None

    def bug(lane: Lane) -> Run:
        if where == "in a timer":
            lane.pause(MS)
        else:
            lane.request(quiet or lost or site.call(origin))
        yield
        raise ZeroDivisionError

    lanes = [Lane(site.driver, seat) for seat in range(2)]
    for lane in lanes:
        lane.run(bug(lane), site.ended)
    site.run(site.get(site.call(origin), times=20, pause_ns=10 * MS))
    assert [seen.error for seen in site.seen] == [None] * 20
    assert len(crashes) == 1
    assert site.driver.crash is crashes[0]
    assert isinstance(site.driver.crash, ZeroDivisionError)
    assert all(lane.gen is None for lane in lanes)


def test_who_listens_for_bugs_may_have_one_and_the_other_lanes_go_on(site) -> None:
    """What they are given was read already, and what they ask for lies in the outbox."""

    def listener(_: Exception) -> None:
        raise LookupError

    site.driver.on_crash = listener
    call = site.call(site.answering(OK))

    def bug(lane: Lane) -> Run:
        lane.request(call)
        yield
        raise ZeroDivisionError

    lane = Lane(site.driver, 9)
    lane.run(bug(lane), site.ended)
    site.run(*[site.get(call, times=5, pause_ns=MS)] * 5)
    assert [seen.error for seen in site.seen] == [None] * 25
    assert site.driver.transport.outbox is None
    assert [type(context["exception"]) for context in site.faults] == [LookupError]
    site.faults.clear()


def test_a_bug_that_nobody_asked_about_reaches_the_loop(site) -> None:
    def bug(_: None) -> None:
        raise ZeroDivisionError

    site.driver.call_soon(bug, None)
    site.loop.run_until_complete(asyncio.sleep(0))
    assert [type(context["exception"]) for context in site.faults] == [ZeroDivisionError]
    site.faults.clear()


def test_timers_are_never_early_and_say_how_late_they_were(site) -> None:
    driver, late, ticks = site.driver, [], []
    driver.drain_lateness()
    begin = driver.now_ns()

    def see(due: int) -> None:
        late.append(driver.now_ns() - due)
        ticks.append(driver.tick_ns)
        if len(late) == 100:
            site.loop.stop()

    for number in reversed(range(100)):
        driver.call_at(begin + number * 300_000, see, begin + number * 300_000)
    site.loop.run_forever()
    assert min(late) >= 0
    assert ticks == sorted(ticks)
    lateness = driver.drain_lateness()
    assert sum(lateness.values()) >= 100
    assert min(lateness) >= 0
    assert abs(sum(us * n for us, n in lateness.items()) - sum(late) / 1000) < 0.5 * sum(late) / 1000 + 100_000
    assert driver.drain_lateness() == {}


def test_a_blocked_loop_shows_in_the_lateness(site) -> None:
    driver = site.driver
    driver.drain_lateness()
    due = driver.now_ns() + MS

    def block(_: None) -> None:
        while driver.now_ns() < due + 5 * MS:
            pass

    driver.call_soon(block, None)
    driver.call_at(due, lambda _: site.loop.stop(), None)
    site.loop.run_forever()
    assert max(driver.drain_lateness()) >= 5000


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def test_settling_is_undone_by_closing(loop: asyncio.AbstractEventLoop) -> None:
    before = gc.get_threshold()
    driver = RealDriver(loop)
    driver.settle()
    driver.settle()
    assert gc.get_threshold() != before
    assert gc.get_freeze_count() > 0
    driver.close()
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


def test_nothing_is_called_back_after_closing(loop: asyncio.AbstractEventLoop) -> None:
    driver = RealDriver(loop)
    called: list[None] = []
    driver.call_soon(called.append, None)
    driver.call_at(driver.now_ns(), called.append, None)
    driver.close()
    driver.call_at(driver.now_ns(), called.append, None)
    loop.run_until_complete(asyncio.sleep(0.003))
    assert called == []
