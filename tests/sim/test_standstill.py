"""A load generator that is stopped and goes on: no crowd that nobody asked for, nobody lost, no service blamed."""

from collections import Counter
from heapq import heappush
from itertools import pairwise

import pytest

from perfspec.base.clock import MILLISECOND, SECOND
from perfspec.base.codec import decode
from perfspec.engine.load import Inputs, Load
from perfspec.engine.sim import T0, Service, SimDriver
from perfspec.engine.slicelog import Beginning, End, Log
from perfspec.report.rejudge import rejudge
from perfspec.report.remarks import remarks
from perfspec.report.result import Result, make, to_json
from perfspec.steps.runtime import Origin

SPEC = """
perfspec: 1
service: shop
environments: {local: {url: "http://sim"}}
flows:
  look: {weight: 3, steps: [{get: /look, name: look}]}
  buy: {weight: 1, steps: [{get: /buy, name: buy}]}
stages:
  smoke: {phases: [PHASES]}
thresholds:
  all: {errors: under 1%, p95: at most 300ms}
"""
OFFSET = 700_000
"""The load begins this long after a full millisecond, as on a real clock."""


class Slotted(SimDriver):
    """Timers like those of the reactor: called at the end of their millisecond, in the order in which they were asked
    for; and `asleep`, [from, to) of the load, nobody is called at all.
    """

    def __init__(self, service, asleep=()):
        super().__init__(service, 1)
        self.asleep = [(T0 + begin, T0 + end) for begin, end in asleep]
        self.late = Counter()
        self.sent = []

    def call_at(self, due_ns, fn, arg):
        slot = -(-due_ns // MILLISECOND) * MILLISECOND
        called = max(slot, self.now)
        for begin, end in self.asleep:
            called = end if begin <= called < end else called
        self._asked += 1

        def call(what):
            self.late[(self.now - due_ns) // 1000] += 1
            fn(what)

        heappush(self._timers, (called, (slot, self._asked), call, arg))

    def drain_lateness(self):
        late, self.late = dict(self.late), Counter()
        return late


class Run:
    def __init__(self, plan, service, asleep=()):
        self.seconds, endings, sent = [], [], []

        def reply(call, data, now_ns):
            sent.append(now_ns)
            return service.reply(call, data, now_ns)

        driver = Slotted(Service(service.latency_ns, reply, service.refused, service.stalled), asleep)
        load = Load(plan, driver, Origin("s", 1, "s"), Inputs("r", {}, {}), self.seconds.append, endings.append)
        load.start(T0 + OFFSET)
        driver.run()
        (ending,) = endings
        self.sent = sorted(sent)
        end = End(ending.reason, ending.ended_ns, ending.unfinished, abort=load.abort)
        self.result = make(plan, Log(Beginning("r", "", plan.hash, ""), tuple(self.seconds), end))

    def count(self, timer):
        return sum(p.n for s in self.seconds for p in s.slices if p.key.timer == timer)

    @property
    def kinds(self):
        found = Counter()
        for piece in (p for s in self.seconds for p in s.slices if p.key.timer == "arrival"):
            found.update(piece.errors)
        return found


@pytest.fixture
def run(plan_of):
    def ran(phases, service=None, asleep=()):
        return Run(plan_of(SPEC.replace("PHASES", phases)), service or quick(), asleep)

    return ran


def quick(**more):
    return Service(lambda _: 20 * MILLISECOND, **more)


@pytest.mark.parametrize(
    ("phases", "people"),
    [
        ("{for: 2s, arrivals: 5000/s, at_most: 5000 users}", 10_000),
        ("{for: 1s, arrivals: 3000/s, at_most: 5000 users}, {for: 1s, arrivals: 4000/s, at_most: 5000 users}", 7000),
        ("{for: 1s, arrivals: 3000/s, at_most: 5000 users}, {for: 1s, users: 1}", 3000),
        ("{for: 1s, arrivals: ramp 0/s to 9000/s, at_most: 5000 users}", 4500),
    ],
)
def test_everybody_comes_whose_moment_lies_in_the_last_millisecond_of_a_phase(run, phases, people) -> None:
    """A phase begins, and the load ends, in the middle of a millisecond: its timer may be called before theirs."""
    found = run(phases)
    closed = sum(p.n for s in found.seconds for p in s.slices if p.key.timer == "round" and p.second >= 1)
    came = found.count("round") - (closed if "users: 1}" in phases else 0)
    assert (came, found.kinds) == (people, Counter())


def users_in(found, second: int) -> int:
    return next(line.users for line in found.seconds if line.second == second)


@pytest.mark.parametrize(
    ("phases", "users"),
    [
        ("{for: 1s, users: ramp 1000 to 0}, {for: 9s, users: 3}", 3),
        ("{for: 1s, users: ramp 0 to 1000}, {for: 9s, arrivals: 1/s}", 0),
    ],
)
def test_who_joins_or_leaves_in_the_last_millisecond_of_a_ramp_changes_nothing_of_the_next_phase(
    run, phases, users
) -> None:
    found = run(phases, Service(lambda _: 400 * MILLISECOND))
    assert {users_in(found, second) for second in range(3, 9)} == {users}


def test_a_ramp_that_is_just_over_does_not_make_a_number_of_rounds_endless(run) -> None:
    """The last of a thousand joins when the rounds have been dealt out."""
    slow = Service(lambda _: 2 * SECOND)
    found = run("{for: 1s, users: ramp 0 to 1000}, {users: 1000, rounds: 2000}", slow)
    assert found.count("round") == 999 + 2000
    assert found.result.ended_ns < 10 * SECOND


@pytest.mark.parametrize("at_most", [500, 40])
def test_who_is_overdue_by_more_than_a_second_is_not_sent(run, at_most) -> None:
    """Asleep from 3 s to 6.5 s of 100 a second: 250 stay away, 100 come at once, of whom some may find no place."""
    found = run(
        f"{{for: 10s, arrivals: 100/s, at_most: {at_most} users}}", asleep=[(3 * SECOND, 6 * SECOND + SECOND // 2)]
    )
    assert found.count("round") + found.kinds.total() == 1000
    turned_away = 0 if at_most == 500 else 60
    assert found.kinds == {"not sent": pytest.approx(250 + turned_away, abs=3)}
    at_once = max(Counter(at // (10 * MILLISECOND) for at in found.sent).values())
    assert at_once == pytest.approx(min(100, at_most), abs=3)
    errors, p95 = found.result.verdicts
    assert (errors.outcome, p95.outcome, found.result.exit_code) == ("INCONCLUSIVE", "INCONCLUSIVE", 3)
    missing = found.kinds.total()
    assert errors.reason == (
        f"{missing} of the failures are this machine's (not sent); let it run without a stop and re-run"
    )
    text = "; ".join(remarks(found.result))
    assert f"{missing} of 800 arrivals were not sent, as the load generator stood still: sent" in text
    assert "found no place" not in text
    assert "each_user" not in text


TIMES = "all: {errors: under 1%, p99.99: at most 300ms, max: under 500ms, goodput: at least 99.95%}"


@pytest.mark.parametrize(
    ("asleep", "stalled", "outcome"),
    [((10, 11), (), "INCONCLUSIVE"), ((), (10, 11), "FAIL"), ((10, 11), (20, 21), "FAIL"), ((), (), "PASS")],
)
def test_times_that_only_a_standstill_has_broken_are_not_judged(plan_of, asleep, stalled, outcome) -> None:
    """Twenty users wait for a second: too few of all timers to call the whole run late, and enough for these limits."""
    service = quick(stalled=(tuple(at * SECOND for at in stalled),) if stalled else ())
    spec = SPEC.replace("PHASES", "{for: 30s, users: 20}").replace("all: {errors: under 1%, p95: at most 300ms}", TIMES)
    found = Run(plan_of(spec), service, [tuple(at * SECOND for at in asleep)] if asleep else []).result
    errors, *times = found.verdicts
    assert not found.health.late
    assert errors.outcome == "PASS"
    assert {verdict.outcome for verdict in times} == {outcome}
    if outcome == "INCONCLUSIVE":
        (reason,) = {verdict.reason for verdict in times}
        assert reason.startswith("only requests that were due while the load generator stood still have broken it, by ")
    again = rejudge(decode(to_json(found), Result), found.plan)
    assert [verdict.outcome for verdict in again.verdicts] == [verdict.outcome for verdict in found.verdicts]


@pytest.mark.parametrize("hiccup", [16, 60, 200])
def test_a_standstill_excuses_no_more_than_its_own_length(plan_of, hiccup) -> None:
    """The service is stuck for 1.9 s; the load generator was late by milliseconds when that began."""
    begin = 10 * SECOND + 100 * MILLISECOND
    asleep = (begin, begin + hiccup * MILLISECOND)
    spec = SPEC.replace("PHASES", "{for: 30s, arrivals: 20/s}").replace(
        "all: {errors: under 1%, p95: at most 300ms}", TIMES
    )
    found = Run(plan_of(spec), quick(stalled=((10 * SECOND, 11 * SECOND + 900 * MILLISECOND),)), [asleep]).result
    assert [verdict.outcome for verdict in found.verdicts] == ["PASS", "FAIL", "FAIL", "FAIL"]
    again = rejudge(decode(to_json(found), Result), found.plan)
    assert [verdict.outcome for verdict in again.verdicts] == [verdict.outcome for verdict in found.verdicts]


@pytest.mark.parametrize(("asleep_ms", "outcome"), [(45, "FAIL"), (90, "INCONCLUSIVE"), (0, "FAIL")])
def test_a_moment_in_which_the_load_generator_was_busy_is_no_standstill(plan_of, asleep_ms, outcome) -> None:
    """The first answers of the fifth second take 340 ms of the 300 ms that they may."""
    slow = quick(stalled=((4 * SECOND, 4 * SECOND + 340 * MILLISECOND),))
    begin = 4 * SECOND
    asleep = [(begin, begin + asleep_ms * MILLISECOND)] if asleep_ms else []
    spec = SPEC.replace("PHASES", "{for: 10s, arrivals: 50/s}").replace("p95: at most 300ms", "max: at most 300ms")
    assert Run(plan_of(spec), slow, asleep).result.verdicts[1].outcome == outcome


def test_a_short_standstill_loses_nobody(run) -> None:
    found = run("{for: 10s, arrivals: 100/s}", asleep=[(3 * SECOND, 3 * SECOND + 900 * MILLISECOND)])
    assert (found.count("round"), found.kinds) == (1000, Counter())


def test_a_service_that_is_too_slow_turns_people_away_however_often_it_is_looked_at(run) -> None:
    """Nobody is late, so that nobody finds a place is the service's doing."""
    found = run("{for: 10s, arrivals: 100/s, at_most: 50 users}", Service(lambda _: SECOND))
    assert found.kinds == {"dropped": pytest.approx(500, abs=60)}
    assert found.result.verdicts[0].outcome == "FAIL"


def test_a_moment_of_the_load_generator_s_excuses_no_service_that_is_too_slow(plan_of) -> None:
    """It answers after 25 s. Two people were sent 60 ms late: two of the 1850 who found no place may be its victims."""
    phases = "{for: 20s, arrivals: 100/s, at_most: 150 users}"
    spec = SPEC.replace("PHASES", phases).replace("errors: under 1%, p95: at most 300ms", "errors: under 1%")
    found = Run(plan_of(spec), Service(lambda _: 25 * SECOND), [(1440 * MILLISECOND, 1510 * MILLISECOND)])
    assert found.kinds.total() == 1850
    assert 1 <= found.kinds["not sent"] <= 7
    assert [verdict.outcome for verdict in found.result.verdicts] == ["FAIL"]


def test_moments_that_harmed_nobody_are_no_store_of_excuses(run) -> None:
    """Twenty of them while there is room, and one when the service is stuck: what may be excused is of that one."""
    hiccups = [(at * SECOND, at * SECOND + 150 * MILLISECOND) for at in range(2, 22)]
    late = (24 * SECOND + 900 * MILLISECOND, 25 * SECOND + 50 * MILLISECOND)
    stuck = quick(stalled=((25 * SECOND, 60 * SECOND),))
    found = run("{for: 40s, arrivals: 100/s, at_most: 150 users}", stuck, [*hiccups, late])
    assert found.kinds["dropped"] > 1000
    assert found.kinds["not sent"] <= 15


def test_an_hour_asleep_is_over_at_once(run) -> None:
    """As a laptop is that somebody closed: all phases are over, and the run ends."""
    found = run("{for: 20s, arrivals: 50/s}, {for: 20s, arrivals: 50/s}", asleep=[(5 * SECOND, 3600 * SECOND)])
    assert found.kinds == {"not sent": 1750}
    assert found.count("round") == 250
    assert found.result.ended == "finished"
    assert found.result.ended_ns == 40 * SECOND
    assert max(found.sent) < 6 * SECOND


def test_the_pace_after_a_standstill_is_the_planned_one(run) -> None:
    found = run("{for: 10s, arrivals: 100/s}", asleep=[(3 * SECOND, 5 * SECOND)])
    after = [at for at in found.sent if at > 5 * SECOND + 10 * MILLISECOND]
    gaps = [later - at for at, later in pairwise(after)]
    assert set(gaps) == {10 * MILLISECOND}


@pytest.mark.parametrize(
    "rule",
    ["errors over 25% for 3s", "errors threshold fails", "no responses for 3s", "throughput under 5/s for 3s"],
)
def test_people_who_are_not_sent_end_no_run(plan_of, rule) -> None:
    spec = SPEC.replace("{phases: [PHASES]}", f"{{phases: [{{for: 20s, arrivals: 100/s}}], abort: [{rule}]}}")
    found = Run(plan_of(spec), quick(), [(3 * SECOND, 12 * SECOND)])
    assert found.kinds["not sent"] > 700
    assert (found.result.ended, found.result.abort) == ("finished", None)


def test_who_was_asleep_has_heard_nobody(plan_of) -> None:
    """Users wait for answers all the while; that none was heard says nothing of the service."""
    spec = SPEC.replace("{phases: [PHASES]}", "{phases: [{for: 20s, users: 5}], abort: [no responses for 3s]}")
    assert Run(plan_of(spec), quick(), [(3 * SECOND, 12 * SECOND)]).result.abort is None
    silent = quick(stalled=((3 * SECOND, 12 * SECOND),))
    assert Run(plan_of(spec), silent).result.abort is not None
