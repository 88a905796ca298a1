"""`csv: FILE`: a draw is a row, read as `${name.column}`. The file's text is handed in; the first line names the
columns.
"""

import csv
from collections import Counter
from io import StringIO

from perfspec.base import random
from perfspec.data.drawing import Draw, Supply, even, weighted, zipf_weights
from perfspec.data.kinds import Csv
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Span
from perfspec.language.nodes import Mapping, Scalar
from perfspec.language.phrase_grammar import parse_order
from perfspec.language.phrases import Order

__all__ = ["bind", "read", "rows"]


def read(name: str, _span: Span, node: Mapping, out: Diagnostics) -> Csv | None:
    path, order = node.get("csv"), node.get("order")
    if not isinstance(path, Scalar):
        return None
    said = parse_order(order, out) if isinstance(order, Scalar) else Order()
    if said is None:
        return None
    if said.kind not in ("random", "zipf") and order is not None:
        out.add("PS902", f"`order: {said.kind}` is not built yet", order.span, "write `random` or `zipf 1.1`")
        return None
    return Csv(name, path.span, path.text, said)


def rows(text: str) -> list[dict[str, str]]:
    """Every row as column -> text. Raises ValueError, in words, for a file that cannot serve as data."""
    reader = csv.DictReader(StringIO(text.removeprefix("\ufeff")), strict=True)
    try:
        found = list(reader)
    except csv.Error as error:
        raise ValueError(f"line {reader.reader.line_num}: {error}") from error
    twice = [name for name, n in Counter(reader.fieldnames or ()).items() if n > 1]
    if twice:
        raise ValueError(f"the column `{twice[0]}` is there twice")
    if not found:
        raise ValueError("there is no row below the line that names the columns")
    for number, row in enumerate(found, 2):
        if None in row or None in row.values():
            raise ValueError(f"row {number} has another number of columns than the first line")
    return found


def bind(data: Csv, supply: Supply) -> Draw:
    site, found = random.site(f"data.{data.name}"), supply.rows
    n = len(found)
    position = weighted(site, zipf_weights(n, data.order.exponent)) if data.order.kind == "zipf" else even(site, n)
    return lambda scope: found[position(scope)]
