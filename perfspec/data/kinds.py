"""The shapes of all data generators: frozen plain data, with their place in the spec."""

from typing import Literal, TypeAlias

import msgspec

from perfspec.diagnostics.source import Span
from perfspec.language.phrases import Order, Spread
from perfspec.language.templates import Text

__all__ = [
    "OF_FILES",
    "Choice",
    "Csv",
    "Data",
    "Fake",
    "Filled",
    "Jsonl",
    "Number",
    "Sequence",
    "Time",
    "Uuid",
    "Words",
]


class Choice(msgspec.Struct, frozen=True, tag="choice"):
    name: str
    span: Span
    values: tuple[None | bool | int | float | str | Text, ...]
    weights: tuple[float, ...]
    """One per value, any positive numbers; none where there is an order."""
    order: Order | None = None


class Csv(msgspec.Struct, frozen=True, tag="csv"):
    name: str
    span: Span
    path: str
    """As it can be opened: relative to the folder the spec was named from."""
    order: Order


class Jsonl(msgspec.Struct, frozen=True, tag="jsonl"):
    name: str
    span: Span
    path: str
    order: Order


class Fake(msgspec.Struct, frozen=True, tag="fake"):
    name: str
    span: Span
    provider: str
    locale: str = "en_US"
    pool: int = 1_000


class Filled(msgspec.Struct, frozen=True, tag="template"):
    name: str
    span: Span
    text: Text


class Number(msgspec.Struct, frozen=True, tag="number"):
    name: str
    span: Span
    low: float
    high: float
    spread: Spread
    decimals: int
    """How many a value has; 0: whole numbers."""


class Sequence(msgspec.Struct, frozen=True, tag="sequence"):
    name: str
    span: Span
    first: int


class Time(msgspec.Struct, frozen=True, tag="time"):
    name: str
    span: Span
    format: str = ""
    """Of `strftime`, `seconds` or `milliseconds`; empty: ISO 8601 with milliseconds."""


class Uuid(msgspec.Struct, frozen=True, tag="uuid"):
    name: str
    span: Span


class Words(msgspec.Struct, frozen=True, tag="text"):
    name: str
    span: Span
    low: int | Text
    """A Text is one whole hole: the length is drawn from another name."""
    high: int | Text
    unit: Literal["words", "characters"]


Data: TypeAlias = Choice | Csv | Fake | Filled | Jsonl | Number | Sequence | Time | Uuid | Words

OF_FILES = (Csv, Jsonl)
"""Those that draw rows of a file."""
