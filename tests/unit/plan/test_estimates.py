"""How many requests each threshold can expect: small plans, reckoned by hand."""

from fractions import Fraction
from pathlib import Path

import pytest

from perfspec.app.plan import plan
from perfspec.plan.build import Choice
from perfspec.plan.estimates import Estimate, enough_from, estimate, expected

ROOT = Path(__file__).parents[3]
SPEC = """
service: shop
environments: {local: {url: "http://h"}}
data:
  lang: {choice: {de: 75%, en: 25%}}
  word: {choice: [ab, abcd]}
flows: {FLOWS}
thresholds: {THRESHOLDS}
stages: {smoke: {STAGE}}
"""
STEADY = "warmup: 5s, phases: [{name: a, for: 25s, users: 3}]"


@pytest.fixture(scope="session")
def counted(plan_of):
    """What each of the thresholds can expect, and the estimate itself."""

    def run(flows: str, thresholds: str = "", stage: str = STEADY):
        text = SPEC.replace("FLOWS", flows).replace("THRESHOLDS", thresholds).replace("STAGE", stage)
        plan = plan_of(text)
        found = estimate(plan, {})
        return {str(t): expected(t, found) for t in plan.thresholds}, found

    return run


def test_users_share_their_time_among_rounds(counted) -> None:
    # 3 users for 20 judged seconds are 60 s; a round is one answer of 100 ms and a pause of 1.9 s.
    found, estimated = counted("buy: {steps: [{get: /a, name: a}, {pause: 1s to 2.8s}]}", "a: {errors: under 1%}")
    assert found == {"a errors under 1%": pytest.approx(30)}
    assert estimated.rounds == {"buy": pytest.approx(30)}


def test_an_answer_takes_as_long_as_its_strictest_limit_allows(counted) -> None:
    limits = "a: {p95: at most 500ms, p50: at most 400ms, errors: under 1%}, all: {p95: at most 1ms}"
    found, _ = counted("buy: {steps: [{get: /a, name: a}, {pause: 1600ms}]}", limits)
    assert found["a errors under 1%"] == pytest.approx(30)


def test_the_limits_of_another_request_say_nothing(counted) -> None:
    flows = "buy: {steps: [{get: /a, name: a}, {get: /b, name: b}]}"
    _, estimated = counted(flows, "a: {p95: at most 500ms}, b: {p95: at most 100ms}")
    assert estimated.rounds["buy"] == pytest.approx(100)


def test_pauses_count_as_long_as_the_stage_allows_them(counted) -> None:
    found, _ = counted(
        "buy: {steps: [{get: /a, name: a}, {pause: 10s to 20s}]}",
        "a: {errors: under 1%}",
        "pauses: at most 900ms, " + STEADY,
    )
    assert found["a errors under 1%"] == pytest.approx(60)


def test_a_ramp_counts_its_area_and_what_is_not_judged_not_at_all(counted) -> None:
    up, after = "{name: a, for: 20s, users: ramp 0 to 20}", "{name: b, for: 50s, users: 20, measure: false}"
    stage = f"warmup: 10s, phases: [{up}, {after}]"
    found, _ = counted("buy: {steps: [{get: /a, name: a}, {pause: 900ms}]}", "a: {errors: under 1%}", stage)
    assert found["a errors under 1%"] == pytest.approx(150)  # 10 s at 15 users on average


def test_flows_share_rounds_by_weight_and_not_time(counted) -> None:
    flows = (
        "fast: {weight: 3, steps: [{get: /a, name: a}, {pause: 400ms}]},"
        " slow: {weight: 1, steps: [{get: /b, name: b}, {pause: 2400ms}]}"
    )
    found, estimated = counted(flows, "a: {errors: under 1%}, b: {errors: under 1%}, flow slow: {p50: under 9s}")
    assert found == {  # the mean round is (3 * 0.5 + 2.5) / 4 = 1 s
        "a errors under 1%": pytest.approx(45),
        "b errors under 1%": pytest.approx(15),
        "flow slow p50 under 9s": pytest.approx(15),
    }
    assert estimated.rounds == {"fast": pytest.approx(45), "slow": pytest.approx(15)}


def test_lists_that_are_drawn_are_drawn_to_be_counted(counted) -> None:
    # `prefixes` makes 2 entries of one word and 4 of the other; both words come up equally often.
    flows = (
        "buy: {steps: [{get: /r, name: r}, {for_each: '${prefixes(word, 1, 9)}', as: p, steps: [{get: /a, name: a}]}]}"
    )
    found, _ = counted(flows, "a: {errors: under 1%}, r: {errors: under 1%}")
    assert found["a errors under 1%"] / found["r errors under 1%"] == pytest.approx(3, abs=0.3)


def test_conditions_on_data_are_drawn_to_be_counted(counted) -> None:
    flows = """buy: {steps: [{get: /r, name: r}, {when: '${lang == "de"}', steps: [{get: /a, name: a}],
      otherwise: [{get: /b, name: b}]}]}"""
    found, _ = counted(flows, "a: {errors: under 1%}, b: {errors: under 1%}, r: {errors: under 1%}")
    assert found["a errors under 1%"] / found["r errors under 1%"] == pytest.approx(0.75, abs=0.12)
    assert found["a errors under 1%"] + found["b errors under 1%"] == pytest.approx(found["r errors under 1%"])


def test_what_an_answer_decides_counts_as_even_odds_and_three_entries(counted) -> None:
    flows = """buy: {steps: [{get: /r, name: r, capture: {hits: $.hits}},
      {when: '${count(hits) > 0}', steps: [{get: /a, name: a}]},
      {for_each: '${hits}', as: hit, steps: [{get: /b, name: b}]}]}"""
    found, estimated = counted(flows, "a: {errors: under 1%}, b: {errors: under 1%}, all: {errors: under 1%}")
    rounds = estimated.rounds["buy"]  # 1 + 0.5 + 3 answers of 100 ms
    assert rounds == pytest.approx(60 / 0.45)
    assert found == {
        "a errors under 1%": pytest.approx(rounds / 2),
        "b errors under 1%": pytest.approx(rounds * 3),
        "all errors under 1%": pytest.approx(rounds * 4.5),
    }


def test_an_expression_that_does_not_fit_its_data_is_taken_as_unknown(counted) -> None:
    flows = "buy: {steps: [{when: '${word > 1}', steps: [{get: /a, name: a}]}]}"
    found, estimated = counted(flows, "a: {errors: under 1%}")
    assert found["a errors under 1%"] == pytest.approx(estimated.rounds["buy"] / 2)


@pytest.mark.parametrize(("limit", "waits"), [("at most 20s", 100), ("at most 300ms", 200)])
def test_a_wait_is_two_polls_or_its_limit_where_that_is_shorter(counted, limit, waits) -> None:
    flows = "buy: {steps: [{get: /job, name: job, until: {$.done: true}, every: 400ms}]}"
    found, _ = counted(
        flows, f"job: {{wait p95: {limit}, poll p95: at most 1s, errors: under 1%}}, all: {{count: over 1}}"
    )
    assert found == {  # 60 s of users are 100 waits of 400 ms and two polls of 100 ms
        f"job wait p95 {limit}": pytest.approx(waits),
        "job poll p95 at most 1s": pytest.approx(waits),
        "job errors under 1%": pytest.approx(waits),
        "all count over 1": pytest.approx(waits),
    }


def test_a_wait_without_a_limit_is_two_polls(counted) -> None:
    flows = "buy: {steps: [{get: /job, name: job, until: {$.done: true}, every: 800ms}]}"
    found, _ = counted(flows, "job: {poll p95: at most 1s, errors: under 1%}")
    assert found == {"job poll p95 at most 1s": pytest.approx(60), "job errors under 1%": pytest.approx(60)}


def test_a_row_that_nothing_sends_expects_nothing(plan_of) -> None:
    plan = plan_of(
        SPEC.replace("FLOWS", "buy: {steps: [{get: /a, name: a}]}")
        .replace("THRESHOLDS", "a: {errors: under 1%}")
        .replace("STAGE", STEADY)
    )
    nothing = Estimate({}, {})
    assert expected(plan.thresholds[0], nothing) == 0


def test_steps_that_hold_steps_are_weighed(counted) -> None:
    flows = """buy: {steps: [{repeat: 2 to 4 times, steps: [{get: /a, name: a}]},
      {choose: [{weight: 3, steps: [{get: /b, name: b}]}, {weight: 1, steps: [{get: /c, name: c}]}]},
      {group: both, steps: [{parallel: page, steps:
        [{get: /d, name: d}, {repeat: 2 times, steps: [{get: /e, name: e}]}]}]},
      {set: {x: 1}}, {use: f, with: {x: "${x}"}}, {when: "${x > 0}", steps: [{stop: round}]}]}}
fragments: {f: {needs: [x], steps: [{get: "/f?x=${x}", name: f}]}"""  # the last brace is in SPEC
    rows = ("a", "b", "c", "d", "e", "f", "group both", "group page")
    found, estimated = counted(flows, ", ".join(f"{row}: {{errors: under 1%}}" for row in rows))
    rounds = estimated.rounds["buy"]  # 3 + 1 answers, then as long as two at once, and one
    assert rounds == pytest.approx(60 / 0.7)
    wanted = {"a": 3, "b": 0.75, "c": 0.25, "d": 1, "e": 2, "f": 1, "group both": 1, "group page": 1}
    assert found == {f"{row} errors under 1%": pytest.approx(rounds * n) for row, n in wanted.items()}


def test_what_each_user_does_is_expected_once_per_user(counted) -> None:
    more = "each_user: {first: [{get: /in, name: in}], last: [{get: /out, name: out}, {get: /a, name: a}]"
    found, estimated = counted(
        f"buy: {{steps: [{{get: /a, name: a}}]}}}}\n{more}",
        "in: {errors: under 1%}, out: {errors: under 1%}, a: {errors: under 1%}, all: {errors: under 1%}",
    )
    rounds, users = estimated.rounds["buy"], found["in errors under 1%"]
    assert users == found["out errors under 1%"] > 0
    assert found["a errors under 1%"] == rounds + users
    assert found["all errors under 1%"] == rounds


@pytest.mark.parametrize("spec", ["assessment", "search"])
def test_every_threshold_of_a_shipped_smoke_stage_expects_enough_to_prove_a_percentile(spec, monkeypatch) -> None:
    monkeypatch.chdir(ROOT)
    planned = plan(f"specs/{spec}.yaml", Choice("smoke"))
    found = {str(each): expected(each, planned.estimate) for each in planned.plan.thresholds}
    print(spec, {name: round(n) for name, n in found.items()})
    assert planned.plan.skipped == ()
    assert all(n >= 59 for n in found.values()), found


FLOWS_WITH_TAGS = """
  plain: {steps: [{get: /a, name: a, tags: {lang: "${lang}", size: big}}]},
  fixed: {steps: [{get: /a, name: a, tags: {lang: de, size: "${word}"}}, {get: /b, name: b}]}"""


@pytest.mark.parametrize(
    ("row", "share"),
    [
        ("a where lang is de", (0.75 + 1) / 2),
        ("a where lang is en", 0.25 / 2),
        ("a where size is big", 1 / 2),
        ("all where lang is en", 0.25 / 3),
        ("a where lang is fr", 0),
    ],
)
def test_rows_about_a_tag_expect_its_share_of_the_requests(counted, row, share) -> None:
    found, estimated = counted(FLOWS_WITH_TAGS, f"{row}: {{errors: under 1%}}")
    assert estimated.shares == {row: pytest.approx(share)}
    everything = sum(n for (name, _), n in estimated.requests.items() if row.startswith("all") or name == "a")
    assert found[f"{row} errors under 1%"] == pytest.approx(everything * share)


def test_a_tag_that_is_drawn_from_a_list_is_drawn_to_be_counted(counted) -> None:
    _, estimated = counted(FLOWS_WITH_TAGS, "a where size is abcd: {errors: under 1%}")
    assert estimated.shares["a where size is abcd"] == pytest.approx(0.25, abs=0.1)


def test_the_share_of_a_tag_that_only_answers_decide_is_not_known(counted) -> None:
    steps = '{get: /a, name: a, capture: {x: $.x}}, {get: /b, name: b, tags: {seen: "${x}"}}'
    _, estimated = counted(f"buy: {{steps: [{steps}]}}", "b where seen is 1: {errors: under 1%}")
    assert estimated.shares == {}


@pytest.mark.parametrize(
    ("limit", "enough"), [("users: 3 to 30", 6), ("users: 3 to 5", None), ("arrivals: 1/s to 9/s", Fraction(7, 5))]
)
def test_a_search_judges_a_row_from_some_load_on(plan_of, limit, enough) -> None:
    # 3 users for 45 judged seconds, a round of 4 s each: 33.75; or one a second: 45.
    flows = "buy: {steps: [{get: /a, name: a}, {pause: 3900ms}]}"
    text = SPEC.replace("FLOWS", flows).replace("THRESHOLDS", "a: {p95: at most 100ms}")
    plan = plan_of(text.replace("STAGE", f"find_limit: {{{limit}, hold_each: 60s}}"))
    n = expected(plan.thresholds[0], estimate(plan, {}))
    assert n == pytest.approx(33.75 if "users" in limit else 45)
    assert enough_from(plan.search, n, 59) == enough


def test_what_happens_once_is_expected_once(counted) -> None:
    once = "setup: [{get: /in, name: in}]\nteardown: [{repeat: 3 times, steps: [{get: /out, name: out}]}]"
    flows = f"buy: {{steps: [{{get: /a, name: a}}]}}}}\n{once}\ntags: {{a: b"  # the last brace is in SPEC
    found, _ = counted(flows, "in: {errors: under 1%}, out: {errors: under 1%}")
    assert found == {"in errors under 1%": 1, "out errors under 1%": 3}


def test_a_flow_fails_by_its_requests_and_lasts_by_its_rounds(counted) -> None:
    wait = "{get: /b, name: b, until: {status: 200}, every: 1s, give_up_after: 9s}"
    steps = f"{{repeat: 3 times, steps: [{{get: /a, name: a}}]}}, {wait}"
    found, estimated = counted(f"buy: {{steps: [{steps}]}}", "flow buy: {errors: under 1%, p95: under 9s}")
    rounds = estimated.rounds["buy"]
    assert found == {"flow buy errors under 1%": 4 * rounds, "flow buy p95 under 9s": rounds}
    assert estimated.in_all > 4 * rounds  # what is not judged, and each poll
