"""The load of a whole plan in simulation: deterministic, and the same requests that the reactor would send."""

import asyncio
import hashlib
import math
import socketserver
import threading
import time
from collections import Counter
from fractions import Fraction
from pathlib import Path

import msgspec
import orjson
import pytest

from perfspec.app.plan import plan
from perfspec.base.clock import MILLISECOND, SECOND
from perfspec.base.codec import encode
from perfspec.engine.load import Inputs, Load
from perfspec.engine.reactor import RealDriver
from perfspec.engine.sim import T0, Reply, Service, SimDriver
from perfspec.load import Users
from perfspec.metrics import histogram
from perfspec.metrics.rows import total
from perfspec.metrics.series import Key
from perfspec.plan.build import Choice
from perfspec.plan.model import PlannedPhase
from perfspec.steps.runtime import Origin

ROOT = Path(__file__).parent.parent.parent
MEAN_NS = 50 * MILLISECOND


@pytest.fixture(scope="module")
def planned():
    return plan(str(ROOT / "specs/search.yaml"), Choice("smoke"))


def with_phases(plan, *phases):
    """The plan with other phases: (seconds, users from, users to)."""
    found, at = [], 0
    for number, (seconds, start, end) in enumerate(phases):
        name = f"phase {number}"
        span = plan.phases[0].span
        found.append(PlannedPhase(name, span, at, int(seconds * SECOND), Users(start, end), measured=True))
        at += int(seconds * SECOND)
    return msgspec.structs.replace(plan, phases=tuple(found), extend_to_ns=0)


def answer(call, _data, _now_ns):
    """What the search service would say, without a service."""
    bodies = {
        "suggest": {"suggestions": ["a"]},
        "query": {"hits": [{"id": 1}], "total": 30},
        "index": {"job_id": "j1"},
        "index-job": {"state": "indexed"},
    }
    status = 202 if call.name == "index" else 200
    return Reply(status, orjson.dumps(bodies[call.name]), ((b"content-type", b"application/json"),))


def simulate(planned, plan, service, seed=1):
    """(seconds, ending) of a plan in virtual time."""
    driver = SimDriver(service, seed)
    seconds, endings = [], []
    inputs = Inputs("run-1", planned.rows, {"api_key": "perf-local-key", "test_password": "perf-local-password"})
    load = Load(plan, driver, Origin("sim", 1, "sim"), inputs, seconds.append, endings.append)
    load.start(T0)
    driver.run()
    return seconds, endings[0], load


def exponential(draw):
    return int(-math.log(1 - draw) * MEAN_NS)


def digest(seconds):
    return hashlib.sha256(b"".join(encode(s.slices) for s in seconds)).hexdigest()


class TestTenMinutes:
    def test_ten_minutes_of_a_hundred_users_give_the_same_slices_twice_and_the_distribution_of_the_service(
        self, planned
    ):
        plan = with_phases(planned.plan, (600, 100, 100))
        plan = msgspec.structs.replace(
            plan, flows=tuple(_slow(flow) for flow in plan.flows if flow.name == "type-ahead")
        )
        service = Service(exponential, answer)
        began = time.process_time()
        first, ending, _ = simulate(planned, plan, service)
        cpu = time.process_time() - began
        second, _, _ = simulate(planned, plan, service)
        row = total(p for s in first for p in s.slices if p.key.name == "suggest")
        print(f"{row.n} requests of 600 s x 100 users in {cpu:.2f} s of CPU")
        assert digest(first) == digest(second)
        assert ending.reason == "finished"
        assert row.failed == 0
        for q in (Fraction(1, 2), Fraction(19, 20), Fraction(99, 100)):
            theory_us = -math.log(1 - float(q)) * MEAN_NS / 1000
            assert histogram.quantile(row.response, q) == pytest.approx(theory_us, rel=0.03)

    def test_goodput_counts_the_rounds_in_which_a_request_took_longer_than_its_limit(self, planned):
        plan = with_phases(planned.plan, (20, 5, 5))
        flow = next(flow for flow in plan.flows if flow.name == "type-ahead")
        plan = msgspec.structs.replace(plan, flows=(flow,))
        assert plan.held_to(Key("suggest")) == 120 * MILLISECOND
        fast, _, _ = simulate(planned, plan, Service(lambda _: 119 * MILLISECOND, answer))
        slow, _, _ = simulate(planned, plan, Service(lambda _: 121 * MILLISECOND, answer))
        mixed, _, _ = simulate(planned, plan, Service(lambda draw: (121 if draw > 0.9 else 9) * MILLISECOND, answer))
        rows = [
            total((p for s in seen for p in s.slices), lambda p: p.key.timer == "round") for seen in (fast, slow, mixed)
        ]
        assert [row.n > 0 for row in rows] == [True] * 3
        assert rows[0].missed == 0
        assert rows[1].missed == rows[1].n
        assert 0.1 < rows[2].missed / rows[2].n < 0.9  # a round has one request or several, each slow one time in ten

    def test_another_seed_gives_other_slices(self, planned):
        plan = with_phases(planned.plan, (5, 5, 5))
        service = Service(exponential, answer)
        first, _, _ = simulate(planned, plan, service)
        other, _, _ = simulate(planned, msgspec.structs.replace(plan, seed=1), service)
        assert digest(first) != digest(other)


def _slow(flow):
    """The flow with think times of a second: about as many requests as people would make."""
    (loop,) = flow.steps
    request, pause = loop.steps
    pause = msgspec.structs.replace(
        pause, cap_ns=0, range=msgspec.structs.replace(pause.range, low_ns=SECOND, high_ns=SECOND)
    )
    return msgspec.structs.replace(flow, steps=(msgspec.structs.replace(loop, steps=(request, pause)),))


class Recording(socketserver.ThreadingTCPServer):
    """A server that keeps the requests it gets and answers like the simulated service."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self):
        self.seen = []
        super().__init__(("127.0.0.1", 0), Conversation)


class Conversation(socketserver.StreamRequestHandler):
    def handle(self):
        while line := self.rfile.readline():
            length = 0
            while (header := self.rfile.readline()) not in (b"\r\n", b""):
                name, _, value = header.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            body = self.rfile.read(length)
            self.server.seen.append((line, body))
            path = line.split(b" ")[1]
            name = next(n for n, start in PATHS if path.startswith(start))
            reply = answer(Named(name), b"", 0)
            head = b"HTTP/1.1 %d OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            self.wfile.write(head % (reply.status, len(reply.body)) + reply.body)


class Named:
    def __init__(self, name):
        self.name = name


PATHS = (
    ("suggest", b"/v1/suggest"),
    ("query", b"/v1/query"),
    ("index-job", b"/v1/index/jobs"),
    ("index", b"/v1/index"),
)


def really(planned, plan, server):
    """The plan on the reactor, against a real socket."""
    endings = []

    async def go():
        loop = asyncio.get_running_loop()
        driver = RealDriver(loop)
        done = asyncio.Event()
        crashes = []
        driver.on_crash = crashes.append
        inputs = Inputs("run-1", planned.rows, {"api_key": "perf-local-key", "test_password": "perf-local-password"})
        origin = Origin("127.0.0.1", server.server_address[1], "127.0.0.1")
        load = Load(plan, driver, origin, inputs, lambda _: None, lambda ending: (endings.append(ending), done.set()))
        load.start(driver.now_ns() + 10 * MILLISECOND)
        await asyncio.wait_for(done.wait(), 30)
        driver.close()
        assert not crashes

    asyncio.run(go())
    return endings[0]


class TestBothDrivers:
    def test_simulation_and_reactor_send_the_same_requests(self, planned):
        """Compared round by round: how many rounds a user gets through depends on time, what is in them does not."""
        plan = with_phases(planned.plan, (2, 4, 4))
        sent = []

        def recording(call, data, now_ns):
            sent.append(data)
            return answer(call, data, now_ns)

        simulate(planned, plan, Service(lambda _: MILLISECOND, recording))
        simulated = Counter(_essence(*_split(data)) for data in sent)
        server = Recording()
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            really(planned, plan, server)
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
        real = Counter(_essence(line, body) for line, body in server.seen)
        common = real & simulated
        print(f"{real.total()} requests on the reactor, {simulated.total()} simulated, {common.total()} the same")
        assert real.total() > 50
        cut_off = 4 * 8  # the last round of each of the four users ends with the stage, wherever it is
        assert real.total() - common.total() <= cut_off
        assert simulated.total() - common.total() <= abs(simulated.total() - real.total()) + cut_off


def _split(data):
    head, _, body = data.partition(b"\r\n\r\n")
    return head.split(b"\r\n")[0] + b"\r\n", body


def _essence(line, body):
    return line.strip(), body


def test_a_group_that_takes_longer_than_its_limit_spoils_the_round_that_it_is_in(tmp_path):
    """Two requests of 60 ms each, well within their own limit, in a group that is to take 100 ms."""
    path = tmp_path / "s.yaml"
    path.write_text(
        "perfspec: 1\nservice: shop\nenvironments: {local: {url: 'http://sim'}}\nflows:\n"
        "  look: {steps: [{group: visit, steps: [{get: /a, name: a}, {get: /b, name: b}]}]}\n"
        "stages: {smoke: {phases: [{for: 5s, users: 2}]}}\n"
        "thresholds:\n  all: {goodput: at least 95%, p95: under 1s}\n  group visit: {p95: at most LIMIT}\n"
    )
    text = path.read_text()
    for limit, missed in (("100ms", True), ("150ms", False)):
        path.write_text(text.replace("LIMIT", limit))
        planned = plan(str(path), Choice("smoke"))
        seconds, _, _ = simulate(planned, planned.plan, Service(lambda _: 60 * MILLISECOND))
        row = total(p for s in seconds for p in s.slices if p.key.timer == "round")
        assert row.n > 20
        assert row.missed == (row.n if missed else 0)


def test_whoever_fails_before_the_first_pause_does_not_hurry(plan_of) -> None:
    spec = (
        "perfspec: 1\nservice: hurry\nenvironments: {local: {url: http://127.0.0.1:1}}\n"
        "flows:\n  look:\n    steps:\n      - {get: /token, name: token, capture: {token: $.token}}\nPAUSE"
        "      - {get: '/look?t=${token}', name: look}\n"
        "stages: {smoke: {phases: [{for: 10s, users: 2}]}}\nthresholds: {all: {errors: under 1%}}\n"
    )
    service = Service(lambda _: MILLISECOND, lambda *_: Reply(500, b"{}"))
    counts = []
    for pause in ("      - pause: 1s\n", ""):
        driver, seconds = SimDriver(service, 1), []
        load = Load(
            plan_of(spec.replace("PAUSE", pause)), driver, Origin("sim", 1, "sim"), Inputs("r", {}, {}),
            seconds.append, lambda _: None,
        )  # fmt: skip
        load.start(T0)
        driver.run()
        counts.append(sum(s.n for second in seconds for s in second.slices if s.key.name == "token"))
    hurried, planned = counts[1], counts[0]
    assert 2 * 10 <= planned <= 2 * 20  # 0.1 s, 0.2 s ... 1 s, half to whole
    assert hurried > 1000  # where nobody was to pause, nobody does


def test_a_wait_that_is_over_its_limit_when_the_load_ends_was_slow(plan_of) -> None:
    """Ten begin to wait in each second, and nothing is ever done: those of the last two seconds may yet be in time."""
    plan = plan_of(
        "perfspec: 1\nservice: jobs\nenvironments: {local: {url: http://127.0.0.1:1}}\n"
        "flows:\n  job:\n    steps:\n"
        "      - {get: /job, name: job, until: {$.state: done}, every: 100ms, give_up_after: 30s}\n"
        "stages: {smoke: {phases: [{for: 9s, arrivals: 10/s, at_most: 200 users}]}}\n"
        "thresholds: {job: {wait p95: under 2s}}\n"
    )
    driver = SimDriver(Service(lambda _: MILLISECOND, lambda *_: Reply(200, b'{"state": "new"}')), 1)
    seconds, endings = [], []
    Load(plan, driver, Origin("sim", 1, "sim"), Inputs("r", {}, {}), seconds.append, endings.append).start(T0)
    driver.run()
    waits = total(s for second in seconds for s in second.slices if s.key.timer == "wait")
    assert 65 <= waits.n <= 72  # of 90: those that came in the first seven seconds
    assert list(waits.over.values()) == [waits.n]
    assert (waits.failed, endings[0].unfinished) == (0, 90 - waits.n)
