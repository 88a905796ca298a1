"""A short run of the search spec against a healthy service: what is written, held against each other."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest

SCHEMA = Path(__file__).parents[2] / "schema" / "result-1.schema.json"


@pytest.fixture(scope="module")
def passed(new_folder, perfspec, service, search_spec) -> Any:
    with service() as search:  # for itself: all that came in is counted
        ended = perfspec(search_spec(new_folder("passes"), search.url, seconds=4), "--stage", "smoke")
        counts = search.counts()
        source = f"perfspec-{ended.result['run_id']}"
        left = search.ask("DELETE", "/v1/index", params={"source": source})["deleted"]
        document = {"title": "left", "body": "over", "source": source}
        search.ask("POST", "/v1/index", json=document)
        noticed = search.ask("DELETE", "/v1/index", params={"source": source})["deleted"]
        yield ended, counts, left, noticed


@pytest.fixture(scope="module")
def ended(passed) -> Any:
    return passed[0]


def test_a_healthy_service_passes_with_exit_code_0(ended) -> None:
    assert (ended.code, ended.err) == (0, ""), ended.out
    result = ended.result
    assert (result["outcome"], result["exit_code"], result["ended"]) == ("PASS", 0, "finished")
    assert re.search(r"search smoke on local: PASS, \d of \d limits not proven \(4s judged\)", ended.out)
    assert result["windows"] == [["check", 0, 4_000_000_000]]  # a fifth of 4 s is no whole second
    assert not result["extended"]


def test_every_verdict_rests_on_requests(ended) -> None:
    found = {v["threshold"]: (v["outcome"], v["n"] > 0) for v in ended.result["verdicts"]}
    assert found == {
        "suggest p95 at most 2s": ("PASS", True),
        "query p95 at most 2s": ("PASS", True),
        "index p95 at most 2s": ("PASS", True),
        "all errors under 1%": ("PASS", True),
    }


def test_the_result_keeps_to_its_schema(ended, not_checked_here) -> None:
    if not SCHEMA.is_file():
        not_checked_here("schema/result-1.schema.json is missing")
    jsonschema.validate(ended.result, json.loads(SCHEMA.read_text()))


def test_the_result_is_json_for_any_reader(ended) -> None:
    def refuse(word: str) -> None:
        pytest.fail(f"{word} is no JSON")

    text = (ended.folder / "result.json").read_bytes().decode()
    assert json.loads(text, parse_constant=refuse)["version"] == 1
    assert json.loads((ended.folder / "plan.json").read_text())["service"] == "search"


def test_the_junit_file_validates(ended, not_checked_here, published_schema) -> None:
    schema = published_schema("junit-10.xsd")
    try:
        from lxml import etree  # noqa: PLC0415 - said where it is missing
    except ImportError:
        not_checked_here("lxml is missing")
    etree.XMLSchema(etree.parse(schema)).assertValid(etree.parse(ended.folder / "junit.xml"))


def test_the_junit_file_has_three_suites_and_no_name_twice(ended) -> None:
    suites = {suite.get("name"): suite for suite in ended.junit}
    assert list(suites) == ["search smoke thresholds", "search smoke checks", "search smoke run validity"]
    names = [(case.get("classname"), case.get("name")) for case in ended.junit.iter("testcase")]
    assert len(names) == len(set(names)) == int(ended.junit.get("tests"))
    assert all(len(suite.findall("testcase")) == int(suite.get("tests")) > 0 for suite in suites.values())
    assert [ended.junit.get(name) for name in ("failures", "errors")] == ["0", "0"]


def test_the_junit_file_has_a_case_for_each_request(ended) -> None:
    found = [case.get("name") for case in ended.junit[1].iter("testcase")]
    requests = ["request suggest", "request query", "request index", "request index-job", "request delete /v1/index"]
    assert sorted(name for name in found if name.startswith("request ")) == sorted(requests)
    assert [name for name in found if not name.startswith("request ")]
    assert {child.tag for case in ended.junit[1].iter("testcase") for child in case} == {"system-out"}  # the slowest


def test_the_table_says_how_many_requests_were_judged(ended) -> None:
    lines = [line.split() for line in ended.out.splitlines()]
    assert ["request", "judged", "failed", "p50", "p95", "p99", "max"] in lines
    (suggest,) = [words for words in lines if words[:1] == ["suggest"] and words[1].isdigit()]  # else a part of it
    assert suggest[1:3] == [str(ended.summary("suggest")["n"]), "0"]


def test_the_log_begins_has_a_line_a_second_and_ends(ended) -> None:
    kinds = [line["type"] for line in ended.log]
    assert kinds[0] == "beginning"
    assert kinds[-1] == "end"
    assert set(kinds[1:-1]) == {"second"}
    users = {line["second"]: line["users"] for line in ended.log if line["type"] == "second" and line["second"]}
    assert list(users) in ([1, 2, 3, 4], [1, 2, 3, 4, 5])  # the fifth: what was in flight at the end
    assert (users[1], users[4]) == (4, 8)
    assert sum(kind == "second" for kind in kinds) == len(users) + 1  # teardown


def test_the_summaries_are_the_sums_of_the_judged_slices(ended) -> None:
    windows = [(start, end) for _, start, end in ended.result["windows"]]
    n: Counter[str] = Counter()
    answered: Counter[str] = Counter()
    for piece in ended.slices():
        if any(start <= piece["second"] * 1_000_000_000 < end for start, end in windows):
            n[json.dumps(piece["key"])] += piece["n"]
            answered[json.dumps(piece["key"])] += sum(piece["response"].values())
    load = [s for s in ended.result["summaries"] if s["key"][3] == "load"]
    assert {json.dumps(s["key"]): s["n"] for s in load} == n
    assert {json.dumps(s["key"]): sum(s["response"]["histogram"].values()) for s in load} == answered
    counted = sum(s["n"] for s in load if s["key"][1] in ("", "wait"))
    assert ended.verdict("all errors under 1%")["n"] == counted > 0


def test_perfspec_counts_what_the_service_counts(passed) -> None:
    ended, counts, _, _ = passed
    sent: Counter[str] = Counter()
    for piece in (*ended.slices(), *ended.slices("teardown")):
        sent[" ".join(piece["key"][:2]).strip()] += piece["n"]
    assert counts == {
        "GET suggest": sent["suggest"],
        "GET query": sent["query"],
        "POST index": sent["index"],
        "GET index jobs": sent["index-job poll"],
        "DELETE index": sent["delete /v1/index"],
    }
    assert counts["DELETE index"] == 1


def test_nothing_but_waits_is_unfinished(ended) -> None:
    """What is in flight at the end is answered; a document that is not indexed by then has no outcome."""
    sent: Counter[str] = Counter()
    for piece in ended.slices():
        sent[" ".join(piece["key"][:2]).strip()] += piece["n"]
    assert 0 <= ended.result["unfinished"] <= sent["index"] - sent["index-job wait"] <= 8


def test_teardown_leaves_no_document_behind(passed) -> None:
    ended, counts, left, noticed = passed
    assert counts["POST index"] > 0
    assert ended.summary("delete /v1/index", part="teardown")["failed"] == 0
    assert (left, noticed) == (0, 1)
