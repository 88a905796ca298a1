"""JUnit XML: three suites, every sentence in attribute and text, whatever the names are made of."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from msgspec.structs import replace

from perfspec.engine.slicelog import End
from perfspec.report.junit import many_to_junit, to_junit
from perfspec.report.result import CheckResult
from perfspec.verdict.abort import Abort

MS = 1_000_000
SECOND = 1_000_000_000


def parsed(result) -> ET.Element:
    return ET.fromstring(to_junit(result))


def suite(result, name: str) -> ET.Element:
    (found,) = (s for s in parsed(result) if s.get("name") == f"shop smoke {name}")
    return found


def case(result, suite_name: str, start: str) -> ET.Element:
    (found,) = (c for c in suite(result, suite_name).iter("testcase") if c.get("name").startswith(start))
    return found


def test_there_are_three_suites_with_their_counts(result, good, piece) -> None:
    found = parsed(result(piece("search", 400, second=20, over={120 * MS: 300}, errors={"status 500": 300})))
    assert [s.get("name") for s in found] == ["shop smoke thresholds", "shop smoke checks", "shop smoke run validity"]
    assert (found.get("tests"), found.get("failures"), found.get("errors")) == ("10", "4", "1")
    assert [(s.get("tests"), s.get("failures"), s.get("errors"), s.get("skipped")) for s in found] == [
        ("3", "2", "1", "0"),
        ("5", "2", "0", "1"),
        ("2", "0", "0", "0"),
    ]
    assert (found.get("name"), found.get("time")) == ("perfspec shop smoke", "40.000")
    first = found[0]
    assert (first.get("timestamp"), first.get("file"), first.get("time")) == ("2026-01-02T03:04:05", "s.yaml", "25.000")
    properties = {p.get("name"): p.get("value") for p in first.iter("property")}
    assert properties["run_id"] == "r1"
    assert properties["ended"] == "finished"
    assert len(good) == 5


def test_a_pass_says_nothing_more(result, good) -> None:
    found = case(result(*good), "thresholds", "search p95")
    assert (found.get("classname"), found.get("name")) == ("perfspec.shop.smoke", "search p95 at most 120ms")
    assert (found.get("time"), list(found)) == ("25.000", [])


def test_a_failure_says_the_place_and_the_sentence_twice(result, piece) -> None:
    found = case(result(piece("search", 400, second=20, over={120 * MS: 300})), "thresholds", "search p95")
    (failure,) = found
    assert (failure.tag, failure.get("type")) == ("failure", "slo")
    assert failure.get("message") == failure.text
    assert failure.text.startswith("s.yaml:30: search p95 at most 120ms: 75.0 % slower or failed (5 % allowed")


@pytest.mark.parametrize(
    ("lateness", "kind", "says"),
    [({}, "no_data", "no data is never a pass"), ({84_000: 9}, "inconclusive", "the load generator itself was late")],
)
def test_what_was_not_judged_is_an_error(result, good, lateness, kind, says) -> None:
    row = "job" if kind == "no_data" else "search p95"
    found = result(*(good[:2] if kind == "no_data" else good), lateness=lateness)
    (error,) = case(found, "thresholds", row)
    assert (error.tag, error.get("type")) == ("error", kind)
    assert says in error.text


def test_a_warning_passes_and_says_so(result, piece, plan) -> None:
    slow = piece("search", 400, second=20, over={120 * MS: 300})
    found = case(result(slow, of=replace(plan, warn_only="all")), "thresholds", "search p95")
    (said,) = found
    assert said.tag == "system-out"
    assert said.text.startswith("warning: s.yaml:30: search p95")


def test_a_skipped_row_has_its_reason(result, good, small) -> None:
    found = result(*good[:2], of=small)
    (case,) = (c for c in parsed(found)[0].iter("testcase") if c.get("name").startswith("job"))
    (why,) = case.iter("skipped")
    assert why.text == why.get("message") == "the stage's mix leaves out `order`"
    assert parsed(found)[0].get("skipped") == "1"


@pytest.mark.parametrize(
    "end",
    [End("not started", 0, notes=("nothing answers",)), End("interrupted", 30 * SECOND), End("terminated", 30 * SECOND),
     End("crashed", 30 * SECOND), None],
)  # fmt: skip
def test_no_limit_is_green_of_a_run_that_did_not_go_to_its_end(result, good, end) -> None:
    for case in parsed(result(*good, end=end))[0].iter("testcase"):
        assert [each.tag for each in case] in (["skipped"], ["error"]), case.get("name")


def test_nothing_is_green_of_a_run_that_was_not_started(result) -> None:
    """Neither a check nor the load generator: nothing was measured of them."""
    found = parsed(result(end=End("not started", 0, notes=("nothing answers",))))
    assert [case.get("name") for case in found.iter("testcase") if not list(case)] == []


def test_a_check_that_looked_at_nothing_is_no_pass(result, good) -> None:
    (skipped,) = case(result(*good[:2]), "checks", "check job: header")
    assert (skipped.tag, skipped.text) == ("skipped", "no answer came that could be looked at")


def test_a_check_fails_with_the_error_limit_only(result, piece) -> None:
    kind = "check s.yaml:10 $.hits not empty"

    def found(bad: int) -> ET.Element:
        return case(result(piece("search", 400, second=20, errors={kind: bad})), "checks", "check search: $.hits")

    assert list(found(0)) == []
    assert found(0).get("name") == "check search: $.hits not empty (line 10)"
    (within,) = found(2)
    text = "s.yaml:10: 2 of 400 answers of `search` failed: $.hits not empty"
    assert (within.tag, within.text) == ("system-out", f"within the allowed errors: {text}")
    (failure,) = found(9)
    assert (failure.tag, failure.get("type"), failure.text) == ("failure", "check", text.replace("2 of", "9 of"))


def test_failures_are_not_within_an_errors_limit_that_could_not_be_judged(result, piece) -> None:
    """Nobody got through the login: the limit is on what nobody came to."""
    stuck = piece("login", 22, part="each_user", errors={"status 401": 22})
    (error,) = case(result(stuck), "checks", "request login")
    assert (error.tag, error.get("type")) == ("error", "inconclusive")
    assert error.text.endswith("failed: 22 x status 401; a limit on errors could not be judged")


def test_every_request_is_a_case_with_its_kinds_of_failure(result, piece) -> None:
    def found(bad: int) -> ET.Element:
        errors = {"timeout": 1, "status 500": bad} if bad else {}
        slices = [piece("search", 400, second=20, errors=errors, tags=(("lang", "de"),))]
        return case(result(*slices), "checks", "request search lang=de")

    assert list(found(0)) == []
    (failure,) = found(8)
    text = "s.yaml: 9 of 400 requests `search` failed: 8 x status 500, 1 x timeout"
    assert (failure.tag, failure.text) == ("failure", text)
    (within,) = found(2)
    assert (
        within.text
        == "within the allowed errors: s.yaml: 3 of 400 requests `search` failed: 2 x status 500, 1 x timeout"
    )
    names = [c.get("name") for c in suite(result(piece("a", 1, second=20, timer="round")), "checks").iter("testcase")]
    assert not any(name.startswith("request") for name in names)


def test_equal_checks_are_one_case(result, good) -> None:
    found = result(*good)
    twice = replace(found, checks=found.checks * 2)
    names = [c.get("name") for c in suite(twice, "checks").iter("testcase")]
    assert len(names) == len(set(names)) == len(found.checks) + 3


def test_a_run_that_did_not_go_to_its_end_is_an_error_with_the_evidence(result, good) -> None:
    abort = Abort("errors threshold fails", "search errors under 1%", 20, "30 of 30 requests were bad")
    (error,) = case(result(*good, end=End("aborted", 30 * SECOND, abort=abort)), "run validity", "the run went")
    assert error.text == (
        "s.yaml: the run was aborted after 30.000 s: errors threshold fails: 30 of 30 requests were bad"
    )
    (torn,) = case(result(*good, end=None), "run validity", "the run went")
    assert (torn.get("type"), torn.text) == ("torn", "s.yaml: the run was torn after 21.000 s")


def test_a_run_that_was_not_started_says_why(result) -> None:
    end = End("not started", 0, notes=("nothing answers at http://127.0.0.1:8083",))
    (error,) = case(result(end=end), "run validity", "the run went")
    assert error.text == "s.yaml: the run was not started: nothing answers at http://127.0.0.1:8083"


def test_a_late_generator_is_an_error_of_the_run(result, good) -> None:
    (error,) = case(result(*good, lateness={84_000: 9}), "run validity", "the load generator")
    assert (error.tag, error.get("type")) == ("error", "late")


def test_notes_and_few_requests_stand_below_their_suites(result, piece) -> None:
    found = result(
        piece("search", 20, second=20, over={120 * MS: 0}), end=End("finished", SECOND * 40, notes=("a", "b"))
    )
    assert suite(found, "run validity").find("system-out").text == "a\nb"
    assert "search p95 20 of 59" in suite(found, "thresholds").find("system-out").text
    assert suite(result(), "run validity").find("system-out") is None


HOSTILE = ['<a & "b">]]>\'', "\x00\x01\x1f\x7f", "\ud800", "\ufffe\uffff", "line\nbreak\ttab\r", "🎈 ü", "&#0;"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_make_no_broken_document(result, good, text) -> None:
    found = result(*good, end=End("finished", 40 * SECOND, notes=(text,)))
    verdicts = (replace(found.verdicts[0], outcome="FAIL", threshold=text, reason=text), *found.verdicts[1:])
    checks = (CheckResult(text, text, found.checks[0].span, 5, 5),)
    hostile = replace(found, service=text, stage=text, run_id=text, url=text, verdicts=verdicts, checks=checks)
    data = to_junit(hostile)
    etree.fromstring(data)
    data.decode()


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.text())
def test_any_note_is_kept_as_far_as_xml_can_say_it(result, text) -> None:
    data = to_junit(result(end=End("finished", 40 * SECOND, notes=("note", text))))
    found = etree.fromstring(data).xpath("//system-out")[-1].text
    printable = "".join(c for c in text if c.isprintable() and ord(c) < 0xD800)
    assert "".join(c for c in found if c.isprintable() and ord(c) < 0xD800).startswith("note" + printable[:1])


def test_the_published_schema_takes_every_kind_of_run(result, good, small, piece, published_schema) -> None:
    schema = etree.XMLSchema(etree.parse(str(Path(published_schema("junit-10.xsd")))))
    slow = piece("search", 400, second=20, over={120 * MS: 300}, errors={"status 500": 300})
    for found in (
        result(*good),
        result(slow, lateness={84_000: 9}, end=End("finished", 40 * SECOND, notes=("a",))),
        result(*good[:2], of=small),
        result(end=None),
    ):
        schema.assertValid(etree.fromstring(to_junit(found)))


def test_gitlab_finds_the_spec_on_every_case(result, good) -> None:
    root = ET.fromstring(many_to_junit([result(*good)], with_files=True))
    assert {case.get("file") for case in root.iter("testcase")} == {"s.yaml"}
    assert {case.get("file") for case in ET.fromstring(to_junit(result(*good))).iter("testcase")} == {None}
