"""A search on a service whose users get in each other's way: what is told of its peak."""

import re

import pytest

from perfspec.base.clock import SECOND
from perfspec.engine.load import Inputs, Load
from perfspec.engine.sim import T0, Service, SimDriver
from perfspec.engine.slicelog import End, Log
from perfspec.report.remarks import remarks
from perfspec.report.result import make
from perfspec.steps.runtime import Origin
from perfspec.verdict.scalability import Scalability

LAW = Scalability(20, 0.03, 0.0002)
SPEC = """perfspec: 1
service: shop
environments: {local: {url: "http://127.0.0.1:8083"}}
flows: {look: {steps: [{get: /look, name: look, timeout: 5s}]}}
stages:
  capacity: {find_limit: {users: 2 to 200, hold_each: 8s, precision: 20%}}
thresholds:
  look: {mean: under LIMIT}
"""


class Crowded(Service):
    """Each of N users is answered after the time that the law says for N."""

    def answered_ns(self, at_ns, draw):
        ends = [end for end in getattr(self, "ends", ()) if end > at_ns]
        users = len(ends) + 1
        ends.append(at_ns + int(users / LAW.at(users) * self.latency_ns(draw)))
        object.__setattr__(self, "ends", ends)
        return ends[-1]


@pytest.fixture
def told(plan_of):
    """What the report says of a search that ends at the first load whose mean is over the limit."""

    def run(limit: str) -> list[str]:
        plan = plan_of(SPEC.replace("LIMIT", limit), "capacity")
        seconds, endings = [], []
        driver = SimDriver(Crowded(lambda draw: int((0.9 + 0.2 * draw) * SECOND)), 1)
        load = Load(plan, driver, Origin("sim", 1, "sim"), Inputs("r", {}, {}), seconds.append, endings.append)
        load.start(T0)
        driver.run()
        (ending,) = endings
        result = make(plan, Log(None, tuple(seconds), End(ending.reason, ending.ended_ns)))
        return [text for text in remarks(result) if "scalability" in text]

    return run


def test_a_search_that_went_past_the_peak_names_it(told) -> None:
    (text,) = told("600ms")
    found = re.match(r"throughput peaks near (\d+) users with (\d+) requests/s, and falls with more", text)
    assert found
    assert int(found[1]) == pytest.approx(LAW.peak_users, rel=0.15)
    assert int(found[2]) == pytest.approx(LAW.peak_per_s, rel=0.05)
    assert "judges nothing" in text


def test_a_search_that_ended_below_the_peak_says_nothing_of_it(told) -> None:
    assert told("120ms") == []
