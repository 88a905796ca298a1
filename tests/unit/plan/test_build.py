"""What depends on the choice of stage and environment, and what is said where the choice cannot be carried out."""

from hashlib import sha256

import pytest

from perfspec.base.errors import ExitCode, UsageFailure
from perfspec.plan.build import Choice, build
from perfspec.spec.model import Ready
from perfspec.steps import walk
from perfspec.steps.kinds import Pause

SECOND = 1_000_000_000
MS = 1_000_000

SPEC = """
service: shop
random_seed: 7
environments:
  local: {url: "http://127.0.0.1:8083/", values: {p95: 100ms}}
  live: {url: "http://shop.example.com", stages: [load], values: {p95: 80ms}}
  tls: {url: "https://shop.example.com", values: {p95: 80ms}}
flows:
  browse:
    weight: 3
    steps:
      - {get: /a, name: a}
      - {pause: 1s to 9s}
      - for_each: ${["x"]}
        as: x
        steps: [{pause: 2s}]
  buy:
    steps:
      - {get: /a, name: a}
      - {get: /b, name: b}
      - when: ${1 < 2}
        steps: [{pause: about 3s}]
        otherwise: [{pause: 1s}]
      - {get: /job, name: job, until: {$.done: true}}
  idle: {weight: 0, steps: [{get: /c, name: c}]}
thresholds:
  all: {errors: under 1%}
  a: {p95: "at most ${values.p95}"}
  b: {p95: at most 200ms}
  flow buy: {p95: under 9s}
stages:
  smoke:
    mix: {browse: 100%}
    pauses: at most 1500ms
    phases: [{name: check, for: 30s, users: 3}]
    thresholds: {a: {p95: at most 1s, max: under 2s}}
    abort: [errors threshold fails]
  load:
    phases: [{name: steady, for: 60s, users: 30}]
  empty: {mix: {idle: 0%}, phases: [{name: a, for: 1s, users: 1}]}
  capacity: {find_limit: {users: 5 to 300, hold_each: 60s, precision: 5%}}
  bare: {}
""".replace('${["x"]}', '${split("x,y", ",")}')


@pytest.fixture(scope="session")
def plan(plan_of):
    def run(stage: str = "smoke", environment: str | None = None, seed: int | None = None):
        return plan_of(SPEC, stage, environment, seed)

    return run


def limits(plan) -> dict[str, str]:
    return {f"{t.row.text} {t.cell.text}": t.limit.text for t in plan.thresholds}


def test_without_a_choice_the_first_environment_and_the_seed_of_the_spec_count(plan) -> None:
    found = plan("load")
    assert (found.target.environment, found.target.url, found.seed) == ("local", "http://127.0.0.1:8083", 7)
    assert plan("load", "live").target.url == "http://shop.example.com"
    assert plan("load", seed=11).seed == 11


def test_the_mix_of_a_stage_replaces_the_weights_and_leaves_flows_out(plan) -> None:
    assert [(f.name, f.weight) for f in plan("load").flows] == [("browse", 3.0), ("buy", 1.0)]
    assert [(f.name, f.weight) for f in plan("smoke").flows] == [("browse", 1.0)]


def test_rows_that_only_left_out_flows_send_are_skipped_with_the_reason(plan) -> None:
    found = plan("smoke")
    skipped = {str(s.threshold): s.reason for s in found.skipped}
    assert skipped == {
        "b p95 at most 200ms": "the stage's mix leaves out `buy`",
        "flow buy p95 under 9s": "the stage's mix leaves out `buy`",
    }
    assert [t.row.text for t in found.thresholds] == ["all", "a", "a"]
    assert plan("load").skipped == ()


def test_limits_of_the_stage_win_and_values_come_from_the_environment(plan) -> None:
    assert limits(plan("smoke")) == {"all errors": "under 1%", "a p95": "at most 1s", "a max": "under 2s"}
    assert limits(plan("load"))["a p95"] == "at most 100ms"
    assert limits(plan("load", "live"))["a p95"] == "at most 80ms"


def test_pauses_are_capped_at_every_depth(plan) -> None:
    def caps(stage: str) -> list[int]:
        flows = plan(stage).flows
        return [step.cap_ns for flow in flows for step in walk(flow.steps) if isinstance(step, Pause)]

    assert caps("smoke") == [1500 * MS] * 2
    assert caps("load") == [0] * 4


def test_phases_follow_each_other(search) -> None:
    found = [(p.name, p.start_ns // SECOND, p.end_ns // SECOND) for p in search("load").phases]
    assert found == [("ramp-up", 0, 180), ("steady", 180, 540), ("peak", 540, 720), ("ramp-down", 720, 780)]
    assert search("load").for_ns == 780 * SECOND


def test_shared_stages_are_adjusted_by_the_spec(search) -> None:
    smoke = search("smoke")
    assert [(f.name, f.weight) for f in smoke.flows] == [
        ("type-ahead", 0.3),
        ("search-and-page", 0.3),
        ("index-document", 0.4),
    ]
    assert smoke.extend_to_ns == 90 * SECOND
    assert [str(t) for t in smoke.thresholds][-1] == "all errors under 1%"
    assert search("stress").warn_only == "latency"
    assert [rule.text for rule in search("stress").abort] == ["errors over 25% for 30s", "no responses for 15s"]
    assert "all availability at least 99.9%" in map(str, search("load").thresholds)


def test_the_target_says_how_the_service_is_started_and_when_it_is_ready(search) -> None:
    start = search("smoke", "local").target.start
    assert start is not None
    assert (start.command, start.ready, start.within_ns) == (
        "perfspec serve search --port 8083",
        "/health",
        30 * SECOND,
    )
    compose = search("smoke", "compose").target
    assert (compose.start, compose.ready) == (None, Ready("/ready", (), 30 * SECOND))


CSV = """
service: shop
environments: {local: {url: "http://h"}}
data:
  person: {csv: people.csv}
flows: {buy: {steps: [{get: "/a?n=${person.name}", name: a}]}}
stages: {smoke: {phases: [{name: a, for: 5s, users: 1}]}}
"""


def test_data_files_are_known_by_their_content(plan_of) -> None:
    text = "name,age\nada,36\ngrace,85\n"
    (file,) = plan_of(CSV, files={"people.csv": text}).files
    assert (file.path, file.rows, file.sha256) == ("people.csv", 2, sha256(text.encode()).hexdigest())
    assert plan_of(CSV, files={"people.csv": text}).hash != plan_of(CSV, files={"people.csv": text + "x,1\n"}).hash


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            None,
            "5:17 PS212 there is no file `people.csv` | paths are relative to the file that says them",
        ),
        (
            "name,age\n",
            "5:17 PS212 `people.csv` cannot be read as CSV: there is no row below the line that names the columns | ",
        ),
        ("nme,age\na,1\n", "6:37 PS309 `person` has no column `name` | did you mean `person.nme`?"),
        ("id\n1\n", "6:37 PS309 `person` has no column `name` | there is id"),
    ],
)
def test_data_files_are_asked_for_what_the_spec_reads(told, text, said) -> None:
    assert told(CSV, {"people.csv": text}) == [said]


def test_a_row_is_no_value(told) -> None:
    found = told(CSV.replace("person.name", "person"), {"people.csv": "name\nada\n"})
    assert found == ["6:37 PS309 `person` is a row; say which column | there is name"]


@pytest.mark.parametrize(
    ("stage", "environment", "said"),
    [
        (
            "smoke",
            "live",
            "6:51 PS503 stage `smoke` must not run in environment `live` | allowed there: load",
        ),
        ("empty", "local", "40:3 PS504 stage `empty` gives no flow a weight above zero | add the flow to `mix`"),
        ("bare", None, "42:3 PS507 stage `bare` has no phases | add `phases: [{for: 30s, users: 5}]`"),
    ],
)
def test_a_stage_that_cannot_run_is_refused_in_words(refused_plan, stage, environment, said) -> None:
    assert refused_plan(SPEC, stage, environment) == [said]


@pytest.mark.parametrize(("most", "allowed"), [(30, True), (29, False)])
def test_no_stage_passes_the_ceiling_of_an_environment(plan_of, refused_plan, most, allowed) -> None:
    text = SPEC.replace('8083/"', f'8083/", limits: {{users: {most}}}')
    if allowed:
        assert plan_of(text, "load").most_users == 30
    else:
        assert refused_plan(text, "load") == ["39:14 PS511 phase `steady` goes up to 30 users | `local` allows 29"]


@pytest.mark.parametrize(
    ("choice", "message", "hint"),
    [
        (Choice("smok"), "s.yaml has no stage `smok`", "did you mean `smoke`?"),
        (Choice("xyz"), "s.yaml has no stage `xyz`", "there is smoke, load, empty, capacity, bare"),
        (Choice("load", "lcal"), "s.yaml has no environment `lcal`", "did you mean `local`?"),
        (Choice("load", "q"), "s.yaml has no environment `q`", "there is local, live, tls"),
    ],
)
def test_a_choice_that_the_spec_does_not_have_is_a_mistake_of_the_caller(spec_of, choice, message, hint) -> None:
    with pytest.raises(UsageFailure) as caught:
        build(spec_of(SPEC), choice, {}, None)
    assert (caught.value.message, caught.value.hint, caught.value.exit_code) == (message, hint, ExitCode.SPEC)


def test_a_part_of_the_time_is_whole_seconds(search) -> None:
    phases = search("load", scale="1/60").phases
    assert [phase.for_ns // SECOND for phase in phases] == [3, 6, 3, 1]
    assert search("smoke", scale="0.1").extend_to_ns == 9 * SECOND


def test_of_one_flow_the_limits_of_the_others_are_skipped(search) -> None:
    plan = search("smoke", only="type-ahead")
    assert [flow.name for flow in plan.flows] == ["type-ahead"]
    assert {(s.threshold.row.name, s.reason) for s in plan.skipped} == {
        (name, "only `type-ahead` was asked for") for name in ("query", "index")
    }
    with pytest.raises(UsageFailure, match="has no flow `type-ahed`") as failure:
        search("smoke", only="type-ahed")
    assert failure.value.hint == "did you mean `type-ahead`?"
