"""`sequence: 1000 up`: 1000, 1001, 1002 ..., no number twice in a run, whoever draws it."""

import re

from perfspec.data.drawing import Draw, Supply, turn
from perfspec.data.kinds import Sequence
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Span
from perfspec.language.nodes import Mapping, Scalar

__all__ = ["bind", "read"]

_UP = re.compile(r"(\d{1,15}) up")


def read(name: str, span: Span, node: Mapping, out: Diagnostics) -> Sequence | None:
    said = node.get("sequence")
    if not isinstance(said, Scalar):
        return None
    if match := _UP.fullmatch(" ".join(said.text.split())):
        return Sequence(name, span, int(match[1]))
    first = re.search(r"\d{1,15}", said.text)
    message = f"`sequence` needs its first number, found `{said.text[:40]}`"
    out.add("PS207", message, said.span, f"write `{first[0] if first else 1} up`")
    return None


def bind(data: Sequence, supply: Supply) -> Draw:
    place, first = turn(data.name, supply.people), data.first
    return lambda scope: first + place(scope)
