"""Floor 3: data generators. Each kind's file says how it is read, and binds it to a pure function Scope -> value.

A new kind: its shape in kinds.py, its file, its row here, its words in the schema.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from perfspec.data import choice, csv, fake, jsonl, number, sequence, template, time, uuid, words
from perfspec.data.drawing import Draw, Scope, Supply
from perfspec.data.kinds import Choice, Csv, Data, Fake, Filled, Jsonl, Number, Sequence, Time, Uuid, Words
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Span
from perfspec.language.expressions import Path
from perfspec.language.nodes import Mapping

__all__ = ["KINDS", "Draw", "Kind", "Scope", "Supply", "bind", "read", "reads"]

Reads = Iterator[tuple[Path, Span]]


def _nothing(_data: Any) -> Reads:
    yield from ()


@dataclass(frozen=True, slots=True)
class Kind:
    shape: type
    read: Callable[[str, Span, Mapping, Diagnostics], Data | None]
    bind: Callable[[Any, Supply], Draw]
    reads: Callable[[Any], Reads] = _nothing


KINDS: dict[str, Kind] = {
    "choice": Kind(Choice, choice.read, choice.bind, choice.reads),
    "csv": Kind(Csv, csv.read, csv.bind),
    "fake": Kind(Fake, fake.read, fake.bind),
    "jsonl": Kind(Jsonl, jsonl.read, jsonl.bind),
    "number": Kind(Number, number.read, number.bind),
    "sequence": Kind(Sequence, sequence.read, sequence.bind),
    "template": Kind(Filled, template.read, template.bind, template.reads),
    "text": Kind(Words, words.read, words.bind, words.reads),
    "time": Kind(Time, time.read, time.bind),
    "uuid": Kind(Uuid, uuid.read, uuid.bind),
}
_BY_SHAPE = {kind.shape: kind for kind in KINDS.values()}


def read(name: str, span: Span, node: Mapping, out: Diagnostics) -> Data | None:
    """The generator that a table says; None where it cannot be read, which has been reported."""
    kind = next((KINDS[entry.key.text] for entry in node if entry.key.text in KINDS), None)
    return kind.read(name, span, node, out) if kind else None


def reads(data: Data) -> Reads:
    """The other names that a generator needs, each with its place."""
    return _BY_SHAPE[type(data)].reads(data)


def bind(data: Data, supply: Supply) -> Draw:
    """The generator at work."""
    return _BY_SHAPE[type(data)].bind(data, supply)
