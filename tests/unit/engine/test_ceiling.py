"""The ceiling of an environment: whatever waits, goes or is given up, no second has more requests than it may."""

from collections import Counter
from heapq import heappop, heappush
from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st

from perfspec.base.clock import MILLISECOND, SECOND
from perfspec.engine.ceiling import LimitedDriver
from perfspec.steps.runtime import Outcome

START_NS = 7 * SECOND + 123
SLOT_NS = MILLISECOND
"""So late a timer may be called: others may have begun the second before it."""


class Lane:
    def __init__(self):
        self.outcome = Outcome()


class Sends:
    """A driver that is its own transport, and knows what was started, and when."""

    def __init__(self):
        self.now = START_NS
        self.started = []
        self.first_errors = {}
        self._timers = []
        self._asked = count()

    @property
    def transport(self):
        return self

    def now_ns(self):
        return self.now

    def call_at(self, due_ns, fn, arg):
        heappush(self._timers, (due_ns + SLOT_NS, next(self._asked), fn, arg))

    def run_to(self, at_ns):
        while self._timers and self._timers[0][0] <= at_ns:
            due_ns, _, fn, arg = heappop(self._timers)
            self.now = max(self.now, due_ns)
            fn(arg)
        self.now = max(self.now, at_ns)

    def start(self, lane, _call, _data):
        lane.outcome.sent = self.now
        self.started.append((self.now, lane))

    def cancel(self, _lane):
        """Nothing is in flight here."""

    cut = listen = release = cancel

    @property
    def by_second(self):
        return Counter((at - START_NS) // SECOND for at, _ in self.started)


def started(ceiling, many):
    lanes = [Lane() for _ in range(many)]
    for lane in lanes:
        ceiling.start(lane, None, b"")
    return lanes


def test_who_waited_and_was_given_up_makes_the_next_second_no_larger() -> None:
    driver = Sends()
    ceiling = LimitedDriver(driver, START_NS, 10).transport
    started(ceiling, 10)
    for _ in range(5):  # each is the only one that waits
        ceiling.cancel(*started(ceiling, 1))
    started(ceiling, 100)
    driver.run_to(START_NS + 4 * SECOND)
    assert driver.by_second == dict.fromkeys(range(4), 10)


def test_what_a_second_has_sent_before_its_timer_is_called_is_its_own() -> None:
    driver = Sends()
    ceiling = LimitedDriver(driver, START_NS, 10).transport
    *_, waits = started(ceiling, 11)
    ceiling.cancel(waits)
    driver.run_to(START_NS + SECOND + SLOT_NS // 2)
    started(ceiling, 12)
    driver.run_to(START_NS + SECOND * 3 // 2)
    assert driver.by_second == {0: 10, 1: 10}
    driver.run_to(START_NS + SECOND * 5 // 2)
    assert driver.by_second == {0: 10, 1: 10, 2: 2}


def test_what_waits_has_not_been_sent_and_nothing_of_it_is_cut() -> None:
    driver = Sends()
    ceiling = LimitedDriver(driver, START_NS, 1).transport
    _, waits = started(ceiling, 2)
    assert waits.outcome.sent == 0
    ceiling.cut(waits, "silence")
    driver.run_to(START_NS + 2 * SECOND)
    assert driver.started[1] == (START_NS + SECOND + SLOT_NS, waits)


@settings(derandomize=True, deadline=None, max_examples=150)
@given(
    st.lists(
        st.tuples(st.sampled_from(["start", "cancel", "release", "wait"]), st.integers(0, 40)), min_size=1, max_size=120
    )
)
def test_no_second_has_more_than_it_may_and_nobody_is_overtaken(moves) -> None:
    driver, most = Sends(), 4
    ceiling = LimitedDriver(driver, START_NS, most).transport
    asked: list[Lane] = []
    for move, n in moves:
        if move == "start":
            asked += started(ceiling, n % 7)
        elif move == "wait":
            driver.run_to(driver.now + n * 50 * MILLISECOND)
        elif waiting := [lane for lane in asked if not lane.outcome.sent]:
            lane = waiting[n % len(waiting)]
            getattr(ceiling, move)(lane)
            asked.remove(lane)
    driver.run_to(driver.now + 300 * SECOND)
    assert max(driver.by_second.values(), default=0) <= most
    assert [lane for _, lane in driver.started] == asked
