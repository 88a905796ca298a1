"""`choice: [a, b]` or `choice: {a: 70%, b: 30%}`. An entry that holds `${...}` is made when it is drawn."""

from collections.abc import Iterator

from perfspec.base import random
from perfspec.data.drawing import Draw, Supply, weighted, zipf_weights
from perfspec.data.kinds import Choice
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Span
from perfspec.language import nodes, templates
from perfspec.language.codegen import Generator
from perfspec.language.expressions import Path
from perfspec.language.nodes import Mapping, Node, Scalar
from perfspec.language.phrase_grammar import parse_order, parse_weights
from perfspec.language.templates import Text

__all__ = ["bind", "read", "reads"]


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
    values = tuple(_value(key) for key, _ in weights)
    return Choice(name, span, values, tuple(float(share) for _, share in weights))


def _of_list(name: str, span: Span, said: nodes.Sequence, order: Node | None, out: Diagnostics) -> Choice | None:
    entries = [item for item in said if isinstance(item, Scalar)]
    weights = [1.0] * len(entries)
    if isinstance(order, Scalar):
        drawn = parse_order(order, out)
        if drawn is None:
            return None
        if drawn.kind not in ("random", "zipf"):
            out.add("PS902", f"`order: {drawn.kind}` is not built yet", order.span, "write `random` or `zipf 1.1`")
            return None
        weights = list(zipf_weights(len(entries), drawn.exponent))
    return Choice(name, span, tuple(map(_value, entries)), tuple(weights)) if entries else None


def _value(said: Scalar) -> None | bool | int | float | str | Text:
    """As written; what holds `${...}` is made when it is drawn."""
    return templates.text(said) if "${" in said.text else said.value


def reads(data: Choice) -> Iterator[tuple[Path, Span]]:
    for value in data.values:
        if isinstance(value, Text):
            yield from value.reads()


def bind(data: Choice, supply: Supply) -> Draw:
    position = weighted(random.site(f"data.{data.name}"), data.weights)
    values = data.values
    if not any(isinstance(value, Text) for value in values):
        return lambda scope: values[position(scope)]
    made = [_maker(value, f"data.{data.name}.{number}", supply) for number, value in enumerate(values)]
    return lambda scope: made[position(scope)](scope)


def _maker(value: object, place: str, supply: Supply) -> Draw:
    if isinstance(value, Text):
        return Generator(supply.constants, place, in_loops=False).value(value.source)
    return lambda _: value
