"""What an environment allows is less than what is asked for: nothing of that is the service's doing."""

from collections import Counter

import pytest

from perfspec.base.clock import MILLISECOND, SECOND
from perfspec.engine.load import Inputs, Load
from perfspec.engine.sim import T0, Reply, Service, SimDriver
from perfspec.steps.runtime import Origin

STREAMS = """
perfspec: 1
service: shop
environments: {local: {url: "http://sim", limits: {requests: 10/s}}}
flows:
  ask: {steps: [{get: /events, name: ask, stream: {silence: 300ms}}, {pause: 100ms}]}
stages: {smoke: {phases: [{for: 10s, users: 30}]}}
thresholds: {all: {errors: under 1%}}
"""
HEADERS = ((b"content-type", b"text/event-stream"),)


@pytest.fixture
def streamed(plan_of):
    """With a service that takes so long to say something: how many were sent in each second, what all seconds told,
    and for how long those had been sent that were cut.
    """

    def run(latency_ns):
        seconds: list = []
        sent: Counter = Counter()
        cuts: list[int] = []

        def reply(_call, _data, now_ns):
            sent[now_ns // SECOND] += 1
            return Reply(200, b"data: x\n\n", HEADERS)

        driver = SimDriver(Service(lambda _: latency_ns, reply), 1)
        cut = driver.transport.cut

        def noted(lane, kind):
            cuts.append(driver.now - lane.outcome.sent)
            cut(lane, kind)

        driver.transport.cut = noted
        load = Load(plan_of(STREAMS), driver, Origin("s", 1, "s"), Inputs("r", {}, {}), seconds.append, [].append)
        load.start(T0)
        driver.run()
        return sent, seconds, cuts

    return run


def errors(seconds) -> Counter:
    found: Counter = Counter()
    for piece in (piece for second in seconds for piece in second.slices if not piece.key.timer):
        found.update(piece.errors)
    return found


def test_a_stream_that_waits_for_its_token_is_not_silent(streamed) -> None:
    sent, seconds, _ = streamed(20 * MILLISECOND)
    assert {sent[second] for second in range(10)} == {10}
    assert sum(second.held for second in seconds) > 50
    assert errors(seconds) == {}


def test_one_that_was_sent_is_silent_when_it_has_been_for_so_long(streamed) -> None:
    """However long it had to wait before: 300 ms after it was sent, and not at some later look at it."""
    sent, seconds, cuts = streamed(5 * SECOND)
    assert errors(seconds) == {"silence": sent.total()}
    assert cuts == [300 * MILLISECOND] * sent.total()
    assert sum(second.held for second in seconds) > 50
