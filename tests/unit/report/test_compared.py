"""What every report says of a run that was compared with earlier ones, and of several runs as one verdict."""

import re
from xml.etree import ElementTree as ET

import pytest
from msgspec.structs import replace

from perfspec.app.history import numbers_of
from perfspec.base.errors import ExitCode
from perfspec.metrics import histogram
from perfspec.report.formats import FORMATS
from perfspec.report.github import many_to_github
from perfspec.report.html.page import many_to_html
from perfspec.report.junit import to_junit
from perfspec.report.markdown import many_to_markdown, to_markdown
from perfspec.report.notice import message
from perfspec.report.remarks import outcome_of
from perfspec.report.terminal import summary
from perfspec.verdict.capacity import Capacity, Step
from perfspec.verdict.comparison import Measure, Numbers, compare

MS = 1_000_000


def times(ms: float, n: int = 1000) -> dict[int, int]:
    return {histogram.index(int(1000 * (ms + k / 10))): n // 10 for k in range(10)}


def numbers(day: int, **medians: float) -> Numbers:
    measures = tuple(Measure(request, 1000, 0, times(ms)) for request, ms in medians.items())
    return Numbers(f"run-{day}", f"2026-11-{day:02d}T02:00:00+00:00", f"commit{day}", measures)


HISTORY = [numbers(day, search=40, job=800, gone=5) for day in range(1, 8)]


@pytest.fixture
def compared(result, good):
    """A run within its limits, in which `search` took so long; `fails`: a regression counts."""

    def run(search_ms: float, *, fails: bool = True, before=HISTORY):
        found = compare(numbers(9, search=search_ms, job=800, new=1), before, f"the median of {len(before)} runs")
        found = replace(found, fails=fails)
        made = result(*good)
        outcome, code = ("FAIL", 1) if fails and found.regressed else (made.outcome, made.exit_code)
        return replace(made, comparison=found, outcome=outcome, exit_code=code)

    return run


def rows(text: str, first: str) -> list[list[str]]:
    return [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith(f"| {first} |")]


def test_markdown_shows_what_became_slower_with_its_likely_range(compared) -> None:
    text = to_markdown(compared(60)).decode()
    assert r"**compared with the median of 7 runs (commits commit7..commit9)**" in text
    p50, p95 = rows(text, "**SLOWER**")
    assert p50[1:6] == ["search", "p50", "40.4 ms", "60.4 ms", "+49 %"]
    low, high = map(int, re.fullmatch(r"([+-]\d+) to ([+-]\d+) %", p50[6]).groups())
    assert 40 < low <= 49 <= high < 60
    assert p50[7] == "over +10 %"
    assert p95[1:3] == ["search", "p95"]
    assert [row[1:3] for row in rows(text, "**slower?**")] == [["search", "p99"]]  # a tail stops nobody
    assert [row[1:3] for row in rows(text, "as before")] == [["job", q] for q in ("p50", "p95", "p99")]
    assert text.index("SLOWER") < text.index("3 of 6 percentiles are as before") < text.index("as before |")
    assert "- new: new\n- not measured any more: gone\n" in text


def test_markdown_of_an_unchanged_run_folds_the_numbers_away(compared) -> None:
    text = to_markdown(compared(40)).decode()
    visible = re.sub(r"<details>.*?</details>", "", text, flags=re.DOTALL)
    assert "compared with the median of 7 runs" in visible
    assert "as before |" not in visible
    assert "6 of 6 percentiles are as before" in text


def test_few_runs_and_another_load_are_said(compared) -> None:
    found = compared(60, before=HISTORY[:1])
    text = to_markdown(replace(found, comparison=replace(found.comparison, same_shape=False))).decode()
    assert rows(text, "**SLOWER**")[0][7] == "over +25 % and 0.50 ms, 1 run to compare with"
    assert "another load, environment or machine: what differs may be due to that" in text


def test_github_names_the_request_that_failed_the_run(compared) -> None:
    lines = many_to_github([compared(60)]).decode().splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("::error file=s.yaml,title=shop smoke%3A slower than before::SLOWER  search p50 40.4 ms")
    (told, _) = many_to_github([compared(60, fails=False)]).decode().splitlines()
    assert told.startswith("::warning file=s.yaml,")
    assert many_to_github([compared(40)]) == b""


def test_a_run_that_was_not_started_says_why_in_its_annotation(result, good) -> None:
    lost = replace(result(*good), outcome="NOT_STARTED", exit_code=4, ended="not started", notes=("nobody answers",))
    assert many_to_github([lost]) == b"::error file=s.yaml::shop smoke: the run ended: not started; nobody answers\n"


def test_junit_has_a_case_for_regressions_where_a_run_was_compared(compared, result, good) -> None:
    def case(made) -> ET.Element | None:
        cases = ET.fromstring(to_junit(made)).iter("testcase")
        return next(
            (case for case in cases if case.get("name") == "no request became slower or fails more often"), None
        )

    failed = case(compared(60)).find("failure")
    assert failed.get("type") == "regression"
    assert "s.yaml: compared with the median of 7 runs" in failed.text
    assert "SLOWER  search p50" in failed.text
    assert [child.tag for child in case(compared(60, fails=False))] == ["system-out"]
    assert list(case(compared(40))) == []
    assert case(result(*good)) is None


def test_who_is_told_hears_of_the_regression(compared) -> None:
    verdict, first, *_ = message(compared(60), "http://link", recovered=False).splitlines()
    assert (verdict, first.startswith("- SLOWER  search p50")) == ("FAIL: shop smoke on local", True)


@pytest.fixture
def broken(result, piece):
    return result(piece("search", 400, second=20, over={120 * MS: 60}))


def test_several_runs_are_one_verdict_that_stands_first(result, good, broken) -> None:
    passed = result(*good)
    lost = replace(passed, outcome="NOT_STARTED", exit_code=4)
    assert outcome_of([passed, passed]) == "PASS"
    assert outcome_of([passed, broken]) == "FAIL"
    assert outcome_of([passed, broken, lost]) == "NOT_STARTED"
    text = many_to_markdown([passed, broken]).decode()
    assert text.startswith("## 2 runs: FAIL\n")
    assert [row[0] for row in rows(text, "❌ FAIL")] == ["❌ FAIL"] * 2  # the run in the table, then its limit
    assert text.index("shop smoke on local: FAIL") < text.index("shop smoke on local: PASS")
    assert b"<h1>2 runs: FAIL</h1>" in many_to_html([passed, broken])


def test_annotations_of_several_runs_keep_to_the_ten_of_a_step(broken) -> None:
    lines = many_to_github([broken] * 7).decode().splitlines()
    assert len(lines) == 10
    assert lines[-1] == "::error::5 more; the report of the run has them all"


def test_a_page_that_is_cut_leaves_nothing_open(broken) -> None:
    for most in range(900, 5000, 37):
        text = many_to_markdown([broken] * 3, most)
        assert len(text) <= most
        assert text.count(b"<details>") == text.count(b"</details>")
        assert text.startswith(b"## 3 runs: FAIL\n")


def test_the_answer_of_a_search_is_above_its_limits(result, good) -> None:
    steps = (
        Step("8 users", "growing", 0, 2 * MS, 8 * MS, True, "", ()),
        Step("12 users", "growing", 8 * MS, 10 * MS, 16 * MS, False, "search p95", ()),
    )
    found = Capacity("8 users", "12 users", True, steps)
    text = to_markdown(replace(result(*good), capacity=found)).decode()
    answer = "**How much it carries: met at 8 users, failed at 12 users, confirmed three times as long**"
    assert text.index(answer) < text.index("| limit |")
    assert "growing | 12 users | search p95 |" in text


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_takes_a_run_that_was_compared(form, compared) -> None:
    assert FORMATS[form].render([compared(60), compared(40)])


def test_the_worst_code_and_the_outcome_belong_together(result, good) -> None:
    outcomes = {"PASS": 0, "FAIL": 1, "INCONCLUSIVE": 3, "NOT_STARTED": 4, "CRASHED": 5, "INTERRUPTED": 130}
    runs = [replace(result(*good), outcome=name, exit_code=code) for name, code in outcomes.items()]
    assert outcome_of(runs) == "CRASHED"
    assert ExitCode(next(run.exit_code for run in runs if run.outcome == outcome_of(runs))) is ExitCode.BUG


def test_every_report_tells_of_more_errors(result, good) -> None:
    before = Numbers("run-1", "2026-11-01", "", (Measure("search", 1000, 0, times(40)),))
    now = Numbers("run-9", "2026-11-09", "", (Measure("search", 1000, 800, times(40)),))
    made = replace(result(*good), comparison=replace(compare(now, [before], "run 1"), fails=True), outcome="FAIL")
    sentence = "search errors 0.0 % -> 80.0 %, +80.0 points (likely"
    assert f"MORE    {sentence}" in "\n".join(summary(made))
    (row,) = rows(to_markdown(made).decode(), "**MORE**")
    assert row[1:6] == ["search", "errors", "0.0 %", "80.0 %", "+80.0 points"]
    assert "search fails more often" in many_to_markdown([made, made]).decode()
    assert "+80.0 points" in many_to_html([made]).decode()
    assert sentence in to_junit(made).decode().replace("&gt;", ">")
    assert "more errors than before" in many_to_github([made]).decode()
    assert sentence in message(made, "", recovered=False)


@pytest.mark.parametrize(("failed", "count"), [(0, 100), (60, 40), (100, 0)])
def test_what_failed_is_no_fast_answer_to_compare_with(result, piece, failed, count) -> None:
    """Error pages in 1 ms beside answers in 10 ms: only these are compared, and none where there are none."""
    wrong = piece("search", failed, ms=1, errors={"status 500": failed}, second=20)
    wrong = replace(wrong, failed_response=dict(wrong.response))
    (measure,) = numbers_of(result(piece("search", 100 - failed, ms=10, second=20), wrong)).measures
    assert (measure.n, measure.failed) == (100, failed)
    assert histogram.count(measure.response) == count
    assert all(histogram.lowest(i) >= 9000 for i in measure.response)
