"""What failed requests do to numbers that cannot count them: they are over every limit, or nobody passes."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfspec.metrics.rows import Row
from perfspec.report.words import evidence
from perfspec.spec.model import Cell
from perfspec.verdict.judge import Circumstances, judge
from perfspec.verdict.samples import bad_and_total
from perfspec.verdict.values import Missing, Value, value

MS = 1_000_000
SECOND = 1_000_000_000
WINDOW = ((5 * SECOND, 60 * SECOND),)


@pytest.fixture(scope="session")
def all_of(threshold):
    """Threshold -> outcome, of a table."""

    def run(slices, *limits: tuple[str, str, str]) -> dict[str, str]:
        table = [threshold(*limit) for limit in limits]
        return {v.threshold: v.outcome for v in judge(table, slices, WINDOW, Circumstances())}

    return run


MEAN, MOST = ("suggest", "mean", "under 100ms"), ("suggest", "max", "under 1s")


def test_a_service_that_fails_every_request_passes_nothing(failing, all_of) -> None:
    """Fast error pages of 10 ms; even a limit that allows all of them to fail leaves no time to judge."""
    found = all_of([failing("suggest", 500, 500)], MEAN, MOST, ("all", "availability", "at least 0%"))
    assert found.pop("all availability at least 0%") == "PASS"
    assert set(found.values()) == {"INCONCLUSIVE"}


@pytest.mark.parametrize(
    ("beside", "outcome"),
    [
        (None, "INCONCLUSIVE"),
        (("suggest", "errors", "at most 5%"), "PASS"),
        (("all", "errors", "at most 5%"), "PASS"),
        (("flow f", "errors", "at most 5%"), "PASS"),
        (("all", "availability", "at least 95%"), "PASS"),
        (("suggest", "status 200", "at least 95%"), "PASS"),
        (("suggest", "p95", "at most 20ms"), "PASS"),
        (("all", "errors", "under 5%"), "INCONCLUSIVE"),  # of all it is 0.5 %, of this request 5 %
        (("suggest", "p96", "at most 20ms"), "INCONCLUSIVE"),
        (("suggest", "p95", "at least 1ms"), "INCONCLUSIVE"),  # says nothing of slow ones
        (("suggest", "status 500", "at most 10%"), "INCONCLUSIVE"),
        (("suggest", "count", "at least 1"), "INCONCLUSIVE"),
        (("query", "errors", "at most 5%"), "INCONCLUSIVE"),
        (("flow other", "errors", "at most 5%"), "INCONCLUSIVE"),
        (("suggest where lang is de", "errors", "at most 5%"), "INCONCLUSIVE"),
    ],
)
def test_a_mean_passes_beside_a_limit_that_allows_its_failures(failing, all_of, beside, outcome) -> None:
    slices = [failing("suggest", 100, 5, flow="f"), failing("query", 900, 0, flow="f")]
    found = all_of(slices, MEAN, MOST, *([beside] if beside else []))
    assert (found["suggest mean under 100ms"], found["suggest max under 1s"]) == (outcome, outcome)


def test_answers_that_break_a_mean_break_it_whatever_failed(failing, piece, one) -> None:
    assert one(("suggest", "mean", "under 5ms"), failing("suggest", 100, 1)).outcome == "FAIL"
    slow = failing("suggest", 50, 50, ms=2000)  # time-outs
    assert one(MEAN, piece(n=50, ms=10), slow).outcome == "FAIL"
    assert one(MOST, piece(n=50, ms=10), slow).outcome == "FAIL"


def test_the_reason_names_who_failed_and_what_to_write(failing, one) -> None:
    verdict = one(MEAN, failing("suggest", 100, 5))
    assert evidence(verdict) == (
        "not judged: 5 of 100 requests failed and have no time that counts, and no limit says how many may: add one on "
        "`errors`; seen: mean 10.0 ms of 100, 5 failed"
    )


@pytest.mark.parametrize(("failed", "shown"), [(5, "p95 10.0 ms of 100, 5 failed"), (6, "no p95 of 100, 6 failed")])
def test_the_percentile_shown_is_the_one_that_was_judged(failing, one, failed, shown) -> None:
    limit = ("suggest", "p95", "at most 250ms")
    verdict = one(limit, msgspec.structs.replace(failing("suggest", 100, failed), over={250 * MS: failed}))
    assert verdict.outcome == ("PASS" if failed == 5 else "FAIL")
    assert evidence(verdict).endswith(f"; {shown}")


answers = st.lists(st.tuples(st.integers(1, 300), st.integers(1, 20), st.integers(0, 20)), min_size=1, max_size=8)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(answers, st.sampled_from(["p50", "p90", "p95", "p99"]), st.integers(1, 310))
def test_a_percentile_is_within_a_limit_where_few_enough_are_bad(threshold, failing, found, cell, ms) -> None:
    """`p_q <= X` and `k <= n - ceil(q n)` are the same sentence (whole milliseconds: no bucket holds two of them)."""
    row = Row()
    for at, n, failed in found:
        row.add(failing("suggest", n, min(failed, n), ms=at))
    limit = threshold("suggest", cell, f"at most {ms + 0.5}ms")
    bad, n = bad_and_total(limit, row)
    seen = value(limit.cell, row, 1)
    is_within = isinstance(seen, Value) and seen.high <= (ms + 0.5) * MS
    assert is_within == (bad <= (1 - limit.cell.quantile) * n)
    assert isinstance(seen, Value) or seen.is_beyond


def test_nothing_due_is_no_number_and_nothing_counted_is_one() -> None:
    for statistic in ("errors", "availability", "goodput", "status", "mean", "max"):
        assert isinstance(value(Cell(statistic, None, "", statistic), Row(), 1), Missing)
    assert value(Cell("count", None, "", "count"), Row(), 1) == Value(0, 0, 0)
    assert isinstance(value(Cell("throughput", None, "", "throughput"), Row(), 0), Missing)
