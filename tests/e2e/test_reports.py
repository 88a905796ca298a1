"""What happened is what the result says: no data, close calls, pauses, mix, branches, failures by kind, waits, the
last second.
"""

from typing import Any

import pytest

NO_DATA = """
flows:
  look:
    steps:
      - get: /v1/suggest?q=we
        name: suggest
      - pause: 100ms
      - when: ${round.number > 1000000}
        steps:
          - get: /v1/query?q=tea
            name: rare
stages:
  smoke:
    phases: [{name: steady, for: 3s, users: 2}]
thresholds:
  suggest: {errors: under 1%}
  rare: {p95: at most 2s}
"""
# Every second answer fails: more than allowed, but of so few requests that it might be by chance.
CLOSE = """
flows:
  look:
    steps:
      - get: /v1/suggest?q=we
        name: suggest
      - get: /v1/index/jobs/x
        name: job
        expect: {status: 404}
      - pause: 50ms
stages:
  smoke:
    extend_to: 6s
    phases: [{name: steady, for: 3s, users: 1}]
thresholds:
  all: {errors: under 45%}
"""
SHAPED = """
flows:
  often:
    weight: 1
    steps:
      - get: /v1/suggest?q=we
        name: suggest
      - pause: 10s
  seldom:
    weight: 99
    steps:
      - get: /v1/index/jobs/x
        name: job
        expect: {status: 404}
      - pause: 10s
  never:
    steps:
      - get: /v1/query?q=tea
        name: query
stages:
  smoke:
    pauses: at most 20ms
    mix: {often: 75%, seldom: 25%}
    phases: [{name: steady, for: 4s, users: 4}]
thresholds:
  suggest: {errors: under 1%}
  job: {errors: under 1%}
  query: {p95: at most 2s}
"""
ANSWERS = """
data:
  coin: {choice: {1: 50%, 2: 50%}}
flows:
  branches:
    steps:
      - get: /v1/suggest?q=${coin}
        name: first
      - when: ${coin > 1}
        steps:
          - get: /v1/suggest?q=two
            name: then
        otherwise:
          - get: /v1/suggest?q=one
            name: otherwise
      - pause: 50ms
  checks:
    steps:
      - get: /v1/suggest?q=we
        name: checked
        expect: {$.suggestions: absent}
      - get: /v1/suggest?q=we
        name: after-check
      - pause: 50ms
  captures:
    steps:
      - get: /v1/suggest?q=we
        name: captured
        capture:
          nothing: $.nothing
      - get: /v1/suggest?q=${nothing}
        name: after-capture
  waits:
    steps:
      - get: /v1/query?q=tea
        name: waited
        until: {$.total: over 1000000}
        every: 100ms
        give_up_after: 350ms
      - get: /v1/suggest?q=we
        name: after-wait
  breaks:
    steps:
      - get: /v1/suggest?q=we
        name: before-break
        capture: {found: $.suggestions}
      - when: ${found > 3}
        steps:
          - get: /v1/suggest?q=we
            name: after-break
      - pause: 50ms
stages:
  smoke:
    phases: [{name: steady, for: 6s, users: 8}]
thresholds:
  all: {errors: under 100%}
"""
# Nothing is ever found, and the service has no answer but 500: these waits give up.
IN_VAIN = """
flows:
  waits:
    steps:
      - get: /v1/query?q=tea
        name: waited
        until: {$.total: over 1000000}
        every: 100ms
        give_up_after: 350ms
stages:
  smoke:
    phases: [{name: steady, for: 2s, users: 2}]
thresholds:
  all: {availability: at least 99%}
"""
ENDLESS = """
flows:
  waits:
    steps:
      - get: /v1/query?q=tea
        name: waited
        until: {$.total: over 1000000}
        every: 100ms
        give_up_after: 60s
stages:
  smoke:
    phases: [{name: steady, for: 2s, users: 4}]
thresholds:
  all: {errors: under 5%}
"""
# The third second of failures is the last of the stage.
LAST_SECOND = """
flows:
  look:
    steps:
      - get: /v1/suggest?q=we
        name: suggest
      - pause: 50ms
stages:
  smoke:
    phases: [{name: steady, for: 3s, users: 3}]
    abort: [errors over 25% for 3s]
thresholds:
  all: {errors: under 100%}
"""
STALLED = LAST_SECOND.replace("for: 3s,", "for: 20s,").replace("25% for 3s", "25% for 2s")


@pytest.fixture(scope="module")
def runs(new_folder, perfspec, service, healthy, small_spec, together) -> Any:
    def run(name: str, body: str) -> Any:
        def scenario() -> Any:
            folder = small_spec(new_folder(name), healthy.url, body)
            return perfspec(folder), folder

        return scenario

    def failing(name: str, body: str, *options: str) -> Any:
        def scenario() -> Any:
            with service(*(options or ("--errors", "suggest=100%"))) as search:
                folder = small_spec(new_folder(name), search.url, body)
                return perfspec(folder), folder

        return scenario

    return together(
        no_data=run("no-data", NO_DATA),
        close=failing("close", CLOSE),
        in_vain=failing("in-vain", IN_VAIN, "--errors", "query=100%"),
        endless=run("endless", ENDLESS),
        stalled=failing("stalled", STALLED, "--stall", "3s:1h"),
        last_second=failing("last-second", LAST_SECOND),
        shaped=run("shaped", SHAPED),
        answers=run("answers", ANSWERS),
    )


@pytest.mark.usefixtures("runs")  # they go on meanwhile
def test_an_out_folder_that_cannot_be_made_is_told_before_any_load(new_folder, perfspec, small_spec) -> None:
    folder = small_spec(new_folder("no-out"), "http://127.0.0.1:1", NO_DATA)
    (folder / "file").write_text("")
    ended = perfspec(folder, "--out", "file/below")
    assert ended.code == 4
    assert ended.err.startswith("specs/search.yaml: file/below cannot be made: ")
    assert ended.err.endswith("\n    choose another --out\n")


def test_the_newest_run_stands_under_the_name_that_was_asked_for(new_folder, perfspec, healthy, small_spec) -> None:
    """CI reads `out/junit.xml`: it must never be that of an earlier run, and none may be lost."""
    folder = small_spec(new_folder("taken"), healthy.url, NO_DATA.replace("for: 3s", "for: 1s"))
    (folder / "out").mkdir()
    (folder / "out" / "mine.txt").write_text("mine")
    first = perfspec(folder)
    before = (folder / "out" / "junit.xml").read_bytes()
    second = perfspec(folder)
    assert "earlier run" not in first.out
    assert "out held an earlier run, which is in out-1 now" in second.out
    assert "out/: result.json" in second.out
    assert (folder / "out-1" / "junit.xml").read_bytes() == before != (folder / "out" / "junit.xml").read_bytes()
    assert (folder / "out" / "mine.txt").read_text() == "mine"


def test_a_report_of_a_folder_without_a_run_is_a_usage_error(new_folder, perfspec) -> None:
    ended = perfspec.command(new_folder("empty"), "report", ".")
    assert ended.code == 2
    assert ended.err.startswith("perfspec: . holds no run (")


def test_no_data_is_never_a_pass(runs) -> None:
    ended, _ = runs["no_data"]
    assert (ended.code, ended.err) == (3, ""), ended.out
    assert ended.result["outcome"] == "INCONCLUSIVE"
    assert ended.verdict("suggest errors under 1%")["outcome"] == "PASS"
    rare = ended.verdict("rare p95 at most 2s")
    assert (rare["outcome"], rare["n"], rare["proven"]) == ("NO_DATA", 0, False)
    assert "search smoke on local: INCONCLUSIVE, which is no pass" in ended.out
    assert "??    rare p95 at most 2s" in ended.out


def test_no_data_is_an_error_in_the_junit_file(runs, line_of) -> None:
    ended, folder = runs["no_data"]
    (error,) = ended.junit[0].iter("error")
    assert error.get("type") == "no_data"
    assert error.text.startswith(f"specs/search.yaml:{line_of(folder, 'rare: {p95')}: rare p95 at most 2s: no request ")


def test_a_close_call_runs_on_and_then_the_point_decides(runs) -> None:
    ended, _ = runs["close"]
    result = ended.result
    assert (ended.code, result["outcome"], result["ended"]) == (1, "FAIL", "finished"), ended.out
    assert result["extended"]
    assert result["ended_ns"] == 6_000_000_000
    assert result["windows"] == [["steady", 0, 6_000_000_000]]  # a fifth of 3 s is no whole second
    assert "it was too close to call, so the stage ran on" in ended.out
    verdict = ended.verdict("all errors under 45%")
    assert (verdict["outcome"], verdict["strength"]) == ("FAIL", "borderline")
    assert {4, 5} <= {piece["second"] for piece in ended.slices()}
    judged = [p for p in ended.slices() if p["key"][1] == "" and p["second"] < 6]
    assert verdict["n"] == sum(p["n"] for p in judged)


def test_a_cap_on_pauses_holds(runs) -> None:
    """With pauses of 10 s, each of the four users would be done after one round."""
    ended, _ = runs["shaped"]
    rounds = sum(p["n"] for p in ended.slices() if p["key"][1] == "round")
    assert rounds > 4 * 10


def test_the_mix_of_a_stage_wins_over_weights(runs) -> None:
    ended, _ = runs["shaped"]
    often, seldom = ended.summary("often", "round")["n"], ended.summary("seldom", "round")["n"]
    assert 0.65 < often / (often + seldom) < 0.85
    assert ended.summary("query")["n"] == 0


def test_a_row_that_the_mix_leaves_out_is_skipped_and_still_a_pass(runs) -> None:
    ended, _ = runs["shaped"]
    assert ended.code == 0, ended.out
    assert [v["row"] for v in ended.result["verdicts"]] == ["suggest", "job"]
    assert "SKIP  query p95 at most 2s" in ended.out
    assert "the stage's mix leaves out `never`" in ended.out
    (skipped,) = ended.junit[0].iter("skipped")
    assert "the stage's mix leaves out `never`" in skipped.text


def test_both_branches_of_a_condition_are_taken(runs) -> None:
    """Each round takes one of them; at the edges of the judged time, at most one round per user is cut in two."""
    ended, _ = runs["answers"]
    first, then, otherwise = (ended.summary(name)["n"] for name in ("first", "then", "otherwise"))
    assert then > 0
    assert otherwise > 0
    assert abs(first - then - otherwise) <= 8


def test_a_failing_check_is_counted_under_its_place_in_the_spec(runs, line_of) -> None:
    ended, folder = runs["answers"]
    line = line_of(folder, "$.suggestions: absent")
    checked = ended.summary("checked")
    assert checked["errors"] == {f"check specs/search.yaml:{line} $.suggestions absent": checked["n"]}
    assert checked["unavailable"] == 0
    assert f"checked: {checked['n']} x check specs/search.yaml:{line} $.suggestions absent" in ended.out
    (row,) = [c for c in ended.result["checks"] if c["request"] == "checked"]
    assert (row["n"], row["failed"], row["span"][:2]) == (checked["n"], checked["n"], ["specs/search.yaml", line])


def test_a_round_goes_on_after_a_failed_check(runs) -> None:
    ended, _ = runs["answers"]
    assert abs(ended.summary("after-check")["n"] - ended.summary("checked")["n"]) <= 8


def test_a_missing_capture_is_counted_and_ends_the_round(runs, line_of) -> None:
    ended, folder = runs["answers"]
    kind = f"capture specs/search.yaml:{line_of(folder, 'nothing: $.nothing')} nothing from $.nothing"
    captured = ended.summary("captured")
    assert captured["n"] > 0
    assert captured["errors"] == {kind: captured["n"]}
    assert ended.summary("after-capture")["n"] == 0
    rounds = ended.summary("captures", "round")
    assert rounds["errors"] == {kind: rounds["n"]}


def test_a_wait_that_gives_up_is_counted_once(runs) -> None:
    ended, _ = runs["answers"]
    waits, polls = ended.summary("waited", "wait"), ended.summary("waited", "poll")
    assert waits["n"] > 0
    assert waits["errors"] == {"gave up": waits["n"]}
    assert polls["errors"] == {}
    assert polls["n"] > 2 * waits["n"]
    assert ended.summary("after-wait")["n"] == 0
    assert f"waited (until done): {waits['n']} x gave up" in ended.out
    assert waits["unavailable"] == 0  # there was an answer each time
    assert sum(waits["response"]["histogram"].values()) == waits["n"]
    assert waits["response"]["p50"] > 200_000_000


def test_the_warm_up_is_a_fifth_of_the_first_phase_in_whole_seconds(runs) -> None:
    ended, _ = runs["answers"]
    assert ended.result["windows"] == [["steady", 1_000_000_000, 6_000_000_000]]
    assert ended.result["ended_ns"] == 6_000_000_000


def test_an_expression_that_breaks_is_a_failed_request_of_its_flow(runs, line_of) -> None:
    ended, folder = runs["answers"]
    broken, rounds = ended.summary("flow breaks"), ended.summary("breaks", "round")
    (kind,) = broken["errors"]
    assert kind.startswith(f"expression specs/search.yaml:{line_of(folder, 'when: ${found > 3}')}")
    assert 0 < broken["n"] == broken["failed"] == rounds["n"]
    assert rounds["errors"] == broken["errors"] == {kind: broken["n"]}
    assert abs(ended.summary("before-break")["n"] - broken["n"]) <= 8
    assert ended.summary("after-break")["n"] == 0
    assert f"flow breaks: {broken['n']} x {kind}" in ended.out
    assert f"{broken['n']} requests `flow breaks` failed" in ended.case("request flow breaks").find("system-out").text


def test_everything_that_failed_counts_in_all(runs) -> None:
    ended, _ = runs["answers"]
    counted = [s for s in ended.result["summaries"] if s["key"][1] in ("", "wait")]
    verdict = ended.verdict("all errors under 100%")
    assert (verdict["n"], verdict["bad"]) == (sum(s["n"] for s in counted), sum(s["failed"] for s in counted))


def test_a_wait_that_gives_up_keeps_the_status_of_its_last_poll(runs) -> None:
    ended, _ = runs["in_vain"]
    waits = ended.summary("waited", "wait")
    assert waits["n"] > 0
    assert waits["errors"] == {"gave up": waits["n"]}
    assert waits["unavailable"] == waits["n"]
    verdict = ended.verdict("all availability at least 99%")
    assert (verdict["outcome"], verdict["bad"], verdict["n"]) == ("FAIL", waits["n"], waits["n"])
    assert ended.summary("waited", "poll")["errors"].keys() == {"status 500"}


def test_a_wait_that_the_end_cuts_off_is_in_no_number_and_told(runs) -> None:
    """Each of the four users is in its first wait when the load ends."""
    ended, _ = runs["endless"]
    assert ended.result["ended"] == "finished"
    assert ended.result["unfinished"] == 4
    assert "4 requests and waits had no end when the load ended, and are in no number" in ended.out
    assert ended.summary("waited", "poll")["n"] > 4
    assert ended.summary("waited", "wait")["n"] == 0
    assert (ended.code, ended.verdict("all errors under 5%")["outcome"]) == (3, "NO_DATA")


def test_a_run_that_is_aborted_in_its_last_second_says_so(runs) -> None:
    ended, _ = runs["last_second"]
    result = ended.result
    assert (ended.code, result["outcome"], result["ended"]) == (1, "FAIL", "aborted"), ended.out
    assert (result["abort"]["rule"], result["abort"]["second"]) == ("errors over 25% for 3s", 3)
    n = sum(p["n"] for p in ended.slices() if p["key"][1] == "")
    evidence = result["abort"]["evidence"]
    assert " requests in the last 3 s were bad (" in evidence
    assert 0 <= n - int(evidence.split()[2]) <= 3  # what was in flight
    assert f"ended early by `errors over 25% for 3s`: {evidence}" in ended.out


def test_abort_looks_at_what_came_in_not_at_what_was_due(runs) -> None:
    """Requests time out after 2 s: they count in the second in which that is known, and nothing came in before it."""
    ended, _ = runs["stalled"]
    result = ended.result
    assert (ended.code, result["ended"]) == (1, "aborted"), ended.out
    seconds = [line for line in ended.log if line["type"] == "second"]
    known = next(line for line in seconds if any("timeout" in piece["errors"] for piece in line["slices"]))
    assert all(piece["second"] < known["second"] - 1 for piece in known["slices"] if piece["errors"])
    assert result["abort"]["second"] in (known["second"], known["second"] + 1)
    assert " requests in the last 2 s were bad (" in result["abort"]["evidence"]
    assert " timeout" in result["abort"]["evidence"]
