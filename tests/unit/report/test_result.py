"""The result document: how a run is judged as a whole, and that it is what its schema says."""

import json
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from msgspec.structs import replace

from perfspec.base.codec import decode
from perfspec.engine.slicelog import Beginning, End, Log, LoggedSecond, read_outline
from perfspec.report.result import Result, make, to_json
from perfspec.verdict.abort import Abort

ROOT = Path(__file__).parents[3]
MS = 1_000_000
SECOND = 1_000_000_000


def validator() -> Draft202012Validator:
    schema = json.loads((ROOT / "schema/result-1.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_the_schema_is_the_one_of_the_types() -> None:
    found = spec_from_file_location("result_schema", ROOT / "scripts/result_schema.py")
    module = module_from_spec(found)
    found.loader.exec_module(module)
    assert (ROOT / "schema/result-1.schema.json").read_text() == module.schema()


ABORT = Abort("no responses for 15s", "", 20, "no answer came in 15 s")
ENDS = {
    "finished": (End("finished", 40 * SECOND), "PASS", 0),
    "aborted": (End("aborted", 30 * SECOND, abort=ABORT), "FAIL", 1),
    "interrupted": (End("interrupted", 30 * SECOND), "INTERRUPTED", 130),
    "terminated": (End("terminated", 30 * SECOND), "INTERRUPTED", 143),
    "crashed": (End("crashed", 30 * SECOND, notes=("bug in perfspec: x",)), "CRASHED", 5),
    "not started": (End("not started", 0, notes=("nothing answers",)), "NOT_STARTED", 4),
    "torn": (None, "INCONCLUSIVE", 3),
}


@pytest.mark.parametrize("ended", ENDS)
def test_how_a_run_ended_bears_on_its_outcome(result, good, ended) -> None:
    end, outcome, code = ENDS[ended]
    found = result(*good, end=end)
    assert (found.ended, found.outcome, found.exit_code) == (ended, outcome, code)
    assert {v.outcome for v in found.verdicts} == {"NO_DATA" if ended == "not started" else "PASS"}


@pytest.mark.parametrize("ended", ["interrupted", "terminated", "crashed", "not started"])
def test_an_end_from_outside_is_said_even_where_a_threshold_failed(result, ended) -> None:
    end, outcome, code = ENDS[ended]
    found = result(end=end)
    assert (found.outcome, found.exit_code) == (outcome, code)


def test_a_failed_threshold_wins_over_one_without_data(result, piece) -> None:
    slow = piece("search", 400, second=20, over={120 * MS: 300})
    found = result(slow)
    assert [v.outcome for v in found.verdicts] == ["FAIL", "PASS", "NO_DATA"]
    assert (found.outcome, found.exit_code) == ("FAIL", 1)
    assert result(slow, end=None).outcome == "FAIL"


def test_no_data_is_inconclusive(result, good) -> None:
    found = result(*good[:2])
    assert (found.outcome, found.exit_code) == ("INCONCLUSIVE", 3)


def test_a_stage_that_judges_nothing_is_no_pass(result, good, plan) -> None:
    found = result(*good, of=replace(plan, thresholds=()))
    assert (found.outcome, found.exit_code) == ("INCONCLUSIVE", 3)


def test_a_late_generator_makes_a_run_inconclusive(result, good) -> None:
    found = result(*good, lateness={84_000: 100}, cpu_ns=SECOND)
    assert (found.outcome, found.health.late_p99_ns, found.health.cpu_share) == ("INCONCLUSIVE", 84_031_000, 1.0)
    assert found.health.late_limit_ns == 12 * MS


def test_skipped_rows_take_no_part(result, good, small) -> None:
    found = result(*good[:2], of=small)
    assert (found.outcome, found.exit_code) == ("PASS", 0)
    assert [str(s.threshold) for s in found.skipped] == ["job wait p95 at most 9s"]


@pytest.mark.parametrize("seconds", [40, 42, 90])
@pytest.mark.parametrize("extended", [False, True])
def test_a_run_went_on_if_its_log_says_so(result, good, seconds, extended) -> None:
    assert result(*good, end=End("finished", seconds * SECOND), extended=extended).extended is extended


@pytest.mark.parametrize(
    ("last", "extended", "ended"), [(38, False, 38), (43, False, 40), (43, True, 43), (99, True, 90), (99, False, 40)]
)
def test_a_torn_run_ends_where_its_log_does_and_never_after_its_plan(plan, last, extended, ended) -> None:
    seconds = tuple(LoggedSecond(n, 4, [], extended=extended and n > 40) for n in range(1, last + 1))
    assert make(plan, Log(Beginning("r", "", "", ""), seconds, None)).ended_ns == ended * SECOND


def test_only_judged_seconds_and_setup_are_summed_up(result, piece) -> None:
    slices = [piece("search", 2**i, second=s) for i, s in enumerate((3, 14, 15, 39, 40))]
    found = result(*slices, piece("login", 7, second=0, part="setup"))
    assert [(s.key.name, s.n) for s in found.summaries] == [("search", 12), ("login", 7)]
    assert found.judged_ns == 25 * SECOND
    (search, _) = found.summaries
    assert (search.response.p50, search.response.max) == (10_007_000, 10_007_000)
    assert search.response.mean == 10_003_500


def test_checks_count_how_often_each_line_failed(result, piece) -> None:
    errors = {"status 500": 2, "status 404": 1, "check s.yaml:10 $.hits not empty": 4}
    errors["capture s.yaml:11 total from $.total"] = 8
    waits = {"gave up": 1, "check s.yaml:21 header X-Id present": 3}
    found = result(
        piece("search", 100, second=20, errors=errors | {"timeout": 16}, answered=84),
        piece("job", 50, second=20, timer="wait", errors=waits, answered=49),
        piece("job", 90, second=20, timer="poll", errors={"status 503": 5}),
    )
    assert [(c.request, c.text, c.failed, c.n) for c in found.checks] == [
        ("search", "status 200", 3, 84),
        ("search", "$.hits not empty", 4, 84),
        ("search", "capture total from $.total", 8, 84),
        ("job", "header X-Id present", 3, 49),
    ]


@pytest.mark.parametrize("ended", ENDS)
def test_every_result_is_what_its_schema_says_and_reads_back_the_same(result, good, ended) -> None:
    found = result(*good, end=ENDS[ended][0], lateness={100: 5})
    text = to_json(found)
    validator().validate(json.loads(text))
    assert decode(text, Result) == found
    assert len(text.splitlines()) == len(found.__struct_fields__) + 2


def test_the_schema_refuses_what_is_no_result(result, good) -> None:
    document = json.loads(to_json(result(*good)))
    document["outcome"] = "MAYBE"
    assert not validator().is_valid(document)


def test_a_log_that_holds_nothing_makes_a_result_that_is_no_pass(plan) -> None:
    found = make(plan, read_outline([]))
    assert (found.outcome, found.ended, found.ended_ns, found.run_id) == ("INCONCLUSIVE", "torn", 0, "")
    assert (found.windows, found.judged_ns, found.summaries) == ((), 0, ())
    validator().validate(json.loads(to_json(found)))


@pytest.mark.parametrize(
    ("end", "unreadable", "notes"),
    [
        (None, 1, ()),
        (None, 3, ("2 lines of the log could not be read",)),
        (End("finished", SECOND, notes=("a",)), 1, ("a", "1 lines of the log could not be read")),
        (End("finished", SECOND, notes=("a",)), 0, ("a",)),
    ],
)
def test_half_a_line_at_the_end_of_a_torn_log_is_expected_and_others_are_told(plan, end, unreadable, notes) -> None:
    log = Log(Beginning("r", "", "", ""), (LoggedSecond(1, 1, []),), end, unreadable)
    assert make(plan, log).notes == notes
