"""What every user does before its first round and after its last one, and users that leave of their own accord."""

import re
from collections import Counter, defaultdict
from itertools import pairwise

import orjson
import pytest

from perfspec.app.plan import plan as plan_of
from perfspec.base.clock import MILLISECOND as MS
from perfspec.base.clock import SECOND
from perfspec.engine.load import Inputs, Load
from perfspec.engine.sim import T0, Reply, Service, SimDriver
from perfspec.metrics.rows import total
from perfspec.metrics.series import ARRIVAL
from perfspec.plan.build import Choice
from perfspec.steps.runtime import Origin
from perfspec.verdict.judge import Circumstances, judge

SPEC = """
perfspec: 1
service: shop
environments: {local: {url: "http://shop.test"}}
data:
  colour: {choice: [red, green, blue, white]}
  mood: {choice: [happy, sad]}
setup:
  - get: /setup
    capture: {site: $.id}
each_user:
  first:
    - post: /sessions?user=${user.number}&colour=${colour}&site=${site}
      name: sign-in
      capture: {token: $.id}
  last:
    - delete: /sessions?user=${user.number}&token=${token}&colour=${colour}
      name: sign-out
flows:
  look:
    steps:
      - get: /look?user=${user.number}&token=${token}&round=${round.number}&mood=${mood}
        name: look
      - pause: 200ms to 400ms
thresholds:
  all: {errors: under 1%}
  sign-in: {errors: under 50%, count: at least 1}
stages:
  smoke: {phases: PHASES}
"""
CLOSED = "[{for: 5s, users: 4}]"


class Shop:
    """Answers in 100 ms and remembers: (milliseconds, method, path, parameters)."""

    def __init__(self, refuse=lambda _method, _parameters, _ms: None) -> None:
        self.seen = []
        self.refuse = refuse

    def reply(self, _call, data, now_ns):
        method, target = data.decode().split(" ")[:2]
        path, _, query = target.partition("?")
        parameters = dict(pair.split("=") for pair in query.split("&") if pair)
        self.seen.append((now_ns / MS, method, path, parameters))
        refused = self.refuse(method, parameters, now_ns / MS)
        return refused or Reply(200, orjson.dumps({"id": f"t{parameters.get('user')}"}))

    def of(self, method):
        return [each for each in self.seen if each[1] == method]

    def by_user(self):
        found = defaultdict(list)
        for _, method, _, parameters in self.seen:
            found[int(parameters["user"])].append((method, parameters))
        return found


@pytest.fixture
def simulate(tmp_path, monkeypatch):
    """(shop, slices, ending, plan) of a spec in virtual time."""

    def run(phases=CLOSED, shop=None, spec=SPEC, *, stop_ms=None, latency=lambda _: 100 * MS, seed=None):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "spec.yaml").write_text(spec.replace("PHASES", phases))
        planned = plan_of("spec.yaml", Choice("smoke", seed=seed))
        shop = shop or Shop()
        driver = SimDriver(Service(latency, shop.reply))
        seconds, endings = [], []
        load = Load(planned.plan, driver, Origin("shop.test", 1, "sim"), Inputs("r1", planned.rows, {}), seconds.append,
                    endings.append, {"site": "s1"})  # fmt: skip
        load.start(T0)
        if stop_ms is not None:
            driver.call_at(T0 + stop_ms * MS, lambda _: load.stop("interrupted"), None)
        driver.run()
        return shop, [piece for second in seconds for piece in second.slices], endings[0], planned.plan

    return run


def test_every_user_signs_in_before_its_first_round_and_out_after_its_last(simulate):
    shop, slices, ending, _ = simulate()
    for number, done in shop.by_user().items():
        methods = "".join(method[0] for method, _ in done)
        assert re.fullmatch("PG+D", methods), methods
        assert {each.get("token", f"t{number}") for _, each in done} == {f"t{number}"}
        assert [int(each["round"]) for _, each in done[1:-1]] == list(range(1, len(done) - 1))
    assert sorted(shop.by_user()) == [1, 2, 3, 4]
    assert ending.unfinished == 0
    parts = Counter({(s.key.part, s.key.name): s.n for s in slices if not s.key.timer})
    assert {part for part, name in parts if name in ("sign-in", "sign-out")} == {"each_user"}


def test_data_is_the_same_in_first_and_last_and_drawn_anew_in_every_round(simulate):
    shop, _, _, _ = simulate("[{for: 20s, users: 9}]")
    colours = {parameters["colour"] for _, _, _, parameters in shop.of("POST")}
    assert len(colours) > 1
    for done in shop.by_user().values():
        assert done[0][1]["colour"] == done[-1][1]["colour"]
        assert {each["mood"] for _, each in done[1:-1]} == {"happy", "sad"}


def test_the_end_of_the_load_does_not_take_away_the_last_steps(simulate):
    shop, _, ending, _ = simulate(stop_ms=2500)
    assert ending.reason == "interrupted"
    assert len(shop.of("POST")) == len(shop.of("DELETE")) == 4
    assert max(at for at, *_ in shop.of("GET")) <= 2500
    assert all(2500 <= at <= 2700 for at, *_ in shop.of("DELETE"))


def test_pauses_of_the_last_steps_are_not_cut_short(simulate):
    spec = SPEC.replace("  last:\n", "  last:\n    - pause: 1s\n")
    shop, _, _, _ = simulate(spec=spec)
    assert len(shop.of("DELETE")) == 4
    assert all(at >= 6000 for at, *_ in shop.of("DELETE"))


def test_the_last_steps_are_cut_off_after_the_grace_time(simulate):
    spec = SPEC.replace("  last:\n", "  last:\n    - pause: 10m\n")
    shop, _, ending, _ = simulate(spec=spec)
    assert (shop.of("DELETE"), ending.unfinished) == ([], 4)


def test_a_user_that_leaves_in_between_signs_out_then_and_in_again_when_it_comes_back(simulate):
    shop, _, _, _ = simulate("[{for: 4s, users: 3}, {for: 4s, users: 1}, {for: 4s, users: 3}]")
    assert "".join(method[0] for method, _ in shop.by_user()[1]).count("P") == 1
    for number in (2, 3):
        assert re.fullmatch("PG+DPG+D", "".join(method[0] for method, _ in shop.by_user()[number]))
    left = [at for at, _, _, parameters in shop.of("DELETE") if parameters["user"] == "3"]
    assert left[0] < 5000


def test_who_cannot_sign_in_tries_again_slower_and_slower_and_has_no_round(simulate):
    shop, slices, _, plan = simulate(shop=Shop(lambda method, *_: Reply(401) if method == "POST" else None))
    assert {method for _, method, *_ in shop.seen} == {"POST"}
    times = [at for at, _, _, parameters in shop.seen if parameters["user"] == "1"]
    gaps = [after - before for before, after in pairwise(times)]
    assert 6 <= len(times) <= 12
    assert gaps[0] < 300 < max(gaps) <= 1100
    verdicts = {v.threshold: v.outcome for v in judge(plan.thresholds, slices, [(0, 5 * SECOND)], Circumstances())}
    assert verdicts == {
        "all errors under 1%": "FAIL",  # rounds were due, and nobody could begin one
        "sign-in errors under 50%": "FAIL",
        "sign-in count at least 1": "PASS",
    }


def test_who_signs_in_late_has_its_rounds_and_each_that_could_not_begin_has_failed(simulate):
    shop, slices, _, plan = simulate(
        shop=Shop(lambda method, _, ms: Reply(503) if method == "POST" and ms < 1000 else None)
    )
    assert len(shop.of("DELETE")) == 4
    assert min(at for at, *_ in shop.of("GET")) > 1000
    verdicts = judge(plan.thresholds, slices, [(0, 5 * SECOND)], Circumstances())
    assert verdicts[0].outcome == "FAIL"
    failed = total(slices, lambda s: s.key.name == "sign-in").failed
    assert failed > 4
    missed = total(slices, lambda s: s.key.timer == ARRIVAL)
    assert (missed.n, missed.errors, missed.unavailable) == (failed, {"status 503": failed}, failed)


def test_a_user_that_leaves_by_stop_signs_out_and_does_not_come_back(simulate):
    spec = SPEC.replace(
        "      - pause: 200ms",
        "      - when: ${round.number == 3}\n        steps: [{stop: user}]\n      - pause: 200ms",
    )
    shop, slices, _, _ = simulate("[{for: 4s, users: 2}, {for: 4s, users: 3}]", spec=spec)
    for done in shop.by_user().values():
        assert "".join(method[0] for method, _ in done) == "PGGGD"
    assert sorted(shop.by_user()) == [1, 2, 3]
    rounds = total(slices, lambda s: s.key.timer == "round")
    assert (rounds.n, rounds.failed) == (9, 0)


def test_a_round_that_is_stopped_is_followed_by_the_next(simulate):
    spec = SPEC.replace("      - pause: 200ms", "      - stop: round\n      - pause: 200ms")
    shop, slices, _, _ = simulate(spec=spec)
    assert all(len(done) > 30 for done in shop.by_user().values())
    assert total(slices, lambda s: s.key.timer == "round").failed == 0


def test_a_user_can_stop_before_its_first_round(simulate):
    spec = SPEC.replace("  last:\n", "    - when: ${user.number == 2}\n      steps: [{stop: user}]\n  last:\n")
    shop, _, _, _ = simulate(spec=spec)
    assert "".join(method[0] for method, _ in shop.by_user()[2]) == "PD"
    assert len(shop.by_user()[1]) > 5


@pytest.mark.parametrize(("limit", "outcome"), [("50ms", "FAIL"), ("150ms", "PASS")])
def test_a_round_is_good_only_if_its_groups_are_in_time(simulate, limit, outcome):
    spec = SPEC.replace("      - get: /look?", "      - parallel: page\n        steps:\n          - get: /look?")
    spec = spec.replace("        name: look\n", "            name: look\n")
    spec = spec.replace(
        "thresholds:\n",
        f"thresholds:\n  group page: {{p95: at most {limit}}}\n  flow look: {{goodput: at least 95%}}\n",
    )
    _, slices, _, plan = simulate(spec=spec)
    found = {v.threshold: v for v in judge(plan.thresholds, slices, [(0, 5 * SECOND)], Circumstances())}
    assert found["flow look goodput at least 95%"].outcome == outcome
    assert found["flow look goodput at least 95%"].n > 20


def test_whatever_the_latencies_a_user_sends_the_same(simulate):
    fast, *_ = simulate(latency=lambda _: 5 * MS)
    slow, *_ = simulate(latency=lambda draw: int(draw * 400 * MS))
    for number, done in slow.by_user().items():
        rounds = [each for each in done if each[0] == "GET"]
        assert rounds == [each for each in fast.by_user()[number] if each[0] == "GET"][: len(rounds)]
        assert done[0] == fast.by_user()[number][0]
        assert done[-1] == fast.by_user()[number][-1]
    other, *_ = simulate(seed=9)
    assert other.of("POST") != slow.of("POST")
