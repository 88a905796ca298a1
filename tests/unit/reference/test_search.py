import csv
import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perfspec.base.clock import MILLISECOND, SECOND
from perfspec.reference import corpus
from perfspec.reference.faults import Faults, parse_faults
from perfspec.reference.index import Found
from perfspec.reference.search import LATENCIES

FIXTURE = Path(__file__).parents[3] / "fixtures" / "search-phrases.csv"
PAPER = {"title": "Zeppelin maintenance", "body": "Hydrogen valves and patience.", "source": "test-1"}
shared_service = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def rows() -> list[tuple[str, str]]:
    with FIXTURE.open(encoding="utf-8", newline="") as file:
        return [(row["text"], row["language"]) for row in csv.DictReader(file)]


def faults(**options: Any) -> Faults:
    return parse_faults(tuple(LATENCIES), **options)


# --- phrases -----------------------------------------------------------------------------------------------------


def test_the_fixture_lists_the_phrases_that_the_documents_are_made_from() -> None:
    assert rows() == [(phrase.text, phrase.language) for phrase in corpus.phrases()]
    assert {language for _, language in rows()} == {"en", "de", "fr", "es"}
    assert all(3 <= len(text) <= 30 for text, _ in rows())
    assert sum(not text.isascii() for text, _ in rows()) >= 10


def test_every_phrase_finds_hits_and_the_most_popular_fill_a_second_page(search) -> None:
    totals = []
    for text, _ in rows():
        found = search.get("/v1/query", q=text).json()
        assert found["hits"], text
        totals.append(found["total"])
    assert min(totals[:50]) > 50


def test_every_prefix_of_a_phrase_is_answered_with_suggestions(search) -> None:
    for text, language in rows():
        for length in range(2, min(7, len(text)) + 1):
            found = search.get("/v1/suggest", q=text[:length], language=language).json()
            assert 1 <= len(found["suggestions"]) <= 8, text[:length]


def test_documents_are_the_same_every_time() -> None:
    assert list(corpus.documents(300)) == list(corpus.documents(300))


# --- suggest -----------------------------------------------------------------------------------------------------


def test_suggestions_are_of_the_language_and_start_with_the_prefix(search) -> None:
    found = search.get("/v1/suggest", q="Caf", language="fr").json()
    assert found == {"suggestions": found["suggestions"], "language": "fr"}
    assert "café moulu" in found["suggestions"]
    assert all(text.lower().startswith("caf") for text in found["suggestions"])


@pytest.mark.parametrize("typed", ["creme b", "Crème", "CRÈME  "[:6], " crème"])
def test_case_accents_and_leading_blanks_do_not_matter(search, typed: str) -> None:
    assert "crème brûlée" in search.get("/v1/suggest", q=typed).json()["suggestions"]


def test_nothing_to_suggest_is_an_empty_list(search) -> None:
    assert search.get("/v1/suggest", q="qqq").json() == {"suggestions": [], "language": "en"}
    assert search.get("/v1/suggest", q="we", language="xx").json() == {"suggestions": [], "language": "xx"}


# --- query -------------------------------------------------------------------------------------------------------


def test_hits_carry_what_a_result_page_shows_and_the_best_come_first(search) -> None:
    answer = search.get("/v1/query", q="coffee beans", size=25)
    assert answer.headers["content-type"] == "application/json"
    found = answer.json()
    assert (len(found["hits"]), found["page"], found["size"]) == (25, 1, 25)
    assert set(found["hits"][0]) == {"id", "title", "score", "language", "source"}
    scores = [hit["score"] for hit in found["hits"]]
    assert scores == sorted(scores, reverse=True)


def test_pages_follow_one_another_without_gap_or_overlap(search) -> None:
    whole = search.get("/v1/query", q="coffee beans", size=60).json()
    pages = [search.get("/v1/query", q="coffee beans", size=20, page=page).json() for page in (1, 2, 3)]
    assert [hit["id"] for page in pages for hit in page["hits"]] == [hit["id"] for hit in whole["hits"]]
    assert {page["total"] for page in pages} == {whole["total"]}


def test_a_page_behind_the_last_is_empty(search) -> None:
    found = search.get("/v1/query", q="coffee beans", page=1000).json()
    assert found["hits"] == []
    assert found["total"] > 50


@shared_service
@given(text=st.text(min_size=1, max_size=230))
def test_no_text_of_a_user_breaks_a_query_or_a_suggestion(search, text: str) -> None:
    for path in ("/v1/query", "/v1/suggest"):
        answer = search.get(path, q=text)
        assert answer.status_code in {200, 400}
        assert answer.status_code == 200 or "error" in answer.json()


@pytest.mark.parametrize(
    "text",
    ['"', '""', "title:coffee", "coffee OR tea", "NOT", "a AND", "coffee*", "^coffee", "NEAR(a b)", "{title}:x", "(",
     ")", "-coffee", "'; DROP TABLE content; --", "\0", "co\0ffee", "a " * 100, '"a" ' * 50, "e\u0301", "🙂", "!!!"],
)  # fmt: skip
def test_operators_of_the_full_text_search_are_plain_text(search, text: str) -> None:
    answer = search.get("/v1/query", q=text)
    assert answer.status_code == 200
    assert set(answer.json()) == {"hits", "total", "page", "size"}


def test_a_quoted_operator_is_looked_for_and_not_obeyed(search) -> None:
    assert search.get("/v1/query", q="coffee OR zzzz").json()["total"] == 0
    assert search.get("/v1/query", q="coff*").json()["total"] == 0


# --- index -------------------------------------------------------------------------------------------------------


def test_a_document_is_queued_then_indexed_and_found_then_deleted(visit) -> None:
    call = visit(documents=50)
    accepted = call("POST", "/v1/index", json=PAPER)
    assert accepted.status_code == 202
    job = accepted.json()
    assert job == {"job_id": "job-000001", "state": "queued"}
    assert call.get("/v1/index/jobs/job-000001").json() == job
    assert call.get("/v1/query", q="zeppelin").json()["total"] == 0
    call.clock.instant_ns += 3 * SECOND
    assert call.get("/v1/index/jobs/job-000001").json()["state"] == "indexed"
    (hit,) = call.get("/v1/query", q="hydrogen zeppelin").json()["hits"]
    assert (hit["title"], hit["source"]) == (PAPER["title"], "test-1")
    assert call("DELETE", "/v1/index", params={"source": "test-1"}).json() == {"deleted": 1}
    assert call.get("/v1/query", q="zeppelin").json()["total"] == 0
    assert call("DELETE", "/v1/index", params={"source": "test-1"}).json() == {"deleted": 0}


def test_deleting_a_source_takes_what_is_queued_and_leaves_other_sources(visit) -> None:
    call = visit(documents=0)
    for source in ("test-1", "test-2", "test-1"):
        call("POST", "/v1/index", json=PAPER | {"source": source})
    assert call("DELETE", "/v1/index", params={"source": "test-1"}).json() == {"deleted": 2}
    call.clock.instant_ns += 3 * SECOND
    assert [hit["source"] for hit in call.get("/v1/query", q="zeppelin").json()["hits"]] == ["test-2"]


def test_documents_become_ready_by_seed_and_not_in_one_moment(visit) -> None:
    def states(seed: int) -> list[str]:
        call = visit(documents=0, seed=seed)
        jobs = [call("POST", "/v1/index", json=PAPER).json()["job_id"] for _ in range(12)]
        return [call.get(f"/v1/index/jobs/{job}").json()["state"] for job in jobs]

    assert states(1) == states(1)
    assert set(states(1)) == {"queued", "indexed"}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the body is no JSON"),
        (b"{", "the body is no JSON"),
        (b"\xff", "the body is no JSON"),
        (b'{"title": "\\ud800"}', "the body is no JSON"),
        (b"[" * 5000, "the body is no JSON"),
        (b"[]", "the body: expected `object`, got `array`"),
        (b"{}", "the body: object missing required field `title`"),
        (orjson.dumps(PAPER | {"body": 5}), "`body`: expected `str`, got `int`"),
        (orjson.dumps(PAPER | {"source": " "}), "`source`: expected `str` matching regex"),
    ],
)
def test_a_wrong_body_is_refused_with_a_reason(search, body: bytes, message: str) -> None:
    answer = search("POST", "/v1/index", content=body)
    assert answer.status_code == 400
    assert message in answer.json()["error"]


def test_a_body_that_is_too_large_is_refused(search) -> None:
    answer = search("POST", "/v1/index", content=b" " * 1_000_001)
    assert (answer.status_code, answer.json()) == (413, {"error": "the body is larger than 1000000 bytes"})


# --- errors, key, readiness --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("GET", "/v1/suggest", 400, "the query: object missing required field `q`"),
        ("GET", "/v1/query?q=%20", 400, "`q`: expected `str` matching regex '\\\\S'"),
        ("GET", f"/v1/query?q={'x' * 201}", 400, "`q`: expected `str` of length <= 200"),
        ("GET", "/v1/query?q=a&size=0", 400, "`size`: expected `int` >= 1"),
        ("GET", "/v1/query?q=a&size=101", 400, "`size`: expected `int` <= 100"),
        ("GET", "/v1/query?q=a&size=ten", 400, "`size`: expected `int`, got `str`"),
        ("GET", "/v1/query?q=a&size=²", 400, "`size`: expected `int`, got `str`"),
        ("GET", "/v1/query?q=a&page=0", 400, "`page`: expected `int` >= 1"),
        ("GET", f"/v1/query?q=a&page={'9' * 5000}", 400, "`page`: expected `int`, got `str`"),
        ("GET", "/v1/query?q=a&page=-1", 400, "`page`: expected `int` >= 1"),
        ("DELETE", "/v1/index", 400, "the query: object missing required field `source`"),
        ("GET", "/v1/index/jobs/job-999999", 404, "there is no job job-999999"),
        ("GET", "/v1/unknown", 404, "Not Found"),
        ("GET", "/unknown", 404, "Not Found"),
        ("PUT", "/v1/query", 405, "Method Not Allowed"),
    ],
)
def test_what_cannot_be_done_is_refused_in_json(search, method: str, path: str, status: int, message: str) -> None:
    answer = search(method, path)
    assert (answer.status_code, answer.json()) == (status, {"error": message})


@pytest.mark.parametrize("value", [None, "Bearer wrong", "Basic perf-local-key", "perf-local-key", "Bearer"])
def test_without_the_key_nothing_below_v1_answers(search, value: str | None) -> None:
    for path in ("/v1/suggest?q=we", "/v1/unknown", "/v1"):
        answer = search("GET", path, headers={"Authorization": value} if value else {})
        assert (answer.status_code, answer.json()) == (401, {"error": "a valid bearer key is needed"})


def test_another_key_can_be_asked_for(visit) -> None:
    call = visit(documents=0, api_key="another")
    assert call.get("/v1/suggest", q="we").status_code == 401
    assert call("GET", "/v1/suggest?q=we", headers={"Authorization": "bearer another"}).status_code == 200


def test_health_and_readiness_need_no_key_and_take_no_time(search) -> None:
    start_ns = search.clock.instant_ns
    assert search("GET", "/health", headers={}).json() == {"status": "ok", "service": "search"}
    assert search("GET", "/ready", headers={}).json() == {"status": "ready", "dependencies": {"index": "up"}}
    assert search.clock.instant_ns == start_ns


def test_a_bug_of_our_own_is_answered_in_json(visit, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("perfspec.reference.index.DocumentIndex.find", fail)
    call = visit(documents=0)
    with pytest.raises(ZeroDivisionError):  # the server gets to see and log it
        call.get("/v1/query", q="tea")
    call.sees_bugs = False
    answer = call.get("/v1/query", q="tea")
    assert (answer.status_code, answer.json()) == (500, {"error": "internal error"})


# --- latency and faults ------------------------------------------------------------------------------------------


def test_latencies_are_those_of_the_seed(visit) -> None:
    def taken(seed: int) -> list[int]:
        call = visit(documents=0, seed=seed)
        return [call.timed_ns("/v1/suggest", q="we") for _ in range(20)]

    assert taken(1) == taken(1)
    assert taken(1) != taken(2)


def test_answered_requests_follow_the_stated_distribution(visit) -> None:
    call = visit(documents=0)
    taken = [call.timed_ns("/v1/suggest", q="we") for _ in range(1000)]
    median_ns = LATENCIES["suggest"].quantile_ns(0.5)
    assert median_ns == 25 * MILLISECOND
    below = sum(value < median_ns for value in taken)
    assert 437 <= below <= 563  # four standard deviations


def test_computing_time_is_part_of_the_latency(visit, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = visit(documents=0).timed_ns("/v1/query", q="we")
    call = visit(documents=0)

    def slow_find(*_: object) -> Found:
        call.clock.instant_ns += 5 * MILLISECOND
        return Found(0, [])

    monkeypatch.setattr("perfspec.reference.index.DocumentIndex.find", slow_find)
    assert call.timed_ns("/v1/query", q="we") == plain


def test_a_stated_share_of_requests_fails_and_always_the_same_ones(visit) -> None:
    def statuses() -> list[int]:
        call = visit(documents=0, faults=faults(errors=["suggest=20%"]))
        return [call.get("/v1/suggest", q="we").status_code for _ in range(300)]

    first = statuses()
    assert first == statuses()
    assert set(first) == {200, 500}
    assert 32 <= first.count(500) <= 88


def test_a_failing_answer_is_json_and_takes_its_latency(visit) -> None:
    call = visit(documents=0, faults=faults(errors=["100%"]))
    answer = call.get("/v1/query", q="tea")
    assert (answer.status_code, answer.json()) == (500, {"error": "failed on request, by --errors"})
    assert call.timed_ns("/v1/query", q="tea") > 10 * MILLISECOND
    assert call.get("/health").status_code == 200


def test_a_stall_holds_answers_back_and_makes_the_service_unready(visit) -> None:
    call = visit(documents=0, faults=faults(stall="5s:2s"))
    start_ns = call.clock.instant_ns
    assert call.timed_ns("/v1/suggest", q="we") < SECOND
    call.clock.instant_ns = start_ns + 5 * SECOND
    assert call.get("/ready").status_code == 503
    taken_ns = call.timed_ns("/v1/suggest", q="we")
    assert 2 * SECOND < taken_ns < 3 * SECOND
    assert call.get("/ready").status_code == 200
    assert call.timed_ns("/v1/suggest", q="we") < SECOND


def test_job_names_are_numbered(visit) -> None:
    call = visit(documents=0)
    names = [call("POST", "/v1/index", json=PAPER).json()["job_id"] for _ in range(3)]
    assert all(re.fullmatch(r"job-00000\d", name) for name in names)
    assert len(set(names)) == 3
