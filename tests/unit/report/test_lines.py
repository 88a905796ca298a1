"""A plan before the run and a result after it, as lines of text."""

import dataclasses
import re

import pytest
from msgspec.structs import replace

from perfspec.engine.slicelog import End
from perfspec.language.phrases import AbortRule
from perfspec.plan.estimates import estimate
from perfspec.report import schedule, terminal
from perfspec.report.html.page import to_html
from perfspec.report.markdown import to_markdown
from perfspec.verdict.abort import Abort

MS = 1_000_000
SECOND = 1_000_000_000


def test_a_plan_says_what_will_happen(plan) -> None:
    lines = schedule.lines(plan, estimate(plan, {}))
    assert lines == [
        f"shop smoke on local (http://127.0.0.1:8083), seed 1, plan {plan.hash[:12]}",
        "",
        "  sends    HTTP/1.1, by a client of its own",
        "  before   starts `serve shop` unless something answers at http://127.0.0.1:8083",
        "  before   waits until http://127.0.0.1:8083/ready answers with success",
        "      0s to 10s    up: ramp 0 to 4 users, not judged",
        "     10s to 40s    steady: 4 users, the first 5s not judged",
        "         to 1m30s  if it is too close to call",
        "  in all   40s, about 84 requests",
        "",
        "   75% of rounds: browse",
        "         send GET /a as `search`",
        "         pause 1s to 3s",
        "         when ${total > 5}",
        "           send GET /more as `more`",
        "         otherwise",
        "           pause 1s",
        "   25% of rounds: order",
        "         send GET /job as `job` every 1s until $.state done, for at most 30s",
        "",
        "  threshold                 expected requests",
        "  search p95 at most 120ms       33  too few to prove a pass: 59 without a bad one are needed",
        "  search errors under 1%         33  too few to prove a pass: 299 without a bad one are needed",
        "  job wait p95 at most 9s        11  too few to prove a pass: 59 without a bad one are needed",
        "",
        "  expected: an estimate, as if every answer took as long as its limit allows (100 ms without one);",
        "            a faster service sees more",
    ]


def test_a_plan_says_what_is_skipped(small) -> None:
    lines = schedule.lines(small, estimate(small, {}))
    assert "  job wait p95 at most 9s   skipped: the stage's mix leaves out `order`" in lines
    assert "      0s to 30s    steady: 4 users, the first 5s not judged" in lines
    assert not any("too close to call" in line for line in lines)


@pytest.mark.parametrize("limit", ["count: at least 5", "mean: under 1s", "errors: at most 0%"])
def test_what_no_number_of_requests_proves_needs_none(plan_of, limit) -> None:
    text = "service: s\nenvironments: {l: {url: 'http://a'}}\nflows: {f: {steps: [{get: /a, name: a}]}}\n"
    plan = plan_of(f"{text}stages: {{smoke: {{phases: [{{for: 5s, users: 1}}]}}}}\nthresholds: {{a: {{{limit}}}}}")
    assert not any("too few" in line for line in schedule.lines(plan, estimate(plan, {})))


def test_a_plan_says_what_happens_once(plan_of) -> None:
    text = (
        "service: s\nenvironments: {l: {url: 'http://a'}}\nflows: {f: {steps: [{get: /a, name: a, tags: {l: de}}]}}\n"
    )
    text += "setup: [{get: /in}]\nteardown: [{delete: /out}]\nthresholds: {a where l is de: {p95: under 1s}}\n"
    plan = plan_of(text + "stages: {smoke: {phases: [{for: 5s, users: 1}]}}")
    lines = schedule.lines(plan, estimate(plan, {}))
    before, after = (
        lines.index(f"  once {when}:") for when in ("before the load", "after the load, also after an abort")
    )
    assert lines[before + 1] == "         send GET /in as `get /in`"
    assert lines[after + 1] == "         send DELETE /out as `delete /out`"
    assert "  a where l is de p95 under 1s        4  too few to prove a pass: 59 without a bad one are needed" in lines


def test_a_plan_says_what_is_asked_first_and_what_would_end_it(plan) -> None:
    rule = AbortRule("no responses", "all", "", None, 15 * SECOND, "no responses for 15s", plan.target.span)
    other = replace(
        plan, abort=(rule, replace(rule, text="errors threshold fails")), warn_only="latency", only_proven=True
    )
    lines = schedule.lines(other, dataclasses.replace(estimate(plan, {}), in_all=135561.0), ["needs    KEY"])
    assert lines[3] == "  needs    KEY"
    at = lines.index("  in all   40s, about 136 000 requests")
    assert lines[at + 1 : at + 4] == [
        "  stops    at once where: no responses for 15s; errors threshold fails",
        "  warns    where latency limits break, and does not fail by them",
        "  passes   only what is proven; too few requests make it inconclusive",
    ]


def test_a_plan_without_thresholds_says_so(plan) -> None:
    nothing = replace(plan, thresholds=(), target=replace(plan.target, start=None, ready=None))
    lines = schedule.lines(nothing, estimate(nothing, {}))
    assert lines[-1] == "  nothing is judged in this stage"
    assert not any("before" in line for line in lines)


def test_a_result_says_how_it_went(result, good) -> None:
    lines = terminal.summary(result(*good))
    assert lines[:3] == ["", "shop smoke on local: PASS (25s judged)", ""]
    assert [line[:33] for line in lines[3:6]] == [
        "PASS  search p95 at most 120ms   ",
        "PASS  search errors under 1%     ",
        "PASS  job wait p95 at most 9s    ",
    ]
    assert [line[33:] for line in lines[3:6]] == [
        "0.75 % slower or failed (5 % allowed, likely 0.20-1.93 %); p95 40.0 ms of 400",
        "0.0 % failed: 0 of 400 (3 allowed, likely 0.00-0.75 %)",
        "0.0 % slower or failed (5 % allowed, likely 0.0-4.9 %); wait p95 800 ms of 60",
    ]
    assert lines[6:] == [
        "",
        "request           judged  failed      p50      p95      p99      max",
        "search               400       0  40.0 ms  40.0 ms  40.0 ms  40.0 ms",
        "more                 100       0  15.0 ms  15.0 ms  15.0 ms  15.0 ms",
        "job (until done)      60       0   800 ms   800 ms   800 ms   800 ms",
        "job (one poll)       130       0  8.00 ms  8.00 ms  8.00 ms  8.00 ms",
        "",
    ]


def test_a_pass_that_is_not_proven_is_one_in_every_headline(result, good, piece) -> None:
    few = result(piece("search", 40, second=20, over={120 * MS: 0}), *good[1:])
    said = "shop smoke on local: PASS, 2 of 3 limits not proven"
    assert f"{said} (25s judged)" in terminal.summary(few)
    assert said in to_markdown(few).decode()
    page = to_html(few).decode()
    assert "PASS, 2 of 3 limits not proven" in page
    assert "3 limits judged over 25s, none broken, 2 passes not proven" in page


def test_what_was_not_measured_is_not_called_unbroken(result) -> None:
    page = to_html(result(end=End("not started", 0, notes=("nothing answers",)))).decode()
    assert "none of 3 limits judged over 0s. http" in page


def test_requests_stand_in_the_order_of_the_spec_whichever_came_first(result, good) -> None:
    assert terminal.summary(result(*good)) == terminal.summary(result(*reversed(good)))
    assert result(*good).summaries == result(*reversed(good)).summaries


def test_lines_fit_the_terminal(result, good) -> None:
    narrow = terminal.summary(result(*good), 80)
    assert all(len(line) <= 80 for line in narrow)
    assert "PASS  search p95 at most 120ms" in narrow


def test_requests_without_an_answer_have_no_times_and_tags_and_parts_are_named(result, piece) -> None:
    slices = (
        piece("a", 5, second=20, errors={"refused": 5}, answered=0, tags=(("lang", "de"),)),
        piece("login", 1, part="setup"),
    )
    lines = [line.split() for line in terminal.summary(result(*slices))]
    assert ["a", "lang=de", "5", "5", "-", "-", "-", "-"] in lines
    assert ["login", "(setup)", "1", "0", "10.0", "ms", "10.0", "ms", "10.0", "ms", "10.0", "ms"] in lines


ABORT = Abort("errors threshold fails", "search errors under 1%", 20, "30 of 30 requests were bad")


@pytest.mark.parametrize(
    ("end", "headline", "remark"),
    [
        (
            End("aborted", 30 * SECOND, abort=ABORT),
            "FAIL (15s judged)",
            "ended early by `errors threshold fails`: 30 of 30 requests were bad",
        ),
        (None, "INCONCLUSIVE, which is no pass (6s judged)", "the run was cut off and has no end in its log"),
        (
            End("finished", 40 * SECOND, unfinished=3),
            "PASS (25s judged)",
            "3 requests and waits had no end when the load ended, and are in no number",
        ),
        (
            End("finished", 40 * SECOND, waits=1200),
            "PASS (25s judged)",
            "users waited 1 200 times because nobody answered",
        ),
        (
            End("not started", 0, notes=("nothing answers",)),
            "NOT STARTED, which is no pass (0s judged)",
            "nothing answers",
        ),
        (End("finished", 40 * SECOND, notes=("teardown failed",)), "PASS (25s judged)", "teardown failed"),
        (
            End("interrupted", 30 * SECOND, notes=("x",)),
            "INTERRUPTED: this is what was measured until then (15s judged)",
            "x",
        ),
        (
            End("crashed", 30 * SECOND, notes=("bug in perfspec: x",)),
            "CRASHED: this is what was measured until then (15s judged)",
            "bug in perfspec: x",
        ),
    ],
)
def test_what_else_is_to_be_known_stands_below_the_verdicts(result, good, end, headline, remark) -> None:
    lines = terminal.summary(result(*good, end=end))
    assert lines[1].endswith(headline)
    assert f"      {remark}" in lines


def test_a_stage_that_ran_on_says_so(result, good) -> None:
    end = End("finished", 90 * SECOND)
    lines = terminal.summary(result(*good, end=end, extended=True))
    assert lines[1].endswith("PASS (1m15s judged)")
    remark = "      it was too close to call, so the stage ran on"
    assert remark in lines
    assert remark not in terminal.summary(result(*good, end=end))


def test_errors_are_named_by_kind_the_most_frequent_first(result, piece) -> None:
    kinds = {"timeout": 2, "reset": 2, "status 500": 1000, "a": 1, "b": 1, "c": 1}
    lines = terminal.summary(result(piece("search", 9000, second=20, errors=kinds)))
    said = [line.strip() for line in lines if " x " in line]
    assert said == [
        "search: 1 000 x status 500",
        "search: 2 x reset",
        "search: 2 x timeout",
        "search: 1 x a",
        "search: 1 x b",
    ]


def test_a_skipped_row_is_a_line_of_its_own(result, good, small) -> None:
    lines = terminal.summary(result(*good[:2], of=small))
    assert "SKIP  job wait p95 at most 9s    the stage's mix leaves out `order`" in lines


def test_on_a_narrow_terminal_names_are_cut_and_numbers_are_not(result, piece) -> None:
    long = "a-request-with-a-name-that-is-longer-than-a-terminal-has-room-for-by-far"
    found = terminal.summary(result(piece(long, 400, second=20, ms=40)), 80)
    (line,) = [line for line in found if line.startswith("a-request")]
    assert len(line) == 80
    assert re.match(r"a-request\S*…\S*-by-far ", line)
    assert line.endswith("40.0 ms  40.0 ms  40.0 ms  40.0 ms")
    assert any(long in line for line in terminal.summary(result(piece(long, 400, second=20))))


@pytest.mark.parametrize(("gaps", "said"), [("", ", 100 in all"), (" poisson", ", about 100 in all")])
def test_how_many_come_at_random_moments_is_said_to_be_a_guess(plan_of, gaps, said) -> None:
    text = "service: s\nenvironments: {l: {url: 'http://a'}}\nflows: {f: {steps: [{get: /a, name: a}]}}\n"
    plan = plan_of(f"{text}stages: {{smoke: {{phases: [{{for: 10s, arrivals: 10/s{gaps}, at_most: 9 users}}]}}}}")
    (line,) = (line for line in schedule.lines(plan, estimate(plan, {})) if "in all" in line and "arrivals" in line)
    assert line.endswith(said) or f"{said}," in line
