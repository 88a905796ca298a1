"""A search for the limit of services whose limit is known."""

import re
from dataclasses import dataclass
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from perfspec.app.plan import plan
from perfspec.base.clock import MILLISECOND, SECOND
from perfspec.base.units import format_duration
from perfspec.cli.progress import progress
from perfspec.engine.load import Inputs, Load
from perfspec.engine.sim import T0, Reply, Service, SimDriver
from perfspec.engine.slicelog import End, Log
from perfspec.plan.build import Choice
from perfspec.report.github import to_github
from perfspec.report.html.page import to_html
from perfspec.report.junit import to_junit
from perfspec.report.markdown import to_markdown
from perfspec.report.result import make
from perfspec.report.schedule import lines
from perfspec.report.terminal import overview, summary
from perfspec.report.words import length
from perfspec.steps.runtime import Origin

SPEC = """
perfspec: 1
service: shop
environments:
  local: {url: "http://127.0.0.1:8083" CEILING}
flows:
  look: {steps: [{get: /look, name: look, timeout: 60s} THEN]}
stages:
  capacity: {find_limit: {FIND}, abort: [ABORT]}
thresholds:
  LIMITS
"""


class Queue(Service):
    """One clerk who takes 10 ms for each: 100 a second and no more."""

    def answered_ns(self, at_ns, draw):
        done = max(at_ns, getattr(self, "done_ns", 0)) + self.latency_ns(draw)
        object.__setattr__(self, "done_ns", done)
        return done


class Tired(SimDriver):
    """A load generator that is 50 ms late in seconds of more than 60 requests."""

    before = 0

    def drain_lateness(self):
        sent, self.before = self.transport.requests - self.before, self.transport.requests
        return {50_000: sent} if sent > 60 else {0: sent}


@dataclass(frozen=True)
class Sluggish(Service):
    """One in so many takes four seconds, or as long as is said."""

    every: int = 1
    slow_ns: int = 4 * SECOND

    def answered_ns(self, at_ns, draw):
        number = getattr(self, "number", 0) + 1
        object.__setattr__(self, "number", number)
        return at_ns + (self.slow_ns if number % self.every == 0 else self.latency_ns(draw))


class Stuck(Service):
    """Six at a time are served. Whoever comes beside them waits for ever, and takes nothing from the others."""

    def answered_ns(self, at_ns, draw):
        served = [end for end in getattr(self, "served", []) if end > at_ns]
        end = at_ns + (self.latency_ns(draw) if len(served) < 6 else 1000 * SECOND)
        object.__setattr__(self, "served", [*served, end] if len(served) < 6 else served)
        return end


@pytest.fixture
def searched(tmp_path):
    def run(find, limit="at most 55ms", service=None, driver=SimDriver, **words):
        words.setdefault("limits", f"look: {{p95: {limit}, errors: under 1%}}")
        text = SPEC.replace("FIND", find).replace("LIMITS", words["limits"])
        for word in ("ceiling", "then", "abort"):
            text = text.replace(word.upper(), words.get(word, ""))
        (tmp_path / "s.yaml").write_text(text)
        planned = plan(str(tmp_path / "s.yaml"), Choice("capacity"))
        driver = driver(service or Queue(lambda _: 10 * MILLISECOND), 1)
        seconds, endings = [], []
        load = Load(planned.plan, driver, Origin("sim", 1, "sim"), Inputs("r", {}, {}), seconds.append, endings.append)
        load.start(T0)
        driver.run()
        (ending,) = endings
        end = End(ending.reason, ending.ended_ns, ending.unfinished, abort=load.abort)
        result = make(planned.plan, Log(None, tuple(seconds), end))
        return planned, result

    return run


def test_users_of_one_clerk_wait_for_each_other_so_their_limit_is_exact(searched):
    """Six users wait 60 ms each, five wait 50."""
    planned, result = searched("users: 2 to 50, hold_each: 8s, precision: 5%")
    assert (result.capacity.met, result.capacity.failed) == ("5 users", "6 users")
    assert result.capacity.is_confirmed
    assert result.outcome == "PASS"
    assert [(s.doing, s.load, s.met) for s in result.capacity.steps] == [
        ("growing", "2 users", True),
        ("growing", "3 users", True),
        ("growing", "4 users", True),
        ("growing", "6 users", False),
        ("growing", "6 users", False),
        ("narrowing", "5 users", True),
        ("confirming", "5 users", True),
    ]
    confirmed = result.capacity.steps[-1]
    assert confirmed.end_ns - confirmed.start_ns == 24 * SECOND
    assert confirmed.judged_ns - confirmed.start_ns == 2 * SECOND
    assert [(w.start_ns, w.end_ns) for w in result.windows] == [(confirmed.judged_ns, confirmed.end_ns)]
    assert result.ended_ns <= planned.plan.for_ns
    text = summary(result)
    assert "limit: met at 5 users, failed at 6 users, confirmed three times as long" in text
    assert any("look p95 at most 55ms" in line for line in text[text.index(text[3]) :])


def test_a_rate_above_what_is_served_is_broken_by_the_queue_that_grows(searched):
    """With a limit of 20 s the percentile holds; that more and more wait does not."""
    _, result = searched("arrivals: 20/s to 400/s, hold_each: 20s, precision: 5%, at_most: 5000 users", "at most 20s")
    capacity = result.capacity
    met, failed = (float(text.split()[0]) for text in (capacity.met, capacity.failed))
    assert met <= 100 < failed
    assert failed - met <= 0.05 * failed + 0.5
    broken = [step for step in capacity.steps if not step.met]
    assert broken
    assert all("more and more waited for answers" in step.why for step in broken)


def rests(capacity) -> list[tuple[bool, int]]:
    """Of each step but the last: was it met, and how many seconds passed before the next one began."""
    pairs = pairwise(capacity.steps)
    return [(before.met, (after.start_ns - before.end_ns) // SECOND - 1) for before, after in pairs]


def test_what_a_load_that_was_too_much_has_left_behind_is_not_the_next_one_s(searched):
    """Hundreds wait when 135/s has failed twice; at 95/s they would still be there when the next step is over."""
    _, result = searched("arrivals: 60/s to 400/s, hold_each: 10s, precision: 5%, at_most: 400 users", "at most 300ms")
    assert result.capacity.text == "met at 98.2 arrivals/s, failed at 101 arrivals/s, confirmed three times as long"
    assert result.outcome == "PASS"
    found = rests(result.capacity)
    assert {rest for is_met, rest in found if is_met} == {0}
    assert {rest for is_met, rest in found if not is_met} <= {1, 2, 3, 4}
    assert result.ended_ns <= result.plan.for_ns


def test_a_queue_that_does_not_go_is_waited_for_half_as_long_as_a_load_is_held(searched):
    stuck = Service(lambda _: 20 * MILLISECOND, stalled=((20 * SECOND, 1000 * SECOND),))
    _, result = searched("arrivals: 20/s to 30/s, hold_each: 8s", "at most 300ms", stuck, abort="no responses for 100s")
    assert set(rests(result.capacity)) == {(True, 0), (False, 4)}
    assert result.ended_ns <= result.plan.for_ns


def test_a_service_that_cannot_do_the_least_fails(searched):
    _, result = searched("users: 7 to 50, hold_each: 4s")
    assert (result.capacity.met, result.capacity.failed) == ("", "7 users")
    assert (result.outcome, result.exit_code) == ("FAIL", 1)
    assert result.capacity.text == "not even 7 users were met"


def test_a_limit_that_few_requests_broke_is_said_to_be_doubtful(searched):
    """One of a few is slow: chance does that to a service that keeps its limit."""
    slow = Queue(lambda draw: (150 if draw < 0.3 else 1) * MILLISECOND)
    _, few = searched("arrivals: 2/s to 8/s, hold_each: 4s", "at most 100ms", slow)
    assert few.capacity.failed
    assert few.capacity.unsure > 0
    assert f"rests on {few.capacity.unsure} requests and may be chance: raise `hold_each`" in few.capacity.text
    _, clear = searched("users: 7 to 50, hold_each: 4s")
    assert clear.capacity.unsure == 0


def test_a_service_that_can_do_the_most_has_an_open_bracket(searched):
    _, result = searched("users: 2 to 4, hold_each: 4s")
    assert (result.capacity.met, result.capacity.failed) == ("4 users", "")
    assert result.capacity.text == "at least 4 users, confirmed three times as long"
    assert result.outcome == "PASS"


def test_the_plan_says_how_long_it_may_take(searched):
    planned, result = searched("users: 2 to 50, hold_each: 4s")
    text = "\n".join(lines(planned.plan, planned.estimate))
    assert "from 2 users by half up to 50 users until a threshold breaks, each load held for 4s" in text
    assert f"{length(planned.plan)} if all is close" in text
    assert length(planned.plan) == f"about 1m32s, at most {format_duration(planned.plan.for_ns)}"
    assert result.ended_ns < 92 * SECOND < planned.plan.for_ns
    long, _ = searched("users: 2 to 50, hold_each: 60s")
    assert length(long.plan) == "about 17m, at most 40m"
    assert 39 * 60 * SECOND < long.plan.for_ns <= 40 * 60 * SECOND


@pytest.mark.parametrize(("hold", "is_said"), [("7s", True), ("8s", False)])
def test_the_plan_says_where_a_load_is_too_short_to_see_a_queue_that_grows(searched, hold, is_said):
    """101/s grow by one a second: unseen in five seconds, and in six they are more than chance would have it."""
    planned, result = searched(f"arrivals: 101/s to 102/s, hold_each: {hold}, at_most: 5000 users", "at most 20s")
    assert ("too short to see a queue that grows" in "\n".join(lines(planned.plan, planned.estimate))) is is_said
    assert result.capacity.steps[0].met is is_said
    assert not result.capacity.is_confirmed


def test_the_first_line_of_a_run_says_it_in_the_same_words(searched, capsys):
    planned, _ = searched("users: 2 to 50, hold_each: 4s")
    with progress(planned.plan, quiet=False):
        pass
    assert capsys.readouterr().out.strip().endswith(length(planned.plan))


def test_a_search_that_was_cut_off_is_no_pass(searched):
    _, result = searched("users: 2 to 50, hold_each: 8s")
    torn = Log(None, tuple(s for s in result.seconds if s.second < 30), End("finished", 30 * SECOND))
    assert make(result.plan, torn).outcome == "INCONCLUSIVE"


def quick(**kwargs):
    return Service(lambda _: 10 * MILLISECOND, **kwargs)


def at_least(capacity) -> tuple[float, float]:
    """The two loads of an open bracket."""
    return float(capacity.met.split()[0]), float(capacity.stopped.split()[0])


def test_what_the_load_generator_cannot_do_is_no_limit_of_the_service(searched):
    """It is late in seconds of more than 60 requests; the service does not mind any number."""
    _, result = searched("arrivals: 10/s to 400/s, hold_each: 8s, precision: 5%", service=quick(), driver=Tired)
    capacity = result.capacity
    met, stopped = at_least(capacity)
    assert met <= 60 < stopped <= met * 1.06
    assert (capacity.failed, capacity.stopped_by, capacity.is_confirmed) == ("", "generator", True)
    said = f"at least {capacity.met} (the load generator was the limit at {capacity.stopped})"
    assert capacity.text == f"{said}, confirmed three times as long"
    assert (result.outcome, result.exit_code) == ("INCONCLUSIVE", 3)
    beyond = [step for step in capacity.steps if not step.met]
    assert {step.beyond for step in beyond} == {"generator"}
    assert all("the load generator itself was late" in step.why for step in beyond)


@pytest.mark.parametrize(("find", "beyond"), [("users: 4 to 8", ""), ("arrivals: 70/s to 80/s", "generator")])
def test_where_no_time_is_limited_a_late_load_generator_spoils_rates_only(searched, find, beyond):
    _, result = searched(f"{find}, hold_each: 8s", service=quick(), driver=Tired, limits="look: {errors: under 1%}")
    assert {step.beyond for step in result.capacity.steps} == {beyond}


def test_a_load_generator_that_is_late_from_the_start_knows_nothing(searched):
    _, result = searched("arrivals: 70/s to 400/s, hold_each: 8s", service=quick(), driver=Tired)
    said = "nothing is known of the service: the load generator was the limit at 70 arrivals/s already"
    assert result.capacity.text == said
    assert (result.outcome, result.exit_code) == ("INCONCLUSIVE", 3)


def test_errors_are_the_services_however_late_the_load_generator_is(searched):
    broken = quick(reply=lambda _call, _wire, _at: Reply(status=500))
    _, result = searched("arrivals: 70/s to 400/s, hold_each: 8s", service=broken, driver=Tired)
    assert result.capacity.text == "not even 70 arrivals/s were met"
    assert {step.beyond for step in result.capacity.steps} == {"service"}
    assert result.outcome == "FAIL"


def test_the_ceiling_of_an_environment_is_not_the_limit_of_the_service(searched):
    """Each user asks about once a second: at 50 users the 50 requests a second are reached. They wait for tokens, their
    percentiles break; that is nobody's fault, and no reason to stop at the last load of the growing.
    """
    planned, result = searched(
        "users: 10 to 200, hold_each: 12s, precision: 5%",
        service=quick(),
        ceiling=", limits: {requests: 50/s}",
        then=", {pause: 1s}",
    )
    capacity = result.capacity
    met, stopped = at_least(capacity)
    assert 46 <= met <= 51 < stopped <= 54
    assert (capacity.failed, capacity.stopped_by) == ("", "ceiling")
    said = f"at least {capacity.met} (the ceiling of the environment was reached at {capacity.stopped})"
    assert capacity.text == f"{said}, confirmed three times as long"
    assert (result.outcome, result.exit_code) == ("PASS", 0)
    beyond = [step for step in capacity.steps if not step.met]
    assert all("the environment's ceiling of 50 requests/s held back" in step.why for step in beyond)
    assert "never more than 50 requests/s" in "\n".join(lines(planned.plan, planned.estimate))


def test_a_service_that_breaks_below_the_ceiling_has_its_own_limit(searched):
    _, result = searched("users: 2 to 50, hold_each: 8s, precision: 5%", ceiling=", limits: {requests: 500/s}")
    assert (result.capacity.met, result.capacity.failed, result.capacity.stopped) == ("5 users", "6 users", "")


@pytest.mark.parametrize(
    ("find", "ceiling", "beyond"),
    [("", ", limits: {users: 5}", "ceiling"), (", at_most: 5 users", "", "service")],
    ids=["the environment's", "the spec's own"],
)
def test_who_finds_no_place_was_dropped_by_whoever_set_the_cap(searched, find, ceiling, beyond):
    """100 ms each: five at a time are 50 a second. What the spec itself allows at a time is part of what is asked."""
    _, result = searched(
        f"arrivals: 20/s to 200/s, hold_each: 8s, precision: 5% {find}",
        "at most 150ms",
        service=Service(lambda _: 100 * MILLISECOND),
        ceiling=ceiling,
    )
    capacity = result.capacity
    assert {step.beyond for step in capacity.steps if not step.met} == {beyond}
    assert 47 <= float(capacity.met.split()[0]) <= 50
    assert bool(capacity.failed) is (beyond == "service")
    assert bool(capacity.stopped) is (beyond == "ceiling")


@pytest.mark.parametrize("limits", ["all: {goodput: at least 99%}", "all: {availability: at least 99%}"])
def test_who_is_dropped_at_the_environments_cap_is_no_bad_round_of_the_service(searched, limits):
    _, result = searched(
        "arrivals: 20/s to 400/s, hold_each: 8s, precision: 10%",
        service=Service(lambda _: SECOND),
        ceiling=", limits: {users: 50}",
        limits=limits,
    )
    capacity = result.capacity
    assert {step.beyond for step in capacity.steps if not step.met} == {"ceiling"}
    assert (capacity.failed, capacity.stopped_by, result.outcome) == ("", "ceiling", "PASS")
    assert 40 <= float(capacity.met.split()[0]) <= 52


@pytest.mark.parametrize("find", ["arrivals: 60/s to 70/s, at_most: 5000 users", "users: 40 to 44"])
@pytest.mark.parametrize(("every", "is_met"), [(14, False), (40, True)])
def test_slow_answers_of_a_step_count_like_its_fast_ones(searched, find, every, is_met):
    """They take a third of the time that a load is held, so that those of its last seconds come when it is over."""
    _, result = searched(f"{find}, hold_each: 12s", "at most 3s", Sluggish(lambda _: 100 * MILLISECOND, every=every))
    assert {step.met for step in result.capacity.steps} == {is_met}
    for step in result.capacity.steps:
        p95 = step.verdicts[0]
        assert p95.bad / p95.n == pytest.approx(1 / every, rel=0.1)


@pytest.mark.parametrize(
    ("find", "then"),
    [("arrivals: 4/s to 6/s, hold_each: 8s", ""), ("users: 40 to 60, hold_each: 20s", ", {pause: 300ms}")],
)
def test_answers_that_do_not_come_while_a_load_is_held_are_slow(searched, find, then):
    """Half a second is allowed, and one in fifteen takes 30 s: longer than the load is held."""
    slow = Sluggish(lambda _: 100 * MILLISECOND, every=15, slow_ns=30 * SECOND)
    _, result = searched(find, "at most 500ms", slow, then=then)
    assert [step.why for step in result.capacity.steps] == ["look p95 at most 500ms"] * 2
    assert result.outcome == "FAIL"


def test_the_shortest_time_that_a_load_may_be_held_is_judged_too(searched):
    """A service of which six at a time are too many. Of one second all of it is looked at."""
    _, result = searched("users: 2 to 12, hold_each: 1s, precision: 20%")
    assert result.capacity.met == "5 users"
    assert {(step.end_ns - step.judged_ns) // SECOND for step in result.capacity.steps} == {1, 2}


def test_who_is_still_waited_for_is_slow_and_neither_failed_nor_well(searched):
    """One in eight fails, one in seven takes 30 s. A limit on times changes nothing of what the others see."""

    def steps(limits):
        asked: list = []

        def reply(*_):
            asked.append(None)
            return Reply(500 if len(asked) % 8 == 0 else 200)

        slow = Sluggish(lambda _: 50 * MILLISECOND, reply, every=7, slow_ns=30 * SECOND)
        find = "arrivals: 10/s to 20/s, at_most: 5000 users, hold_each: 16s"
        return searched(find, limits=limits, service=slow)[1].capacity.steps

    others = "errors: under 12%, availability: at least 90%, throughput: at least 1/s"
    rules = "rules: [rate(look) > 1/s, p50(look) < 2s]"
    alone = steps(f"look: {{{others}}}")
    beside = steps(f"look: {{{others}, p50: at most 500ms}}\n  {rules}")
    assert [step.met for step in alone] == [step.met for step in beside] == [False] * len(alone)
    for step, other in zip(alone, beside, strict=True):
        *same, p50, rate, rule = other.verdicts
        assert tuple(same) == step.verdicts
        assert p50.n > same[0].n
        assert (rate.n, rule.n) == (same[0].n, p50.n)


def test_answers_to_the_last_load_are_waited_for_when_the_search_is_over(searched):
    """Its verdicts are about all that was due: what is cut off would be in no number."""
    _, result = searched("arrivals: 4/s to 6/s, hold_each: 32s", "at most 10s", Service(lambda _: 7 * SECOND))
    assert result.unfinished == 0
    assert result.verdicts[0].n == 6 * (3 * 32 - 8)
    assert result.capacity.text == "at least 6 arrivals/s, confirmed three times as long"


def test_rounds_that_never_end_are_seen_before_their_time_out(searched):
    """No request fails and none is slow while a load of 20 s is held: two of eight users are just gone."""
    _, result = searched("users: 4 to 8, hold_each: 20s, precision: 30%", service=Stuck(lambda _: 10 * MILLISECOND))
    assert (result.capacity.met, result.capacity.failed) == ("6 users", "8 users")
    broken = [step.why for step in result.capacity.steps if not step.met]
    assert (
        broken
        == ["of 8 users, the rounds that ended account for 6 (Little's law): the others are in rounds that do not end"]
        * 2
    )


@pytest.mark.parametrize("abort", ["any threshold fails", "errors threshold fails", "look threshold fails for 2s"])
def test_thresholds_that_a_step_is_meant_to_break_do_not_end_the_search(searched, abort):
    _, with_rule = searched("users: 2 to 50, hold_each: 8s, precision: 5%", "at most 55ms", abort=abort)
    assert with_rule.abort is None
    assert with_rule.capacity.text == "met at 5 users, failed at 6 users, confirmed three times as long"


def test_a_service_that_is_dead_ends_the_search(searched):
    dead = quick(refused=((30 * SECOND, 10_000 * SECOND),))
    _, result = searched("users: 2 to 50, hold_each: 8s", service=dead, abort="any threshold fails")
    assert result.ended == "aborted"
    assert 30 * SECOND < result.ended_ns <= 45 * SECOND
    assert "refused" in result.abort.evidence
    assert (result.outcome, result.exit_code) == ("FAIL", 1)
    assert result.capacity.met


@pytest.mark.parametrize("abort", ["errors over 50% for 3s", "no responses for 6s"])
def test_rules_that_are_no_thresholds_stand_in_a_search(searched, abort):
    dead = quick(refused=((30 * SECOND, 10_000 * SECOND),))
    _, result = searched("users: 2 to 50, hold_each: 8s", service=dead, abort=abort)
    assert (result.ended, result.abort.rule) == ("aborted", abort)


def test_reports_say_what_was_found(searched):
    _, result = searched("arrivals: 10/s to 400/s, hold_each: 8s, precision: 30%", service=quick(), driver=Tired)
    said = result.capacity.text
    assert f"limit: {said}" in summary(result)
    assert f"limit: {said}" in "\n".join(overview([result, result]))
    assert said in to_html(result).decode()
    assert f"**How much it carries: {said}**" in to_markdown(result).decode()
    case = next(case for case in ET.fromstring(to_junit(result)).iter("testcase") if "searched" in case.get("name"))
    assert said in case.find("error").get("message")
    assert said in to_github(result).decode()


def test_a_limit_that_was_found_passes_in_junit(searched):
    _, result = searched("users: 2 to 50, hold_each: 8s, precision: 5%")
    root = ET.fromstring(to_junit(result))
    case = next(case for case in root.iter("testcase") if "searched" in case.get("name"))
    assert [child.tag for child in case] == ["system-out"]
    assert result.capacity.text in case.find("system-out").text


def test_a_limit_below_the_range_fails_in_junit(searched):
    _, result = searched("users: 7 to 50, hold_each: 4s")
    case = next(ET.fromstring(to_junit(result)).iter("testcase"))
    assert "not even 7 users were met" in case.find("failure").text


@pytest.mark.parametrize("hold", [3, 5, 12])
def test_a_search_of_which_nobody_is_left_ends_and_says_so(searched, hold):
    """Without any rule that would end it: what is there no more has no other limit to be found."""
    dead = quick(refused=((30 * SECOND, 10_000 * SECOND),))
    _, result = searched(f"arrivals: 20/s to 4000/s, hold_each: {hold}s", service=dead)
    assert result.ended == "finished"
    assert 40 * SECOND <= result.ended_ns <= 45 * SECOND
    last_met = next(step.load for step in reversed(result.capacity.steps) if step.met)
    said = result.capacity.text
    assert re.fullmatch(rf"at least {last_met}; then nobody answered any more \(refused, since 3[01]s\)", said)
    assert (result.outcome, result.exit_code) == ("FAIL", 1)
    assert {verdict.outcome for verdict in result.verdicts} == {"FAIL"}
    assert all(verdict.bad == verdict.n for verdict in result.verdicts)
    assert f"limit: {said}" in summary(result)
    assert any(re.search(r" x refused ", line) for line in summary(result))
    case = next(ET.fromstring(to_junit(result)).iter("testcase"))
    assert said in case.find("failure").text


def test_users_who_find_nobody_any_more_end_a_search_as_well(searched):
    dead = quick(refused=((30 * SECOND, 10_000 * SECOND),))
    _, result = searched("users: 2 to 50, hold_each: 8s", service=dead)
    assert result.ended_ns <= 45 * SECOND
    assert re.search(r"; then nobody answered any more \(refused, since 3[01]s\)$", result.capacity.text)


def test_a_service_that_is_away_for_some_seconds_is_searched_on(searched):
    away = quick(refused=((30 * SECOND, 38 * SECOND),))
    _, result = searched("users: 2 to 50, hold_each: 8s", service=away)
    assert not result.capacity.silence
    assert result.ended_ns > 60 * SECOND


def test_a_load_that_was_met_and_not_confirmed_is_told_as_that(searched):
    """It answers no more from then on, but does not refuse: all loads fail."""
    stuck = quick(stalled=((12 * SECOND, 10_000 * SECOND),))
    _, result = searched("arrivals: 20/s to 25/s, hold_each: 8s", service=stuck)
    assert result.capacity.text == "20 arrivals/s were met at first, and not when they were to be confirmed"
    assert "FAIL" in {verdict.outcome for verdict in result.verdicts}
    assert result.outcome == "FAIL"
