"""The shapes of all data generators: frozen plain data, with their place in the spec."""

from typing import Literal, TypeAlias

import msgspec

from perfspec.diagnostics.source import Span
from perfspec.language.phrases import Order

__all__ = ["Choice", "Csv", "Data", "Fake", "Words"]


class Choice(msgspec.Struct, frozen=True, tag="choice"):
    name: str
    span: Span
    values: tuple[None | bool | int | float | str, ...]
    weights: tuple[float, ...]
    """One per value, any positive numbers."""


class Csv(msgspec.Struct, frozen=True, tag="csv"):
    name: str
    span: Span
    path: str
    """As it can be opened: relative to the folder the spec was named from."""
    order: Order


class Fake(msgspec.Struct, frozen=True, tag="fake"):
    name: str
    span: Span
    provider: str
    locale: str = "en_US"


class Words(msgspec.Struct, frozen=True, tag="text"):
    name: str
    span: Span
    low: int
    high: int
    unit: Literal["words", "characters"]


Data: TypeAlias = Choice | Csv | Fake | Words
