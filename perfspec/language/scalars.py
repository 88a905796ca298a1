"""Which value a plain scalar stands for: the core schema of YAML 1.2, as editors read it.

So `no`, `on`, `1:30` and `2024-01-01` are texts and `012` is twelve. Two departures: `.inf`, `.nan` and numbers beyond
a float stay texts, because no JSON can hold them. `lookalike` names what an older YAML would have made of a text.
"""

import math
import re

__all__ = ["lookalike", "resolve"]

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEAN = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_MAX_DIGITS = 300

_WORDS_OF_OLD = re.compile(r"(?:yes|Yes|YES|on|On|ON)|(?P<no>no|No|NO|off|Off|OFF)")
_TIME_OF_OLD = re.compile(r"([0-9]{1,3}):([0-5]?[0-9])(?::([0-5]?[0-9]))?")
_NUMBER_OF_OLD = re.compile(r"[-+]?[0-9][0-9_]*_[0-9_]*(?:\.[0-9_]*)?")


def resolve(text: str) -> bool | int | float | str | None:
    """The value of an unquoted text."""
    if text in _NULL:
        return None
    if text in _BOOLEAN:
        return _BOOLEAN[text]
    if len(text) > _MAX_DIGITS:
        return text
    for pattern, base in ((_INTEGER, 10), (_OCTAL, 8), (_HEXADECIMAL, 16)):
        if pattern.fullmatch(text):
            return int(text, base)
    if _FLOAT.fullmatch(text):
        number = float(text)
        return number if math.isfinite(number) else text
    return text


def lookalike(text: str) -> str | None:
    """What a text was probably meant to be, written so that it is: `no` -> `false`, `1:30` -> `1m30s`."""
    if word := _WORDS_OF_OLD.fullmatch(text):
        return "false" if word["no"] else "true"
    if time := _TIME_OF_OLD.fullmatch(text):
        units = ("m", "s") if time[3] is None else ("h", "m", "s")
        parts = [f"{int(part)}{unit}" for part, unit in zip(time.groups(), units, strict=False) if int(part)]
        return "".join(parts) or "0s"
    if _NUMBER_OF_OLD.fullmatch(text):
        return text.replace("_", "")
    return None
