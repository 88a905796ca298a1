"""Documents and suggestions in Elasticsearch, by its official client, where SEARCH_URL names one.

Two indices, made and filled when they are missing: `perfspec-documents` and `perfspec-suggestions`. A document is
handed over at once and found after the next refresh, half a second later at most; its job is named like it, so that
any process can say how far it is.
"""

import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from hashlib import blake2b
from typing import Any

from elastic_transport import HttpxAsyncHttpNode
from elasticsearch import ApiError, AsyncElasticsearch, BadRequestError, NotFoundError, TransportError

from perfspec.base.errors import EnvironmentFailure
from perfspec.reference import corpus
from perfspec.reference.finding import StoreDown
from perfspec.reference.index import Found, Hit, fold

__all__ = ["Elastic"]

DOCUMENTS, SUGGESTIONS = "perfspec-documents", "perfspec-suggestions"
_PATIENCE_S = 2
_BATCH = 500
_MOST_HITS = 10_000
"""Elasticsearch pages no further."""

_TEXT = {"type": "text", "analyzer": "plain"}
_NAME = {"type": "keyword"}
_ANALYSIS = {"analyzer": {"plain": {"tokenizer": "standard", "filter": ["lowercase", "asciifolding"]}}}
_SETTINGS: dict[str, Mapping[str, Any]] = {
    DOCUMENTS: {
        "settings": {"refresh_interval": "500ms", "number_of_replicas": 0, "analysis": _ANALYSIS},
        "mappings": {"properties": {"title": _TEXT, "body": _TEXT, "source": _NAME, "language": _NAME}},
    },
    SUGGESTIONS: {
        "settings": {"number_of_replicas": 0},
        "mappings": {"properties": {"text": {"type": "keyword", "index": False}, "folded": _NAME, "language": _NAME}},
    },
}


class Elastic:
    name = "elasticsearch"

    def __init__(self, url: str, utc_now: Callable[[], datetime], documents: int) -> None:
        try:
            self._client = AsyncElasticsearch(
                url, node_class=HttpxAsyncHttpNode, request_timeout=_PATIENCE_S, max_retries=0
            )
        except ValueError as error:
            hint = "for example http://127.0.0.1:9200"
            raise EnvironmentFailure("SEARCH_URL is no address of an Elasticsearch", hint) from error
        self._utc_now = utc_now
        self._documents = documents
        self._handed_in = 0

    async def open(self) -> None:
        async with _answering():
            for index, body in _SETTINGS.items():
                try:
                    await self._client.indices.create(index=index, **body)
                except BadRequestError as error:
                    if error.error != "resource_already_exists_exception":
                        raise
            # Who finds them empty fills them. Rows have fixed names, so that two who do it at once do no harm.
            if (await self._client.count(index=SUGGESTIONS))["count"] == 0:
                await self._fill()

    async def _fill(self) -> None:
        operations: list[Mapping[str, Any]] = []
        for index, name, row in _rows(self._documents):
            operations += [{"index": {"_index": index, "_id": name}}, row]
            if len(operations) >= 2 * _BATCH:
                await self._bulk(operations)
                operations = []
        await self._bulk(operations)
        await self._client.indices.refresh(index=f"{DOCUMENTS},{SUGGESTIONS}")

    async def _bulk(self, operations: list[Mapping[str, Any]]) -> None:
        patient = self._client.options(request_timeout=30)
        if operations and (await patient.bulk(operations=operations))["errors"]:
            raise EnvironmentFailure("Elasticsearch did not take the documents that are there from the start")

    async def close(self) -> None:
        await self._client.close()

    async def up(self) -> bool:
        """It answers, has not lost a shard, and the indices are there."""
        try:
            health = await self._client.cluster.health()
            there = await self._client.indices.exists(index=[DOCUMENTS, SUGGESTIONS])
        except (ApiError, TransportError):
            return False
        return bool(health["status"] != "red" and there)

    async def suggest(self, prefix: str, language: str, most: int) -> list[str]:
        wanted = [{"term": {"language": language}}, {"prefix": {"folded": fold(prefix).lstrip()}}]
        found = await self._search(SUGGESTIONS, {"bool": {"filter": wanted}}, size=most, sort=["folded"])
        return [hit["_source"]["text"] for hit in found["hits"]["hits"]]

    async def find(self, text: str, size: int, page: int) -> Found:
        begin = (page - 1) * size
        all_words = {"query": text, "fields": ["title^5", "body"], "type": "cross_fields", "operator": "and"}
        within = begin + size <= _MOST_HITS
        found = await self._search(
            DOCUMENTS,
            {"multi_match": all_words},
            size=size if within else 0,
            from_=begin if within else 0,
            track_total_hits=True,
        )
        hits = [
            Hit(hit["_id"], row["title"], round(hit["_score"], 4), row["language"], row["source"])
            for hit in found["hits"]["hits"]
            for row in [hit["_source"]]
        ]
        return Found(found["hits"]["total"]["value"], hits)

    async def hand_in(self, title: str, body: str, source: str) -> str:
        self._handed_in += 1
        name = f"{self._utc_now().timestamp()} {self._handed_in} {os.getpid()}"
        job = f"job-{blake2b(name.encode(), digest_size=8).hexdigest()}"
        row = {"title": title, "body": body, "source": source, "language": "en"}
        async with _answering():
            await self._client.index(index=DOCUMENTS, id=job, document=row)
        return job

    async def is_indexed(self, job: str) -> bool | None:
        found = await self._search(DOCUMENTS, {"ids": {"values": [job]}}, size=0)
        if found["hits"]["total"]["value"]:
            return True
        async with _answering():
            return False if await self._client.exists(index=DOCUMENTS, id=job) else None

    async def delete(self, source: str) -> int:
        async with _answering():
            # What is not refreshed yet would not be found, and turn up later.
            await self._client.indices.refresh(index=DOCUMENTS)
            gone = await self._client.delete_by_query(
                index=DOCUMENTS, query={"term": {"source": source}}, refresh=True, conflicts="proceed"
            )
        return int(gone["deleted"])

    async def _search(self, index: str, query: Mapping[str, Any], **more: Any) -> Mapping[str, Any]:
        async with _answering():
            found: Mapping[str, Any] = (await self._client.search(index=index, query=query, **more)).body
        return found


@asynccontextmanager
async def _answering() -> AsyncIterator[None]:
    try:
        yield
    except (TransportError, NotFoundError) as error:
        raise StoreDown from error
    except ApiError as error:
        # It is overloaded, or has lost a shard; anything else would be our own mistake.
        if error.status_code not in (429, 500, 502, 503, 504):
            raise
        raise StoreDown from error


def _rows(documents: int) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Index, name and content of everything that is there from the start. Suggestions last: they say that all is."""
    texts = {(phrase.language, fold(phrase.text)): phrase.text for phrase in corpus.phrases()}
    for document in corpus.documents(documents):
        texts.setdefault((document.language, fold(document.title)), document.title)
        row = {"title": document.title, "body": document.body, "source": document.source}
        yield DOCUMENTS, document.id, row | {"language": document.language}
    for number, ((language, folded), text) in enumerate(sorted(texts.items())):
        yield SUGGESTIONS, f"suggestion-{number:05d}", {"text": text, "folded": folded, "language": language}
