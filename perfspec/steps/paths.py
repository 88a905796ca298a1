"""JSON paths as functions over a parsed answer. Plain ones are ours; those that reach far are jsonpath-rfc9535's."""

from collections.abc import Callable

import orjson

from perfspec.language.json_path import EVERY, Segments, query, segments
from perfspec.language.phrases import Path

__all__ = ["MISSING", "parsed", "reach", "reach_all"]

_BOM = b"\xef\xbb\xbf"
MISSING = object()
"""What a path gives where nothing is. A value of null is there."""


def parsed(body: bytes) -> object:
    """The document that a body is; MISSING if it is no JSON. Some services begin it with a byte order mark."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        if not body.startswith(_BOM) or body.startswith(_BOM, len(_BOM)):
            return MISSING
    return parsed(body[len(_BOM) :])


def reach(path: Path) -> Callable[[object], object]:
    """Maps by name, lists by number; anything that is not there is missing."""
    if len(path) == 1 and isinstance(name := path[0], str):  # as most are
        return lambda value: value.get(name, MISSING) if isinstance(value, dict) else MISSING

    def reach(value: object) -> object:
        for part in path:
            if isinstance(part, str):
                if not isinstance(value, dict) or part not in value:
                    return MISSING
                value = value[part]
            elif isinstance(value, list) and -len(value) <= part < len(value):
                value = value[part]
            else:
                return MISSING
        return value

    return reach


def reach_all(text: str) -> Callable[[object], list[object]]:
    """Every value that the path reaches, in the order of the answer. The path is correct."""
    parts = segments(text)
    if parts is not None:
        return lambda value: [] if value is MISSING else _spread(parts, value)
    from perfspec.language.json_query import find  # noqa: PLC0415 - 50 ms to load, and few specs need it

    compiled = query(text)
    return lambda value: [] if value is MISSING else find(compiled, value)


def _spread(parts: Segments, value: object) -> list[object]:
    found = [value]
    for part in parts:
        if isinstance(part, str):
            found = [each[part] for each in found if isinstance(each, dict) and part in each]
        elif isinstance(part, int):
            found = [each[part] for each in found if isinstance(each, list) and -len(each) <= part < len(each)]
        elif part == EVERY:
            found = [inner for each in found for inner in _entries(each)]
        else:
            found = [inner for each in found if isinstance(each, list) for inner in each[part]]
    return found


def _entries(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
