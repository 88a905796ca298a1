"""`jsonl: FILE`: a draw is one line of the file, a JSON map, read as `${name.key}` or as a whole."""

from perfspec.data import orders
from perfspec.data.csv import bind
from perfspec.data.kinds import Jsonl
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Span
from perfspec.language.nodes import Mapping, Scalar

__all__ = ["bind", "read"]


def read(name: str, _span: Span, node: Mapping, out: Diagnostics) -> Jsonl | None:
    path, order = node.get("jsonl"), orders.read(node, out)
    return Jsonl(name, path.span, path.text, order) if isinstance(path, Scalar) and order is not None else None
