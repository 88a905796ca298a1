"""A run whose service fails now and then: the requests to look at are in every file, the secrets in none."""

from typing import Any

import pytest

KEY = "perf-local-key"


@pytest.fixture(scope="module")
def ended(new_folder, perfspec, service, search_spec) -> Any:
    traced = ("defaults:\n", "defaults:\n  traceparent: send\n")
    with service("--errors", "query=100%") as search:
        return perfspec(search_spec(new_folder("failing"), search.url, traced, seconds=4))


def test_the_first_failures_and_the_slowest_are_in_the_result(ended) -> None:
    found = ended.result["exemplars"]
    failed = [e for e in found if e["why"] == "failed" and e["key"][0] == "query"]
    assert 1 <= len(failed) <= 3
    assert {e["kind"] for e in failed} == {f"status {failed[0]['status']}"}
    assert failed[0]["status"] >= 500
    assert failed[0]["sent"].startswith("GET /v1/query?")
    assert failed[0]["answer"].startswith(f"HTTP {failed[0]['status']}\n")
    slow = [e for e in found if e["why"] == "slow" and e["key"][0] == "suggest"]
    assert len(slow) == 3
    assert [e["response_ns"] for e in slow] == sorted((e["response_ns"] for e in slow), reverse=True)
    assert slow[0]["response_ns"] <= ended.summary("suggest")["response"]["max"]
    assert all(e["service_ns"] >= e["first_byte_ns"] > 0 for e in slow)


def test_each_has_a_trace_of_its_own_that_was_sent(ended) -> None:
    found = [e for e in ended.result["exemplars"] if e["key"][3] == "load"]
    assert len({e["trace_id"] for e in found}) == len(found)
    assert all(f"traceparent: 00-{e['trace_id']}-" in e["sent"] for e in found)


def test_they_stand_in_the_log_second_by_second_so_a_torn_run_has_them(ended) -> None:
    logged = [e for line in ended.log if line["type"] == "second" for e in line.get("exemplars", ())]
    assert all(e in logged for e in ended.result["exemplars"])


def test_the_reader_of_the_ci_server_sees_them(ended) -> None:
    shown = ended.case("request query").find("system-out").text
    assert "--- failed: status 5" in shown
    assert "GET /v1/query?" in shown
    assert "Authorization: ***" in shown
    traces = {e["trace_id"] for e in ended.result["exemplars"] if e["key"][0] == "query" and e["why"] == "failed"}
    assert any(f", trace {trace}\n" in shown for trace in traces)


def test_no_file_of_the_run_holds_the_secret(ended) -> None:
    files = [file for file in ended.folder.iterdir() if file.is_file()]
    assert {"result.json", "junit.xml", "slices.jsonl"} <= {file.name for file in files}
    assert [file.name for file in files if KEY.encode() in file.read_bytes()] == []
