"""A STAND-IN for Elasticsearch, not Elasticsearch: the few endpoints that `perfspec serve search` uses, on SQLite.

    python elasticsearch_standin.py PORT

It exists because no Elasticsearch can be installed from packages. It shows that our service speaks the official
client correctly, and how it takes refusals and absence. It does not show how Elasticsearch ranks, analyses or performs.
Refreshes are real: what is indexed is found half a second later, or after `_refresh`. Every request whose path or query
it does not know is refused, so that nothing passes by accident.
"""

import asyncio
import sys
import time
from typing import Any

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from perfspec.reference.corpus import Document
from perfspec.reference.index import DocumentIndex

REFRESH_S = 0.5
JSON = "application/vnd.elasticsearch+json;compatible-with=9"


class Shelf:
    """One index: rows by name, and what a search can see of them."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, str]] = {}
        self.seen: dict[str, dict[str, str]] = {}
        self.texts = DocumentIndex([])
        self.refreshed = time.monotonic()

    def refresh(self) -> None:
        if self.rows != self.seen:
            self.seen = dict(self.rows)
            self.texts.close()
            self.texts = DocumentIndex(
                Document(name, row["title"], row["body"], row["source"], row["language"])
                for name, row in self.seen.items()
                if "title" in row
            )
        self.refreshed = time.monotonic()

    def visible(self) -> dict[str, dict[str, str]]:
        if time.monotonic() - self.refreshed >= REFRESH_S:
            self.refresh()
        return self.seen


shelves: dict[str, Shelf] = {}


def answer(body: Any, status: int = 200) -> Response:
    # The client trusts nothing that does not say what it is.
    headers = {"X-Elastic-Product": "Elasticsearch", "Content-Type": JSON}
    return Response(orjson.dumps(body), status, headers)


def refuse(kind: str, reason: str, status: int) -> Response:
    return answer({"error": {"type": kind, "reason": reason, "root_cause": []}, "status": status}, status)


def unknown(what: object) -> Response:
    return refuse("stand_in_exception", f"the stand-in does not know {what}", 400)


async def health(_: Request) -> Response:
    return answer({"cluster_name": "stand-in", "status": "green", "timed_out": False})


async def create(request: Request) -> Response:
    name = request.path_params["index"]
    if name in shelves:
        return refuse("resource_already_exists_exception", f"index [{name}] already exists", 400)
    shelves[name] = Shelf()
    return answer({"acknowledged": True, "shards_acknowledged": True, "index": name})


async def are_there(request: Request) -> Response:
    there = set(request.path_params["index"].split(",")) <= set(shelves)
    return Response(status_code=200 if there else 404, headers={"X-Elastic-Product": "Elasticsearch"})


async def count(request: Request) -> Response:
    return answer({"count": len(shelves[request.path_params["index"]].visible()), "_shards": {}})


async def refresh(request: Request) -> Response:
    for name in request.path_params["index"].split(","):
        shelves[name].refresh()
    return answer({"_shards": {"failed": 0}})


async def bulk(request: Request) -> Response:
    lines = [orjson.loads(line) for line in (await request.body()).splitlines()]
    for action, row in zip(lines[::2], lines[1::2], strict=True):
        (where,) = action.values()
        shelves[where["_index"]].rows[where["_id"]] = row
    return answer({"took": 1, "errors": False, "items": []})


async def put(request: Request) -> Response:
    name = request.path_params["name"]
    shelves[request.path_params["index"]].rows[name] = orjson.loads(await request.body())
    return answer({"_id": name, "result": "created"}, 201)


async def exists(request: Request) -> Response:
    there = request.path_params["name"] in shelves[request.path_params["index"]].rows
    return Response(status_code=200 if there else 404, headers={"X-Elastic-Product": "Elasticsearch"})


async def delete_by_query(request: Request) -> Response:
    shelf = shelves[request.path_params["index"]]
    match orjson.loads(await request.body()):
        case {"query": {"term": {"source": source}}}:
            gone = [name for name, row in shelf.visible().items() if row["source"] == source]
        case other:
            return unknown(other)
    for name in gone:
        del shelf.rows[name]
    shelf.refresh()
    return answer({"deleted": len(gone), "failures": []})


async def search(request: Request) -> Response:
    shelf = shelves[request.path_params["index"]]
    rows = shelf.visible()
    body = orjson.loads(await request.body())
    size, begin = body["size"], body.get("from", 0)
    if begin + size > 10_000:
        return refuse("illegal_argument_exception", "Result window is too large", 400)
    match body["query"]:
        case {"ids": {"values": names}}:
            found = [(name, 1.0) for name in names if name in rows]
        case {"bool": {"filter": [{"term": {"language": language}}, {"prefix": {"folded": prefix}}]}}:
            fitting = [(row["folded"], name) for name, row in rows.items() if row["language"] == language]
            found = [(name, 1.0) for folded, name in sorted(fitting) if folded.startswith(prefix)]
        case {"multi_match": {"query": text, "operator": "and", "type": "cross_fields"}}:
            total = shelf.texts.find(text, 1, 1).total
            hits = shelf.texts.find(text, size, begin // size + 1).hits if size else []
            return found_page(total, [(hit.id, hit.score) for hit in hits], rows)
        case other:
            return unknown(other)
    return found_page(len(found), found[begin : begin + size], rows)


def found_page(total: int, hits: list[tuple[str, float]], rows: dict[str, dict[str, str]]) -> Response:
    shown = [{"_id": name, "_score": score, "_source": rows[name]} for name, score in hits]
    return answer({"took": 1, "timed_out": False, "hits": {"total": {"value": total, "relation": "eq"}, "hits": shown}})


async def nothing(request: Request) -> Response:
    return unknown(f"{request.method} {request.url.path}")


app = Starlette(
    routes=[
        Route("/_cluster/health", health),
        Route("/_bulk", bulk, methods=["PUT", "POST"]),
        Route("/{index}", create, methods=["PUT"]),
        Route("/{index}", are_there, methods=["HEAD"]),
        Route("/{index}/_count", count, methods=["GET", "POST"]),
        Route("/{index}/_refresh", refresh, methods=["POST"]),
        Route("/{index}/_search", search, methods=["POST"]),
        Route("/{index}/_delete_by_query", delete_by_query, methods=["POST"]),
        Route("/{index}/_doc/{name}", exists, methods=["HEAD"]),
        Route("/{index}/_doc/{name}", put, methods=["PUT"]),
        Route("/{path:path}", nothing, methods=["GET", "POST", "PUT", "DELETE", "HEAD"]),
    ]
)

if __name__ == "__main__":
    config = uvicorn.Config(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error", lifespan="off")
    asyncio.run(uvicorn.Server(config).serve())
