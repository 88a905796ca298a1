"""What our own reading of the schema finds is what the `jsonschema` package finds, word by word and place by place."""

import copy
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator, ValidationError

from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Source
from perfspec.language.breaches import WORDS, breaches
from perfspec.language.compose import compose
from perfspec.language.schema import Schema, plain

ROOT = Path(__file__).parents[3]
FOR_PEOPLE = {"description", "examples", "x-ps", "$schema", "$id", "$comment", "title", "definitions", "$ref"}
SCHEMA = json.loads((ROOT / "schema/perfspec-1.schema.json").read_text())
THEIRS = Draft7Validator(SCHEMA)


def documents() -> list[Any]:
    """Every spec of the repository that YAML can read."""
    found = []
    for folder in ("specs", "tests/corpus"):
        for path in sorted((ROOT / folder).rglob("*.yaml")):
            node = compose(Source(path.name, path.read_bytes().decode(errors="replace")), Diagnostics())
            found.append(plain(node) if node is not None else None)
    return found


DOCUMENTS = documents()
VALUES = st.one_of(
    st.sampled_from(
        [None, True, False, 0, 1, 1.0, 2.5, -1, 10**30, "", "/a", "true", "a-b", "shared", [], {}, [1], {"": 1}]
    ),
    st.text(max_size=3),
    st.dictionaries(
        st.sampled_from(["p95", "all", "get", "when", "until", "key", "users", "x y"]), st.integers(), max_size=3
    ),
)


def assert_same(document: Any) -> None:
    theirs = Counter(
        (e.validator, tuple(e.absolute_path), repr(e.validator_value), repr(e.schema), repr(e.instance), _of_key(e))
        for e in THEIRS.iter_errors(document)
    )
    ours = Counter(
        (b.word, b.path, repr(b.wanted), repr(b.schema), repr(b.value), b.of_key) for b in breaches(SCHEMA, document)
    )
    assert ours == theirs


def _of_key(error: ValidationError) -> bool:
    return list(error.absolute_schema_path)[-2:-1] == ["propertyNames"]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_specs_are_read_as_the_package_reads_them(document):
    assert_same(document)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every place in a document: the map or list, and the key or number."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [each for key in keys for each in ((value, key), *places(value[key]))]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([each for each in DOCUMENTS if places(each)]), st.data())
def test_broken_specs_are_read_as_the_package_reads_them(document, data):
    broken = copy.deepcopy(document)
    for _ in range(data.draw(st.integers(1, 4))):
        around, key = data.draw(st.sampled_from(places(broken) or [({"": 1}, "")]))
        if isinstance(around, dict) and data.draw(st.booleans()):
            around[data.draw(st.text(max_size=4))] = around.pop(key)
        else:
            around[key] = data.draw(VALUES)
    assert_same(broken)


@given(VALUES)
def test_what_is_no_map_is_read_as_the_package_reads_it(value):
    assert_same(value)


def test_no_word_of_the_schema_is_passed_over(schema: Schema):
    def words(part: Any) -> set[str]:
        found = set(part)
        for word in ("properties", "patternProperties", "definitions"):
            found |= {word for below in part.get(word, {}).values() for word in words(below)}
        for word in ("items", "additionalProperties", "propertyNames"):
            found |= words(part[word]) if isinstance(part.get(word), dict) else set()
        return found

    assert words(schema.document) == set(WORDS) | FOR_PEOPLE
