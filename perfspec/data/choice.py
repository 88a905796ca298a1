"""`choice: [a, b]` or `choice: {a: 70%, b: 30%}`."""

from collections.abc import Callable, Sequence

from perfspec.base import random
from perfspec.data.drawing import weighted
from perfspec.data.kinds import Choice
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Span
from perfspec.language import nodes
from perfspec.language.nodes import Mapping, Node, Scalar
from perfspec.language.phrase_grammar import parse_weights

__all__ = ["bind", "read"]


def read(name: str, span: Span, node: Mapping, out: Diagnostics) -> Choice | None:
    said: Node | None = node.get("choice")
    if isinstance(said, nodes.Sequence):
        values = tuple(item.value for item in said if isinstance(item, Scalar))
        return Choice(name, span, values, (1.0,) * len(values)) if values else None
    if not isinstance(said, Mapping) or not len(said):
        return None
    weights = parse_weights(said, out)
    if weights is None:
        return None
    return Choice(name, span, tuple(key.value for key, _ in weights), tuple(float(share) for _, share in weights))


def bind(data: Choice, _seed: int, _rows: Sequence[dict[str, str]]) -> Callable[[int, int], object]:
    draw, values = weighted(random.site(f"data.{data.name}"), data.weights), data.values
    return lambda base, turn: values[draw(base, turn)]
