"""The reference service `search`: type-ahead suggestions, full text query and asynchronous indexing.

    GET    /v1/suggest?q=PREFIX&language=en   200 {suggestions, language}
    GET    /v1/query?q=TEXT&size=10&page=1    200 {hits: [{id, title, score, language, source}], total, page, size}
    POST   /v1/index {title, body, source}    202 {job_id, state}, indexed about 600 ms later, 3 s at the latest
    GET    /v1/index/jobs/ID                  200 {job_id, state: queued | indexed}
    DELETE /v1/index?source=S                 200 {deleted}
    GET    /health, /ready                    without a key and without latency; a stall makes /ready answer 503

Every error is `{"error": "..."}`. `LATENCIES` is the truth that measured percentiles can be held against.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import orjson
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from perfspec.base.clock import MILLISECOND, SECOND, monotonic_ns
from perfspec.reference import corpus
from perfspec.reference.faults import NO_FAULTS, Faults
from perfspec.reference.index import DocumentIndex, Suggestions
from perfspec.reference.latency import Latency, stream
from perfspec.reference.service import ERROR_HANDLERS, BearerKey, Handler, Pace, Surroundings, answer, refuse

__all__ = ["DEFAULT_API_KEY", "INDEXING", "LATENCIES", "SearchService", "latencies", "search_app"]

DEFAULT_API_KEY = "perf-local-key"

LATENCIES = {
    "suggest": Latency(25 * MILLISECOND, 0.35),
    "query": Latency(55 * MILLISECOND, 0.35),
    "index": Latency(80 * MILLISECOND, 0.35),
    "jobs": Latency(10 * MILLISECOND, 0.35),
    "delete": Latency(10 * MILLISECOND, 0.35),
}
"""By endpoint. These names are also what `--slow` and `--errors` understand."""
INDEXING = Latency(600 * MILLISECOND, 0.5, at_most_ns=3 * SECOND)
"""From the acceptance of a document to the moment it is found."""

_DOCUMENTS = 4_000
_SUGGESTIONS = 8
_LONGEST_TEXT = 200
_LARGEST_BODY_BYTES = 1_000_000
_LAST_PAGE = 1_000_000


def latencies(faults: Faults = NO_FAULTS) -> dict[str, Latency]:
    """The true distributions by endpoint, `--slow` included."""
    return {name: replace(latency, added_ns=faults.slow_ns.get(name, 0)) for name, latency in LATENCIES.items()}


@dataclass(frozen=True, slots=True)
class _Holdings:
    index: DocumentIndex
    suggestions: Suggestions


class SearchService:
    """The handlers. They answer 503 until `open` has built the index."""

    def __init__(self, seed: int, surroundings: Surroundings, documents: int) -> None:
        self._chance = stream(seed, "indexing")
        self._now_ns = surroundings.now_ns
        self._documents = documents
        self._held: _Holdings | None = None
        self._ready_ns: dict[str, int] = {}

    def open(self) -> None:
        documents = list(corpus.documents(self._documents))
        self._held = _Holdings(DocumentIndex(documents), Suggestions(corpus.phrases(), documents))

    def close(self) -> None:
        self._holdings().index.close()
        self._held = None

    @property
    def opened(self) -> bool:
        return self._held is not None

    def handlers(self) -> dict[str, Handler]:
        return {
            "suggest": self.suggest,
            "query": self.query,
            "index": self.index,
            "jobs": self.job,
            "delete": self.delete,
        }

    async def suggest(self, request: Request) -> Response:
        prefix = _text(request, "q")
        language = request.query_params.get("language", "en")
        found = self._holdings().suggestions.starting_with(prefix, language, _SUGGESTIONS)
        return answer({"suggestions": found, "language": language})

    async def query(self, request: Request) -> Response:
        text = _text(request, "q")
        size = _number(request, "size", default=10, largest=100)
        page = _number(request, "page", default=1, largest=_LAST_PAGE)
        found = self._settled().find(text, size, page)
        return answer({"hits": found.hits, "total": found.total, "page": page, "size": size})

    async def index(self, request: Request) -> Response:
        document = await _document(request)
        index = self._settled()
        number = len(self._ready_ns)
        job_id = f"job-{number + 1:06d}"
        ready_ns = self._now_ns() + INDEXING.draw_ns(self._chance, number)
        index.hand_in(replace(document, id=f"{job_id}-document"), ready_ns)
        self._ready_ns[job_id] = ready_ns
        return answer({"job_id": job_id, "state": "queued"}, 202)

    async def job(self, request: Request) -> Response:
        job_id = request.path_params["job_id"]
        ready_ns = self._ready_ns.get(job_id)
        if ready_ns is None:
            raise refuse(f"there is no job {job_id}", 404)
        return answer({"job_id": job_id, "state": "indexed" if ready_ns <= self._now_ns() else "queued"})

    async def delete(self, request: Request) -> Response:
        source = _text(request, "source")
        return answer({"deleted": self._settled().delete(source)})

    def _settled(self) -> DocumentIndex:
        index = self._holdings().index
        index.settle(self._now_ns())
        return index

    def _holdings(self) -> _Holdings:
        if self._held is None:
            raise refuse("the index is not up yet", 503)
        return self._held


def search_app(
    *,
    seed: int = 1,
    api_key: str = DEFAULT_API_KEY,
    faults: Faults = NO_FAULTS,
    surroundings: Surroundings | None = None,
    documents: int = _DOCUMENTS,
) -> Starlette:
    """The service as an ASGI application; its index is built when the application starts."""
    surroundings = surroundings or Surroundings(monotonic_ns, asyncio.sleep)
    pace = Pace(seed, faults, surroundings)
    service = SearchService(seed, surroundings, documents)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        service.open()
        pace.start()
        yield
        service.close()

    async def health(_: Request) -> Response:
        return answer({"status": "ok", "service": "search"})

    async def ready(_: Request) -> Response:
        up = service.opened and not pace.stalled
        body = {"status": "ready" if up else "unavailable", "dependencies": {"index": "up" if up else "down"}}
        return answer(body, 200 if up else 503)

    true_latencies = latencies(faults)
    paced = {name: pace.paced(name, true_latencies[name], work) for name, work in service.handlers().items()}
    return Starlette(
        routes=[
            Route("/health", health),
            Route("/ready", ready),
            Route("/v1/suggest", paced["suggest"]),
            Route("/v1/query", paced["query"]),
            Route("/v1/index", paced["index"], methods=["POST"]),
            Route("/v1/index", paced["delete"], methods=["DELETE"]),
            Route("/v1/index/jobs/{job_id}", paced["jobs"]),
        ],
        middleware=[Middleware(BearerKey, key=api_key)],
        exception_handlers=ERROR_HANDLERS,
        lifespan=lifespan,
    )


def _text(request: Request, name: str) -> str:
    text = request.query_params.get(name, "")
    if not text.strip():
        raise refuse(f"`{name}` is missing")
    if len(text) > _LONGEST_TEXT:
        raise refuse(f"`{name}` is longer than {_LONGEST_TEXT} characters")
    return text


def _number(request: Request, name: str, *, default: int, largest: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    # At most nine digits: enough for every limit here, and never a number that int() refuses.
    digits = text.isascii() and text.isdigit() and len(text) <= 9
    if not digits or not 1 <= int(text) <= largest:
        raise refuse(f"`{name}` must be a whole number from 1 to {largest}")
    return int(text)


async def _document(request: Request) -> corpus.Document:
    text = await request.body()
    if len(text) > _LARGEST_BODY_BYTES:
        raise refuse(f"the body is larger than {_LARGEST_BODY_BYTES} bytes", 413)
    try:
        fields = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise refuse(f"the body is no JSON: {error}") from error
    if not isinstance(fields, dict):
        raise refuse("the body must be a JSON object")
    for name in ("title", "body", "source"):
        if not isinstance(fields.get(name), str) or not fields[name].strip():
            raise refuse(f"`{name}` must be a text and not empty")
    return corpus.Document("", fields["title"], fields["body"], fields["source"], "en")
