"""`order` and `when_used_up` beside a list or a file."""

from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.language.nodes import Mapping, Scalar
from perfspec.language.phrase_grammar import parse_order
from perfspec.language.phrases import Order

__all__ = ["read"]


def read(node: Mapping, out: Diagnostics) -> Order | None:
    """The order that a generator's table says; None where it cannot be read, which has been reported."""
    said, then = node.get("order"), node.get("when_used_up")
    order = parse_order(said, out) if isinstance(said, Scalar) else Order()
    if order is None or not isinstance(then, Scalar):
        return order
    if not order.is_dealt:
        message = f"nothing is used up in `order: {said.text if isinstance(said, Scalar) else 'random'}`"
        out.add("PS230", message, then.span, "write `order: once each` or `order: in order` beside it")
        return None
    if then.text == "restart":
        return Order(order.kind, order.exponent, "restart")
    return Order(order.kind, order.exponent, "stop") if then.text == "stop" else None
