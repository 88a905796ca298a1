"""A round is good if every check and limit of its steps held, whatever it is about. Who found no place had none."""

import pytest

from perfspec.base.clock import MILLISECOND as MS
from perfspec.base.clock import SECOND
from perfspec.engine.load import Inputs, Load
from perfspec.engine.sim import T0, Reply, Service, SimDriver
from perfspec.engine.slicelog import End, Log
from perfspec.report.result import make
from perfspec.steps.runtime import Origin

SPEC = """
perfspec: 1
service: shop
environments: {local: {url: "http://shop.test"}}
flows:
  chat: {steps: STEPS}
stages:
  smoke: {phases: [{for: 10s, LOAD}]}
thresholds:
  ROW: {LIMIT}
"""
STREAM = "[{post: /chat, name: ask, stream: {ends_with: '[DONE]'}}]"
GET = "[{get: /item, name: ask, record: {tokens: $.tokens}}]"
WAIT = "[{get: /job, name: ask, until: {$.state: done}, every: 100ms, give_up_after: 5s}]"
INNER = "{parallel: inner, steps: [{get: /a, name: ask}, {get: /b, name: b}]}"
BRANCHES = f"[{{parallel: outer, steps: [{INNER}, {{get: /c, name: c}}]}}]"
SSE = ((b"content-type", b"text/event-stream"),)
TOKEN, DONE = b"data: a\n\n", b"data: [DONE]\n\n"


def stream(*parts):
    """Milliseconds after what came before, and the bytes; the head takes 10 ms."""
    return Reply(200, b"", SSE, parts=tuple((ms * MS, data) for ms, data in parts))


def answer(body):
    return Reply(200, body)


@pytest.fixture
def ran(plan_of):
    def run(steps, limit, reply, *, row="ask", load="users: 2", latency_ms=10):
        limit = f"{limit}, goodput: at least 95%" if row == "all" else f"{limit}}}\n  all: {{goodput: at least 95%"
        text = SPEC.replace("STEPS", steps).replace("LIMIT", limit).replace("ROW", row).replace("LOAD", load)
        plan = plan_of(text)
        driver = SimDriver(Service(lambda _: latency_ms * MS, lambda *_: reply), 1)
        seconds, endings = [], []
        load = Load(plan, driver, Origin("sim", 1, "sim"), Inputs("r", {}, {}), seconds.append, endings.append)
        load.start(T0)
        driver.run()
        return make(plan, Log(None, tuple(seconds), End("finished", 10 * SECOND)))

    return run


SLOW_START = stream((300, TOKEN), (10, TOKEN), (10, DONE))
GAP = stream((10, TOKEN), (300, TOKEN), (10, DONE))


@pytest.mark.parametrize(
    ("steps", "row", "limit", "reply", "is_good"),
    [
        (STREAM, "ask", "first_event p95: at most 350ms", SLOW_START, True),
        (STREAM, "ask", "first_event p95: at most 250ms", SLOW_START, False),
        (STREAM, "all", "first_event p95: at most 250ms", SLOW_START, False),
        (STREAM, "flow chat", "first_event p95: at most 250ms", SLOW_START, False),
        (STREAM, "ask", "event_gap p95: at most 250ms", SLOW_START, True),
        (STREAM, "ask", "event_gap p95: at most 350ms", GAP, True),
        (STREAM, "ask", "event_gap p95: at most 250ms", GAP, False),
        (STREAM, "ask", "first_event p95: at most 250ms", stream((10, DONE)), False),
        (STREAM, "ask", "event_gap p95: at most 250ms", stream((10, DONE)), True),
        (STREAM, "ask", "events p95: at most 1", GAP, False),
        (STREAM, "ask", "events p95: at most 2", GAP, True),
        (GET, "ask", "size p95: at most 10B", answer(b'{"tokens": 40}'), False),
        (GET, "ask", "size p95: at most 14B", answer(b'{"tokens": 40}'), True),
        (GET, "ask", "tokens p95: at most 39", answer(b'{"tokens": 40}'), False),
        (GET, "ask", "tokens p95: at most 40", answer(b'{"tokens": 40}'), True),
        (GET, "ask", "tokens p95: at most 40", answer(b"{}"), False),
        (GET, "ask", "errors: under 1%", answer(b"{}"), True),
        (BRANCHES, "ask", "p95: at most 5ms", answer(b"{}"), False),
        (BRANCHES, "ask", "p95: at most 15ms", answer(b"{}"), True),
        (BRANCHES, "c", "p95: at most 5ms", answer(b"{}"), False),
        (WAIT, "ask", "wait p95: at most 5ms", answer(b'{"state": "done"}'), False),
        (WAIT, "ask", "wait p95: at most 15ms", answer(b'{"state": "done"}'), True),
    ],
)  # fmt: skip
def test_a_round_is_good_if_every_limit_of_its_steps_held(ran, steps, row, limit, reply, is_good):
    result = ran(steps, limit, reply, row=row)
    (whole, chat) = result.goodput
    assert whole.n == chat.n > 20
    assert whole.missed == (0 if is_good else whole.n)
    verdict = next(v for v in result.verdicts if v.cell == "goodput")
    assert (verdict.outcome, verdict.n) == ("PASS" if is_good else "FAIL", whole.n)


def test_who_finds_no_place_has_no_good_round(ran):
    """Ten a second who stay for a second, with room for five: every other one is turned away."""
    result = ran(
        "[{get: /item, name: ask}]", "p95: at most 2s", answer(b"{}"),
        load="arrivals: 10/s, at_most: 5 users", latency_ms=1000,
    )  # fmt: skip
    whole = result.goodput[0]
    assert whole.n == 80
    assert 36 <= whole.missed <= 40
    verdicts = {v.cell: v for v in result.verdicts}
    assert (verdicts["goodput"].outcome, verdicts["goodput"].n, verdicts["goodput"].bad) == ("FAIL", 80, whole.missed)
    assert verdicts["p95"].bad == whole.missed


def test_who_finds_no_place_is_one_bad_first_event(ran):
    """Of the flow that streams; the time of a stream that was never asked for cannot make the others look better."""
    result = ran(
        STREAM, "first_event p95: at most 2s", stream((900, TOKEN), (90, DONE)),
        load="arrivals: 10/s, at_most: 5 users",
    )  # fmt: skip
    (first,) = [v for v in result.verdicts if v.cell == "first_event p95"]
    assert (first.outcome, first.n) == ("FAIL", 80)
    assert first.bad == result.goodput[0].missed > 30
