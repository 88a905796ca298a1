"""Rules, judged: exact, point-only, and never a pass without data."""

from fractions import Fraction

import pytest

from perfspec.base.units import BYTE_NS, NUMBER_NS
from perfspec.diagnostics.source import Span
from perfspec.metrics.series import Key, Series, Slice
from perfspec.report.words import sentence
from perfspec.spec.model import Rule
from perfspec.verdict.judge import Circumstances
from perfspec.verdict.rules import judge_rules

S = 1_000_000_000
SPAN = Span("s.yaml", 9, 7, 9, 20)
GPT = "p95(generate where model is gpt-4) < 4 * p95(generate where model is gpt-3.5) + 1s"
FOUR, THREE = (("model", "gpt-4"),), (("model", "gpt-3.5"),)


def judged(text, *slices, skipped="", **circumstances):
    rule = Rule(text, SPAN, skipped=skipped)
    (verdict,) = judge_rules([rule], slices, [(5 * S, 25 * S)], Circumstances(**circumstances))
    return verdict


@pytest.mark.parametrize(("four", "outcome"), [(1399, "PASS"), (1401, "FAIL")])
def test_the_first_rule_that_was_needed(piece, four, outcome) -> None:
    found = judged(GPT, piece("generate", 60, ms=four, tags=FOUR), piece("generate", 240, ms=100, tags=THREE))
    assert (found.outcome, found.strength, found.proven, found.n, found.bad) == (outcome, "", False, 60, None)
    assert found.span == SPAN
    assert [(m.text, m.n, m.unit) for m in found.measured] == [
        ("p95(generate where model is gpt-4)", 60, "time"),
        ("p95(generate where model is gpt-3.5)", 240, "time"),
    ]
    assert sentence(found).endswith(
        "p95(generate where model is gpt-4) 1.40 s, p95(generate where model is gpt-3.5) 100 ms"
    )


def test_shares_rates_and_counts_are_exact(piece) -> None:
    slices = piece("a", 300, errors={"reset": 1}), piece("b", 100)
    text = "errors(a) < 0.5% and rate(b) == 5/s and count(a) + count(b) == 400 and mean(b) > 9ms and max(b) < 11ms"
    found = judged(text, *slices)
    assert found.outcome == "PASS"
    values = {m.text: m.value for m in found.measured}
    assert values["errors(a)"] == Fraction(1, 300)
    assert values["rate(b)"] == 5
    assert "errors(a) 0.33 %, rate(b) 5.0/s, count(a) 300" in sentence(found)


@pytest.mark.parametrize(
    ("slices", "outcome", "reason"),
    [
        ([], "NO_DATA", "no request of `a` was due in the judged time; no data is never a pass"),
        ([("b", 9)], "NO_DATA", "no request of `a` was due in the judged time; no data is never a pass"),
        ([("a", 9), ("b", 9, 0)], "NO_DATA", "no request of `b` was answered"),
        ([("a", 9), ("b", 100, 94)], "INCONCLUSIVE", "so many requests of `b` failed that there is no p95"),
        ([("a", 9), ("b", 100, 95)], "PASS", ""),
    ],
)
def test_what_was_not_measured_decides_nothing(piece, slices, outcome, reason) -> None:
    given = [piece(name, n, answered=rest[0] if rest else None) for name, n, *rest in slices]
    found = judged("max(a) < 1s and p95(b) < 1s", *given)
    assert (found.outcome, found.reason) == (outcome, reason)


def test_a_mean_of_what_was_never_answered_is_none(piece) -> None:
    found = judged("mean(a) < 1s", piece("a", 10, answered=9))
    assert found.outcome == "INCONCLUSIVE"
    assert found.reason.startswith("mean(a): 1 of 10 requests failed and have no time that counts, and no limit says")


def test_a_division_by_nothing_decides_nothing(piece) -> None:
    found = judged("errors(a) / errors(b) < 2", piece("a", 10, errors={"reset": 1}), piece("b", 10))
    assert (found.outcome, found.reason) == ("INCONCLUSIVE", "it divides by a number that was 0")


def test_circumstances_bear_on_rules_as_on_limits(piece) -> None:
    slow, wrong = piece("a", 10, ms=500), piece("a", 10, errors={"status 500": 9})
    assert judged("p95(a) < 100ms", slow, late="late").outcome == "INCONCLUSIVE"
    assert judged("errors(a) < 1%", wrong, late="late").outcome == "FAIL"
    assert judged("p95(a) < 100ms", slow, warn_only="latency").outcome == "WARN"
    assert judged("errors(a) < 1%", wrong, warn_only="latency").outcome == "FAIL"
    assert judged("errors(a) < 1%", wrong, warn_only="all").outcome == "WARN"
    assert judged("p95(a) < 100ms", piece("a", 10), only_proven=True).outcome == "PASS"  # a point has no proof
    skipped = judged("p95(a) < 100ms", slow, skipped="the stage's mix leaves out `x`")
    assert (skipped.outcome, skipped.reason) == ("SKIPPED", "the stage's mix leaves out `x`")


def test_a_rule_may_only_warn(piece) -> None:
    rule = Rule("p95(a) < 100ms", SPAN, warn_only=True)
    (found,) = judge_rules([rule], [piece("a", 10, ms=500)], [(5 * S, 25 * S)], Circumstances())
    assert found.outcome == "WARN"


@pytest.mark.parametrize("text", ["p95(a) < 100ms", "mean(a) < 100ms", "max(a) < 100ms"])
def test_a_service_that_fails_fast_holds_no_rule_about_time(failing, text) -> None:
    found = judged(text, failing("a", 100, 100))
    assert (found.outcome, found.bad) == ("INCONCLUSIVE", None)
    assert "failed" in found.reason


def test_a_percentile_of_a_rule_ranks_failed_requests_last(failing) -> None:
    """Five of a hundred may be missing from a p95; a sixth takes its place."""
    assert judged("p95(a) < 100ms", failing("a", 100, 5)).outcome == "PASS"
    found = judged("p95(a) < 100ms", failing("a", 100, 6))
    assert (found.outcome, found.reason) == ("INCONCLUSIVE", "so many requests of `a` failed that there is no p95")


def test_a_mean_of_a_rule_needs_a_limit_that_allows_its_failures(failing, threshold) -> None:
    rule, slices = Rule("mean(a) < 100ms", SPAN), [failing("a", 100, 5)]
    for limit, outcome in (("at most 5%", "PASS"), ("under 5%", "INCONCLUSIVE")):
        beside = [threshold("all", "errors", limit)]
        (found,) = judge_rules([rule], slices, [(5 * S, 25 * S)], Circumstances(), beside)
        assert found.outcome == outcome
    assert judged("mean(a) < 5ms", *slices).outcome == "FAIL"


def recorded(row: str, timer: str, values: list[float | None], unit_ns: int) -> list[Slice]:
    """None: a request that failed."""
    series = Series(Key(row, timer), (), S)
    for value in values:
        series.value(6 * S, int((value or 0) * unit_ns), "status 500" if value is None else None)
    return series.drain()


@pytest.mark.parametrize(
    ("text", "outcome", "said"),
    [
        ("tokens p95(a) < 41", "PASS", "tokens p95(a) 40"),
        ("tokens p95(a) <= 20 * tokens max(b)", "PASS", "tokens p95(a) 40, tokens max(b) 2"),
        ("tokens p95(a) < 20 * tokens max(b)", "FAIL", "tokens p95(a) 40, tokens max(b) 2"),
        ("size mean(a) < 2kB", "FAIL", "size mean(a) 2.00 kB"),
        ("size mean(a) / tokens p95(a) < 51B", "PASS", "size mean(a) 2.00 kB, tokens p95(a) 40"),
        ("tokens p99(a) < 41", "INCONCLUSIVE", ""),
        ("tokens p95(c) < 41", "NO_DATA", ""),
    ],
)
def test_numbers_and_sizes_are_compared_as_what_they_are(text, outcome, said) -> None:
    """A late generator takes nothing from them; five of a hundred failed, so there is a p95 and no p99."""
    slices = [
        *recorded("a", "tokens", [7.0] * 90 + [40.0] * 5 + [None] * 5, NUMBER_NS),
        *recorded("b", "tokens", [2.0] * 10, NUMBER_NS),
        *recorded("a", "size", [1000.0] * 5 + [3000.0] * 5, BYTE_NS),
    ]
    found = judged(text, *slices, late="it was late")
    assert found.outcome == outcome, found.reason
    assert sentence(found).endswith(said)


@pytest.mark.parametrize(("text", "outcome"), [("tokens p95(b) < 1", "FAIL"), ("count(b) > 99", "INCONCLUSIVE")])
def test_where_a_part_of_the_load_was_missing_only_its_amount_is_in_doubt(text, outcome) -> None:
    slices = [*recorded("b", "tokens", [2.0] * 10, NUMBER_NS), *recorded("b", "", [0.1] * 10, S)]
    assert judged(text, *slices, lost="a worker was lost").outcome == outcome
