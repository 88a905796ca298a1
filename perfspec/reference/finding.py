"""Where the search service keeps documents: what every store can do, and the one that is built in.

In the built-in store a document waits until its indexing time is over. Nothing runs in the background: whoever looks
next takes in what is due by then, which no caller can tell apart from an indexer at work, and which needs no clock of
its own.
"""

from collections.abc import Callable
from typing import Protocol

from perfspec.base.clock import MILLISECOND, SECOND
from perfspec.reference import corpus
from perfspec.reference.index import DocumentIndex, Found, Suggestions
from perfspec.reference.latency import Latency, stream

__all__ = ["INDEXING", "Embedded", "Store", "StoreDown"]

INDEXING = Latency(600 * MILLISECOND, 0.5, at_most_ns=3 * SECOND)
"""From the acceptance of a document to the moment it is found, in the built-in store."""


class StoreDown(Exception):
    """Nobody knows when it will be back."""


class Store(Protocol):
    """Everything but `up` raises StoreDown where the store does not answer."""

    name: str

    async def open(self) -> None:
        """Put the documents there that are meant to be there from the start."""

    async def close(self) -> None: ...
    async def up(self) -> bool: ...
    async def suggest(self, prefix: str, language: str, most: int) -> list[str]: ...
    async def find(self, text: str, size: int, page: int) -> Found: ...
    async def hand_in(self, title: str, body: str, source: str) -> str:
        """The name of the job that will index it."""

    async def is_indexed(self, job: str) -> bool | None:
        """None if there is no such job."""

    async def delete(self, source: str) -> int: ...


class Embedded:
    """SQLite in memory; gone with the process."""

    name = "index"

    def __init__(self, seed: int, now_ns: Callable[[], int], documents: int) -> None:
        self._chance = stream(seed, "indexing")
        self._now_ns = now_ns
        self._documents = documents
        self._index: DocumentIndex | None = None
        self._suggestions = Suggestions((), ())
        self._ready_ns: dict[str, int] = {}

    async def open(self) -> None:
        documents = list(corpus.documents(self._documents))
        self._suggestions = Suggestions(corpus.phrases(), documents)
        self._index = DocumentIndex(documents)

    async def close(self) -> None:
        self._settled().close()
        self._index = None

    async def up(self) -> bool:
        return self._index is not None

    async def suggest(self, prefix: str, language: str, most: int) -> list[str]:
        self._settled()
        return self._suggestions.starting_with(prefix, language, most)

    async def find(self, text: str, size: int, page: int) -> Found:
        return self._settled().find(text, size, page)

    async def hand_in(self, title: str, body: str, source: str) -> str:
        index = self._settled()
        number = len(self._ready_ns)
        job = f"job-{number + 1:06d}"
        self._ready_ns[job] = self._now_ns() + INDEXING.draw_ns(self._chance, number)
        index.hand_in(corpus.Document(f"{job}-document", title, body, source, "en"), self._ready_ns[job])
        return job

    async def is_indexed(self, job: str) -> bool | None:
        ready_ns = self._ready_ns.get(job)
        return None if ready_ns is None else ready_ns <= self._now_ns()

    async def delete(self, source: str) -> int:
        return self._settled().delete(source)

    def _settled(self) -> DocumentIndex:
        if self._index is None:
            raise StoreDown
        self._index.settle(self._now_ns())
        return self._index
