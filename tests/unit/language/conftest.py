import json
from collections.abc import Callable
from pathlib import Path

import pytest

from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Source
from perfspec.language.check import check_words
from perfspec.language.compose import compose
from perfspec.language.nodes import Mapping, Node, Scalar
from perfspec.language.schema import Schema

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def schema() -> Schema:
    return Schema(json.loads((ROOT / "schema/perfspec-1.schema.json").read_text()))


@pytest.fixture
def found(schema: Schema) -> Callable[[str], list[str]]:
    """What one file by itself is told: `line:column code message | help`."""

    def run(text: str) -> list[str]:
        out = Diagnostics()
        node = compose(Source("f.yaml", text), out)
        if node is not None:
            schema.check(node, out)
            check_words(node, schema, out)
        return [f"{d.span.line}:{d.span.column} {d.code} {d.message} | {d.help}" for d in out.sorted()]

    return run


def _value(text: str) -> Node:
    root = compose(Source("f", f"k: {text}"), Diagnostics())
    assert isinstance(root, Mapping)
    return root.entries[0].value


@pytest.fixture
def node() -> Callable[[str], Node]:
    """The value that a text stands for, under the key `k`."""
    return _value


@pytest.fixture
def refused() -> Callable[..., str]:
    """What a parser says of a text that it does not take: `CODE message | help | the text under the caret`."""

    def run(parse: Callable[..., object], text: str, *key: str) -> str:
        out = Diagnostics()
        value = _value(text)
        assert isinstance(value, Scalar)
        assert parse(value, *key, out) is None
        (found,) = out.sorted()
        under = f"k: {text}"[found.span.column - 1 : found.span.end_column - 1]
        return f"{found.code} {found.message} | {found.help} | {under}"

    return run


@pytest.fixture
def accepted() -> Callable[..., object]:
    """What a parser makes of a text, in which it finds nothing wrong."""

    def run(parse: Callable[..., object], text: str, *key: str) -> object:
        out = Diagnostics()
        value = parse(_value(text), *key, out)
        assert out.sorted() == []
        return value

    return run
