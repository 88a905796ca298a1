"""The outcome of each threshold: what decides, in which order, and how sure it is said to be."""

from fractions import Fraction

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfspec.language.phrases import Limit, Quantity
from perfspec.metrics.rows import total
from perfspec.report.words import sentence
from perfspec.spec.model import Cell
from perfspec.verdict.judge import Circumstances, judge
from perfspec.verdict.samples import bad_and_total, sample

MS = 1_000_000
SECOND = 1_000_000_000
WINDOW = ((5 * SECOND, 60 * SECOND),)
CALM = Circumstances()


P95 = ("suggest", "p95", "at most 120ms")
ERRORS = ("suggest", "errors", "at most 0.5%")


@pytest.mark.parametrize(
    ("slow", "outcome", "strength", "proven"),
    [
        (0, "PASS", "clear", True),
        (38, "PASS", "clear", True),
        (39, "PASS", "borderline", False),
        (50, "PASS", "borderline", False),
        (51, "FAIL", "borderline", False),
        (62, "FAIL", "borderline", False),
        (63, "FAIL", "clear", False),
        (1000, "FAIL", "clear", False),
    ],
)
def test_the_point_decides_and_the_bounds_say_how_sure(one, piece, slow, outcome, strength, proven) -> None:
    verdict = one(P95, piece(n=1000, over={120 * MS: slow}))
    assert (verdict.outcome, verdict.strength, verdict.proven) == (outcome, strength, proven)
    assert (verdict.n, verdict.bad, verdict.allowed, verdict.needed) == (1000, slow, 50, 59)
    assert verdict.failed == 0


@pytest.mark.parametrize(
    ("limit", "bad", "n", "outcome", "allowed"),
    [
        ("at most 0.5%", 300, 60_000, "PASS", 300),
        ("under 0.5%", 300, 60_000, "FAIL", 299),
        ("under 0.5%", 299, 60_000, "PASS", 299),
        ("at most 0.5%", 301, 60_000, "FAIL", 300),
        ("at most 7%", 7, 100, "PASS", 7),
        ("under 1%", 0, 100, "PASS", 0),
        ("under 1%", 1, 100, "FAIL", 0),
        ("under 0%", 0, 100, "FAIL", -1),
        ("at most 0%", 0, 100, "PASS", 0),
    ],
)
def test_equality_is_allowed_by_at_most_alone(one, piece, limit, bad, n, outcome, allowed) -> None:
    errors = {"status 500": bad} if bad else {}
    verdict = one(("suggest", "errors", limit), piece(n=n, errors=errors))
    assert (verdict.outcome, verdict.allowed) == (outcome, allowed)


@pytest.mark.parametrize(
    ("limit", "down", "n", "outcome"),
    [
        ("at least 99.9%", 60, 60_000, "PASS"),
        ("at least 99.9%", 61, 60_000, "FAIL"),
        ("over 99.9%", 60, 60_000, "FAIL"),
        ("over 99.9%", 59, 60_000, "PASS"),
    ],
)
def test_availability_counts_what_was_unavailable_and_no_other_error(one, piece, limit, down, n, outcome) -> None:
    slices = piece(n=n, unavailable=down, errors={"status 500": down, "check s.yaml:1 x": 5000})
    assert one(("suggest", "availability", limit), slices).outcome == outcome


@pytest.mark.parametrize(
    ("n", "bad", "cell", "proven", "needed"),
    [
        (58, 0, "p95", False, 59),
        (59, 0, "p95", True, 59),
        (298, 0, "p99", False, 299),
        (299, 0, "p99", True, 299),
        (93, 1, "p95", True, 59),
        (92, 1, "p95", False, 59),
    ],
)
def test_a_pass_is_proven_from_the_least_number_of_requests_on(one, piece, n, bad, cell, proven, needed) -> None:
    verdict = one(("suggest", cell, "at most 120ms"), piece(n=n, over={120 * MS: bad}))
    assert (verdict.outcome, verdict.proven, verdict.needed) == ("PASS", proven, needed)


def test_the_bounds_are_the_published_ones(one, piece) -> None:
    verdict = one(ERRORS, piece(n=100_000, errors={"reset": 450}))
    assert verdict.lower == pytest.approx(0.004158, abs=5e-7)
    assert verdict.upper == pytest.approx(0.004864, abs=5e-7)
    assert verdict.confidence == 0.95


@pytest.mark.parametrize("cell", ["p95", "mean", "max"])
@pytest.mark.parametrize("limit", ["at most 120ms"])
def test_no_data_is_never_a_pass(one, piece, cell, limit) -> None:
    verdict = one(("suggest", cell, limit), piece(name="other"), piece(second=3))
    assert (verdict.outcome, verdict.n, verdict.strength) == ("NO_DATA", 0, "")
    assert verdict.reason == "no request of this row was due in the judged time; no data is never a pass"


def test_requests_without_any_answer_fail_a_percentile_and_leave_a_mean_open(one, piece) -> None:
    lost = piece(n=40, errors={"refused": 40}, over={120 * MS: 40}, answered=0)
    assert one(P95, lost).outcome == "FAIL"
    verdict = one(("suggest", "mean", "at most 120ms"), lost)
    assert (verdict.outcome, verdict.n) == ("NO_DATA", 40)
    assert verdict.reason == "no request of this row was answered"


@pytest.mark.parametrize(("cell", "limit"), [("mean", "at most 1s"), ("max", "at most 1s"), ("p99.9", "over 1ms")])
def test_one_request_without_a_duration_leaves_a_point_of_latency_open(one, piece, cell, limit) -> None:
    answered = piece(n=99, ms=10)
    assert one(("suggest", cell, limit), answered).outcome == "PASS"
    verdict = one(("suggest", cell, limit), answered, piece(n=1, errors={"reset": 1}, answered=0))
    assert (verdict.outcome, verdict.n) == ("INCONCLUSIVE", 100)
    assert "failed" in verdict.reason


def test_a_late_generator_makes_latency_rows_inconclusive_and_no_others(one, piece) -> None:
    slices = piece(n=1000, over={120 * MS: 900}, errors={"status 500": 900})
    verdict = one(P95, slices, late="the generator was late")
    assert (verdict.outcome, verdict.reason, verdict.strength) == ("INCONCLUSIVE", "the generator was late", "")
    assert verdict.bad == 900
    assert one(P95, piece(n=1000, over={120 * MS: 0}), late="late").outcome == "INCONCLUSIVE"
    assert one(("suggest", "mean", "at most 1ms"), slices, late="late").outcome == "INCONCLUSIVE"
    assert one(ERRORS, slices, late="late").outcome == "FAIL"
    assert one(ERRORS, piece(), late="late").outcome == "PASS"
    assert one(P95, late="late").outcome == "NO_DATA"


def test_a_lost_part_of_the_load_takes_every_pass_and_no_failure(one, piece) -> None:
    """Less load proves no limit; one that broke all the same broke under less than was asked for."""
    lost = "worker 2 of 2 was lost"
    passed = one(("suggest", "errors", "under 1%"), piece(n=1000), lost=lost)
    assert (passed.outcome, passed.proven, passed.strength) == ("INCONCLUSIVE", False, "")
    assert passed.reason == "worker 2 of 2 was lost; less load than was asked for proves no limit"
    failed = one(("suggest", "errors", "under 1%"), piece(n=1000, errors={"timeout": 100}), lost=lost)
    assert (failed.outcome, failed.strength) == ("FAIL", "clear")


@pytest.mark.parametrize("cell", ["count", "throughput"])
def test_that_too_little_was_sent_is_nobody_s_failure_where_a_part_of_the_load_was_missing(one, piece, cell) -> None:
    limit = "at least 5000" if cell == "count" else "at least 5000/s"
    assert one(("suggest", cell, limit), piece(n=1000)).outcome == "FAIL"
    assert one(("suggest", cell, limit), piece(n=1000), lost="gone").outcome == "INCONCLUSIVE"


def test_the_row_that_ended_the_run_fails_whatever_else_is_true(one, piece) -> None:
    text = "suggest p95 at most 120ms"
    for slices in ((), (piece(n=1000, over={120 * MS: 0}),)):
        verdict = one(P95, *slices, aborted_by=text, warn_only="all")
        assert (verdict.outcome, verdict.reason) == ("FAIL", "the run was ended because of this row")
    assert one(ERRORS, piece(), aborted_by=text).outcome == "PASS"


def test_a_late_generator_proves_nothing_about_the_latency_that_ended_the_run(one, piece) -> None:
    bad = piece(n=1000, over={120 * MS: 900}, errors={"status 500": 900})
    verdict = one(P95, bad, aborted_by="suggest p95 at most 120ms", late="late")
    assert (verdict.outcome, verdict.reason) == ("INCONCLUSIVE", "late")
    assert one(ERRORS, bad, aborted_by="suggest errors at most 0.5%", late="late").outcome == "FAIL"


@pytest.mark.parametrize(
    ("limit", "warn_only", "outcome"),
    [
        (P95, "", "FAIL"),
        (P95, "latency", "WARN"),
        (P95, "all", "WARN"),
        (("suggest", "max", "at most 5ms"), "latency", "WARN"),
        (ERRORS, "latency", "FAIL"),
        (ERRORS, "all", "WARN"),
        (("suggest", "errors", "at most 0.5%, warn only"), "", "WARN"),
    ],
)
def test_a_limit_that_only_warns_never_fails(one, piece, limit, warn_only, outcome) -> None:
    slices = piece(n=100, errors={"reset": 100}, over={120 * MS: 100})
    verdict = one(limit, slices, warn_only=warn_only)
    assert verdict.outcome == outcome
    assert verdict.reason == ("this limit only warns" if outcome == "WARN" else "")


def test_a_limit_that_only_warns_still_passes_and_still_lacks_data(one, piece) -> None:
    assert one(P95, piece(over={120 * MS: 0}), warn_only="all").outcome == "PASS"
    assert one(P95, warn_only="all").outcome == "NO_DATA"


def test_a_release_gate_takes_proven_passes_only(one, piece) -> None:
    unproven = one(P95, piece(n=58, over={120 * MS: 0}), only_proven=True)
    assert (unproven.outcome, unproven.reason) == (
        "INCONCLUSIVE",
        "too few requests to prove it, and this stage counts only proven passes",
    )
    assert one(P95, piece(n=59, over={120 * MS: 0}), only_proven=True).outcome == "PASS"
    assert one(P95, piece(n=58, over={120 * MS: 58}), only_proven=True).outcome == "FAIL"


@pytest.mark.parametrize(
    ("cell", "limit"),
    [
        ("mean", "at most 1s"),
        ("max", "at most 1s"),
        ("p95", "over 1ms"),
        ("count", "at least 1"),
        ("throughput", "over 0/s"),
    ],
)
def test_a_number_that_has_no_proof_needs_none(one, piece, cell, limit) -> None:
    assert one(("suggest", cell, limit), piece(n=5), only_proven=True).outcome == "PASS"


def test_failures_of_this_machine_are_no_failures_of_the_service(one, piece) -> None:
    verdict = one(ERRORS, piece(n=1000, errors={"no ports": 20, "no descriptors": 3}))
    assert verdict.outcome == "INCONCLUSIVE"
    assert verdict.reason == (
        "23 of the failures are this machine's (no descriptors, no ports); raise its limits and re-run"
    )
    lost = one(ERRORS, piece(n=1000, errors={"dns": 20}))
    assert lost.reason == "20 of the failures are this machine's (dns); see that it can look up names and re-run"
    assert one(ERRORS, piece(n=10, errors={"no ports": 10})).outcome == "INCONCLUSIVE"
    assert one(ERRORS, piece(n=1000, errors={"no ports": 20, "status 500": 4})).outcome == "INCONCLUSIVE"
    assert one(ERRORS, piece(n=1000, errors={"no ports": 20, "status 500": 5})).outcome == "FAIL"
    assert one(ERRORS, piece(n=1000, errors={"no ports": 2})).outcome == "PASS"


def test_a_limit_that_was_not_counted_is_judged_by_the_histogram_where_that_can_tell(one, piece) -> None:
    assert one(P95, piece(ms=100)).outcome == "PASS"
    assert one(P95, piece(ms=130)).outcome == "FAIL"
    unclear = one(P95, piece(ms=120))
    assert unclear.outcome == "INCONCLUSIVE"
    assert unclear.reason == "the limit was not counted during the run; re-run to judge it"


@pytest.mark.parametrize(
    ("slow", "limit", "outcome"),
    [
        (5, "at most 120ms", "PASS"),  # even if all of the bucket were slower
        (6, "at most 120ms", "INCONCLUSIVE"),
        (6, "at most 120.063ms", "PASS"),  # the whole bucket is within the limit
        (6, "at most 119.999ms", "FAIL"),  # none of it is
        (100, "at most 120.062ms", "INCONCLUSIVE"),
    ],
)
def test_a_bucket_around_the_limit_may_lie_on_either_side(one, piece, slow, limit, outcome) -> None:
    slices = [piece(n=slow, ms=120)] + ([piece(n=100 - slow, ms=10)] if slow < 100 else [])
    assert one(("suggest", "p95", limit), *slices).outcome == outcome


def test_slow_requests_that_surely_break_the_limit_fail_it(one, piece) -> None:
    assert one(P95, piece(n=6, ms=500), piece(n=50, ms=120), piece(n=44, ms=1)).outcome == "FAIL"
    assert one(P95, piece(n=5, ms=500), piece(n=50, ms=120), piece(n=45, ms=1)).outcome == "INCONCLUSIVE"


def test_exact_counts_win_over_the_bucket_around_the_limit(one, piece) -> None:
    verdict = one(P95, piece(ms=120, over={120 * MS: 0}))
    assert (verdict.outcome, verdict.bad) == ("PASS", 0)
    under = one(("suggest", "p95", "under 120ms"), piece(ms=120, over={120 * MS - 1: 100}))
    assert (under.outcome, under.bad) == ("FAIL", 100)


@pytest.mark.parametrize(
    ("cell", "limit", "outcome", "seen"),
    [
        ("mean", "at most 10.5ms", "PASS", 10_003_500),
        ("mean", "under 10ms", "FAIL", 10_003_500),
        ("mean", "under 10.0035ms", "INCONCLUSIVE", 10_003_500),
        ("max", "at most 10.007ms", "INCONCLUSIVE", 10_007_000),
        ("max", "at most 10.1ms", "PASS", 10_007_000),
        ("max", "between 1ms and 5ms", "FAIL", 10_007_000),
        ("p95", "between 1ms and 11ms", "PASS", 10_007_000),
        ("p95", "between 10ms and 11ms", "PASS", 10_007_000),
        ("p95", "between 10.007ms and 11ms", "INCONCLUSIVE", 10_007_000),
        ("p95", "between 10.003ms and 10.004ms", "INCONCLUSIVE", 10_007_000),
        ("p95", "between 1ms and 10.007ms", "INCONCLUSIVE", 10_007_000),
        ("p95", "between 1ms and 10.008ms", "PASS", 10_007_000),
        ("p95", "over 9.999ms", "PASS", 10_007_000),
        ("p95", "over 10ms", "INCONCLUSIVE", 10_007_000),
        ("p95", "over 10.007999ms", "FAIL", 10_007_000),
        ("p95", "at least 10ms", "PASS", 10_007_000),
        ("p95", "at least 11ms", "FAIL", 10_007_000),
    ],
)
def test_mean_and_max_and_lower_limits_go_by_the_number_alone(one, piece, cell, limit, outcome, seen) -> None:
    verdict = one(("suggest", cell, limit), piece(ms=10))
    assert (verdict.outcome, verdict.observed_ns) == (outcome, seen)
    assert (verdict.strength, verdict.proven, verdict.lower, verdict.bad) == ("", False, None, None)


def test_a_maximum_is_counted_exactly(one, piece) -> None:
    """The bucket of 10 ms goes to 10.007 ms; the limit lies within."""
    for over, outcome in ((0, "PASS"), (1, "FAIL")):
        limit = ("suggest", "max", "at most 10.002ms")
        assert one(limit, piece(ms=10, over={10_002_000: over})).outcome == outcome
    verdict = one(("suggest", "max", "at most 10.002ms"), piece(ms=10))
    assert verdict.reason == "it is closer to its limit than it is kept (0.1 %)"


def test_each_number_is_its_own(one, piece) -> None:
    slices = (piece(n=90, ms=1), piece(n=9, ms=2), piece(n=1, ms=100))
    seen = {cell: one(("suggest", cell, "over 0ms"), *slices).observed_ns for cell in ("p50", "p95", "mean", "max")}
    assert seen == {"p50": 1_000_000, "p95": 2_000_000, "mean": 2_079_995, "max": 100_031_000}


@pytest.mark.parametrize(
    ("cell", "limit", "outcome", "seen"),
    [
        ("count", "at least 100", "PASS", 100),
        ("count", "over 100", "FAIL", 100),
        ("throughput", "at least 1.8/s", "PASS", 100 / 55),
        ("throughput", "at least 1.9/s", "FAIL", 100 / 55),
    ],
)
def test_count_and_throughput_go_by_the_number_alone(one, piece, cell, limit, outcome, seen) -> None:
    verdict = one(("suggest", cell, limit), piece(n=100))
    assert (verdict.outcome, verdict.observed, verdict.strength) == (outcome, seen, "")


def test_throughput_counts_what_succeeded(one, piece) -> None:
    slices = piece(n=100, errors={"reset": 45})
    assert one(("suggest", "throughput", "at least 1/s"), slices).observed == 1.0


def test_throughput_is_per_second_that_is_judged_whole(one, piece) -> None:
    seconds = [piece(n=10, second=at) for at in range(3)]
    verdict = one(("suggest", "throughput", "at least 10/s"), *seconds, windows=((SECOND * 6 // 10, 3 * SECOND),))
    assert (verdict.outcome, verdict.observed) == ("PASS", 10.0)
    halves = ((0, SECOND * 3 // 2), (SECOND * 3 // 2, 3 * SECOND))
    assert one(("suggest", "throughput", "at least 10/s"), *seconds, windows=halves).observed == 10.0


def test_the_place_in_the_spec_and_the_words_stay_with_the_verdict(one, piece) -> None:
    verdict = one(("suggest", "errors", "under 0.5%"), piece())
    assert (verdict.threshold, verdict.row) == ("suggest errors under 0.5%", "suggest")
    assert (verdict.cell, verdict.limit, str(verdict.span)) == ("errors", "under 0.5%", "s.yaml:1:13")


pieces = st.lists(
    st.tuples(st.integers(1, 50), st.integers(0, 50), st.integers(0, 40), st.sampled_from(["", "wait", "poll"])),
    min_size=1,
    max_size=12,
)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(pieces, st.randoms(use_true_random=False))
def test_the_order_of_slices_never_matters(threshold, piece, drawn, chance) -> None:
    slices = [
        piece(n=n, over={120 * MS: min(bad, n)}, errors={"reset": min(bad, n)} if bad else {}, second=s, timer=timer)
        for n, bad, s, timer in drawn
    ]
    shuffled = slices.copy()
    chance.shuffle(shuffled)
    rows = [threshold(*P95), threshold(*ERRORS), threshold("all", "throughput", "at least 1/s")]
    assert judge(rows, slices, WINDOW, CALM) == judge(rows, shuffled, WINDOW, CALM)


@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.integers(1, 5000), st.data())
def test_more_bad_requests_never_turn_a_fail_into_a_pass(threshold, piece, n, data) -> None:
    bad = data.draw(st.integers(0, n - 1))
    row = [threshold(*P95)]
    (fewer,), (more,) = (judge(row, [piece(n=n, over={120 * MS: k})], WINDOW, CALM) for k in (bad, bad + 1))
    order = {("PASS", True): 0, ("PASS", False): 1, ("FAIL", False): 2}
    assert order[fewer.outcome, fewer.proven] <= order[more.outcome, more.proven]
    assert fewer.lower <= more.lower
    assert fewer.upper <= more.upper


def test_what_is_selected_can_be_asked_again(threshold, piece) -> None:
    slices = [piece(n=3, over={120 * MS: 1}), piece(n=4, second=70)]
    p95 = threshold(*P95)
    row = sample(slices, p95.row, p95.cell, WINDOW).row
    assert row == total(slices[:1])
    assert bad_and_total(threshold(*P95), row) == (1, 3)
    assert bad_and_total(threshold("suggest", "p95", "over 10ms"), row) is None


@pytest.mark.parametrize(("missed", "outcome"), [(50, "PASS"), (51, "FAIL")])
def test_goodput_is_a_share_of_rounds(one, piece, missed, outcome) -> None:
    rounds = msgspec.structs.replace(piece("browse", 1000, timer="round", flow="browse"), missed=missed)
    verdict = one(("all", "goodput", "at least 95%"), rounds, piece(n=5000))
    assert (verdict.outcome, verdict.n, verdict.bad, verdict.allowed) == (outcome, 1000, missed, 50)
    assert f"{missed / 10:.1f} % of rounds missed a limit or a check: {missed} of 1 000" in sentence(verdict)
    assert one(("all", "goodput", "at least 95%"), piece(n=5000)).reason.startswith("no round of this row")


@pytest.mark.parametrize(
    ("cell", "limit", "seen", "outcome", "bad"),
    [
        ("status 429", "at most 1%", 10, "PASS", 10),
        ("status 429", "under 1%", 10, "FAIL", 10),
        ("status 429", "at least 90%", 900, "PASS", 100),
        ("status 429", "over 90%", 900, "FAIL", 100),
    ],
)
def test_a_status_is_a_share_of_answers_whether_it_was_expected_or_not(
    one, piece, cell, limit, seen, outcome, bad
) -> None:
    verdict = one(("suggest", cell, limit), msgspec.structs.replace(piece(n=1000), statuses={429: seen, 503: 7}))
    assert (verdict.outcome, verdict.bad) == (outcome, bad)
    assert "answered with" in sentence(verdict)


@pytest.mark.parametrize(("down", "outcome"), [(600, "PASS"), (601, "FAIL")])
def test_a_burn_rate_is_availability_measured_by_the_promise(threshold, piece, down, outcome) -> None:
    """Of 100 000, a promise of 99.9 % allows 100 bad ones, and six times that at a burn rate of 6."""
    limit = msgspec.structs.replace(threshold("suggest", "availability", "at least 99%"), budget=Fraction(1, 1000))
    burn = Cell("burn rate", None, "", "burn rate")
    six = Limit("at most", Quantity(Fraction(6), "times", "6x"), text="at most 6x")
    limit = msgspec.structs.replace(limit, cell=burn, limit=six)
    (verdict,) = judge([limit], [piece(n=100_000, unavailable=down)], WINDOW, CALM)
    assert (verdict.outcome, verdict.bad, verdict.allowed) == (outcome, down, 600)
    assert verdict.observed == pytest.approx(down / 100)
    assert sentence(verdict).startswith("suggest burn rate at most 6x: burn rate 6")


def spread(piece, bad, **more):
    """A piece of 100 requests for each of ten windows."""
    return [piece(n=100, over={120 * MS: k}, second=5 + 2 * i, **more) for i, k in enumerate(bad)]


TEN = ((5 * SECOND, 25 * SECOND),)


def test_requests_that_are_alike_take_away_clear_and_proven_and_nothing_else(one, piece) -> None:
    even = one(P95, *spread(piece, [3] * 10), windows=TEN)
    uneven = one(P95, *spread(piece, [0] * 7 + [10] * 3), windows=TEN)
    assert (even.outcome, even.strength, even.proven, even.windows) == ("PASS", "clear", True, 10)
    assert (uneven.outcome, uneven.strength, uneven.proven, uneven.bad) == ("PASS", "borderline", False, 30)
    assert even.design_effect == 1
    assert uneven.design_effect > 5
    assert uneven.n_effective < even.n_effective < 1000
    worse = one(P95, *spread(piece, [0] * 5 + [14] * 5), windows=TEN)
    assert (worse.outcome, worse.strength) == ("FAIL", "borderline")
    assert one(P95, piece(n=1000, over={120 * MS: 70})).strength == "clear"


def test_errors_are_taken_as_independent(one, piece) -> None:
    slices = [piece(n=100, errors={"reset": 9} if i == 0 else {}, second=5 + 2 * i) for i in range(10)]
    verdict = one(ERRORS, *slices, windows=TEN)
    assert verdict.design_effect is None
    assert (verdict.outcome, verdict.lower) == ("FAIL", pytest.approx(0.00470, abs=1e-5))


@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.lists(st.integers(0, 100), min_size=10, max_size=10))
def test_whatever_the_windows_the_point_decides(one, piece, bad) -> None:
    verdict = one(P95, *spread(piece, bad), windows=TEN)
    assert verdict.outcome == ("PASS" if sum(bad) <= 50 else "FAIL")
    assert not (verdict.proven and verdict.outcome == "FAIL")
    if verdict.strength == "clear":
        assert verdict.upper <= 0.05 if verdict.outcome == "PASS" else verdict.lower > 0.05


def test_every_phase_is_told_apart_and_only_the_whole_is_judged(one, piece) -> None:
    slices = [piece(n=100, over={120 * MS: 2}, second=6), piece(n=100, over={120 * MS: 7}, second=31)]
    two = ((5 * SECOND, 30 * SECOND), (30 * SECOND, 40 * SECOND))
    verdict = one(P95, *slices, windows=(*two, (40 * SECOND, 50 * SECOND)))
    assert (verdict.outcome, verdict.bad, verdict.n) == ("PASS", 9, 200)
    assert [(p.phase, p.n, p.bad, p.allowed, p.met) for p in verdict.phases] == [
        (0, 100, 2, 5, True),
        (1, 100, 7, 5, False),
        (2, 0, None, None, None),
    ]
    count = one(("suggest", "count", "at least 150"), *slices, windows=two)
    assert [p.observed for p in count.phases] == [100, 100]
    assert one(P95, *slices).phases == ()


def test_a_status_that_nobody_counted_is_not_taken_for_none(one, piece) -> None:
    verdict = one(("suggest", "status 429", "under 1%"), piece(n=1000))
    assert (verdict.outcome, verdict.bad) == ("INCONCLUSIVE", None)
    assert sentence(verdict).startswith("suggest status 429 under 1%: not judged: this status was not counted")


UNSENT = {"unsendable": 22}


@pytest.mark.parametrize(
    ("cell", "limit"),
    [("status 401", "under 10%"), ("count", "at least 10"), ("errors", "at most 100%"), ("p95", "at most 1s"),
     ("availability", "at least 90%"), ("throughput", "at least 1/s"), ("mean", "at most 1s")],
)  # fmt: skip
def test_what_was_never_sent_is_no_data_and_never_a_pass(one, piece, cell, limit) -> None:
    lost = msgspec.structs.replace(piece(n=22, errors=UNSENT, answered=0), statuses={401: 0})
    verdict = one(("suggest", cell, limit), lost)
    assert verdict.outcome == "NO_DATA"
    assert (
        verdict.reason == "not one request was sent: of the data of all 22 none could be made; no data is never a pass"
    )


def test_the_mistake_of_a_spec_is_not_the_failure_of_the_service(one, piece) -> None:
    half = piece(n=44, errors=UNSENT, over={120 * MS: 22}, answered=22)
    for limit in (("suggest", "errors", "under 1%"), P95):
        verdict = one(limit, half)
        assert verdict.outcome == "INCONCLUSIVE"
        assert "22 of the failures are the spec's own" in verdict.reason
    available = one(("suggest", "availability", "at least 90%"), half)
    assert (available.outcome, available.n, available.bad) == ("PASS", 22, 0)
    assert one(("suggest", "count", "at least 30"), half).outcome == "FAIL"
    broken = piece(n=44, errors=UNSENT | {"status 500": 11}, over={120 * MS: 33}, answered=22)
    assert one(("suggest", "errors", "under 1%"), broken).outcome == "FAIL"


def test_a_status_is_a_share_of_the_answers(one, piece) -> None:
    """A service that mostly did not answer has not answered with something else."""
    seen = msgspec.structs.replace(piece(n=100, errors={"refused": 90}, answered=10), statuses={429: 5})
    assert (one(("suggest", "status 429", "under 10%"), seen).outcome) == "FAIL"
    assert one(("suggest", "status 429", "at least 50%"), seen).bad == 95
    silent = msgspec.structs.replace(piece(n=100, errors={"timeout": 100}), statuses={429: 0})
    assert one(("suggest", "status 429", "under 10%"), silent).outcome == "NO_DATA"
