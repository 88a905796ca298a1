"""`csv: FILE`: a draw is a row, read as `${name.column}`. The first line of the file names the columns."""

from perfspec.data import orders
from perfspec.data.drawing import Draw, Supply, in_order
from perfspec.data.kinds import Csv, Jsonl
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Span
from perfspec.language.nodes import Mapping, Scalar

__all__ = ["bind", "read"]


def read(name: str, _span: Span, node: Mapping, out: Diagnostics) -> Csv | None:
    path, order = node.get("csv"), orders.read(node, out)
    return Csv(name, path.span, path.text, order) if isinstance(path, Scalar) and order is not None else None


def bind(data: Csv | Jsonl, supply: Supply) -> Draw:
    rows = supply.rows
    position = in_order(data.name, data.order, len(rows), supply.people)
    return lambda scope: rows[position(scope)]
