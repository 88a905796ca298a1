"""A run beside earlier ones: what is told of each request."""

import math
import random

import msgspec
import pytest

from perfspec.base.codec import decode, encode
from perfspec.metrics import histogram
from perfspec.report.comparison import lines, sentence
from perfspec.verdict.comparison import Comparison, Measure, Numbers, compare


def response(median_ms, n=1000, seed=1):
    """Log-normal times around a median."""
    draw = random.Random(seed)
    counts: dict[int, int] = {}
    for _ in range(n):
        i = histogram.index(int(1000 * median_ms * math.exp(draw.gauss(0, 0.4))))
        counts[i] = counts.get(i, 0) + 1
    return counts


def run(name, n=1000, *, commit="", information=1.0, **medians):
    measures = (Measure(request, n, 0, response(ms, n, name), information) for request, ms in medians.items())
    return Numbers(f"run-{name}", f"2026-11-{name:02d}T10:00:00+00:00", commit, tuple(measures))


HISTORY = [run(day, suggest=50, query=80, commit=f"c{day}") for day in range(1, 8)]


def states(comparison):
    return {(c.request, c.statistic): c.state for c in comparison.changes}


def test_unchanged_code_is_as_before() -> None:
    found = compare(run(9, suggest=50, query=80), HISTORY, "the median of 7 runs on main")
    assert set(states(found).values()) == {"unchanged"}
    assert not found.regressed
    assert lines(found) == ["compared with the median of 7 runs on main:", "  6 of 6 percentiles are as before"]


def test_the_request_that_became_slower_is_named_with_its_likely_range() -> None:
    found = compare(run(9, suggest=50, query=104, commit="c9"), HISTORY, "the median of 7 runs on main")
    assert {(c.request, c.statistic) for c in found.regressed} == {("query", "p50"), ("query", "p95")}
    (p95,) = (c for c in found.regressed if c.statistic == "p95")
    assert p95.ratio == pytest.approx(1.3, rel=0.1)
    assert p95.low < 1.3 < p95.high
    assert p95.effect > 0.65
    assert p95.runs == 7
    assert found.commits == ("c7", "c9")
    (line,) = [text for text in lines(found) if "query p95" in text]
    assert line.strip().startswith("SLOWER  query p95 1")
    assert "(likely +" in line
    assert "over +10 % is a regression" in line
    assert lines(found)[0] == "compared with the median of 7 runs on main (commits c7..c9):"


def test_a_tail_alone_stops_nobody() -> None:
    slow_tail = response(50)
    for i in range(15):
        slow_tail[histogram.index(900_000) + i] = 1
    now = Numbers("run-9", "2026-11-09", "", (Measure("suggest", 1015, 0, slow_tail),))
    found = compare(now, HISTORY, "main")
    assert states(found)["suggest", "p99"] == "maybe worse"
    assert not found.regressed


def test_one_earlier_run_judges_large_changes_alone() -> None:
    before = [run(1, suggest=50)]
    assert states(compare(run(2, suggest=58), before, "run 1"))["suggest", "p95"] == "maybe worse"
    large = compare(run(2, suggest=75), before, "run 1")
    assert states(large)["suggest", "p95"] == "regressed"
    assert states(compare(run(2, suggest=30), before, "run 1"))["suggest", "p95"] == "improved"
    assert "; with 1 run to compare with, over +25 % and 0.50 ms is a regression)" in " ".join(lines(large))


def test_who_became_faster_is_told_nothing_of_regressions() -> None:
    for before in (HISTORY, [run(1, suggest=50)]):
        (line,) = (text for text in lines(compare(run(9, suggest=25), before, "b")) if "suggest p50" in text)
        assert line.startswith("  FASTER  suggest p50 ")
        assert "regression" not in line


def test_a_tenth_of_a_millisecond_against_one_run_stops_nobody() -> None:
    """How much runs of this request differ without any change, one run does not tell; five do."""
    found = states(compare(run(2, suggest=0.42), [run(1, suggest=0.32)], "run 1"))
    assert (found["suggest", "p50"], found["suggest", "p95"]) == ("maybe worse", "maybe worse")
    assert states(compare(run(2, suggest=0.3), [run(1, suggest=0.42)], "run 1"))["suggest", "p50"] == "maybe better"
    assert states(compare(run(2, suggest=1.2), [run(1, suggest=0.32)], "run 1"))["suggest", "p50"] == "regressed"
    many = [run(day, suggest=0.32) for day in range(1, 6)]
    assert states(compare(run(9, suggest=0.42), many, "main"))["suggest", "p50"] == "regressed"


def test_requests_that_are_alike_widen_the_range() -> None:
    free = compare(run(9, suggest=60), HISTORY, "main")
    tied = compare(run(9, suggest=60, information=0.05), HISTORY, "main")
    p95 = [next(c for c in found.changes if c.statistic == "p95") for found in (free, tied)]
    assert p95[0].low > p95[1].low
    assert p95[0].state == "regressed"
    assert p95[1].state == "unchanged"


def test_few_answers_are_compared_with_nothing() -> None:
    found = compare(run(9, n=19, suggest=500), HISTORY, "main")
    assert found.changes == ()
    assert lines(found)[1] == "  no request has enough answers on both sides"


def test_what_is_new_and_what_is_gone_is_told() -> None:
    found = compare(run(9, suggest=50, index=20), HISTORY, "main", same_shape=False)
    assert (found.only_now, found.only_before) == (("index",), ("query",))
    text = "\n".join(lines(found))
    assert "new: index" in text
    assert "not measured any more: query" in text
    assert "another load, environment or machine" in text


def test_a_comparison_survives_its_file() -> None:
    few = compare(run(9, n=30, suggest=500), HISTORY, "main")
    assert any(c.high is None for c in few.changes)  # no bound on that side, which JSON has to be able to say
    assert decode(encode(few), Comparison) == few


def failing(name: int, failed: int, n: int = 1000) -> Numbers:
    return Numbers(
        f"run-{name}", f"2026-11-{name:02d}T10:00:00+00:00", "", (Measure("cart", n, failed, response(50, n)),)
    )


@pytest.mark.parametrize(
    ("before", "now", "state", "begins"),
    [
        (0, 800, "regressed", "MORE    cart errors 0.0 % -> 80.0 %, +80.0 points (likely +77."),
        (800, 0, "improved", "FEWER   cart errors 80.0 % -> 0.0 %, -80.0 points (likely -8"),
        (0, 10, "maybe worse", "more?   cart errors 0.0 % -> 1.0 %, +1.0 points (likely +0."),
        (100, 80, "unchanged", ""),
    ],
)  # fmt: skip
def test_errors_are_compared_as_well_with_a_likely_range(before, now, state, begins) -> None:
    found = compare(failing(9, now), [failing(1, before)], "run 1")
    (change,) = found.errors
    assert (change.state, change.low < change.now - change.before < change.high) == (state, True)
    assert bool(found.regressed) is (state == "regressed")
    assert any(line.strip().startswith(begins) for line in lines(found))
    assert any("surely over +1 point is a regression" in line for line in lines(found)) is bool(begins)


def test_what_never_failed_says_nothing_of_errors_and_who_is_not_answered_is_compared_all_the_same() -> None:
    assert compare(failing(9, 0), [failing(1, 0)], "run 1").errors == ()
    dead = Numbers("run-9", "2026-11-09", "", (Measure("cart", 200, 200, {}),))
    (change,) = compare(dead, [failing(1, 0)], "run 1").regressed
    assert (change.statistic, change.now) == ("errors", 1.0)
    few = Numbers("run-9", "2026-11-09", "", (Measure("cart", 19, 0, {}),))
    assert compare(few, [failing(1, 5)], "run 1").errors == ()
    fewer = Numbers("run-9", "2026-11-09", "", (Measure("cart", 9, 8, {}),))
    (change,) = compare(fewer, [failing(1, 0)], "run 1").regressed  # what is sure is sure of nine, too
    assert change.now == pytest.approx(8 / 9)


def test_what_cannot_be_told_is_not_called_as_before() -> None:
    """Forty answers that are alike, of which the slow ones came in one stretch, bound no p95."""
    before = [run(1, n=40, suggest=50, query=50, information=0.3)]
    found = compare(run(2, n=40, suggest=66, query=500, information=0.3), before, "run 1")
    assert states(found)["query", "p95"] == "maybe worse"
    assert states(found)["query", "p99"] == states(found)["suggest", "p95"] == "unchanged"
    text = lines(found)
    assert "slower? query p95" in "".join(text)
    assert any(line.startswith("    query p99 ") and " ms -> " in line for line in text)  # with its change
    unsure = [c for c in found.changes if c.state == "unchanged" and not c.is_as_before]
    assert len(unsure) >= 2
    assert f"  {len(unsure)} of 6 differ, on too few or too uneven answers to say that they changed" in text


def test_errors_that_may_be_chance_are_told_with_their_change() -> None:
    found = compare(failing(9, 100), [failing(1, 80)], "run 1")
    assert found.told == ()
    assert "  may be chance: cart errors 8.0 % -> 10.0 %, +2.0 points" in lines(found)
    assert "chance" not in "".join(lines(compare(failing(9, 85), [failing(1, 80)], "run 1")))
    assert "chance" not in "".join(lines(compare(failing(9, 800), [failing(1, 80)], "run 1")))


def test_requests_with_too_few_answers_to_compare_are_named() -> None:
    before = [run(1, suggest=50), run(2, n=19, query=50)]
    before = [Numbers("run-1", "2026-11-01", "", (*before[0].measures, *before[1].measures))]
    found = compare(run(9, suggest=50, query=50, other=1), before, "run 1")
    assert (found.too_few, found.only_now) == (("query",), ("other",))
    assert "  too few answers to compare times of: query" in lines(found)


def half_dead(name, n=1000, failed=0, ms=50.0):
    """A request of which so many failed, and the rest took that long."""
    measure = Measure("suggest", n, failed, response(ms, n - failed, name) if failed < n else {})
    return Numbers(f"run-{name}", f"2026-11-{name:02d}T10:00:00+00:00", "", (measure,))


def test_a_service_that_fails_more_often_became_no_faster() -> None:
    """Half of the answers are gone, and the others come in half the time."""
    found = compare(half_dead(9, failed=500, ms=25), HISTORY, "the median of 7 runs on main")
    assert set(states(found).values()) == {"not comparable"}
    (errors,) = found.errors
    assert errors.state == "regressed"
    text = "\n".join(lines(found))
    assert "FASTER" not in text
    assert "faster?" not in text
    assert "suggest: what still went well came sooner, but more failed: nothing became faster" in text
    steady = [half_dead(day, failed=500) for day in range(1, 8)]
    assert states(compare(half_dead(9, failed=505, ms=25), steady, "b"))["suggest", "p50"] == "improved"
    slower = compare(half_dead(9, failed=500, ms=100), HISTORY, "b")
    assert states(slower)["suggest", "p50"] == "regressed"


def test_a_service_that_is_dead_is_compared_by_its_errors_alone() -> None:
    found = compare(half_dead(9, failed=1000), HISTORY, "the median of 7 runs on main")
    assert found.changes == ()
    assert [change.request for change in found.regressed] == ["suggest"]
    assert "MORE" in "\n".join(lines(found))


def test_a_range_that_is_bounded_on_one_side_is_told() -> None:
    """25 answers bound a p95 from below alone."""
    before, now = (run(day, n=25, suggest=ms) for day, ms in ((1, 500), (2, 10)))
    (p95,) = (c for c in compare(now, [before], "b").changes if c.statistic == "p95")
    assert p95.low is None or p95.high is None
    faster = sentence(msgspec.structs.replace(p95, low=None, high=0.25))
    assert "(likely -75 % or less)" in faster
    assert "(likely +50 % or more; " in sentence(msgspec.structs.replace(p95, ratio=1.8, low=1.5, high=None))
    assert "(likely anything, for so few answers)" in sentence(msgspec.structs.replace(p95, low=None, high=None))
