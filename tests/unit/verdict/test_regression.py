"""Comparing runs: vectors, and how often the rule is wrong."""

import math
import random
from fractions import Fraction

import pytest

from perfspec.metrics import histogram
from perfspec.verdict.regression import (
    Interval,
    Range,
    difference,
    effect,
    judge_change,
    noise,
    quantile_range,
    ratio,
)

P95 = Fraction(19, 20)
SURE = Interval(1.02, 1.1, 1.2)
HISTORY = (100, 101, 99, 100, 102, 98, 100, 101, 99, 100)


def test_the_quantiles_of_two_runs_by_their_ranks() -> None:
    """A = 1 ... 1000, B = 1.1 A: ranks 936, 950, 964."""
    a = quantile_range(dict.fromkeys(range(1, 1001), 1), P95)
    assert a == Range(936, 950, 964)
    b = Range(*(1.1 * x for x in a))
    assert difference(a, b) == pytest.approx((74.187504, 95, 115.812496), abs=1e-6)
    assert ratio(a, b) == pytest.approx((1.077310, 1.1, 1.123168), abs=1e-6)


def test_too_few_requests_bound_nothing_and_exclude_nothing() -> None:
    few = quantile_range({10: 50}, P95)
    assert (few.value, few.high) == (10, None)
    interval = ratio(few, quantile_range({500: 1000}, P95))
    assert interval.value == pytest.approx(50)
    assert not interval.excludes_no_change


def test_dependence_takes_the_ranks_of_fewer_requests_at_the_same_fractions() -> None:
    counts = dict.fromkeys(range(1, 1001), 1)
    free, tied = quantile_range(counts, P95), quantile_range(counts, P95, n_effective=200)
    assert free == Range(936, 950, 964)
    assert tied == Range(184 * 5, 950, 197 * 5)  # two-sided ranks of 200: 184, 197


@pytest.mark.parametrize("step", [1, 7])
def test_the_effect_is_that_of_mann_and_whitney(step) -> None:
    a = {i * step: n for i, n in enumerate((10, 20, 40, 20, 10))}
    b = {i * step: n for i, n in enumerate((5, 15, 40, 25, 15))}
    assert effect(a, b) == pytest.approx(0.575)
    assert effect(b, a) == pytest.approx(1 - 0.575)


def test_the_effect_is_that_of_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    draw = random.Random(5)
    a = [draw.randrange(2000) for _ in range(300)]
    b = [draw.randrange(2200) for _ in range(200)]
    theirs = stats.mannwhitneyu(b, a, use_continuity=False, method="asymptotic")
    counted = [{i: values.count(i) for i in set(values)} for values in (a, b)]
    assert effect(*counted) == pytest.approx(theirs.statistic / (300 * 200))


def test_an_effect_needs_both_sides() -> None:
    with pytest.raises(ValueError, match="both sides"):
        effect({}, {1: 1})


def test_the_noise_between_runs_is_a_robust_one() -> None:
    assert noise(HISTORY) == pytest.approx(0.044257, abs=1e-6)
    assert noise((*HISTORY, 900)) < 0.07  # one outlier changes little


@pytest.mark.parametrize(
    ("now", "state"), [(112, "regressed"), (109, "unchanged"), (90, "improved"), (92, "unchanged")]
)
def test_ten_percent_over_the_median_of_ten_runs_is_a_regression(now, state) -> None:
    within = SURE if now > 100 else Interval(0.8, 0.9, 0.95)
    judged = judge_change(now, HISTORY, within)
    assert (judged.state, judged.median) == (state, 100)
    assert judged.limit == pytest.approx(1.10)


@pytest.mark.parametrize("within", [None, Interval(0.99, 1.12, 1.3)])
def test_what_the_noise_within_the_run_explains_is_no_regression(within) -> None:
    assert judge_change(150, HISTORY, within).state == "unchanged"


@pytest.mark.parametrize("within", [None, Interval(0.99, 2.5, 9)])
def test_what_is_twice_as_slow_is_told_though_it_is_not_sure(within) -> None:
    assert judge_change(250, HISTORY, within).state == "maybe worse"
    assert judge_change(40, HISTORY, within).state == "unchanged"


def test_noisy_runs_raise_the_limit() -> None:
    noisy = (80, 120, 100, 90, 110, 100, 85, 115, 100, 95)
    judged = judge_change(125, noisy, SURE)
    assert judged.limit > 1.5
    assert judged.state == "unchanged"


@pytest.mark.parametrize(
    ("now", "state"),
    [(130, "regressed"), (124, "maybe worse"), (108, "unchanged"), (88, "maybe better"), (70, "improved")],
)
def test_few_runs_judge_large_changes_alone(now, state) -> None:
    within = SURE if now > 100 else Interval(0.6, 0.8, 0.9)
    assert judge_change(now, (100, 100, 100, 100), within).state == state


def test_nothing_is_compared_with_nothing() -> None:
    with pytest.raises(ValueError, match="something to compare"):
        judge_change(1, (), None)


@pytest.mark.parametrize(
    ("noise_sd", "shift", "least", "most"),
    [(0.01, 1, 0, 0.01), (0.03, 1, 0, 0.02), (0.10, 1, 0, 0.06), (0.01, 1.2, 0.98, 1), (0.03, 1.2, 0.93, 1)],
)
def test_unchanged_code_is_left_alone_and_a_fifth_is_found(noise_sd, shift, least, most) -> None:
    """Section 4: with ten runs 0 / .1 / 2.6 % false alarms at 1 / 3 / 10 % noise, and +20 % is caught in 100 / 98 %."""
    draw = random.Random(7)

    def run(level: float) -> float:
        return level * math.exp(draw.gauss(0, noise_sd))

    found = sum(
        judge_change(run(100 * shift), [run(100) for _ in range(10)], SURE).state == "regressed" for _ in range(1000)
    )
    print(f"noise {noise_sd:.0%}, shift {shift}: {found / 10:.1f} % regressed")
    assert least <= found / 1000 <= most


def test_ranges_come_from_buckets_as_they_are_stored() -> None:
    counts: dict[int, int] = {}
    for us in range(100_000, 200_000, 10):
        i = histogram.index(us)
        counts[i] = counts.get(i, 0) + 1
    found = quantile_range(counts, P95)
    assert found.low < found.value < found.high
    assert found.value == pytest.approx(195_000, rel=0.002)
