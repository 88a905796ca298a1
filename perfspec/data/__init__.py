"""Floor 3: data generators. Each kind's file says how it is read, and binds it to a pure function (base, pass) ->
value.

A new kind: its shape in kinds.py, its file, its row here, its words in the schema.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from perfspec.data import choice, csv, fake, words
from perfspec.data.kinds import Choice, Csv, Data, Fake, Words
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Span
from perfspec.language.nodes import Mapping

__all__ = ["KINDS", "Kind", "bind", "read"]


@dataclass(frozen=True, slots=True)
class Kind:
    shape: type
    read: Callable[[str, Span, Mapping, Diagnostics], Data | None]
    bind: Callable[[Any, int, Sequence[dict[str, str]]], Callable[[int, int], object]]


KINDS: dict[str, Kind] = {
    "choice": Kind(Choice, choice.read, choice.bind),
    "csv": Kind(Csv, csv.read, csv.bind),
    "fake": Kind(Fake, fake.read, fake.bind),
    "text": Kind(Words, words.read, words.bind),
}
_BY_SHAPE = {kind.shape: kind for kind in KINDS.values()}


def read(name: str, span: Span, node: Mapping, out: Diagnostics) -> Data | None:
    """The generator that a table says; None where it cannot be read, which has been reported."""
    kind = next((KINDS[entry.key.text] for entry in node if entry.key.text in KINDS), None)
    return kind.read(name, span, node, out) if kind else None


def bind(data: Data, seed: int, rows: Sequence[dict[str, str]] = ()) -> Callable[[int, int], object]:
    """(base of the round, loop pass) -> value. `rows` are those of a file, for the kinds that read one."""
    return _BY_SHAPE[type(data)].bind(data, seed, rows)
