"""Limits on what is no time: recorded numbers, events, sizes. Judged like times, shown as what they are."""

import pytest

from perfspec.base.clock import SECOND
from perfspec.base.units import BYTE_NS, NUMBER_NS
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Span
from perfspec.language.limits import parse_limit_text
from perfspec.metrics.series import Key, Series
from perfspec.report.words import evidence
from perfspec.spec.model import Row, Threshold
from perfspec.spec.thresholds import counted_limit_ns, parse_cell
from perfspec.verdict.judge import Circumstances, Verdict, judge

SPAN = Span("s.yaml", 1, 1, 1, 5)


def judged(cell: str, limit: str, values: list[float | None], unit_ns: int) -> Verdict:
    """None: a request that failed."""
    out = Diagnostics()
    said, parsed = parse_limit_text(limit, SPAN, out), parse_cell(cell, SPAN, out)
    assert said is not None
    assert parsed is not None
    threshold = Threshold(Row("request", "a", (), "a"), parsed, said, SPAN)
    good = counted_limit_ns(threshold)
    series = Series(Key("a", parsed.timer), () if good is None else (good,), SECOND)
    for value in values:
        kind = "status 500" if value is None else None
        series.value(2 * SECOND, int((value or 0) * unit_ns), kind)
    (verdict,) = judge([threshold], series.drain(), [(0, 10 * SECOND)], Circumstances(late="it was late"))
    return verdict


@pytest.mark.parametrize(
    ("limit", "values", "outcome"),
    [
        ("at most 900", [900.0] * 95 + [901.0] * 5, "PASS"),
        ("at most 900", [900.0] * 94 + [901.0] * 6, "FAIL"),
        ("under 900", [900.0] * 6 + [1.0] * 94, "FAIL"),
        ("under 900", [899.999] * 100, "PASS"),
        ("at most 900", [1.0] * 94 + [None] * 6, "FAIL"),
        ("at least 2", [2.0] * 100, "PASS"),
        ("at least 2.5", [2.0] * 100, "FAIL"),
    ],
)
def test_a_number_is_judged_exactly_and_never_by_a_late_generator(limit, values, outcome) -> None:
    assert judged("tokens p95", limit, values, NUMBER_NS).outcome == outcome


def test_a_size_is_judged_in_bytes() -> None:
    assert judged("size p95", "at most 1kB", [1000.0] * 100, BYTE_NS).outcome == "PASS"
    assert judged("size p95", "at most 1kB", [1001.0] * 100, BYTE_NS).outcome == "FAIL"
    assert judged("size p95", "under 1KiB", [1024.0] * 100, BYTE_NS).outcome == "FAIL"


def test_numbers_are_shown_as_what_they_are() -> None:
    tokens = judged("tokens p95", "at most 9", [7.0] * 90 + [12.0] * 10, NUMBER_NS)
    assert tokens.observed_ns is None
    assert tokens.observed == pytest.approx(12, rel=0.001)
    assert evidence(tokens).startswith("10.0 % over it or failed (5 % allowed")
    assert "; tokens p95 12 of 100" in evidence(tokens)
    assert "; size p95 1.50 kB of 100" in evidence(judged("size p95", "at most 2kB", [1500.0] * 100, BYTE_NS))
    assert evidence(judged("events mean", "at least 2", [2.0, 4.0], NUMBER_NS)) == "events mean 3 of 2"


@pytest.mark.parametrize("n", [0, 1, 7, 64, 900, 1024, 1500, 2047])
def test_whole_numbers_stay_whole(n) -> None:
    assert judged("tokens max", f"at most {n}", [float(n)], NUMBER_NS).outcome == "PASS"
    assert judged("tokens p50", f"at least {n}", [float(n)], NUMBER_NS).observed == n


def test_a_mean_of_numbers_needs_no_number_of_every_request() -> None:
    assert judged("tokens mean", "at most 9", [7.0] * 90 + [None] * 10, NUMBER_NS).outcome == "PASS"


def test_there_are_no_halves_of_events() -> None:
    """A bucket knows 5 000 as 5 000 to 5 003 thousandths."""
    assert judged("events mean", "at most 5", [5.0] * 20, NUMBER_NS).outcome == "PASS"
    assert judged("events p50", "between 1 and 5", [5.0] * 20, NUMBER_NS).outcome == "PASS"
    assert judged("tokens p50", "between 1 and 5", [5.0] * 20, NUMBER_NS).outcome == "INCONCLUSIVE"
