"""The plan as a value: what crosses to a file or a process, what is judged, what is counted."""

import pickle
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from perfspec.base.codec import decode, encode, pretty
from perfspec.plan.model import Plan, Window
from perfspec.steps import KINDS, walk

MS = 1_000_000
SECOND = 1_000_000_000

SPEC = """
service: shop
environments: {local: {url: "http://127.0.0.1:8083"}}
data: {word: {choice: [de, en]}}
flows:
  buy:
    steps:
      - {get: /a, name: a, tags: {lang: "${word}"}}
      - {pause: 2s}
      - {get: /b, name: b}
      - {get: /job, name: job, until: {$.done: true}}
setup: [{get: /login, name: login}]
thresholds: {THRESHOLDS}
stages:
  smoke:
    STAGE
"""


@pytest.fixture(scope="session")
def plan(plan_of):
    def run(stage: str, thresholds: str = "") -> Plan:
        return plan_of(SPEC.replace("STAGE", stage).replace("THRESHOLDS", thresholds))

    return run


@pytest.mark.parametrize("stage", ["smoke", "load", "stress"])
def test_a_plan_survives_every_way_it_travels(search, stage) -> None:
    plan = search(stage)
    assert decode(encode(plan), Plan) == plan
    assert decode(pretty(plan), Plan) == plan
    assert pickle.loads(pickle.dumps(plan)) == plan
    assert decode(encode(plan), Plan).hash == plan.hash


def test_every_kind_of_step_survives_the_journey(plan_of) -> None:
    plan = plan_of(
        f"{EVERY_KIND}stages: {{smoke: {{phases: [{{for: 5s, users: 1}}]}}}}\nthresholds: {{all: {{errors: under 1%}}}}"
    )
    assert decode(encode(plan), Plan) == plan
    assert pickle.loads(pickle.dumps(plan)) == plan
    held = {
        type(step) for part in (plan.each_user.first, plan.flows[0].steps, plan.each_user.last) for step in walk(part)
    }
    assert held == set(KINDS)


EVERY_KIND = """
service: shop
environments: {local: {url: "http://h"}}
fragments: {f: {needs: [x], gives: [y], steps: [{get: "/f?x=${x}", capture: {y: $.y}}]}}
each_user: {first: [{set: {x: 5, z: ["${user.number}"]}}], last: [{pause: 1s}]}
flows:
  buy:
    steps:
      - group: all
        steps:
          - parallel: page
            steps: [{get: /a}, {post: /events, stream: {silence: 1s}}]
          - repeat: 2 to 3 times
            steps: [{use: f, with: {x: "${x}"}}]
      - for_each: ${z}
        as: each
        steps:
          - when: ${each == y}
            steps: [{stop: round}]
      - choose: [{steps: [{get: /job, name: job, until: {$.done: true}}]}, {steps: [{stop: user}]}]
"""


def test_two_plans_of_one_choice_are_the_same_bytes(search) -> None:
    assert encode(search("load")) == encode(search("load"))
    assert search("load").hash == search("load").hash


def test_whatever_changes_the_run_changes_the_hash(search, plan) -> None:
    phases = "phases: [{name: steady, for: 30s, users: 5}]"
    plans = [
        search("smoke"),
        search("load"),
        search("smoke", seed=1),
        search("smoke", "compose"),
        plan(phases),
        plan(phases.replace("30s", "31s")),
        plan(phases.replace("5}", "6}")),
        plan(phases + "\n    pauses: at most 1s"),
        plan(phases + "\n    warn_only: all"),
        plan(phases, "a: {p95: at most 100ms}"),
        plan(phases, "a: {p95: under 100ms}"),
        plan(phases, "b: {p95: under 100ms}"),
    ]
    assert len({p.hash for p in plans}) == len(plans)


def test_no_secret_value_is_part_of_a_plan(search, monkeypatch) -> None:
    monkeypatch.setenv("SEARCH_API_KEY", "from-the-environment")
    plan = search("smoke")
    text = pretty(plan).decode() + repr(plan)
    assert "perf-local-key" not in text
    assert "from-the-environment" not in text
    assert plan.target.secrets == (("api_key", "SEARCH_API_KEY"),)


PHASES = """phases:
      - {name: up, for: 10s, users: ramp 0 to 5, measure: false}
      - {name: steady, for: 30s, users: 5}
      - {name: peak, for: 20s, users: ramp 5 to 9}
      - {name: down, for: 10s, users: ramp 9 to 0, measure: false}"""


def test_measured_phases_are_judged_after_the_warmup_of_the_first(plan) -> None:
    windows = plan(PHASES).windows()
    assert windows == (Window("steady", 15 * SECOND, 40 * SECOND), Window("peak", 40 * SECOND, 60 * SECOND))


@pytest.mark.parametrize(
    ("for_", "warmup"), [("30s", 5000), ("25s", 5000), ("20s", 4000), ("12s", 2000), ("5s", 1000), ("4s", 0)]
)
def test_the_warmup_takes_five_seconds_and_never_more_than_a_fifth_in_whole_seconds(plan, for_, warmup) -> None:
    assert plan(f"phases: [{{name: a, for: {for_}, users: 1}}]").warmup_ns == warmup * MS


def test_a_stage_may_have_no_warmup(plan) -> None:
    (window,) = plan("phases: [{for: 60s, users: 5}]\n    warmup: 0s").windows()
    assert (window.start_ns, window.end_ns) == (0, 60 * SECOND)


def test_a_stage_may_say_its_warmup(plan) -> None:
    assert plan(PHASES + "\n    warmup: 12s").windows()[0].start_ns == 22 * SECOND
    assert plan(PHASES + "\n    warmup: 29s").windows()[0] == Window("steady", 39 * SECOND, 40 * SECOND)


def test_nothing_is_judged_where_the_warmup_takes_all_of_a_phase(plan) -> None:
    found = replace(plan(PHASES), warmup_ns=30 * SECOND)
    assert found.windows() == (Window("peak", 40 * SECOND, 60 * SECOND),)
    unmeasured = tuple(replace(phase, measured=False) for phase in found.phases)
    assert replace(found, phases=unmeasured).windows() == ()


@pytest.mark.parametrize(
    ("ended_s", "expected"),
    [
        (3, ()),
        (15, ()),
        (20, (Window("steady", 15 * SECOND, 20 * SECOND),)),
        (45, (Window("steady", 15 * SECOND, 40 * SECOND), Window("peak", 40 * SECOND, 45 * SECOND))),
    ],
)
def test_a_run_that_ended_early_is_judged_until_then(plan, ended_s, expected) -> None:
    assert plan(PHASES).windows(ended_s * SECOND) == expected


def test_an_extension_lengthens_the_last_phase(plan) -> None:
    found = plan("extend_to: 90s\n    phases: [{name: check, for: 30s, users: 3}]")
    assert found.windows(90 * SECOND) == (Window("check", 5 * SECOND, 90 * SECOND),)
    assert (found.for_ns, found.extend_to_ns) == (30 * SECOND, 90 * SECOND)


phases = st.lists(st.tuples(st.integers(1, 100), st.booleans()), min_size=1, max_size=6).filter(
    lambda drawn: any(measured for _, measured in drawn)
)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(phases, st.one_of(st.none(), st.integers(0, 400)))
def test_windows_lie_in_measured_phases_in_order_and_never_past_the_end(plan, drawn, ended) -> None:
    lines = [
        f"- {{name: p{i}, for: {seconds}s, users: 5, measure: {str(measured).lower()}}}"
        for i, (seconds, measured) in enumerate(drawn)
    ]
    found = plan("phases:\n      " + "\n      ".join(lines))
    end = None if ended is None else ended * SECOND
    windows = found.windows(end)
    for window in windows:
        phase = next(p for p in found.phases if p.name == window.phase)
        assert phase.measured
        assert phase.start_ns <= window.start_ns < window.end_ns
        assert window.end_ns <= (phase.end_ns if phase is not found.phases[-1] else max(found.for_ns, end or 0))
        assert end is None or window.end_ns <= end
    assert list(windows) == sorted(windows, key=lambda w: w.start_ns)
    assert all(a.end_ns <= b.start_ns for a, b in pairwise(windows))


def test_limits_are_counted_exactly_and_under_is_one_nanosecond_less(plan) -> None:
    limits = plan(
        PHASES,
        "a: {p95: at most 120ms, p99: under 300ms, errors: under 1%, mean: under 50ms}, b: {size p50: over 1kB},"
        " job: {wait p95: under 9s, poll p90: at most 80ms}, flow buy: {p95: at most 20s}",
    ).request_limits()
    assert limits == {
        ("a", ""): (120 * MS, 300 * MS - 1),
        ("b", "size"): (),
        ("job", "wait"): (9 * SECOND - 1,),
        ("job", "poll"): (80 * MS,),
        ("buy", "round"): (20 * SECOND,),
    }


def test_what_a_rule_compares_is_measured_though_no_limit_is_about_it(plan) -> None:
    rules = "rules: [size mean(a) < 2 * size p95(all), p95(b) < 1s, wait p95(job) < 2 * poll p95(job)]"
    limits = plan(PHASES, f"b: {{p95: at most 2s}}, {rules}").request_limits()
    sizes = {("a", "size"): (), ("b", "size"): (), ("job", "wait"): (), ("job", "poll"): ()}
    assert limits == {("b", ""): (2 * SECOND,)} | sizes


def test_a_limit_on_all_is_counted_for_every_request_but_not_for_waits(plan) -> None:
    limits = plan(PHASES, "all: {p95: at most 2s}, a: {p50: at most 1s}").request_limits()
    assert limits == {("a", ""): (SECOND, 2 * SECOND), ("b", ""): (2 * SECOND,)}


def test_rows_with_tags_share_the_limits_of_their_request(plan) -> None:
    limits = plan(PHASES, '"a where lang is de": {p95: at most 2s}, "a where lang is en": {p95: at most 1s}')
    assert limits.request_limits() == {("a", ""): (SECOND, 2 * SECOND)}


def test_series_are_listed_once_in_the_order_of_the_spec(search, plan) -> None:
    assert search("load").series_names() == (
        ("suggest", ""),
        ("query", ""),
        ("index", ""),
        ("index-job", "wait"),
        ("index-job", "poll"),
    )
    assert plan(PHASES).series_names() == (("a", ""), ("b", ""), ("job", "wait"), ("job", "poll"))
    assert plan(PHASES).most_users == 9


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        ("phases: [{for: 1m, users: 5}]", False),
        ("phases: [{for: 1m, users: 5}, {for: 1m, arrivals: 5/s}]", True),
        ("phases: [{for: 1m, users: 5, round_every: 2s}]", True),
        ("find_limit: {arrivals: 5/s to 50/s, hold: 20s}", True),
        ("find_limit: {users: 5 to 50, hold: 20s}", False),
    ],
)
def test_rounds_are_by_the_clock_where_a_stage_plans_instants(plan, stage: str, *, expected: bool) -> None:
    assert plan(stage).is_by_the_clock is expected
