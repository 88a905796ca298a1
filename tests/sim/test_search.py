"""A search for the limit of services whose limit is known."""

import pytest

from perfspec.app.plan import plan
from perfspec.base.clock import MILLISECOND, SECOND
from perfspec.engine.load import Inputs, Load
from perfspec.engine.sim import T0, Service, SimDriver
from perfspec.engine.slicelog import End, Log
from perfspec.plan.build import Choice
from perfspec.report.result import make
from perfspec.report.schedule import lines
from perfspec.report.terminal import summary
from perfspec.steps.runtime import Origin

SPEC = """
perfspec: 1
service: shop
environments:
  local: {url: "http://127.0.0.1:8083"}
flows:
  look: {steps: [{get: /look, name: look, timeout: 5s}]}
stages:
  capacity: {find_limit: {FIND}}
thresholds:
  look: {p95: LIMIT}
"""


class Queue(Service):
    """One clerk who takes 10 ms for each: 100 a second and no more."""

    def answered_ns(self, at_ns, draw):
        done = max(at_ns, getattr(self, "done_ns", 0)) + self.latency_ns(draw)
        object.__setattr__(self, "done_ns", done)
        return done


@pytest.fixture
def searched(tmp_path):
    def run(find, limit="at most 55ms", service=None):
        (tmp_path / "s.yaml").write_text(SPEC.replace("FIND", find).replace("LIMIT", limit))
        planned = plan(str(tmp_path / "s.yaml"), Choice("capacity"))
        driver = SimDriver(service or Queue(lambda _: 10 * MILLISECOND), 1)
        seconds, endings = [], []
        load = Load(planned.plan, driver, Origin("sim", 1, "sim"), Inputs("r", {}, {}), seconds.append, endings.append)
        load.start(T0)
        driver.run()
        (ending,) = endings
        result = make(planned.plan, Log(None, tuple(seconds), End(ending.reason, ending.ended_ns)))
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


def test_a_service_that_cannot_do_the_least_fails(searched):
    _, result = searched("users: 7 to 50, hold_each: 4s")
    assert (result.capacity.met, result.capacity.failed) == ("", "7 users")
    assert (result.outcome, result.exit_code) == ("FAIL", 1)
    assert result.capacity.text == "not even 7 users were met"


def test_a_service_that_can_do_the_most_has_an_open_bracket(searched):
    _, result = searched("users: 2 to 4, hold_each: 4s")
    assert (result.capacity.met, result.capacity.failed) == ("4 users", "")
    assert result.capacity.text == "at least 4 users, confirmed three times as long"
    assert result.outcome == "PASS"


def test_the_plan_says_how_long_it_may_take(searched):
    planned, _ = searched("users: 2 to 50, hold_each: 4s")
    text = "\n".join(lines(planned.plan, planned.estimate))
    assert "from 2 users by half up to 50 users until a threshold breaks, each load held for 4s" in text
    assert "at most 3m if all is close" in text


def test_a_search_that_was_cut_off_is_no_pass(searched):
    _, result = searched("users: 2 to 50, hold_each: 8s")
    torn = Log(None, tuple(s for s in result.seconds if s.second < 30), End("finished", 30 * SECOND))
    assert make(result.plan, torn).outcome == "INCONCLUSIVE"
