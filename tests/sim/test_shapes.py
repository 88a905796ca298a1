"""Arrivals, budgets of rounds and paces in simulation: what comes when, as whom, and what is counted of it."""

import re
from collections import Counter
from fractions import Fraction
from itertools import pairwise

import msgspec
import pytest

from perfspec.base.clock import MILLISECOND, SECOND
from perfspec.engine.load import Inputs, Load
from perfspec.engine.sim import T0, Service, SimDriver
from perfspec.engine.slicelog import End, Log
from perfspec.load import WHOLE, Arrivals, Segment, Users
from perfspec.metrics import histogram
from perfspec.metrics.rows import total
from perfspec.plan.model import PlannedPhase
from perfspec.report.remarks import remarks
from perfspec.report.result import make
from perfspec.steps.runtime import Origin
from perfspec.verdict.judge import Circumstances, judge

SPEC = """
perfspec: 1
service: shop
environments:
  local: {url: "http://127.0.0.1:8083"}
flows:
  look:
    weight: 60
    steps:
      - {get: "/look?who=${user.number}&round=${round.number}", name: look}
  buy:
    weight: 40
    steps:
      - {get: "/buy?who=${user.number}&round=${round.number}", name: buy}
stages:
  smoke: {phases: [{for: 10s, users: 1}]}
thresholds:
  all: {errors: under 1%, p95: at most 300ms, count: at least 1}
  look: {p95: at most 300ms}
  buy: {p95: at most 300ms}
  flow look: {p95: at most 300ms}
"""


@pytest.fixture
def planned(plan_of):
    return plan_of(SPEC)


def rate(start, end=None, *, at_most=500, poisson=False):
    return Arrivals(Fraction(start), Fraction(start if end is None else end), at_most, poisson)


def with_phases(plan, *phases, **more):
    """The plan with other phases: (seconds, shape), and what else a phase has."""
    found, at = [], 0
    for number, (seconds, shape, *rest) in enumerate(phases):
        for_ns = int(seconds * SECOND)
        kept = rest[0] if rest else {}
        found.append(PlannedPhase(f"phase {number}", plan.phases[0].span, at, for_ns, shape, measured=True, **kept))
        at += for_ns
    return msgspec.structs.replace(plan, phases=tuple(found), warmup_ns=0, **more)


class Run:
    """A plan carried out in virtual time by one segment of it."""

    def __init__(self, plan, service, segment=WHOLE):
        self.requests = []
        """(instant in ns, request, user, round)."""
        self.seconds = []
        self.endings = []

        def reply(call, data, now_ns):
            who, round_ = map(int, re.search(rb"who=(\d+)&round=(\d+)", data).groups())
            self.requests.append((now_ns, call.name, who, round_))
            return service.reply(call, data, now_ns)

        driver = SimDriver(replying(service, reply), 1)
        load = Load(
            plan, driver, Origin("sim", 1, "sim"), Inputs("r", {}, {}), self.seconds.append, self.endings.append,
            segment=segment,
        )  # fmt: skip
        load.start(T0)
        driver.run()
        (self.ending,) = self.endings

    @property
    def slices(self):
        return [piece for second in self.seconds for piece in second.slices]

    def row(self, name, timer=""):
        return total(p for p in self.slices if (p.key.name, p.key.timer) == (name, timer))


def replying(service, reply):
    return Service(service.latency_ns, reply, service.refused, service.stalled)


def constant(ns):
    return Service(lambda _: ns)


class TestArrivals:
    def test_they_come_when_the_integral_says_whatever_the_answers_do(self, planned):
        plan = with_phases(planned, (10, rate(5, 50)), (10, rate(50, 50)))
        slow, fast = Run(plan, constant(5 * SECOND)), Run(plan, constant(MILLISECOND))
        assert len(fast.requests) == 275 + 500
        assert [at for at, *_ in slow.requests] == [at for at, *_ in fast.requests]
        within = [sum(k * SECOND <= at < (k + 1) * SECOND for at, *_ in fast.requests) for k in range(20)]
        assert within[10:] == [50] * 10
        assert all(abs(n - (5 + 4.5 * (k + 0.5))) <= 1 for k, n in enumerate(within[:10]))

    def test_each_is_somebody_new_and_makes_one_round(self, planned):
        run = Run(with_phases(planned, (20, rate(20))), constant(200 * MILLISECOND))
        assert [who for _, _, who, _ in run.requests] == list(range(1, 401))
        assert {round_ for *_, round_ in run.requests} == {1}

    def test_nobody_has_the_number_of_a_user_of_another_phase(self, planned):
        plan = with_phases(planned, (5, Users(3, 3)), (5, rate(10)), (5, Users(3, 3)))
        run = Run(plan, constant(100 * MILLISECOND))
        came = [who for at, _, who, _ in run.requests if 5 * SECOND + 200 * MILLISECOND < at < 10 * SECOND]
        assert min(came) >= 4
        assert len(came) == len(set(came))
        assert {who for at, _, who, _ in run.requests if at < 5 * SECOND} == {1, 2, 3}
        rounds = Counter((who, round_) for *_, who, round_ in run.requests)
        assert max(rounds.values()) == 1, "a user of a later phase goes on where it was"

    @pytest.mark.parametrize("poisson", [False, True])
    def test_every_stretch_of_arrivals_has_the_asked_mix(self, planned, poisson):
        run = Run(with_phases(planned, (20, rate(20, poisson=poisson))), constant(MILLISECOND))
        for n in range(1, len(run.requests)):
            looks = sum(name == "look" for _, name, *_ in run.requests[:n])
            assert abs(looks - 0.6 * n) < 2

    def test_response_time_counts_from_the_planned_instant(self, planned):
        """Half a second of 10 at a time, one second of silence: each waits for what is left of it, and no longer."""
        service = Service(lambda _: 20 * MILLISECOND, stalled=((5 * SECOND, 6 * SECOND),))
        run = Run(with_phases(planned, (10, rate(100))), service)
        row = total(p for p in run.slices if p.key.timer == "")
        assert row.n == 1000
        assert sum(n for i, n in row.response.items() if histogram.lowest(i) > 21_000) == 102

    def test_a_drop_is_counted_when_it_was_due_and_is_bad_everywhere_but_in_counts(self, planned):
        plan = with_phases(planned, (10, rate(10, at_most=5)))
        run = Run(plan, Service(lambda _: 20 * MILLISECOND, stalled=((3 * SECOND, 5 * SECOND),)))
        dropped = [p for p in run.slices if p.key.timer == "arrival"]
        assert {p.key.name for p in dropped} == {"arrivals"}
        assert sum(p.n for p in dropped) == 15
        assert {p.second for p in dropped} == {3, 4}
        assert all(set(p.errors) == {"dropped"} for p in dropped)
        verdicts = {v.threshold: v for v in judge(plan.thresholds, run.slices, [(0, 10 * SECOND)], Circumstances())}
        assert (verdicts["all errors under 1%"].bad, verdicts["all errors under 1%"].n) == (15, 100)
        everyone = verdicts["all p95 at most 300ms"]
        assert (everyone.outcome, everyone.bad, everyone.n) == ("FAIL", 20, 100)
        look, buy = verdicts["look p95 at most 300ms"], verdicts["buy p95 at most 300ms"]
        assert look.n + buy.n == 100
        assert look.bad + buy.bad == 20
        assert verdicts["flow look p95 at most 300ms"].n == look.n
        assert verdicts["all count at least 1"].n == 85

    def test_seats_are_the_lowest_that_are_free(self, planned):
        driver = SimDriver(constant(150 * MILLISECOND), 1)
        plan = with_phases(planned, (5, rate(10)))
        seconds = []
        load = Load(plan, driver, Origin("s", 1, "s"), Inputs("r", {}, {}), seconds.append, lambda _: None)
        load.start(T0)
        driver.run()
        pool = load._part._pool
        assert [lane.seat for lane in pool._lanes()] == [0, 1]

    def test_a_stage_that_is_extended_goes_on_at_its_last_rate(self, planned):
        plan = with_phases(planned, (10, rate(20)), extend_to_ns=15 * SECOND)
        service = Service(lambda draw: SECOND if draw < 0.055 else MILLISECOND)
        run = Run(plan, service)
        assert run.seconds[-1].extended
        assert len(run.requests) == 300
        assert [later - at for (at, *_), (later, *_) in pairwise(run.requests)] == [50 * MILLISECOND] * 299

    def test_nothing_depends_on_how_fast_answers_are(self, planned):
        plan = with_phases(planned, (10, rate(5, 30, poisson=True)))
        runs = [Run(plan, constant(ns)) for ns in (MILLISECOND, 700 * MILLISECOND)]
        assert runs[0].requests == runs[1].requests

    def test_the_end_says_how_many_found_no_place_and_why(self, planned):
        plan = with_phases(planned, (10, rate(10, at_most=5)))
        run = Run(plan, Service(lambda _: 20 * MILLISECOND, stalled=((3 * SECOND, 5 * SECOND),)))
        result = make(plan, Log(None, tuple(run.seconds), End(run.ending.reason, run.ending.ended_ns)))
        assert remarks(result)[0] == (
            "could not keep up: asked 10.0/s, served 8.5/s; 15 of 100 arrivals found no place: all 5 users of "
            "`at_most` were busy; the service is too slow for this rate, or the cap is too low"
        )


class TestRounds:
    def test_as_many_rounds_are_made_as_asked_each_by_the_user_whose_turn_it_is(self, planned):
        plan = with_phases(planned, (1000, Users(7, 7), {"rounds": 100}))
        run = Run(plan, Service(lambda draw: int(draw * 300) * MILLISECOND + MILLISECOND))
        made = Counter(who for _, _, who, _ in run.requests)
        assert made == {1: 15, 2: 15, 3: 14, 4: 14, 5: 14, 6: 14, 7: 14}
        assert len({(who, round_) for *_, who, round_ in run.requests}) == 100
        assert run.ending.reason == "finished"
        assert run.ending.ended_ns < 10 * SECOND

    @pytest.mark.parametrize(("users", "rounds"), [(100, 100), (40, 120), (8, 96), (3, 300)])
    def test_every_stretch_of_the_rounds_of_all_has_the_asked_mix(self, planned, users, rounds):
        """However few of them each user makes: of 100 that make one each, 60 look."""
        plan = with_phases(planned, (1000, Users(users, users), {"rounds": rounds}))
        names = [name for _, name, *_ in sorted(Run(plan, constant(MILLISECOND)).requests, key=lambda r: (r[3], r[2]))]
        for n in range(1, rounds + 1):
            assert abs(names[:n].count("look") - 0.6 * n) < 4

    def test_they_are_counted_from_the_beginning_of_their_phase(self, planned):
        plan = with_phases(planned, (5, Users(2, 2)), (1000, Users(2, 2), {"rounds": 10}))
        run = Run(plan, constant(400 * MILLISECOND))
        begun_before = [r for r in run.requests if r[0] < 5 * SECOND]
        assert len(run.requests) == len(begun_before) + 10

    def test_how_fast_answers_are_does_not_change_what_is_asked(self, planned):
        plan = with_phases(planned, (1000, Users(4, 4), {"rounds": 50}))
        runs = [Run(plan, constant(ns)) for ns in (MILLISECOND, 900 * MILLISECOND)]
        assert {r[1:] for r in runs[0].requests} == {r[1:] for r in runs[1].requests}


class TestPace:
    def test_a_round_is_due_so_long_after_the_one_before_it_began(self, planned):
        plan = with_phases(planned, (10, Users(1, 1), {"round_every_ns": 2 * SECOND}))
        run = Run(plan, constant(300 * MILLISECOND))
        assert [at // MILLISECOND for at, *_ in run.requests] == [0, 2000, 4000, 6000, 8000]

    def test_a_round_that_took_too_long_moves_nothing_and_the_wait_is_response_time(self, planned):
        """Silence from 2 s to 7 s: what was due at 2 s, 4 s and 6 s is late by what was left of it."""
        plan = with_phases(planned, (12, Users(1, 1), {"round_every_ns": 2 * SECOND}))
        service = Service(lambda _: 10 * MILLISECOND, stalled=((2 * SECOND, 7 * SECOND),))
        run = Run(plan, service)
        assert [at // MILLISECOND for at, *_ in run.requests] == [0, 2000, 7010, 7020, 8000, 10000]
        due = sorted(p.second for p in run.slices if p.key.timer == "" for _ in range(p.n))
        assert due == [0, 2, 4, 6, 8, 10]
        row = total(p for p in run.slices if p.key.timer == "")
        late = sorted(round(histogram.highest(i) / 1000) for i, n in row.response.items() for _ in range(n))
        assert late == pytest.approx([10, 10, 10, 1030, 3020, 5010], rel=0.01)

    def test_a_pace_holds_for_its_phase_only(self, planned):
        plan = with_phases(planned, (4, Users(1, 1), {"round_every_ns": 2 * SECOND}), (2, Users(1, 1)))
        run = Run(plan, constant(500 * MILLISECOND))
        assert [at // MILLISECOND for at, *_ in run.requests] == [0, 2000, 4000, 4500, 5000, 5500]


@pytest.mark.parametrize("weights", [(1, 1), (1, 1, 1), (3, 2)])
class TestSegments:
    """The same plan cut into parts makes the same requests as the whole."""

    def parts(self, plan, service, weights):
        runs = [Run(plan, service, Segment(index, weights)) for index in range(len(weights))]
        return sorted(request for run in runs for request in run.requests)

    @pytest.mark.parametrize(
        "phases",
        [
            [(6, rate(5, 30))],
            [(6, rate(30, 5, poisson=True))],
            [(3, Users(0, 7)), (3, Users(7, 7)), (3, Users(7, 2))],
            [(3, Users(4, 4)), (3, rate(20)), (100, Users(5, 5), {"rounds": 31, "round_every_ns": 70 * MILLISECOND})],
        ],
    )
    def test_their_union_is_the_undivided_run(self, planned, weights, phases):
        plan = with_phases(planned, *phases)
        service = constant(90 * MILLISECOND)
        assert self.parts(plan, service, weights) == sorted(Run(plan, service).requests)


class TestCeiling:
    """`limits: {requests: 20/s}`: no second has more, whatever the stage asks for, and nothing is lost."""

    def limited(self, plan, per_s):
        return msgspec.structs.replace(plan, target=msgspec.structs.replace(plan.target, most_requests_per_s=per_s))

    @pytest.mark.parametrize("weights", [(1,), (1, 1), (3, 2)])
    def test_no_second_has_more_requests_than_allowed_over_all_processes(self, planned, weights):
        plan = self.limited(with_phases(planned, (10, Users(20, 20))), 20)
        runs = [Run(plan, constant(10 * MILLISECOND), Segment(index, weights)) for index in range(len(weights))]
        per_second = Counter(at // SECOND for run in runs for at, *_ in run.requests)
        assert [per_second[k] for k in range(10)] == [20] * 10

    def test_what_users_wait_at_the_ceiling_is_in_their_response_time(self, planned):
        """Two users without pauses could send 200 a second; 20 are let through, so each waits for the next second."""
        plan = self.limited(with_phases(planned, (5, Users(2, 2))), 20)
        run = Run(plan, constant(10 * MILLISECOND))
        row = total(p for p in run.slices if p.key.timer == "")
        assert all(0 <= p.second < 5 for p in run.slices)
        assert histogram.highest(max(row.response)) > 500_000
        assert histogram.highest(max(row.service)) < 10_100

    def test_what_waits_is_late_in_the_numbers(self, planned):
        plan = self.limited(with_phases(planned, (2, rate(30)), (3, rate(5))), 20)
        run = Run(plan, constant(10 * MILLISECOND))
        assert len(run.requests) == 75
        row = total(p for p in run.slices if p.key.timer == "")
        assert row.n == 75
        assert row.failed == 0
        assert sum(n for i, n in row.response.items() if histogram.lowest(i) > 100_000) > 15
        assert max(histogram.highest(i) for i in row.service) < 10_100
        result = make(plan, Log(None, tuple(run.seconds), End(run.ending.reason, run.ending.ended_ns)))
        latency = next(v for v in result.verdicts if v.threshold == "all p95 at most 300ms")
        assert (latency.outcome, result.exit_code) == ("INCONCLUSIVE", 3)
        assert latency.reason.startswith("the environment's ceiling of 20 requests/s held back ")
        assert next(v for v in result.verdicts if v.threshold == "all errors under 1%").outcome == "PASS"
