"""Services over time: levels that changed, limits met."""

from perfspec.metrics import histogram
from perfspec.report.trend import compliance_lines, series_lines
from perfspec.verdict.comparison import Measure, Numbers
from perfspec.verdict.trend import Met, compliance, series


def run(day, ms, request="suggest"):
    counts = {histogram.index(int(ms * 1000)): 100}
    return Numbers(f"run-{day}", f"2026-11-{day:02d}T10:00:00", f"c{day}", (Measure(request, 100, 0, counts),))


LEVELS = [100, 101, 99, 100, 102, 98, 100, 101, 99, 100, 120, 121, 119, 122, 120]


def test_a_change_of_level_comes_with_the_commits_it_lies_between() -> None:
    p50, p95 = series([run(day, ms) for day, ms in enumerate(LEVELS, 1)])
    assert (p50.request, p50.statistic, p95.statistic) == ("suggest", "p50", "p95")
    (step,) = p95.steps
    assert (step.since.run_id, step.after.commit, step.since.commit, step.runs) == ("run-11", "c10", "c11", 5)
    text = series_lines((p95,))
    assert text[0].startswith("  suggest p95    120 ms  ")
    assert text[1].strip() == "+20 % since run run-11 of 2026-11-11 (commits c10..c11)"
    assert len(text[0].split()[-1]) == len(LEVELS)


def test_a_flat_history_has_no_steps() -> None:
    assert [s.steps for s in series([run(day, 100) for day in range(1, 10)])] == [(), ()]


def test_a_request_that_came_later_has_the_points_it_has() -> None:
    found = series([run(1, 10), run(2, 10), run(3, 20, "query")])
    assert [(s.request, len(s.points)) for s in found] == [("suggest", 2)] * 2 + [("query", 1)] * 2


def test_limits_are_counted_by_week() -> None:
    judged = [
        Met("suggest p95 at most 120ms", "2026-11-02T10:00", True),
        Met("suggest p95 at most 120ms", "2026-11-08T23:59", False),
        Met("suggest p95 at most 120ms", "2026-11-16T10:00", True),
        Met("all errors under 1%", "2026-11-09T00:00", True),
    ]
    weeks = [("2026-11-02", "2026-11-09"), ("2026-11-09", "2026-11-16"), ("2026-11-16", "2026-11-23")]
    p95, errors = compliance(judged, weeks)
    assert p95.periods == ((1, 2), None, (1, 1))
    assert errors.periods == (None, (1, 1), None)
    text = compliance_lines((p95, errors), tuple(start for start, _ in weeks))
    assert text[0].split() == ["limit", "11-02", "11-09", "11-16"]
    assert text[1].split()[-3:] == ["1/2", "-", "1/1"]
    assert compliance_lines((), ()) == ["  no limit was judged"]
