"""A document that is written out again is the same document."""

from pathlib import Path

import pytest

from perfspec.app.lint import lint
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Source
from perfspec.language.compose import compose
from perfspec.language.schema import plain
from perfspec.language.writing import written

ROOT = Path(__file__).parents[3]
SPECS = [*sorted((ROOT / "specs").rglob("*.yaml")), *sorted((ROOT / "tests/corpus/good").glob("*.yaml"))]
TEXTS = [
    "a: 1\nb: {c: [1, {d: x}], e: }\n",
    "a:\n  - - 1\n    - b: 2\n      c: []\n  - {}\n",
    "a: |\n  one\n    two\n\n  three\nb: one\n  two\n\n  three\n",
    "a: 'it''s'\nb: \"say \\\"hi\\\"\"\n'c d': no\n",
    "a:\nb: ~\nc: ''\n",
]


def read(text: str):
    out = Diagnostics()
    node = compose(Source("f", text), out)
    assert not out.has_errors
    assert node is not None
    return node


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_read_back_as_it_was(text):
    root = read(text)
    again = read(written(root, {"f": Source("f", text)}, str))
    assert plain(again) == plain(root)


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.name)
def test_a_spec_with_its_includes_is_read_back_as_it_was(path):
    checked = lint(str(path))
    assert checked.merged is not None
    again = read(written(checked.merged, checked.sources, str))
    assert plain(again) == plain(checked.merged)


def test_each_line_says_where_it_comes_from():
    root = read("a: {b: 1}\nc:\n  - d: 1\n    e: 2\n")
    text = written(root, {"f": Source("f", "a: {b: 1}\nc:\n  - d: 1\n    e: 2\n")}, lambda span: str(span.line))
    assert [line.split("#") for line in text.splitlines()] == [
        [f"{'a: {b: 1}':60}", " 1"],
        [f"{'c:':60}", " 2"],
        [f"{'  - d: 1':60}", " 3"],
        [f"{'    e: 2':60}", " 4"],
    ]
