"""The reference service `search`: type-ahead suggestions, full text query and asynchronous indexing.

    GET    /v1/suggest?q=PREFIX&language=en   200 {suggestions, language}
    GET    /v1/query?q=TEXT&size=10&page=1    200 {hits: [{id, title, score, language, source}], total, page, size}
    POST   /v1/index {title, body, source}    202 {job_id, state}, indexed about 600 ms later, 3 s at the latest
    GET    /v1/index/jobs/ID                  200 {job_id, state: queued | indexed}
    DELETE /v1/index?source=S                 200 {deleted}

Every error is `{"error": "..."}`. `LATENCIES` is the truth that measured percentiles can be held against.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta, Struct
from starlette.applications import Starlette
from starlette.requests import Request

from perfspec.base.clock import MILLISECOND, SECOND
from perfspec.reference import corpus
from perfspec.reference.application import Settings, application
from perfspec.reference.index import DocumentIndex, Suggestions
from perfspec.reference.latency import Latency, stream
from perfspec.reference.openapi import Endpoint
from perfspec.reference.reading import read_body, read_query
from perfspec.reference.service import Reply, Surroundings, answer, key_holder, refuse

__all__ = ["DEFAULT_API_KEY", "INDEXING", "LATENCIES", "SearchService", "search_app"]

DEFAULT_API_KEY = "perf-local-key"

LATENCIES = {
    "suggest": Latency(25 * MILLISECOND, 0.35),
    "query": Latency(55 * MILLISECOND, 0.35),
    "index": Latency(80 * MILLISECOND, 0.35),
    "jobs": Latency(10 * MILLISECOND, 0.35),
    "delete": Latency(10 * MILLISECOND, 0.35),
}
"""By endpoint. These names are also what faults go by."""
INDEXING = Latency(600 * MILLISECOND, 0.5, at_most_ns=3 * SECOND)
"""From the acceptance of a document to the moment it is found."""

_DOCUMENTS = 4_000
_SUGGESTIONS = 8

Words = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\S")]
Text = Annotated[str, Meta(min_length=1, pattern=r"\S")]


class SuggestQuery(Struct, forbid_unknown_fields=True):
    q: Words
    language: Annotated[str, Meta(min_length=1, max_length=20)] = "en"


class Suggested(Struct):
    suggestions: list[str]
    language: str


class FindQuery(Struct, forbid_unknown_fields=True):
    q: Words
    size: Annotated[int, Meta(ge=1, le=100)] = 10
    page: Annotated[int, Meta(ge=1, le=1_000_000)] = 1


class FoundHit(Struct):
    id: str
    title: str
    score: float
    language: str
    source: str


class FoundPage(Struct):
    hits: list[FoundHit]
    total: int
    page: int
    size: int


class NewDocument(Struct):
    title: Text
    body: Text
    source: Words


class Job(Struct):
    job_id: str
    state: Literal["queued", "indexed"]


class DeleteQuery(Struct, forbid_unknown_fields=True):
    source: Words


class Deleted(Struct):
    deleted: int


@dataclass(frozen=True, slots=True)
class _Holdings:
    index: DocumentIndex
    suggestions: Suggestions


class SearchService:
    """The handlers. They answer 503 until `open` has built the index."""

    name = "search"
    about = "Type-ahead suggestions, full text query and asynchronous indexing"
    needed = "a valid bearer key"

    def __init__(self, *, seed: int, api_key: str, surroundings: Surroundings, documents: int = _DOCUMENTS) -> None:
        self.admit = key_holder(api_key)
        self._chance = stream(seed, "indexing")
        self._now_ns = surroundings.now_ns
        self._documents = documents
        self._held: _Holdings | None = None
        self._ready_ns: dict[str, int] = {}

    async def open(self) -> None:
        documents = list(corpus.documents(self._documents))
        self._held = _Holdings(DocumentIndex(documents), Suggestions(corpus.phrases(), documents))

    async def close(self) -> None:
        self._holdings().index.close()
        self._held = None

    async def dependencies(self) -> dict[str, bool]:
        return {"index": self._held is not None}

    def endpoints(self) -> Sequence[Endpoint]:
        row, paced = Endpoint, LATENCIES
        found, queued, deleted = {200: FoundPage, 503: None}, {202: Job, 503: None}, {200: Deleted, 503: None}
        return [
            row("suggest", "GET", "/v1/suggest", self.suggest, paced["suggest"], "Suggestions while somebody types",
                {200: Suggested, 503: None}, query=SuggestQuery),
            row("query", "GET", "/v1/query", self.query, paced["query"], "Documents with all the words",
                found, query=FindQuery),
            row("index", "POST", "/v1/index", self.index, paced["index"], "Hand in a document",
                queued, body=NewDocument),
            row("delete", "DELETE", "/v1/index", self.delete, paced["delete"], "Remove what came from a source",
                deleted, query=DeleteQuery),
            row("jobs", "GET", "/v1/index/jobs/{job_id}", self.job, paced["jobs"], "How far a document is",
                {200: Job, 404: None}),
        ]  # fmt: skip

    async def suggest(self, request: Request) -> Reply:
        asked = read_query(request, SuggestQuery)
        found = self._holdings().suggestions.starting_with(asked.q, asked.language, _SUGGESTIONS)
        return answer({"suggestions": found, "language": asked.language})

    async def query(self, request: Request) -> Reply:
        asked = read_query(request, FindQuery)
        found = self._settled().find(asked.q, asked.size, asked.page)
        return answer({"hits": found.hits, "total": found.total, "page": asked.page, "size": asked.size})

    async def index(self, request: Request) -> Reply:
        new = await read_body(request, NewDocument)
        index = self._settled()
        number = len(self._ready_ns)
        job_id = f"job-{number + 1:06d}"
        ready_ns = self._now_ns() + INDEXING.draw_ns(self._chance, number)
        index.hand_in(corpus.Document(f"{job_id}-document", new.title, new.body, new.source, "en"), ready_ns)
        self._ready_ns[job_id] = ready_ns
        return answer({"job_id": job_id, "state": "queued"}, 202)

    async def job(self, request: Request) -> Reply:
        job_id = request.path_params["job_id"]
        ready_ns = self._ready_ns.get(job_id)
        if ready_ns is None:
            raise refuse(f"there is no job {job_id}", 404)
        return answer({"job_id": job_id, "state": "indexed" if ready_ns <= self._now_ns() else "queued"})

    async def delete(self, request: Request) -> Reply:
        asked = read_query(request, DeleteQuery)
        return answer({"deleted": self._settled().delete(asked.source)})

    def _settled(self) -> DocumentIndex:
        index = self._holdings().index
        index.settle(self._now_ns())
        return index

    def _holdings(self) -> _Holdings:
        if self._held is None:
            raise refuse("the index is not up yet", 503)
        return self._held


def search_app(settings: Settings, *, api_key: str = DEFAULT_API_KEY, documents: int = _DOCUMENTS) -> Starlette:
    """The service as an ASGI application; its index is built when the application starts."""
    service = SearchService(
        seed=settings.seed, api_key=api_key, surroundings=settings.surroundings, documents=documents
    )
    return application(service, settings)
