"""Values to JSON and back, or to MessagePack between processes. All that leaves a process goes through here.

Fractions are written as exact text (`1/20`), so nothing is rounded on the way.
"""

from fractions import Fraction
from typing import Any, TypeVar

import msgspec

__all__ = ["Malformed", "decode", "encode", "pack", "pretty", "unpack"]

T = TypeVar("T")
Malformed = msgspec.MsgspecError
"""What `decode` raises for text that is not the wanted value."""


def _out(value: object) -> str:
    if isinstance(value, Fraction):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _in(kind: type, value: Any) -> object:
    if kind is Fraction:
        if not isinstance(value, str):
            raise TypeError("a fraction is written as a text")
        try:
            return Fraction(value)
        except ZeroDivisionError as error:
            raise ValueError("a fraction of zero") from error
    raise TypeError(f"{kind.__name__} has no form in JSON")


_ENCODER = msgspec.json.Encoder(enc_hook=_out)
_PACKER = msgspec.msgpack.Encoder(enc_hook=_out)


def encode(value: object) -> bytes:
    """Compact JSON. Structs are written in the order of their fields, so equal plans give equal bytes."""
    return _ENCODER.encode(value)


def pretty(value: object) -> bytes:
    """The same for people: indented, with a line break at the end."""
    return msgspec.json.format(encode(value), indent=2) + b"\n"


def decode(text: bytes, kind: type[T]) -> T:
    """The value of that kind. Raises Malformed."""
    return msgspec.json.decode(text, type=kind, dec_hook=_in)


def pack(value: object) -> bytes:
    """For another process of this version: bytes and whole numbers as keys need no detour."""
    return _PACKER.encode(value)


def unpack(data: bytes | bytearray, kind: type[T]) -> T:
    """The value of that kind. Raises Malformed."""
    return msgspec.msgpack.decode(data, type=kind, dec_hook=_in)
