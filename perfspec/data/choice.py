"""`choice: [a, b]` or `choice: {a: 70%, b: 30%}`. An entry that holds `${...}` is made when it is drawn."""

from collections.abc import Iterator

from perfspec.base import random
from perfspec.data import orders
from perfspec.data.drawing import Draw, Supply, in_order, weighted
from perfspec.data.kinds import Choice
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Span
from perfspec.language import nodes, templates
from perfspec.language.codegen import Generator
from perfspec.language.expressions import Path
from perfspec.language.nodes import Mapping, Node, Scalar
from perfspec.language.phrase_grammar import parse_weights
from perfspec.language.templates import Text

__all__ = ["bind", "read", "reads"]


def read(name: str, span: Span, node: Mapping, out: Diagnostics) -> Choice | None:
    said: Node | None = node.get("choice")
    if isinstance(said, nodes.Sequence):
        return _of_list(name, span, said, node, out)
    if not isinstance(said, Mapping) or not len(said):
        return None
    weights = parse_weights(said, out)
    if weights is None:
        return None
    for word in ("order", "when_used_up"):
        if (order := node.get(word)) is not None:
            out.add("PS107", f"`{word}` is for lists; here the shares say how often", order.span, f"remove `{word}`")
    values = tuple(_value(key) for key, _ in weights)
    return Choice(name, span, values, tuple(float(share) for _, share in weights))


def _of_list(name: str, span: Span, said: nodes.Sequence, node: Mapping, out: Diagnostics) -> Choice | None:
    entries = [item for item in said if isinstance(item, Scalar)]
    order = orders.read(node, out)
    return Choice(name, span, tuple(map(_value, entries)), (), order) if entries and order is not None else None


def _value(said: Scalar) -> None | bool | int | float | str | Text:
    """As written; what holds `${...}` is made when it is drawn."""
    return templates.text(said) if "${" in said.text else said.value


def reads(data: Choice) -> Iterator[tuple[Path, Span]]:
    for value in data.values:
        if isinstance(value, Text):
            yield from value.reads()


def bind(data: Choice, supply: Supply) -> Draw:
    values = data.values
    if data.order is not None:
        position = in_order(data.name, data.order, len(values), supply.people)
    else:
        position = weighted(random.site(f"data.{data.name}"), data.weights)
    if not any(isinstance(value, Text) for value in values):
        return lambda scope: values[position(scope)]
    made = [_maker(value, f"data.{data.name}.{number}", supply) for number, value in enumerate(values)]
    return lambda scope: made[position(scope)](scope)


def _maker(value: object, place: str, supply: Supply) -> Draw:
    if isinstance(value, Text):
        return Generator(supply.constants, place, in_loops=False).value(value.source)
    return lambda _: value
