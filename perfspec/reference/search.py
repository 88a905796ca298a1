"""The reference service `search`: type-ahead suggestions, full text query and asynchronous indexing.

    GET    /v1/suggest?q=PREFIX&language=en   200 {suggestions, language}
    GET    /v1/query?q=TEXT&size=10&page=1    200 {hits: [{id, title, score, language, source}], total, page, size}
    POST   /v1/index {title, body, source}    202 {job_id, state}, indexed about 600 ms later, 3 s at the latest
    GET    /v1/index/jobs/ID                  200 {job_id, state: queued | indexed}
    DELETE /v1/index?source=S                 200 {deleted}

Documents are in SQLite, in memory, or in an Elasticsearch where SEARCH_URL says (finding.py, elastic.py). Every error
is `{"error": "..."}`. `LATENCIES` is the truth that measured percentiles can be held against.
"""

from collections.abc import Awaitable, Mapping, Sequence
from typing import Annotated, Literal, TypeVar

from msgspec import Meta, Struct
from starlette.applications import Starlette
from starlette.requests import Request

from perfspec.base.clock import MILLISECOND
from perfspec.reference.application import Settings, application
from perfspec.reference.finding import Embedded, Store, StoreDown
from perfspec.reference.latency import Latency
from perfspec.reference.openapi import Endpoint
from perfspec.reference.reading import read_body, read_query
from perfspec.reference.service import Reply, answer, key_holder, refuse

__all__ = ["DEFAULT_API_KEY", "LATENCIES", "SearchService", "from_environment", "search_app"]

DEFAULT_API_KEY = "perf-local-key"

LATENCIES = {
    "suggest": Latency(25 * MILLISECOND, 0.35),
    "query": Latency(55 * MILLISECOND, 0.35),
    "index": Latency(80 * MILLISECOND, 0.35),
    "jobs": Latency(10 * MILLISECOND, 0.35),
    "delete": Latency(10 * MILLISECOND, 0.35),
}
"""By endpoint. These names are also what faults go by."""

T = TypeVar("T")
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


class SearchService:
    """The handlers. They answer 503 until `open` has built the index, and while the store is gone."""

    name = "search"
    about = "Type-ahead suggestions, full text query and asynchronous indexing"
    needed = "a valid bearer key"

    def __init__(self, store: Store, api_key: str) -> None:
        self.admit = key_holder(api_key)
        self._store = store
        self._prepared = False

    async def open(self) -> None:
        """A store that is not there yet is waited for: /ready tries again."""
        await self._prepare()

    async def close(self) -> None:
        await self._store.close()
        self._prepared = False

    async def dependencies(self) -> dict[str, bool]:
        self._prepared = self._prepared and await self._store.up()
        return {self._store.name: self._prepared or await self._prepare()}

    async def _prepare(self) -> bool:
        try:
            await self._store.open()
        except StoreDown:
            return False
        self._prepared = True
        return True

    def endpoints(self) -> Sequence[Endpoint]:
        row, paced = Endpoint, LATENCIES
        return [
            row("suggest", "GET", "/v1/suggest", self.suggest, paced["suggest"], "Suggestions while somebody types",
                {200: Suggested, 503: None}, query=SuggestQuery),
            row("query", "GET", "/v1/query", self.query, paced["query"], "Documents with all the words",
                {200: FoundPage, 503: None}, query=FindQuery),
            row("index", "POST", "/v1/index", self.index, paced["index"], "Hand in a document",
                {202: Job, 503: None}, body=NewDocument),
            row("delete", "DELETE", "/v1/index", self.delete, paced["delete"], "Remove what came from a source",
                {200: Deleted, 503: None}, query=DeleteQuery),
            row("jobs", "GET", "/v1/index/jobs/{job_id}", self.job, paced["jobs"], "How far a document is",
                {200: Job, 404: None, 503: None}),
        ]  # fmt: skip

    async def suggest(self, request: Request) -> Reply:
        asked = read_query(request, SuggestQuery)
        found = await self._up(self._store.suggest(asked.q, asked.language, _SUGGESTIONS))
        return answer({"suggestions": found, "language": asked.language})

    async def query(self, request: Request) -> Reply:
        asked = read_query(request, FindQuery)
        found = await self._up(self._store.find(asked.q, asked.size, asked.page))
        return answer({"hits": found.hits, "total": found.total, "page": asked.page, "size": asked.size})

    async def index(self, request: Request) -> Reply:
        new = await read_body(request, NewDocument)
        job = await self._up(self._store.hand_in(new.title, new.body, new.source))
        return answer({"job_id": job, "state": "queued"}, 202)

    async def job(self, request: Request) -> Reply:
        job = request.path_params["job_id"]
        is_indexed = await self._up(self._store.is_indexed(job))
        if is_indexed is None:
            raise refuse(f"there is no job {job}", 404)
        return answer({"job_id": job, "state": "indexed" if is_indexed else "queued"})

    async def delete(self, request: Request) -> Reply:
        asked = read_query(request, DeleteQuery)
        return answer({"deleted": await self._up(self._store.delete(asked.source))})

    async def _up(self, work: Awaitable[T]) -> T:
        try:
            return await work
        except StoreDown:
            raise refuse(f"the {self._store.name} is not up", 503) from None


def from_environment(settings: Settings, variables: Mapping[str, str], key: str | None) -> Starlette:
    api_key = key or variables.get("SEARCH_API_KEY") or DEFAULT_API_KEY
    return search_app(settings, api_key=api_key, search_url=variables.get("SEARCH_URL"))


def search_app(
    settings: Settings,
    *,
    api_key: str = DEFAULT_API_KEY,
    search_url: str | None = None,
    documents: int = _DOCUMENTS,
) -> Starlette:
    """The service as an ASGI application; its index is built when the application starts."""
    around = settings.surroundings
    store: Store = Embedded(settings.seed, around.now_ns, documents)
    if search_url:
        # Loaded when used: the client costs more than all the rest.
        from perfspec.reference.elastic import Elastic  # noqa: PLC0415

        store = Elastic(search_url, around.utc_now, documents)
    return application(SearchService(store, api_key), settings)
