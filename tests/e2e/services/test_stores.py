"""The services on real stores: nothing that was acknowledged is lost, and a store that is gone is named."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Self

import httpx
import pytest

KEY = {"Authorization": "Bearer perf-local-key"}
ASKED = {"model": "gpt-3.5", "prompt": "what is kept is not made again", "max_tokens": 512}


def wait_for(state, expected) -> None:
    deadline = time.monotonic() + 15
    while state() != expected:
        assert time.monotonic() < deadline, state()
        time.sleep(0.05)


# --- Redis -------------------------------------------------------------------------------------------------------


def test_answers_are_kept_in_redis_and_a_redis_that_is_gone_costs_no_answer(redis_store, reference) -> None:
    with reference("gateway", REDIS_URL=redis_store.url) as gateway:

        def generate() -> httpx.Response:
            return gateway.ask("POST", "/v1/generate", json=ASKED, headers=KEY)

        first, second = generate(), generate()
        assert [first.headers["x-cache"], second.headers["x-cache"]] == ["miss", "hit"]
        assert first.json() == second.json()
        assert second.elapsed < first.elapsed
        assert redis_store.keys() == 1
        assert gateway.ready() == (200, {"redis": "up"})
        redis_store.kill()
        assert gateway.ready() == (503, {"redis": "down"})
        third = generate()
        assert (third.status_code, third.headers["x-cache"]) == (200, "miss")
        assert third.json()["choices"] == first.json()["choices"]
        redis_store.begin()
        wait_for(gateway.ready, (200, {"redis": "up"}))
        assert [generate().headers["x-cache"] for _ in range(2)] == ["miss", "hit"]


# --- PostgreSQL --------------------------------------------------------------------------------------------------


class Student:
    def __init__(self, url: str, name: str) -> None:
        self.client = httpx.Client(base_url=url, trust_env=False, timeout=30)
        body = {"user": name, "password": "perf-local-password", "role": "student"}
        self.client.headers["Authorization"] = f"Bearer {self.client.post('/v1/sessions', json=body).json()['token']}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def take(self, questions: int) -> int:
        """Make an assessment, answer every question twice as fast as one can, hand it in; how many were stored."""
        new = {"topic": "fractions", "kind": "short-answer", "questions": questions}
        made = self.client.post("/v1/assessments", json=new).json()
        path = f"/v1/assessments/{made['id']}"
        stored = 0
        for question in made["questions"]:
            answer = self.client.post(f"{path}/answers", json={"question": question["id"], "text": "because"})
            stored += answer.status_code == 201
        assert self.client.post(f"{path}/grade").status_code == 202
        return stored


@pytest.mark.parametrize("origin", ["wheel", "debian"])
def test_a_postgresql_that_is_gone_is_named_and_nothing_acknowledged_is_lost(origin, postgresql, reference) -> None:
    with postgresql(origin) as store:
        store.kill()
        with reference("assessment", DATABASE_URL=store.url) as assessment:
            assert assessment.ready() == (503, {"postgresql": "down"})
            store.begin()
            wait_for(assessment.ready, (200, {"postgresql": "up"}))
            with Student(assessment.url, "ada@example.com") as student:
                assert student.take(questions=5) == 5
                store.kill()
                wait_for(assessment.ready, (503, {"postgresql": "down"}))
                refused = student.client.get("/v1/assessments")
                assert (refused.status_code, refused.json()) == (503, {"error": "the database is down"})
                store.begin()
                wait_for(assessment.ready, (200, {"postgresql": "up"}))
                assert student.take(questions=5) == 5
        assert store.ask("SELECT count(*) FROM answer WHERE given = 'because'") == 10
        assert store.ask("SELECT max(step) FROM schema_version") == 2


def test_a_database_that_was_emptied_is_prepared_again(postgresql, reference) -> None:
    with postgresql() as store, reference("assessment", DATABASE_URL=store.url) as assessment:
        store.tell("DROP TABLE answer, question, assessment, schema_version")
        assert assessment.ready() == (200, {"postgresql": "up"})
        assert store.ask("SELECT count(*) FROM assessment") == 60


def test_two_services_that_start_at_once_on_an_empty_postgresql_make_its_tables_once(postgresql, reference) -> None:
    with postgresql() as store, ThreadPoolExecutor(8) as pool, ExitStack() as stack:
        begun = [reference("assessment", DATABASE_URL=store.url) for _ in range(2)]
        first, second = pool.map(stack.enter_context, begun)
        assert first.ready() == second.ready() == (200, {"postgresql": "up"})
        assert store.ask("SELECT count(*) FROM schema_version") == 2
        assert store.ask("SELECT count(*) FROM assessment") == 60
        students = [
            stack.enter_context(Student((first, second)[number % 2].url, f"{number}@example.com"))
            for number in range(8)
        ]
        assert list(pool.map(lambda student: student.take(questions=3), students)) == [3] * 8
        assert store.ask("SELECT count(*) FROM answer WHERE given = 'because'") == 24


# --- Elasticsearch: a stand-in for it, see elasticsearch_standin.py ----------------------------------------------


def test_search_speaks_the_official_client_to_a_stand_in_for_elasticsearch(elasticsearch_standin, reference) -> None:
    with reference("search", SEARCH_URL=elasticsearch_standin.url) as search, reference("search") as embedded:

        def get(path: str, **query: object) -> dict:
            return search.ask("GET", path, params=query, headers=KEY).json()

        assert search.ready() == (200, {"elasticsearch": "up"})
        for query in ({"q": "coffee beans", "size": 5}, {"q": "coffee beans", "size": 5, "page": 2}, {"q": "zzz"}):
            here = get("/v1/query", **query)
            there = embedded.ask("GET", "/v1/query", params=query, headers=KEY).json()
            assert [here["total"], len(here["hits"])] == [there["total"], len(there["hits"])]
        assert get("/v1/query", q="coffee beans", page=900_000)["hits"] == []
        suggested = embedded.ask("GET", "/v1/suggest?q=Caf&language=fr", headers=KEY).json()
        assert get("/v1/suggest", q="Caf", language="fr") == suggested

        paper = {"title": "Zeppelin maintenance", "body": "Hydrogen and patience", "source": "test-1"}
        accepted = search.ask("POST", "/v1/index", json=paper, headers=KEY).json()
        assert accepted["state"] == "queued"
        job = f"/v1/index/jobs/{accepted['job_id']}"
        wait_for(lambda: get(job)["state"], "indexed")
        assert [hit["title"] for hit in get("/v1/query", q="hydrogen zeppelin")["hits"]] == [paper["title"]]
        assert get("/v1/index/jobs/job-0")["error"] == "there is no job job-0"
        assert search.ask("DELETE", "/v1/index?source=test-1", headers=KEY).json() == {"deleted": 1}
        assert get("/v1/query", q="zeppelin")["total"] == 0

        elasticsearch_standin.kill()
        assert search.ready() == (503, {"elasticsearch": "down"})
        assert get("/v1/query", q="coffee") == {"error": "the elasticsearch is not up"}
        elasticsearch_standin.begin()  # and it has forgotten everything
        wait_for(search.ready, (200, {"elasticsearch": "up"}))
        assert get("/v1/query", q="coffee")["total"] > 0
