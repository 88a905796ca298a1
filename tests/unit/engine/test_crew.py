"""What a coordinator does with what its workers say, and with those who say nothing: without processes and clocks."""

import pytest

from perfspec.base.clock import MILLISECOND, SECOND
from perfspec.engine.crew import LEAD_NS, TICK_NS, Crew, Links
from perfspec.engine.messages import Asks, Change, Crashed, Decide, Done, Go, Stop
from perfspec.engine.part import Told
from perfspec.engine.pool import Ending
from perfspec.load import Users
from perfspec.metrics.series import Key, Slice

SPEC = """
perfspec: 1
service: shop
environments: {local: {url: "http://127.0.0.1:1"}}
flows: {look: {steps: [{get: /a, name: a}]}}
stages:
  smoke: {extend_to: 20s, abort: [no responses for 2s], phases: [{for: 9s, users: 6}]}
  search: {find_limit: {users: 2 to 40, hold_each: 60s, precision: 5%}}
thresholds: {all: {errors: under 1%}}
"""


class Watched:
    """A crew, and all that it said to whom."""

    def __init__(self, plan, workers: int) -> None:
        self.sent: list = []
        self.killed: list[int] = []
        self.seconds: list = []
        self.endings: list[Ending] = []
        self.bugs: list[str] = []
        links = Links(
            lambda worker, order: self.sent.append((worker, order)),
            self.killed.append,
            self.seconds.append,
            self.endings.append,
            self.bugs.append,
        )
        self.crew = Crew(plan, workers, links)
        self.crew.start(0)
        assert self.orders() == [(worker, Go(0)) for worker in range(workers)]

    def orders(self) -> list:
        sent, self.sent = self.sent, []
        return sent

    def told(self, worker: int, number: int, n: int = 1, **more) -> None:
        slices = [Slice(Key("a"), number - 1, n, response={5: n}, service={5: n})]
        self.crew.hear(worker, Told(number, 3, slices, 1, **more), number * SECOND)

    def done(self, worker: int, reason: str = "finished", ended_ns: int = 9 * SECOND) -> None:
        errors = {"refused": f"by {worker}"} if worker else {}
        self.crew.hear(worker, Done(Ending(reason, ended_ns, 1, 2), errors, 3), ended_ns)

    def ticks(self, from_ns: int, to_ns: int) -> None:
        for now_ns in range(from_ns, to_ns, TICK_NS):
            self.crew.tick(now_ns)

    def requests(self) -> list[tuple[int, int]]:
        return [(second.second, sum(piece.n for piece in second.slices)) for second in self.seconds]


@pytest.fixture
def watched(plan_of):
    return lambda workers=2, stage="smoke": Watched(plan_of(SPEC, stage), workers)


def test_a_second_is_told_when_all_have_told_theirs(watched) -> None:
    found = watched(3)
    found.told(0, 1)
    found.told(0, 2)
    found.told(1, 1)
    assert found.requests() == []
    found.told(2, 1)
    assert found.requests() == [(1, 3)]
    found.told(1, 2)
    found.told(2, 2)
    assert found.requests() == [(1, 3), (2, 3)]


def test_who_is_late_is_waited_for_two_seconds_and_counts_with_the_next(watched) -> None:
    found = watched()
    found.told(0, 1, n=10)
    found.ticks(1 * SECOND, 3 * SECOND)
    assert found.requests() == []
    found.crew.tick(3 * SECOND + TICK_NS)
    assert found.requests() == [(1, 10)]
    found.told(1, 1, n=7)
    found.told(1, 2, n=5)
    found.told(0, 2, n=20)
    assert found.requests() == [(1, 10), (2, 32)]
    assert found.seconds[1].users == 6


def test_who_has_left_is_not_waited_for(watched) -> None:
    found = watched()
    found.told(0, 1)
    found.told(1, 1)
    found.told(0, 2, is_ending=True)
    found.done(0, ended_ns=SECOND)
    found.told(1, 2)
    found.told(1, 3)
    assert found.requests() == [(1, 2), (2, 2), (3, 1)]
    assert found.endings == []
    found.done(1, ended_ns=3 * SECOND)
    assert found.endings == [Ending("finished", 3 * SECOND, 2, 4)]
    assert (found.crew.sent_again, found.crew.first_errors) == (6, {"refused": "by 1"})


def test_who_is_gone_is_lost_once_and_what_it_told_counts(watched) -> None:
    found = watched()
    found.told(1, 1)
    found.told(1, 2)
    found.told(0, 1)
    found.crew.lose(1, "ended by signal 9", 1_500 * MILLISECOND)
    found.crew.lose(1, "again", 1_600 * MILLISECOND)
    found.told(0, 2)
    found.told(0, 3)
    assert found.requests() == [(1, 2), (2, 2), (3, 1)]
    lost = [(second.second, each.worker, each.since_s, each.why) for second in found.seconds for each in second.lost]
    assert lost == [(2, 2, 2, "ended by signal 9")]
    found.told(1, 4)
    found.done(0)
    assert [ending.reason for ending in found.endings] == ["finished"]


def test_who_had_said_that_it_is_done_is_no_loss(watched) -> None:
    found = watched(1)
    found.told(0, 1)
    found.done(0)
    found.crew.lose(0, "ended", 10 * SECOND)
    assert [second.lost for second in found.seconds] == [()]


def test_when_all_are_lost_the_load_is_over_and_says_so(watched) -> None:
    found = watched()
    found.told(0, 1)
    found.told(1, 1)
    found.told(1, 2)
    found.crew.lose(0, "gone", 2 * SECOND)
    found.crew.lose(1, "gone", 2 * SECOND)
    assert found.endings == [Ending("lost", 2 * SECOND, 0, 0)]
    assert sorted((each.worker, each.since_s) for s in found.seconds for each in s.lost) == [(1, 1), (2, 2)]


def test_silence_ends_a_worker_and_only_what_this_process_saw_of_it_counts(watched) -> None:
    """A coordinator that was held up for an hour blames nobody for it."""
    found = watched()
    found.crew.tick(3600 * SECOND)
    assert found.killed == []
    for second in range(1, 12):
        found.told(0, second)
        found.ticks(second * SECOND, (second + 1) * SECOND)
    assert found.killed == [1]
    assert [each.why for s in found.seconds for each in s.lost] == ["it said nothing for 10 s"]


def test_a_bug_in_one_ends_all_in_order_and_is_the_reason(watched) -> None:
    found = watched(3)
    found.crew.hear(1, Crashed("KeyError: 'a'"), SECOND)
    assert found.orders() == [(0, Stop("crashed")), (2, Stop("crashed"))]
    assert found.bugs == ["KeyError: 'a'"]
    found.done(0, "crashed")
    found.crew.lose(1, "gone", SECOND)
    found.done(2, "finished")
    assert [ending.reason for ending in found.endings] == ["crashed"]


@pytest.mark.parametrize("reason", ["interrupted", "terminated", "aborted"])
def test_whoever_was_through_had_nothing_to_stop(watched, reason) -> None:
    found = watched()
    found.done(0, "finished")
    found.done(1, reason)
    assert [ending.reason for ending in found.endings] == [reason]


def test_rules_look_at_the_sum_of_all(watched) -> None:
    """Somebody gets answers until the second second; then nobody does for two."""
    found = watched()
    for number in (1, 2, 3, 4, 5):
        for worker in (0, 1):
            if worker or number > 2:
                silent = Told(number, 3, [], 1)
                found.crew.hear(worker, silent, number * SECOND)
            else:
                found.told(worker, number)
    assert found.crew.abort is not None
    assert (found.crew.abort.rule, found.crew.abort.second) == ("no responses for 2s", 4)
    assert found.orders() == [(0, Stop("aborted")), (1, Stop("aborted"))]


@pytest.mark.parametrize("lost", [False, True])
def test_the_planned_end_is_decided_when_all_ask(watched, lost) -> None:
    found = watched()
    found.crew.hear(0, Asks(), 9 * SECOND)
    assert found.orders() == []
    if lost:
        found.crew.lose(1, "gone", 9 * SECOND)
        assert found.orders() == [(0, Decide(extend=False))]
    else:
        found.crew.hear(1, Asks(), 9 * SECOND)
        assert found.orders() == [(0, Decide(extend=False)), (1, Decide(extend=False))]
    found.crew.hear(0, Asks(), 9 * SECOND)
    assert found.orders() == []


def test_the_planned_end_waits_for_nobody_longer_than_two_seconds(watched) -> None:
    found = watched()
    found.crew.hear(0, Asks(), 9 * SECOND)
    found.ticks(9 * SECOND, 11 * SECOND)
    assert found.orders() == []
    found.crew.tick(11 * SECOND + TICK_NS)
    assert found.orders() == [(0, Decide(extend=False)), (1, Decide(extend=False))]


def test_a_change_is_planned_ahead_of_what_time_it_is(watched) -> None:
    found = watched(stage="search")
    found.crew.tick(13 * SECOND)
    found.crew.change(Users(9, 9), 12 * SECOND)
    assert found.orders() == [(worker, Change(Users(9, 9), 13 * SECOND + LEAD_NS)) for worker in (0, 1)]


def test_a_search_ends_with_its_first_loss(watched) -> None:
    """Its loads would be less than what they are called."""
    found = watched(3, "search")
    found.crew.lose(1, "gone", 12 * SECOND)
    assert found.orders() == [(0, Stop("lost")), (2, Stop("lost"))]
    found.done(0, "lost")
    found.done(2, "lost")
    assert [ending.reason for ending in found.endings] == ["lost"]
