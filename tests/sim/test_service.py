"""The simulated service and its clock: what a stall does, and that nothing depends on anything but plan and seed."""

import math

from perfspec.base.clock import MILLISECOND as MS
from perfspec.base.clock import SECOND
from perfspec.engine.lanes import Lane
from perfspec.engine.sim import T0, Service, SimDriver
from perfspec.steps.runtime import Call, Origin, Outcome, Run
from perfspec.steps.runtime import Lane as ProgramLane

GET = Call(
    "get", Origin("shop.test", 80, "192.0.2.1"), 10 * SECOND, no_body=False, idempotent=True, render=lambda _: b""
)


def test_stalled_services_begin_and_answer_nothing_until_the_window_ends() -> None:
    service = Service(lambda _: 20 * MS, stalled=((100 * MS, 200 * MS), (300 * MS, 400 * MS)))
    assert [service.answered_ns(at * MS, 0.5) / MS for at in (50, 79, 80, 99, 100, 199, 200, 290)] == [
        70, 99, 200, 200, 220, 220, 220, 400,
    ]  # fmt: skip


def arrivals(service: Service, per_s: int, for_s: int, seats: int) -> tuple[list[float], int]:
    """A pool as small as can be: response times in ms of those that found a seat, and how many did not."""
    driver, times, dropped = SimDriver(service), [], 0
    free = [Lane(driver, seat) for seat in range(seats)]

    def arrive(number: int) -> None:
        nonlocal dropped
        due = T0 + number * SECOND // per_s
        if number + 1 < per_s * for_s:
            driver.call_at(T0 + (number + 1) * SECOND // per_s, arrive, number + 1)
        if not free:
            dropped += 1
            return
        lane = free.pop()
        lane.due = due
        lane.run(program(lane), lambda lane, _: free.append(lane))

    def program(lane: ProgramLane) -> Run:
        lane.request(GET)
        outcome = yield
        assert isinstance(outcome, Outcome)
        times.append((outcome.last - outcome.due) / MS)

    driver.call_at(T0, arrive, 0)
    driver.run()
    return sorted(times), dropped


def test_a_stall_of_two_seconds_shows_in_full_in_open_arrivals() -> None:
    service = Service(lambda _: 20 * MS, stalled=((5 * SECOND, 7 * SECOND),))
    times, dropped = arrivals(service, per_s=500, for_s=10, seats=3000)
    dues = [2.0 * number for number in range(5000)]
    stuck = [7020 - due for due in dues if 5000 <= due < 7000] + [7000 - due for due in dues if 4980 <= due < 5000]
    truth = sorted(stuck + [20.0] * (5000 - len(stuck)))
    assert times == truth
    assert times[math.ceil(0.99 * 5000) - 1] > 1900
    few, dropped = arrivals(service, per_s=500, for_s=10, seats=50)
    assert dropped > 900  # what is not sent looks healthy, so it must be counted
    assert few[math.ceil(0.95 * len(few)) - 1] < 100


def test_two_runs_with_one_seed_are_the_same_and_another_seed_is_another() -> None:
    def run(seed: int) -> list[tuple[int, int]]:
        driver = SimDriver(Service(lambda u: int(-math.log(1 - u) * 50 * MS)), seed)
        seen: list[tuple[int, int]] = []

        def program(lane: ProgramLane) -> Run:
            for _ in range(20):
                lane.request(GET)
                yield
                seen.append((lane.outcome.sent, lane.outcome.last))
                lane.pause(10 * MS)
                yield

        for seat in range(20):
            lane = Lane(driver, seat)
            lane.run(program(lane), lambda *_: None)
        driver.run()
        return seen

    assert run(1) == run(1) != run(2)


def test_callbacks_of_one_instant_keep_their_order_and_none_is_early() -> None:
    driver, seen = SimDriver(Service(lambda _: MS)), []

    def see(number: int) -> None:
        seen.append((driver.now, number))

    driver.call_at(T0 + 5, see, 1)
    driver.call_at(T0 + 5, see, 2)
    driver.call_at(T0 - 5, see, 3)  # due already: now
    driver.call_soon(see, 4)
    assert driver.run(T0 + 4) == 2
    assert driver.run() == 2
    assert seen == [(T0, 3), (T0, 4), (T0 + 5, 1), (T0 + 5, 2)]
    assert driver.tick_ns == T0 + 5
