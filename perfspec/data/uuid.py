"""`uuid: random`: a version 4 UUID. The same seed and the same user draw the same, as of all data."""

from perfspec.base import random
from perfspec.data.drawing import Draw, Scope, Supply
from perfspec.data.kinds import Uuid
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Span
from perfspec.language.nodes import Mapping, Scalar

__all__ = ["bind", "read"]

_VERSION = 0x4 << 12
_VARIANT = 0b10 << 62


def read(name: str, span: Span, node: Mapping, _out: Diagnostics) -> Uuid | None:
    return Uuid(name, span) if isinstance(node.get("uuid"), Scalar) else None


def bind(data: Uuid, _supply: Supply) -> Draw:
    high, low = random.site(f"data.{data.name}.high"), random.site(f"data.{data.name}.low")
    mix = random.mix

    def draw(scope: Scope) -> str:
        first = mix(scope.base, high) & ~0xF000 | _VERSION
        text = f"{first:016x}{mix(scope.base, low) >> 2 | _VARIANT:016x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    return draw
