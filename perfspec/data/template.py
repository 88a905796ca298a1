"""`template: "order-${number}"`: a text made of other names. Also where it is one hole alone, it is a text."""

from collections.abc import Iterator

from perfspec.data.drawing import Draw, Scope, Supply
from perfspec.data.kinds import Filled
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Span
from perfspec.language import templates
from perfspec.language.codegen import Generator, as_text
from perfspec.language.expressions import Path
from perfspec.language.nodes import Mapping, Scalar

__all__ = ["bind", "read", "reads"]


def read(name: str, span: Span, node: Mapping, _out: Diagnostics) -> Filled | None:
    said = node.get("template")
    return Filled(name, span, templates.text(said)) if isinstance(said, Scalar) else None


def reads(data: Filled) -> Iterator[tuple[Path, Span]]:
    yield from data.text.reads()


def bind(data: Filled, supply: Supply) -> Draw:
    value = Generator(supply.constants, f"data.{data.name}", in_loops=False).value(data.text.source)

    def draw(scope: Scope) -> str:
        return as_text(value(scope))

    return draw
