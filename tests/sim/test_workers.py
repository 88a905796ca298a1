"""A load cut into parts, in simulation: together they are the uncut load, request for request and moment for moment."""

import math
from collections import Counter

import msgspec
import pytest

from perfspec.app.plan import plan
from perfspec.base.clock import MILLISECOND, SECOND
from perfspec.base.codec import pack, unpack
from perfspec.engine.crew import TICK_NS, Crew, Links
from perfspec.engine.load import Load
from perfspec.engine.messages import Asks, Change, Decide, Done, Go, Order, Stop, Word, assignment
from perfspec.engine.part import Inputs, Part
from perfspec.engine.places import Columns, Places
from perfspec.engine.sim import T0, Reply, Service, SimDriver
from perfspec.load import Segment
from perfspec.metrics.rows import Row
from perfspec.plan.build import Choice
from perfspec.steps.runtime import Origin

SPEC = """
perfspec: 1
service: shop
environments: {local: {url: "http://shop.test"}}
data:
  person: {csv: people.csv, order: once each}
  number: {sequence: 100 up}
  dice: {number: 1 to 1000}
flows:
  buy: {weight: 3, steps: [{post: /buy, name: buy, json: {who: "${person.name}", n: "${number}", d: "${dice}"}},
        {pause: 0.2s to 1s}]}
  look: {weight: 1, steps: [{get: "/look?d=${dice}", name: look}, {pause: 1s}]}
stages: {smoke: {STAGE}}
thresholds: {all: {LIMIT}}
"""
ORIGIN = Origin("shop.test", 1, "sim")
SHAPES = {
    "rounds": "phases: [{rounds: 101, users: 7}]",
    "fewer rounds than workers": "phases: [{rounds: 2, users: 2}]",
    "users": "phases: [{for: 9s, users: 5}]",
    "a ramp": "phases: [{for: 6s, users: ramp 1 to 8}, {for: 6s, users: ramp 8 to 2}]",
    "arrivals": "phases: [{for: 8s, arrivals: ramp 2/s to 9/s, at_most: 100 users}]",
    "random arrivals": "phases: [{for: 5s, arrivals: 7/s poisson, at_most: 100 users},"
    " {for: 4s, arrivals: 3/s poisson, at_most: 100 users}]",
    "more than there are places for": "phases: [{for: 8s, arrivals: 31/s, at_most: 7 users}]",
    "more at random moments": "phases: [{for: 8s, arrivals: 9/s poisson, at_most: 4 users}]",
    "both": "phases: [{for: 4s, users: 4}, {for: 5s, arrivals: 6/s, at_most: 100 users}]",
}


class Sleeper:
    """A driver of one worker that is stopped for a while, [from, to) of the load: nobody is called."""

    def __init__(self, driver, begin_ns, end_ns):
        self._driver = driver
        self._begin_ns, self._end_ns = T0 + begin_ns, T0 + end_ns

    def __getattr__(self, name):
        return getattr(self._driver, name)

    def call_at(self, due_ns, fn, arg):
        def call(what):
            if self._begin_ns <= self._driver.now < self._end_ns:
                self._driver.call_at(self._end_ns, call, what)
            else:
                fn(what)

        self._driver.call_at(due_ns, call, arg)


class Played:
    """What a service saw of a stage, and what was told of it."""

    def __init__(self, tmp_path, stage, limit="errors: under 1%", fails=lambda _: False, latency=20 * MILLISECOND):
        (tmp_path / "s.yaml").write_text(SPEC.replace("STAGE", stage).replace("LIMIT", limit))
        (tmp_path / "people.csv").write_text("name\n" + "".join(f"p{n}\n" for n in range(3000)))
        planned = plan(str(tmp_path / "s.yaml"), Choice("smoke"))
        self.plan = planned.plan
        self.inputs = Inputs("run-1", planned.rows, {})
        self.seen: Counter = Counter()
        self.seconds: list = []
        self.endings: list = []
        self.said: list = []
        self.driver = SimDriver(Service(lambda _: latency, self._reply), 1)
        self._fails = fails

    def _reply(self, _call, wire, now_ns):
        self.seen[bytes(wire), now_ns] += 1
        return Reply(500 if self._fails(now_ns) else 200)

    def alone(self):
        load = Load(self.plan, self.driver, ORIGIN, self.inputs, self.seconds.append, self.endings.append)
        load.start(T0)
        self.driver.run()
        return self

    def shared(self, workers: int, deaf: dict | None = None, asleep: dict | None = None):
        """As processes would do it, what they say packed and unpacked. `deaf`: worker -> when it falls silent;
        `asleep`: worker -> from when to when.
        """
        driver = self.driver
        links = Links(self._send, self.said.append, self.seconds.append, self.endings.append, self.said.append)
        self.crew = crew = Crew(self.plan, workers, links)
        self.parts = []
        board = Columns.of(workers)
        for worker in range(workers):
            segment = Segment(worker, (1,) * workers)
            told = unpack(pack(assignment(self.plan, segment, self.inputs, ORIGIN, {})), Order)

            def say(word, worker=worker):
                now_ns = driver.now_ns() - T0
                if now_ns < (deaf or {}).get(worker, math.inf):
                    driver.call_soon(lambda data: crew.hear(worker, unpack(data, Word), driver.now_ns()), pack(word))

            own = Sleeper(driver, *asleep[worker]) if asleep and worker in asleep else driver
            self.parts.append(
                Part(told.plan, own, told.origin, told.inputs, told.segment, say, lambda say=say: say(Asks()),
                     lambda ending, say=say: say(Done(ending, {}, 0)), told.shared, places=Places(board, worker))
            )  # fmt: skip
        crew.start(T0)
        driver.call_at(T0, self._tick, None)
        driver.run()
        return self

    def _tick(self, _):
        if not self.endings:
            self.crew.tick(self.driver.now_ns())
            self.driver.call_at(self.driver.now_ns() + TICK_NS, self._tick, None)

    def _send(self, worker, order):
        self.driver.call_soon(self._obey, (worker, unpack(pack(order), Order)))

    def _obey(self, what):
        part, order = self.parts[what[0]], what[1]
        match order:
            case Go():
                part.start(order.start_ns)
            case Stop():
                part.stop(order.reason)
            case Change():
                part.change(order.shape, order.at_ns)
            case Decide():
                part.decide(extend=order.extend)

    @property
    def turned_away(self):
        """Why people found no place."""
        found: Counter = Counter()
        for piece in (piece for second in self.seconds for piece in second.slices if piece.key.timer == "arrival"):
            found.update(piece.errors)
        return found

    def sums(self):
        """(series, second) -> all that was counted."""
        found: dict = {}
        for piece in (piece for second in self.seconds for piece in second.slices):
            found.setdefault((piece.key, piece.second), Row()).add(piece)
        return found


@pytest.fixture
def played(tmp_path):
    return lambda stage, **more: Played(tmp_path, stage, **more)


@pytest.mark.parametrize("workers", [2, 3])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_parts_together_are_the_whole(played, shape, workers) -> None:
    whole = played(SHAPES[shape]).alone()
    cut = played(SHAPES[shape]).shared(workers)
    assert whole.seen.total() >= 2
    assert cut.seen == whole.seen
    assert cut.sums() == whole.sums()
    assert [e.reason for e in cut.endings] == ["finished"]
    assert cut.endings[0].ended_ns == whole.endings[0].ended_ns
    of_whole = [(s.second, s.users) for s in whole.seconds]
    assert [(s.second, s.users) for s in cut.seconds][: len(of_whole) - 1] == of_whole[:-1]


def test_no_row_is_sent_twice(played) -> None:
    cut = played("phases: [{rounds: 200, users: 9}]").shared(3)
    people = [wire.split(b'"who":"')[1].split(b'"')[0] for wire, _ in cut.seen if wire.startswith(b"POST")]
    assert len(people) == len(set(people)) > 100


@pytest.mark.parametrize("find", ["users: 2 to 40", "arrivals: 3/s to 60/s, at_most: 90 users"])
def test_a_search_takes_the_same_steps_however_many_carry_it(played, find) -> None:
    """The service fails while more than 12 came in the last second; the requests are the same after each step."""
    found = []
    for workers in (1, 2, 3):
        due: list[int] = []

        def fails(now_ns, due=due):
            due.append(now_ns)
            return sum(now_ns - each < SECOND for each in due[-40:]) > 12

        found.append(played(f"find_limit: {{{find}, hold_each: 12s, precision: 20%}}", fails=fails).shared(workers))
    one, *others = found
    steps = [second.step.load for second in one.seconds if second.step is not None]
    assert len(steps) > 3
    for other in others:
        assert [s.step.load for s in other.seconds if s.step is not None] == steps
        assert other.seen == one.seen


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_a_close_call_runs_on_in_all_parts(played, workers) -> None:
    """About 2 % fail where 1 % may: too close to call in nine seconds."""
    stage = "extend_to: 20s, phases: [{name: a, for: 9s, users: 9}]"
    failed: list[int] = []

    def fails(now_ns):
        if now_ns > 7 * SECOND and len(failed) < 2:
            failed.append(now_ns)
            return True
        return False

    cut = played(stage, fails=fails).shared(workers)
    assert cut.seconds[-2].extended
    assert cut.endings[0].ended_ns == 20 * SECOND
    last = max(second for _, second in cut.sums())
    assert last == 19


@pytest.mark.parametrize("workers", [1, 3])
def test_a_clear_pass_ends_when_it_was_planned_to(played, workers) -> None:
    cut = played("extend_to: 20s, phases: [{name: a, for: 9s, users: 9}]").shared(workers)
    assert cut.endings[0].ended_ns == 9 * SECOND


def test_who_says_nothing_is_not_waited_for_and_is_lost(played) -> None:
    """Its seconds are told without it after two seconds; after ten it is given up, and the others go to the end."""
    cut = played("phases: [{for: 20s, users: 6}]").shared(3, deaf={1: 3 * SECOND + MILLISECOND})
    assert [s.second for s in cut.seconds] == list(range(1, len(cut.seconds) + 1))
    assert [len(s.workers) for s in cut.seconds[:3]] == [3, 3, 3]
    assert {len(s.workers) for s in cut.seconds[3:20]} == {2}
    (lost,) = [lost for s in cut.seconds for lost in s.lost]
    assert (lost.worker, lost.workers, lost.since_s, lost.why) == (2, 3, 3, "it said nothing for 10 s")
    assert cut.said == [1]  # it was ended
    assert cut.endings[0].reason == "finished"
    assert cut.endings[0].ended_ns == 20 * SECOND


@pytest.mark.parametrize("workers", [1, 3])
def test_the_environment_s_ceiling_is_shared_out(played, workers) -> None:
    """40 users would ask for 50 and more a second."""
    run = played("phases: [{for: 5s, users: 40}]")
    target = msgspec.structs.replace(run.plan.target, most_requests_per_s=20)
    run.plan = msgspec.structs.replace(run.plan, target=target)
    run.shared(workers)
    by_second = Counter(now_ns // SECOND for _, now_ns in run.seen)
    assert [by_second[second] for second in range(5)] == [20] * 5
    assert sum(second.held for second in run.seconds) > 50


STOPPED = {0: (3 * SECOND, 3 * SECOND + 900 * MILLISECOND)}
"""A worker, and when it stands still."""


def test_the_crowd_of_one_worker_takes_places_of_the_others_and_that_is_not_the_service_s_doing(played) -> None:
    """90 come at once where about 140 have a place already, of 185; then both workers lack some of them."""
    crowded = "phases: [{for: 8s, arrivals: 200/s, at_most: 185 users}]"
    assert played(crowded).shared(2).turned_away == {}
    found = played(crowded).shared(2, asleep=STOPPED).turned_away
    assert found.total() > 5
    assert set(found) == {"not sent"}


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_a_worker_that_was_late_for_a_moment_excuses_no_service_that_is_too_slow(played, workers) -> None:
    """The service answers after 25 s: 150 find a place, and all others none, whatever became of seven of them."""
    slow = {"latency": 25 * SECOND}
    stage = "phases: [{for: 20s, arrivals: 100/s, at_most: 150 users}]"
    hiccup = {0: (SECOND + 440 * MILLISECOND, SECOND + 510 * MILLISECOND)}
    assert played(stage, **slow).shared(workers).turned_away == {"dropped": 1850}
    found = played(stage, **slow).shared(workers, asleep=hiccup).turned_away
    assert found.total() == 1850
    assert 1 <= found["not sent"] <= 7
