"""The search service's memory: full text in SQLite FTS5, suggestions in sorted lists, and documents not yet indexed.

A document handed in waits until its `ready_ns`; `settle` takes in what is due.
"""

import heapq
import sqlite3
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from perfspec.base.errors import EnvironmentFailure
from perfspec.reference.corpus import Document, Phrase

__all__ = ["DocumentIndex", "Found", "Hit", "Suggestions", "match_expression"]

# Accents do not matter to those who type, so `creme brulee` finds `crème brûlée`.
_TABLES = """
CREATE TABLE document (number INTEGER PRIMARY KEY, id TEXT, source TEXT, language TEXT);
CREATE INDEX document_by_source ON document (source);
CREATE VIRTUAL TABLE content USING fts5 (title, body, tokenize = "unicode61 remove_diacritics 2");
"""
_COUNT = "SELECT count(*) FROM content WHERE content MATCH ?"
# A word in the title counts five times a word in the body. bm25 is negative, the best first.
_BEST = """
SELECT document.id, content.title, -best.rank, document.language, document.source
FROM (SELECT rowid, bm25(content, 5.0, 1.0) AS rank FROM content WHERE content MATCH ?
      ORDER BY rank, rowid LIMIT ? OFFSET ?) AS best
JOIN content ON content.rowid = best.rowid JOIN document ON document.number = best.rowid
ORDER BY best.rank, best.rowid
"""


@dataclass(frozen=True, slots=True)
class Hit:
    id: str
    title: str
    score: float
    language: str
    source: str


@dataclass(frozen=True, slots=True)
class Found:
    total: int
    hits: list[Hit]


def match_expression(text: str) -> str:
    """User text as an FTS5 expression: each word a quoted string, all of them required, no operator left in force."""
    words = text.replace("\0", " ").replace('"', " ").split()
    return " ".join(f'"{word}"' for word in words)


class DocumentIndex:
    """Documents that are found, and those that are still to come."""

    def __init__(self, documents: Iterable[Document]) -> None:
        # Autocommit, and no journal: what is in memory only has nothing to recover.
        self._database = sqlite3.connect(":memory:", isolation_level=None)
        try:
            self._database.executescript(_TABLES)
        except sqlite3.OperationalError as failure:
            self._database.close()
            message = f"this Python's SQLite has no full text search (FTS5): {failure}"
            raise EnvironmentFailure(message) from failure
        self._waiting: list[tuple[int, int, Document]] = []
        self._handed_in = 0
        self._insert(documents)

    def close(self) -> None:
        self._database.close()

    def hand_in(self, document: Document, ready_ns: int) -> None:
        """Take a document that is to be found from `ready_ns` on."""
        self._handed_in += 1
        heapq.heappush(self._waiting, (ready_ns, self._handed_in, document))

    def settle(self, now_ns: int) -> None:
        """Index everything that is due."""
        if self._waiting and self._waiting[0][0] <= now_ns:
            self._insert(self._due(now_ns))

    def find(self, text: str, size: int, page: int) -> Found:
        expression = match_expression(text)
        if not expression:
            return Found(0, [])
        (total,) = self._database.execute(_COUNT, (expression,)).fetchone()
        rows = self._database.execute(_BEST, (expression, size, (page - 1) * size))
        return Found(total, [Hit(id_, title, round(score, 4), *rest) for id_, title, score, *rest in rows])

    def delete(self, source: str) -> int:
        """Remove what came from `source`, waiting documents included, so that nothing of it turns up later."""
        kept = [entry for entry in self._waiting if entry[2].source != source]
        waiting = len(self._waiting) - len(kept)
        heapq.heapify(kept)
        self._waiting = kept
        run = self._database.execute
        run("BEGIN")
        run("DELETE FROM content WHERE rowid IN (SELECT number FROM document WHERE source = ?)", (source,))
        indexed = run("DELETE FROM document WHERE source = ?", (source,)).rowcount
        run("COMMIT")
        return indexed + waiting

    def _due(self, now_ns: int) -> Iterator[Document]:
        while self._waiting and self._waiting[0][0] <= now_ns:
            yield heapq.heappop(self._waiting)[2]

    def _insert(self, documents: Iterable[Document]) -> None:
        run = self._database.execute
        run("BEGIN")
        for document in documents:
            row = run(
                "INSERT INTO document (id, source, language) VALUES (?, ?, ?)",
                (document.id, document.source, document.language),
            )
            run(
                "INSERT INTO content (rowid, title, body) VALUES (?, ?, ?)",
                (row.lastrowid, document.title, document.body),
            )
        run("COMMIT")


class Suggestions:
    """Phrases and titles per language, sorted by their folded text, looked up by prefix."""

    def __init__(self, phrases: Iterable[Phrase], documents: Iterable[Document]) -> None:
        texts = {(phrase.language, fold(phrase.text)): phrase.text for phrase in phrases}
        for document in documents:
            texts.setdefault((document.language, fold(document.title)), document.title)
        self._texts: dict[str, list[tuple[str, str]]] = {}
        for (language, folded), text in sorted(texts.items()):
            self._texts.setdefault(language, []).append((folded, text))

    def starting_with(self, prefix: str, language: str, limit: int) -> list[str]:
        entries = self._texts.get(language, [])
        # A blank at the end is typed on the way to the next word; one at the start means nothing.
        folded = fold(prefix).lstrip()
        start = bisect_left(entries, (folded, ""))
        return [text for key, text in entries[start : start + limit] if key.startswith(folded)]


def fold(text: str) -> str:
    """Lower case without accents: what two spellings of a word have in common."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))
