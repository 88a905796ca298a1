"""`choice: [a, b]` or `choice: {a: 70%, b: 30%}`."""

from collections.abc import Callable, Sequence

from perfspec.base import random
from perfspec.data.drawing import weighted, zipf_weights
from perfspec.data.kinds import Choice
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Span
from perfspec.language import nodes
from perfspec.language.nodes import Mapping, Node, Scalar
from perfspec.language.phrase_grammar import parse_order, parse_weights

__all__ = ["bind", "read"]


def read(name: str, span: Span, node: Mapping, out: Diagnostics) -> Choice | None:
    said: Node | None = node.get("choice")
    if isinstance(said, nodes.Sequence):
        return _of_list(name, span, said, node.get("order"), out)
    if not isinstance(said, Mapping) or not len(said):
        return None
    weights = parse_weights(said, out)
    if weights is None:
        return None
    order = node.get("order")
    if order is not None:
        out.add("PS107", "`order` is for lists; here the shares say how often", order.span, "remove `order`")
    for key, _ in weights:
        if "${" in key.text:
            out.add("PS902", "`${...}` in a `choice` is not built yet", key.span, "write the value itself")
            return None
    return Choice(name, span, tuple(key.value for key, _ in weights), tuple(float(share) for _, share in weights))


def _of_list(name: str, span: Span, said: nodes.Sequence, order: Node | None, out: Diagnostics) -> Choice | None:
    entries = [item for item in said if isinstance(item, Scalar)]
    for entry in entries:
        if "${" in entry.text:
            out.add("PS902", "`${...}` in a `choice` is not built yet", entry.span, "write the value itself")
            return None
    weights = [1.0] * len(entries)
    if isinstance(order, Scalar):
        drawn = parse_order(order, out)
        if drawn is None:
            return None
        if drawn.kind not in ("random", "zipf"):
            out.add("PS902", f"`order: {drawn.kind}` is not built yet", order.span, "write `random` or `zipf 1.1`")
            return None
        weights = zipf_weights(len(entries), drawn.exponent)
    return Choice(name, span, tuple(e.value for e in entries), tuple(weights)) if entries else None


def bind(data: Choice, _seed: int, _rows: Sequence[dict[str, str]]) -> Callable[[int, int], object]:
    draw, values = weighted(random.site(f"data.{data.name}"), data.weights), data.values
    return lambda base, turn: values[draw(base, turn)]
