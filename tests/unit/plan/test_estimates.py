"""How many requests each threshold can expect: small plans, reckoned by hand."""

import pytest

from perfspec.plan.estimates import Estimate, estimate, expected

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


def test_a_wait_lasts_as_long_as_its_limit_allows(counted) -> None:
    flows = "buy: {steps: [{get: /job, name: job, until: {$.done: true}, every: 400ms}]}"
    found, _ = counted(
        flows, "job: {wait p95: at most 2s, poll p95: at most 1s, errors: under 1%}, all: {count: over 1}"
    )
    assert found == {  # 60 s of users are 30 waits of five polls each
        "job wait p95 at most 2s": pytest.approx(30),
        "job poll p95 at most 1s": pytest.approx(150),
        "job errors under 1%": pytest.approx(30),
        "all count over 1": pytest.approx(30),
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
