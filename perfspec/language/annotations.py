"""The schema's own notes (`x-ps`), and the one walk over document and schema together that brings them to their nodes.

    noun      what a map is called in a message: "a step"
    code, message, hint   how a breach of this subschema is reported; {text} is the value as written
    later     keys that the language has and this version does not carry out: refused by that name
    map_hint  what to write instead of a map;  shape  `expectations`: a lone value is answered with the map it would be
    also      what other tools call this key, to be recognised in a suggestion; never accepted
    template  holes allowed: url, text, json; expression: one whole `${...}`
    phrase    the grammar of the value, a row of the table in phrase_table.py
    binds     the value (or key) gives a name to: data, capture, loop, need, request, flow, stage, phase, environment,
              secret, value, tag, fragment, group, set
    names     the value (or key) refers to one of these, or to a `row` or `cell` of the thresholds
    one_of    groups of keys of which a map has exactly one: {keys, many, none, rule, partial, split}; message and hint
              where there is more to say of two than that there are two
    groups    names for groups of keys;  goes_with  the keys or groups beside which an option may stand
    needs     keys a map has once includes are merged;  kinds  the same by the `kind` of a file
    instead   keys that may stand in place of those it needs
    merge_by  the key by which entries of a list are found when a file adjusts an included one

Beside a `$ref` the notes of the reference win over those of its target.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from perfspec.language.nodes import Mapping, Node, Scalar, Sequence

__all__ = ["Place", "Subschema", "resolve", "subschema", "walk"]

Subschema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """A key or value with what the schema says of it."""

    node: Node
    pointer: str
    """Where in the document: `/flows/browse/steps/0/get`."""
    key: Scalar | None
    """The key it stands under, for entries of a list the list's; the node itself if that is a key."""
    annotation: Subschema
    schema: Subschema
    is_key: bool = False


def resolve(document: Subschema, schema: Subschema) -> Subschema:
    """The subschema with its references followed."""
    while "$ref" in schema:
        target = document["definitions"][schema["$ref"].removeprefix("#/definitions/")]
        notes = {**target.get("x-ps", {}), **schema.get("x-ps", {})}
        site = {word: value for word, value in schema.items() if word != "$ref"}
        schema = {**target, **site, "x-ps": notes}
    return schema


def walk(document: Subschema, root: Node) -> Iterator[Place]:
    """Every key and value that the schema knows, in the order of the text, parents first."""
    return _walk(document, document, root, "", None)


def _walk(document: Subschema, schema: Subschema, node: Node, pointer: str, key: Scalar | None) -> Iterator[Place]:
    schema = resolve(document, schema)
    yield Place(node, pointer, key, schema.get("x-ps", {}), schema)
    if isinstance(node, Mapping):
        names = resolve(document, schema["propertyNames"]) if "propertyNames" in schema else None
        for entry in node:
            here = f"{pointer}/{entry.key.text.replace('~', '~0').replace('/', '~1')}"
            if names is not None:
                yield Place(entry.key, here, entry.key, names.get("x-ps", {}), names, is_key=True)
            below = subschema(schema, entry.key.text)
            if below is not None:
                yield from _walk(document, below, entry.value, here, entry.key)
    elif isinstance(node, Sequence) and "items" in schema:
        for index, item in enumerate(node):
            yield from _walk(document, schema["items"], item, f"{pointer}/{index}", key)


def subschema(schema: Subschema, key: str) -> Subschema | None:
    """What the schema of a map says of the value under `key`; None where it knows no such key."""
    if key in schema.get("properties", {}):
        found: Subschema = schema["properties"][key]
        return found
    for pattern, below in schema.get("patternProperties", {}).items():
        if re.search(pattern, key):
            return dict(below)
    rest = schema.get("additionalProperties")
    return rest if isinstance(rest, dict) else None
