"""What of a JSON Schema a document does not keep: the words of Draft 07 that the schema of the language uses.

The tests hold it against the `jsonschema` package, over every spec there is and many that are broken. To load that
package takes a third of the time of a lint. As in Draft 07, nothing beside a `$ref` counts.
"""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from perfspec.language.annotations import Subschema

__all__ = ["WORDS", "Broken", "breaches"]

Path: TypeAlias = tuple[str | int, ...]


class Broken(NamedTuple):
    """One word of the schema that a value does not keep."""

    word: str
    wanted: Any
    """What the word asks for."""
    value: Any
    schema: Subschema
    path: Path
    """Of the value; of the map where its key is wrong."""
    of_key: bool = False
    """The value is a key."""


class _Asked(NamedTuple):
    """One word, asked of one value."""

    document: Subschema
    schema: Subschema
    wanted: Any
    value: Any
    path: Path

    def below(self, schema: Subschema, key: str | int) -> Iterator[Broken]:
        return breaches(self.document, self.value[key], schema, (*self.path, key))


def breaches(document: Subschema, value: Any, schema: Subschema | None = None, path: Path = ()) -> Iterator[Broken]:
    """Every breach, in the order of the schema. `document` is the whole schema; `schema`: the part that is asked."""
    schema = document if schema is None else schema
    while "$ref" in schema:
        schema = document["definitions"][schema["$ref"].removeprefix("#/definitions/")]
    for word, wanted in schema.items():
        if (asks := WORDS.get(word)) is not None:
            found = asks(_Asked(document, schema, wanted, value, path))
            if found is False:
                yield Broken(word, wanted, value, schema, path)
            elif found is not True:
                yield from found


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


_KINDS: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": _is_number,
    "integer": lambda value: _is_number(value) and (isinstance(value, int) or value.is_integer()),
}


def _type(asked: _Asked) -> bool:
    kinds = [asked.wanted] if isinstance(asked.wanted, str) else asked.wanted
    return any(_KINDS[kind](asked.value) for kind in kinds)


def _enum(asked: _Asked) -> bool:
    """`true` is not 1."""
    is_truth = isinstance(asked.value, bool)
    return any(asked.value == each and isinstance(each, bool) == is_truth for each in asked.wanted)


@lru_cache(maxsize=128)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _pattern(asked: _Asked) -> bool:
    return not isinstance(asked.value, str) or _compiled(asked.wanted).search(asked.value) is not None


def _required(asked: _Asked) -> Iterator[Broken]:
    for key in asked.wanted if isinstance(asked.value, dict) else ():
        if key not in asked.value:
            yield Broken("required", asked.wanted, asked.value, asked.schema, asked.path)


def _dependencies(asked: _Asked) -> Iterator[Broken]:
    for key, needed in asked.wanted.items() if isinstance(asked.value, dict) else ():
        for need in needed if key in asked.value else ():
            if need not in asked.value:
                yield Broken("dependencies", asked.wanted, asked.value, asked.schema, asked.path)


def _properties(asked: _Asked) -> Iterator[Broken]:
    for key, schema in asked.wanted.items() if isinstance(asked.value, dict) else ():
        if key in asked.value:
            yield from asked.below(schema, key)


def _pattern_properties(asked: _Asked) -> Iterator[Broken]:
    for pattern, schema in asked.wanted.items() if isinstance(asked.value, dict) else ():
        for key in asked.value:
            if _compiled(pattern).search(key):
                yield from asked.below(schema, key)


def _additional_properties(asked: _Asked) -> Iterator[Broken]:
    known, patterns = asked.schema.get("properties", {}), asked.schema.get("patternProperties", {})
    keys = asked.value if isinstance(asked.value, dict) else ()
    more = [key for key in keys if key not in known and not any(_compiled(each).search(key) for each in patterns)]
    if asked.wanted is False and more:
        yield Broken("additionalProperties", False, asked.value, asked.schema, asked.path)
    elif isinstance(asked.wanted, dict):
        for key in more:
            yield from asked.below(asked.wanted, key)


def _property_names(asked: _Asked) -> Iterator[Broken]:
    for key in asked.value if isinstance(asked.value, dict) else ():
        for broken in breaches(asked.document, key, asked.wanted, asked.path):
            yield broken._replace(of_key=True)


def _items(asked: _Asked) -> Iterator[Broken]:
    for index in range(len(asked.value)) if isinstance(asked.value, list) else ():
        yield from asked.below(asked.wanted, index)


WORDS: dict[str, Callable[[_Asked], bool | Iterator[Broken]]] = {
    "type": _type,
    "enum": _enum,
    "pattern": _pattern,
    "minLength": lambda asked: not isinstance(asked.value, str) or len(asked.value) >= asked.wanted,
    "maxLength": lambda asked: not isinstance(asked.value, str) or len(asked.value) <= asked.wanted,
    "minimum": lambda asked: not _is_number(asked.value) or asked.value >= asked.wanted,
    "maximum": lambda asked: not _is_number(asked.value) or asked.value <= asked.wanted,
    "minItems": lambda asked: not isinstance(asked.value, list) or len(asked.value) >= asked.wanted,
    "minProperties": lambda asked: not isinstance(asked.value, dict) or len(asked.value) >= asked.wanted,
    "required": _required,
    "dependencies": _dependencies,
    "properties": _properties,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    "propertyNames": _property_names,
    "items": _items,
}
"""Words that say something about a value; all others are for people and editors."""
