"""The gate simulator: what a smoke stage says of services that are known to be well, close to a limit, or broken.

Every run goes the way of a real one from the seconds of slices on: the load's watch and its question whether to run on,
the log, the result with its exit code. Only the requests are drawn, not sent; one run of each kind is also made with
requests, on the simulated driver, and has to end alike.
"""

import math
import random
from collections import Counter
from dataclasses import dataclass, field

import pytest

from perfspec.app import plan as plan_case
from perfspec.base.clock import MILLISECOND, SECOND
from perfspec.engine.load import Inputs, Load
from perfspec.engine.part import Told
from perfspec.engine.pilot import Pilot
from perfspec.engine.sim import T0, Reply, Service, SimDriver
from perfspec.engine.slicelog import Beginning, End, Log
from perfspec.metrics import histogram
from perfspec.metrics.series import Key, Slice
from perfspec.metrics.vitals import Vitals
from perfspec.plan.build import Choice
from perfspec.report.result import Result, make
from perfspec.steps.runtime import Origin

RUNS = 200
A_SECOND = 40
"""Requests; the judged 25 seconds hold a thousand."""
LIMIT_MS = 120
SPREAD = 0.4
SPEC = """perfspec: 1
service: shop
environments: {local: {url: "http://sim"}}
flows: {look: {steps: [{get: /a, name: a}, {pause: 100ms to 150ms}]}}
stages:
  smoke:
    phases: [{for: 30s, users: 8}]
    extend_to: 90s
    abort: [errors threshold fails]
thresholds:
  a: {p95: at most 120ms}
  all: {errors: under 1%}
"""


@dataclass(frozen=True)
class Case:
    """A service under test, or a generator."""

    p95_of_limit: float = 0.7
    errors: float = 0.001
    """Everywhere."""
    outage: range = range(0)
    """Seconds in which nobody answers."""
    window: range = range(0)
    """Seconds in which one request in ten fails."""
    killed_at: int = 0
    late_ms: int = 0
    """Added to every time by a generator that is not given the CPU."""
    outcomes: Counter[str] = field(default_factory=Counter, compare=False)


CASES = {
    "healthy": Case(),
    "1.02 times the limit": Case(1.02),
    "1.1 times the limit": Case(1.1),
    "1.3 times the limit": Case(1.3),
    "3-second outage": Case(outage=range(12, 15)),
    "10 % errors in 10 s": Case(window=range(12, 22)),
    "dead service": Case(outage=range(90)),
    "killed in mid-run": Case(killed_at=17),
    "starved generator": Case(late_ms=60),
}


def latency_ms(case: Case, normal: float) -> float:
    """Log-normal with the wanted p95."""
    return case.p95_of_limit * LIMIT_MS * math.exp(SPREAD * (normal - 1.6449)) + case.late_ms


def drawn(case: Case, second: int, draw: random.Random) -> Slice:
    """One second of requests. While nobody answers, users wait between their attempts."""
    n = A_SECOND // 5 if second in case.outage else draw.randint(A_SECOND - 5, A_SECOND + 5)
    share = 1.0 if second in case.outage else 0.1 if second in case.window else case.errors
    failed = sum(draw.random() < share for _ in range(n)) if share < 1 else n
    times = [latency_ms(case, draw.gauss(0, 1)) for _ in range(n - failed)]
    response: dict[int, int] = {}
    for ms in times:
        i = histogram.index(int(ms * 1000))
        response[i] = response.get(i, 0) + 1
    kind = "refused" if second in case.outage else "status 500"
    over = {LIMIT_MS * MILLISECOND: failed + sum(ms > LIMIT_MS for ms in times)}
    errors = {kind: failed} if failed else {}
    return Slice(Key("a", flow="look"), second, n, errors, failed, over, response, dict(response))


class Nothing:
    """A load that is only judged: what the pilot asks of it is read from the pilot."""

    def stop(self, _reason):
        pass

    def change(self, _shape, _at_ns):
        pass


NOTHING = Nothing()


def from_slices(plan, case: Case, seed: int) -> Result:
    """A run whose seconds are drawn; everything behind them is what a run on the reactor goes through."""
    draw = random.Random(seed)
    seconds: list = []
    pilot = Pilot(plan, NOTHING, seconds.append)
    late = {case.late_ms * 1000: 20} if case.late_ms else {100: 20}
    planned = plan.for_ns // SECOND
    until = planned
    for number in range(1, plan.extend_to_ns // SECOND + 1):
        if number > until or pilot.abort is not None:
            break
        if number == case.killed_at:
            return make(plan, Log(Beginning("r", "", plan.hash, ""), tuple(seconds), None))
        piece = drawn(case, number - 1, draw)
        pilot.hear(Told(number, 8, [piece], 1, late, is_extended=number > planned, vitals=Vitals(lag=late)))
        if number == planned and pilot.abort is None and pilot.is_close():
            until = plan.extend_to_ns // SECOND
    ended = seconds[-1].second * SECOND
    end = End("aborted" if pilot.abort else "finished", ended, abort=pilot.abort)
    return make(plan, Log(Beginning("r", "", plan.hash, ""), tuple(seconds), end))


def row(outcomes: Counter[str], words: tuple[str, ...]) -> str:
    return "".join(f"{100 * outcomes[word] / outcomes.total():>14.1f}" for word in words)


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    path = tmp_path_factory.mktemp("gate") / "s.yaml"
    path.write_text(SPEC)
    return plan_case.plan(str(path), Choice("smoke")).plan


@pytest.fixture(scope="module")
def results(plan):
    return {name: [from_slices(plan, case, seed) for seed in range(RUNS)] for name, case in CASES.items()}


def share(found: list[Result], outcome: str) -> float:
    return sum(result.outcome == outcome for result in found) / len(found)


def test_the_table_of_outcomes(results) -> None:
    words = ("PASS", "FAIL", "INCONCLUSIVE")
    print(f"\n{f'% of {RUNS} runs':24}" + "".join(f"{word:>14}" for word in (*words, "ran on", "aborted")))
    for name, found in results.items():
        more = [sum(r.extended for r in found), sum(r.abort is not None for r in found)]
        counts = Counter(result.outcome for result in found)
        print(f"{name:24}{row(counts, words)}" + "".join(f"{100 * n / len(found):>14.1f}" for n in more))
    assert share(results["healthy"], "FAIL") <= 0.01
    assert share(results["healthy"], "PASS") >= 0.99
    assert share(results["1.3 times the limit"], "FAIL") >= 0.99
    assert share(results["dead service"], "FAIL") == 1
    assert share(results["10 % errors in 10 s"], "FAIL") == 1
    assert share(results["3-second outage"], "FAIL") == 1
    assert share(results["killed in mid-run"], "INCONCLUSIVE") == 1
    assert share(results["starved generator"], "PASS") == 0


def test_a_little_over_the_limit_fails_more_often_the_further_it_is(results) -> None:
    rising = [share(results[f"{factor} times the limit"], "FAIL") for factor in ("1.02", "1.1", "1.3")]
    assert rising == sorted(rising)
    assert rising[0] < 0.9 < rising[1]


def test_a_starved_generator_never_fails_a_service_on_latency(results) -> None:
    for result in results["starved generator"]:
        latency, errors = result.verdicts
        assert latency.outcome == "INCONCLUSIVE"
        assert "the load generator itself was late" in latency.reason
        assert errors.outcome in ("PASS", "FAIL")
        assert result.exit_code == (3 if errors.outcome == "PASS" else 1)
        assert latency.bad > latency.allowed  # what it measured would have failed


def test_a_dead_service_is_not_waited_for(results) -> None:
    assert {result.abort.second for result in results["dead service"]} == {6}
    assert {result.exit_code for result in results["dead service"]} == {1}


def test_a_killed_run_is_no_pass_however_well_it_went(results) -> None:
    assert {(result.ended, result.exit_code) for result in results["killed in mid-run"]} == {("torn", 3)}


def test_close_calls_run_on_and_nothing_else_does(results) -> None:
    assert not any(result.extended for result in results["healthy"])
    assert any(result.extended for result in results["1.02 times the limit"])
    for result in results["1.02 times the limit"]:
        assert result.ended_ns == (90 if result.extended else 30) * SECOND


# the same with requests


def normal(draw: float) -> float:
    """The inverse of the normal distribution function, by bisection: a few hundred thousand calls need no better."""
    low, high = -8.0, 8.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if math.erf(middle / math.sqrt(2)) / 2 + 0.5 < draw else (low, middle)
    return low


def with_requests(plan, case: Case, seed: int) -> Result:
    """A run on the simulated driver."""
    draw = random.Random(seed)

    def reply(_call, _data, now_ns: int) -> Reply:
        share = 0.1 if now_ns // SECOND in case.window else case.errors
        return Reply(500 if draw.random() < share else 200)

    refused = ((case.outage.start * SECOND, case.outage.stop * SECOND),) if case.outage else ()
    service = Service(lambda u: int(latency_ms(case, normal(u)) * MILLISECOND), reply, refused=refused)
    driver = SimDriver(service, seed)
    seconds, endings = [], []
    late = {case.late_ms * 1000: 20} if case.late_ms else {}
    load = Load(plan, driver, Origin("sim", 1, "sim"), Inputs("r", {}, {}), seconds.append, endings.append)
    load.vitals = lambda: Vitals(lag=late)
    load.start(T0)
    if case.killed_at:
        driver.run(T0 + case.killed_at * SECOND)
        return make(plan, Log(Beginning("r", "", plan.hash, ""), tuple(seconds), None))
    driver.run()
    ending = endings[0]
    end = End(ending.reason, ending.ended_ns, ending.unfinished, ending.waits, load.abort)
    return make(plan, Log(Beginning("r", "", plan.hash, ""), tuple(seconds), end))


@pytest.mark.parametrize("name", [name for name in CASES if not name.startswith("1.02")])
def test_a_run_with_requests_ends_as_those_whose_seconds_are_drawn(plan, results, name) -> None:
    expected = Counter(result.outcome for result in results[name]).most_common(1)[0][0]
    found = with_requests(plan, CASES[name], 1)
    assert found.outcome == expected
    assert (found.abort is None) == (results[name][0].abort is None)
    (verdict,) = (v for v in found.verdicts if v.cell == "p95")
    assert verdict.n > 200 or name == "dead service"
