"""A service that breaks its promises: exit 1; every output says which promise, by how much, and where it is written."""

import re
from typing import Any

import pytest

LIMIT = "at most 390ms"


@pytest.fixture(scope="module")
def runs(new_folder, perfspec, service, search_spec, together) -> Any:
    def slow() -> Any:
        limit = ("suggest: {p95: at most 2s}", f"suggest: {{p95: {LIMIT}}}")
        with service("--slow", "suggest=400ms") as search:
            folder = search_spec(new_folder("slow"), search.url, limit, seconds=4)
            return perfspec(folder), folder

    def broken() -> Any:
        with service("--errors", "query=100%") as search:
            folder = search_spec(new_folder("broken"), search.url, seconds=4)
            return perfspec(folder), folder

    return together(slow=slow, broken=broken)


def failures(ended: Any) -> dict[str, str]:
    """Test case -> the message of its failure; message and text must be the same."""
    found = {}
    for case in ended.junit.iter("testcase"):
        for failure in case.findall("failure"):
            assert failure.text == failure.get("message")
            found[case.get("name")] = failure.text
    return found


def test_a_slow_request_fails_the_run_with_exit_code_1(runs) -> None:
    ended, _ = runs["slow"]
    assert (ended.code, ended.err) == (1, ""), ended.out
    assert (ended.result["outcome"], ended.result["ended"]) == ("FAIL", "finished")
    assert {v["outcome"] for v in ended.result["verdicts"] if v["row"] != "suggest"} == {"PASS"}


def test_the_failure_says_threshold_observed_value_limit_and_line(runs, line_of) -> None:
    ended, folder = runs["slow"]
    (name,), (text,) = failures(ended).keys(), failures(ended).values()
    assert name == f"suggest p95 {LIMIT}"
    line = line_of(folder, f"suggest: {{p95: {LIMIT}}}")
    pattern = (
        rf"specs/search\.yaml:{line}: suggest p95 {LIMIT}: "
        r"100\.0 % slower or failed \(5 % allowed, likely \d+\.\d-100\.0 %\); p95 (\d+) ms of (\d+)"
    )
    match = re.fullmatch(pattern, text)
    assert match, text
    verdict = ended.verdict(name)
    assert 400 <= int(match[1]) == round(verdict["observed_ns"] / 1e6)
    assert int(match[2]) == verdict["n"] == verdict["bad"] == ended.summary("suggest")["n"]
    assert verdict["strength"] == "clear"


def test_the_terminal_says_the_same(runs) -> None:
    ended, _ = runs["slow"]
    assert "search smoke on local: FAIL (4s judged)" in ended.out
    (line,) = [line for line in ended.out.splitlines() if line.startswith("FAIL")]
    (text,) = failures(ended).values()
    assert line.split() == ["FAIL", *text.partition(": ")[2].replace("390ms:", "390ms").split()]


def test_a_clear_failure_is_not_extended(runs) -> None:
    ended, _ = runs["slow"]
    assert not ended.result["extended"]
    assert ended.result["ended_ns"] < 5_000_000_000


def test_failed_answers_fail_the_limit_on_errors_and_name_the_check(runs, line_of) -> None:
    ended, folder = runs["broken"]
    assert ended.code == 1
    assert ended.errors().keys() == {"status 500"}
    n = ended.summary("query")["n"]
    found = failures(ended)
    assert list(found) == [
        "query p95 at most 2s",
        "all errors under 1%",
        "request query",
        f"check query: status 200 (line {line_of(folder, 'header Content-Type') - 1})",
    ]
    verdict = ended.verdict("all errors under 1%")
    assert (verdict["bad"], ended.verdict("query p95 at most 2s")["bad"]) == (n, n)
    assert f" failed: {n} of {verdict['n']} (" in found["all errors under 1%"]
    line = line_of(folder, "header Content-Type") - 1
    lines = [
        n for n, text in enumerate((folder / "specs/search.yaml").read_text().splitlines(), 1) if "name: query" in text
    ]
    where = ", ".join(f"specs/search.yaml:{line - 1}" for line in lines)
    assert ended.summary("query")["where"] == where.split(", ")
    assert found["request query"] == f"{where}: {n} of {n} requests `query` failed: {n} x status 500"
    assert list(found.values())[3] == (f"specs/search.yaml:{line}: {n} of {n} answers of `query` failed: status 200")


def test_an_answer_that_failed_is_still_timed(runs) -> None:
    query = runs["broken"][0].summary("query")
    assert sum(query["response"]["histogram"].values()) == query["n"] == query["unavailable"]
