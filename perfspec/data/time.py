"""`time: now`: the wall clock, once per round. The one generator that does not draw the same twice."""

from perfspec.base.clock import utc_now
from perfspec.data.drawing import Draw, Supply
from perfspec.data.kinds import Time
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Span
from perfspec.language.dates import check_format, formatted
from perfspec.language.nodes import Mapping, Scalar

__all__ = ["bind", "read"]


def read(name: str, span: Span, node: Mapping, out: Diagnostics) -> Time | None:
    said, form = node.get("time"), node.get("format")
    if not isinstance(said, Scalar):
        return None
    if not isinstance(form, Scalar):
        return Time(name, span)
    return Time(name, span, form.text) if check_format(form, out) else None


def bind(data: Time, _supply: Supply) -> Draw:
    form = data.format
    return lambda _: formatted(utc_now().timestamp(), form)
