"""What callers send, checked by the types that also describe it in the OpenAPI document (openapi.py).

A type is a msgspec struct whose fields carry their limits, so the description and the check cannot differ.
"""

import re
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request

from perfspec.reference.service import refuse

__all__ = ["LARGEST_BODY_BYTES", "read_body", "read_query"]

LARGEST_BODY_BYTES = 1_000_000
T = TypeVar("T")
Query = TypeVar("Query", bound=msgspec.Struct)
_PLACE = re.compile(r" - at `\$\.?(.*)`$")
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}")


async def read_body(request: Request, type_: type[T]) -> T:
    """The body as `type_`; refuses what is too large (413), no JSON or not of that type (400)."""
    text = await request.body()
    if len(text) > LARGEST_BODY_BYTES:
        raise refuse(f"the body is larger than {LARGEST_BODY_BYTES} bytes", 413)
    try:
        try:
            return msgspec.json.decode(text, type=type_)
        except msgspec.ValidationError:
            # To JSON Schema, 6.0 is a whole number, too; msgspec keeps the two apart.
            return msgspec.convert(_with_whole_numbers(msgspec.json.decode(text)), type_)
    except msgspec.ValidationError as error:
        raise refuse(_sentence(error, "the body")) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise refuse(f"the body is no JSON: {error}") from error


def read_query(request: Request, type_: type[Query]) -> Query:
    """The query as `type_`; refuses what is missing or not of that type (400).

    Of a repeated name the last one counts.
    """
    fields = {field.encode_name: field.type for field in msgspec.structs.fields(type_)}
    values: dict[str, str | int] = {}
    for name, text in request.query_params.items():
        is_number = msgspec.inspect.type_info(fields.get(name, str)).__class__ is msgspec.inspect.IntType
        values[name] = int(text) if is_number and _WHOLE_NUMBER.fullmatch(text) else text
    try:
        return msgspec.convert(values, type_)
    except msgspec.ValidationError as error:
        raise refuse(_sentence(error, "the query")) from error


def _with_whole_numbers(value: Any) -> Any:
    match value:
        case float() if value.is_integer():
            return int(value)
        case list():
            return [_with_whole_numbers(item) for item in value]
        case dict():
            return {name: _with_whole_numbers(item) for name, item in value.items()}
        case _:
            return value


def _sentence(error: msgspec.ValidationError, whole: str) -> str:
    """Msgspec's message with the place in front: "`size`: expected `int` <= 100"."""
    message = str(error)
    place = _PLACE.search(message)
    message = _PLACE.sub("", message)
    return f"{f'`{place[1]}`' if place and place[1] else whole}: {message[0].lower()}{message[1:]}"
