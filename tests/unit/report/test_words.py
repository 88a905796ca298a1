"""What a reader sees of a verdict, word for word."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfspec.diagnostics.source import Span
from perfspec.load import Users
from perfspec.plan.model import PlannedPhase
from perfspec.report import words
from perfspec.verdict.judge import Circumstances, judge

MS = 1_000_000
SECOND = 1_000_000_000
WINDOW = ((0, 600 * SECOND),)


@pytest.fixture(scope="session")
def verdict(threshold):
    def run(limit: tuple[str, str, str], *slices, **circumstances):
        (found,) = judge([threshold(*limit)], slices, WINDOW, Circumstances(**circumstances))
        return found

    return run


def test_the_share_that_decides_comes_first_and_the_percentile_after_it(verdict, piece) -> None:
    found = verdict(("suggest", "p95", "at most 120ms"), piece(n=60_214, over={120 * MS: 2348}, ms=112))
    assert words.sentence(found) == (
        "suggest p95 at most 120ms: 3.9 % slower or failed (5 % allowed, likely 3.8-4.0 %); p95 112 ms of 60 214"
    )


def test_a_share_of_errors_names_the_counts(verdict, piece) -> None:
    found = verdict(("search", "errors", "under 0.5%"), piece("search", 60_000, errors={"status 500": 318}))
    assert words.sentence(found) == (
        "search errors under 0.5%: 0.53 % failed: 318 of 60 000 (299 allowed, close: likely 0.48-0.58 %)"
    )
    clear = verdict(("search", "errors", "under 0.5%"), piece("search", 60_000, errors={"status 500": 600}))
    assert words.evidence(clear) == "1.0 % failed: 600 of 60 000 (299 allowed, likely 0.93-1.07 %)"


def test_what_was_not_available_is_called_so(verdict, piece) -> None:
    found = verdict(("a", "availability", "at least 99.9%"), piece("a", 60_000, unavailable=6))
    assert words.evidence(found) == "0.010 % unavailable: 6 of 60 000 (60 allowed, likely 0.004-0.020 %)"


def test_nothing_bad_is_zero_percent(verdict, piece) -> None:
    found = verdict(("a", "errors", "under 1%"), piece("a", 1000))
    assert words.evidence(found) == "0.0 % failed: 0 of 1 000 (9 allowed, likely 0.00-0.30 %)"


def test_nothing_is_allowed_where_not_even_none_would_do(verdict, piece) -> None:
    assert "(0 allowed" in words.evidence(verdict(("a", "errors", "under 0%"), piece("a", 10)))


def test_a_late_generator_is_named_and_what_was_seen_is_said(verdict, piece) -> None:
    late = "the load generator itself was late (p99 84.0 ms, allowed 12.0 ms)"
    found = verdict(("a", "p95", "at most 120ms"), piece("a", 100, over={120 * MS: 2}), late=late)
    assert words.evidence(found) == (
        f"not judged: {late}; seen: 2.0 % slower or failed (5 % allowed, likely 0.36-6.16 %); p95 10.0 ms of 100"
    )


@pytest.mark.parametrize(
    ("limit", "text"),
    [
        (("a", "mean", "under 1s"), "mean 10.0 ms of 1 000"),
        (("a", "max", "under 1s"), "max 10.0 ms of 1 000"),
        (("a", "p95", "over 1ms"), "p95 10.0 ms of 1 000"),
        (("a", "count", "at least 5"), "1 000 requests"),
        (("a", "throughput", "at least 1/s"), "1.7 requests/s"),
    ],
)
def test_other_numbers_stand_alone(verdict, piece, limit, text) -> None:
    assert words.evidence(verdict(limit, piece("a", 1000))) == text


def test_a_reason_stands_behind_what_was_seen_and_alone_where_nothing_was(verdict, piece) -> None:
    rule = "a errors under 1%"
    seen = verdict(("a", "errors", "under 1%"), piece("a", 100, errors={"reset": 95}), aborted_by=rule)
    assert words.evidence(seen) == (
        "95.0 % failed: 95 of 100 (0 allowed, likely 89.8-98.0 %); the run was ended because of this row"
    )
    assert words.evidence(verdict(("a", "errors", "under 1%"), aborted_by=rule)) == (
        "the run was ended because of this row"
    )
    warned = verdict(("a", "count", "at least 500"), piece("a", 1), warn_only="all")
    assert words.evidence(warned) == "1 request; this limit only warns"
    assert words.evidence(verdict(("a", "count", "at least 5"))) == (
        "no request of this row was due in the judged time; no data is never a pass"
    )


def test_close_is_said_only_where_there_were_enough_requests_to_tell(verdict, piece) -> None:
    assert "close" not in words.evidence(verdict(("a", "errors", "under 1%"), piece("a", 100)))
    assert "close: likely" in words.evidence(verdict(("a", "errors", "under 1%"), piece("a", 300, errors={"x": 2})))


def test_a_failure_that_could_be_chance_is_close_however_few_requests_there_were(verdict, piece) -> None:
    found = verdict(("product", "errors", "under 3%"), piece("product", 31, errors={"x": 1}))
    assert words.evidence(found) == "3.2 % failed: 1 of 31 (0 allowed, close: likely 0.17-14.41 %)"
    assert words.strength(found) == "close"


@pytest.mark.parametrize(
    ("n", "bad", "word"),
    [(1000, 0, "clear"), (1000, 9, "close"), (1000, 11, "close"), (1000, 50, "clear"), (100, 0, "few requests"),
     (100, 1, "close")],
)  # fmt: skip
def test_how_sure_a_verdict_is_has_a_word(verdict, piece, n, bad, word) -> None:
    found = verdict(("a", "errors", "under 1%"), piece("a", n, errors={"x": bad} if bad else {}))
    assert words.strength(found) == word
    assert ("close: likely" in words.evidence(found)) is (word == "close")
    assert bool(words.few_requests((found,))) is (word == "few requests")


def test_a_long_reason_that_several_limits_share_is_said_once(verdict, piece) -> None:
    late = "the load generator itself was late (p99 35.0 ms, allowed 10.0 ms): give this machine less to do"
    both = tuple(
        verdict(("a", cell, "at most 5s"), piece("a", 100, over={5 * SECOND: 0}), late=late) for cell in ("p95", "p99")
    )
    assert words.shared_reasons(both) == (late,)
    for line in words.lines(both):
        assert "not judged: the load generator itself was late; seen: 0.0 % slower" in line
    assert words.shared_reasons(both[:1]) == ()
    assert late in words.lines(both[:1])[0]


def test_the_same_counts_with_two_likely_ranges_are_explained(verdict, piece) -> None:
    seconds = [piece("a", 14, second=s, over={SECOND: 0}) for s in range(0, 600, 60)]
    seconds += [piece("a", 1, second=s, over={SECOND: 0}) for s in range(3)]
    seconds[3] = piece("a", 14, second=180, over={SECOND: 1}, errors={"x": 1})
    slow, failed = (verdict(("a", *limit), *seconds) for limit in (("p95", "at most 1s"), ("errors", "under 3%")))
    assert (slow.bad, slow.n) == (failed.bad, failed.n) == (1, 143)
    assert words.unlike((slow, failed)).startswith("a p95 and a errors saw the same 1 of 143 and have different likely")
    assert words.unlike((failed, failed)) == ""


def test_passes_on_few_requests_share_one_line(verdict, piece) -> None:
    few = verdict(("query", "p99", "under 1s"), piece("query", 214, over={SECOND - 1: 0}))
    other = verdict(("a", "errors", "under 1%"), piece("a", 20))
    proven = verdict(("a", "p95", "under 1s"), piece("a", 59, over={SECOND - 1: 0}))
    failed = verdict(("a", "p95", "under 1s"), piece("a", 20, over={SECOND - 1: 20}))
    assert words.few_requests((few, proven)) == (
        "1 pass rests on few requests: query p99 214 of 299 needed to prove it (run longer to prove them)"
    )
    assert words.few_requests((few, other, failed)) == (
        "2 passes rest on few requests: query p99 214 of 299, a errors 20 of 299 needed to prove it"
        " (run longer to prove them)"
    )
    assert words.few_requests((proven, failed)) == ""


def test_passes_that_are_close_are_the_rest_of_those_that_are_not_proven(verdict, piece) -> None:
    few = verdict(("query", "p99", "under 1s"), piece("query", 214, over={SECOND - 1: 0}))
    close = verdict(("a", "errors", "under 1%"), piece("a", 1000, errors={"x": 9}))
    other = verdict(("b", "errors", "under 1%"), piece("b", 1000, errors={"x": 8}))
    proven = verdict(("a", "p95", "under 1s"), piece("a", 59, over={SECOND - 1: 0}))
    failed = verdict(("a", "errors", "under 1%"), piece("a", 1000, errors={"x": 11}))
    every = (few, close, proven, failed)
    assert words.unproven(every) == 2
    assert words.few_requests(every).startswith("1 pass rests on few requests: query p99")
    assert words.close_passes(every) == "1 pass is close to what is allowed: a errors"
    assert words.close_passes((close, other)) == "2 passes are close to what is allowed: a errors, b errors"
    assert words.close_passes((few, proven, failed)) == ""


def test_the_table_has_a_mark_for_every_outcome(verdict, piece) -> None:
    found = (
        verdict(("suggest", "count", "at least 5"), piece(n=9)),
        verdict(("all", "count", "at least 5"), piece(n=1)),
        verdict(("a", "count", "at least 5")),
        verdict(("a", "count", "at least 5"), piece("a", 1), warn_only="all"),
        verdict(("a", "p95", "at most 1s"), piece("a", 59, over={SECOND: 0}), late="late"),
    )
    assert [(line[:6], line[6:32]) for line in words.lines(found)] == [
        ("PASS  ", "suggest count at least 5  "),
        ("FAIL  ", "all count at least 5      "),
        ("??    ", "a count at least 5        "),
        ("WARN  ", "a count at least 5        "),
        ("??    ", "a p95 at most 1s          "),
    ]
    assert words.lines(()) == []


@pytest.mark.parametrize(
    ("n", "text"), [(0, "0"), (999, "999"), (1000, "1 000"), (60_214, "60 214"), (1_234_567.4, "1 234 567")]
)
def test_numbers_are_grouped(n, text) -> None:
    assert words.count(n) == text


@pytest.mark.parametrize(
    ("share", "other", "text"),
    [
        (0.05, None, "5.0 %"),
        (0.0053, None, "0.53 %"),
        (0.0005, None, "0.050 %"),
        (0.0, None, "0.0 %"),
        (1.0, None, "100.0 %"),
        (0.035, 0.044, "3.5-4.4 %"),
        (0.0, 0.0495, "0.0-5.0 %"),
        (0.0, 0.0, "0.0-0.0 %"),
    ],
)
def test_a_share_has_the_digits_that_it_needs(share, other, text) -> None:
    assert words.percent(share, other) == text


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.floats(0, 1), st.floats(0, 1))
def test_any_two_shares_make_a_range(a, b) -> None:
    low, high = sorted((a, b))
    first, second = words.percent(low, high).removesuffix(" %").split("-")
    assert float(first) <= float(second) <= 100
    assert float(first) == pytest.approx(low * 100, abs=0.06)


@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.integers(1, 10**6), st.floats(0, 1))
def test_no_statistics_words_are_needed(verdict, piece, n, share) -> None:
    bad = int(n * share)
    text = words.sentence(verdict(("a", "p95", "at most 120ms"), piece("a", n, over={120 * MS: bad})))
    assert not any(word in text for word in ("confidence", "interval", "significan", "binomial", "None", "nan", "{"))


@pytest.mark.parametrize(
    ("width", "cut"),
    [
        (30, "suggest p95 at most 120ms"),
        (25, "suggest p95 at most 120ms"),
        (16, "sugge…most 120ms"),
        (1, "…"),
        (0, "…"),
    ],
)
def test_names_are_cut_in_their_middle(width, cut) -> None:
    assert words.cut("suggest p95 at most 120ms", width) == cut


def test_rounds_are_no_time() -> None:
    def phase(seconds: int, rounds: int = 0) -> PlannedPhase:
        return PlannedPhase(
            "steady", Span("s.yaml", 1, 1, 1, 2), 0, seconds * SECOND, Users(1, 1), measured=True, rounds=rounds
        )

    assert words.lasting([phase(30), phase(60)]) == "1m30s"
    assert words.lasting([phase(86_400, 4000)]) == "4 000 rounds"
    assert words.lasting([phase(30), phase(86_400, 100)]) == "30s and 100 rounds"


def test_passes_that_are_close_on_many_requests_are_named_beside_those_on_few(verdict, piece) -> None:
    few = verdict(("a", "errors", "under 1%"), piece("a", 20))
    close = verdict(("pay", "errors", "under 1%"), piece("pay", 5000, errors={"status 500": 48}))
    assert (words.strength(close), words.unproven((few, close))) == ("close", 2)
    assert words.few_requests((few, close)).endswith("(run longer to prove them); not proven either: pay errors")
    assert words.few_requests((close,)) == ""
