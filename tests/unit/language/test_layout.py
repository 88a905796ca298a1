"""The layout of a spec: it never changes what a document says, keeps every comment, and is the same the second time."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Source
from perfspec.language.compose import compose
from perfspec.language.layout import laid_out, same
from perfspec.language.schema import plain

ROOT = Path(__file__).parents[3]
SPECS = [*sorted((ROOT / "specs").rglob("*.yaml")), *sorted((ROOT / "tests/corpus/good").rglob("*.yaml"))]


def document(text: str):
    out = Diagnostics()
    node = compose(Source("f", text), out)
    return None if out.has_errors else node


def laid(text: str) -> str:
    found = laid_out(Source("f", text))
    assert found is not None
    return found


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.name)
def test_shipped_and_good_specs_are_in_their_layout(path):
    assert laid(path.read_text()) == path.read_text()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a:   1\n", "a: 1\n"),
        ("a: 1   \n\n\n\nb: 2\n\n", "a: 1\n\nb: 2\n"),
        ("\n\na: 1", "a: 1\n"),
        ("a:\n    b:\n        c: 1\n", "a:\n  b:\n    c: 1\n"),
        ("a:\n- 1\n- 2\n", "a:\n  - 1\n  - 2\n"),
        ("a:\n    -   b: 1\n        c: 2\n", "a:\n  - b: 1\n    c: 2\n"),
        ("a:\n- - 1\n  - 2\n-   - 3\n", "a:\n  - - 1\n    - 2\n  - - 3\n"),
        ("a:\n  -\n    b: 1\n", "a:\n  -\n    b: 1\n"),
        ("a: { b: 1,c: [ 1,2 ] , d: x }\n", "a: {b: 1, c: [1, 2], d: x}\n"),
        ("a: {b:   {c:   under 1%},   d: x}\n", "a: {b: {c: under 1%}, d: x}\n"),
        ("a: {b: 1,    c: 2}\nd: {e: 1000, f: 2}\n", "a: {b: 1,    c: 2}\nd: {e: 1000, f: 2}\n"),
        ("a: {b: 1,     c: 2}\nd: {e: 1000, f: 2}\n", "a: {b: 1, c: 2}\nd: {e: 1000, f: 2}\n"),
        ("a : 1\n'b':   2\n", "a: 1\n'b': 2\n"),
        ("a: |\n      one\n        two\n\n      three\nb: 1\n", "a: |\n  one\n    two\n\n  three\nb: 1\n"),
        ("a:\n    b: one\n      two\n    c: 1\n", "a:\n  b: one\n    two\n  c: 1\n"),
        ("a:\n    b: [1,\n        2]\n", "a:\n  b: [1,\n      2]\n"),
        ("a:\n      1\n", "a:\n  1\n"),
        ("a: 1\r\nb: 2\r\n", "a: 1\nb: 2\n"),
        ("\ufeffa: 1\n", "a: 1\n"),
        ("---\na: 1\n", "---\na: 1\n"),
    ],
)
def test_the_layout_of_a_document(before, after):
    assert laid(before) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("# top\na: 1\n", "# top\na: 1\n"),
        ("a:   1 # one\n", "a: 1   # one\n"),
        ("a:\n    # about b\n    b: 1\n", "a:\n  # about b\n  b: 1\n"),
        ("a:\n- 1\n# about two\n- 2\n", "a:\n  - 1\n  # about two\n  - 2\n"),
        ("a:\n    b: 1\n    # the end of a\nc: 1\n", "a:\n  b: 1\n  # the end of a\nc: 1\n"),
        ("a: 1\n  # the end\n", "a: 1\n# the end\n"),
        ("a:   | # text\n    x\nb: 1\n", "a: |   # text\n  x\nb: 1\n"),
        ("a: # children\n    b: 1\n", "a: # children\n  b: 1\n"),
        ("a: 'x # y' # z\n", "a: 'x # y' # z\n"),
    ],
)
def test_comments_stay_with_what_they_are_about(before, after):
    assert laid(before) == after


def test_what_is_lined_up_stays_lined_up():
    text = "all:      {a: 1}   # one\nproducts: {b: 1}   # two\nz:        {c: 1}\nlonger:   1\n"
    assert laid(text) == text
    assert laid("a:   1\nbcd:  2\n") == "a: 1\nbcd: 2\n"
    assert laid("a:      1\nbcd:    2\n") == "a:   1\nbcd: 2\n"


@pytest.mark.parametrize("text", ["", "a: 1\na: 2\n", "a: [1\n", "a: *b\n"])
def test_what_cannot_be_read_has_no_layout(text):
    assert laid_out(Source("f", text)) is None


# Documents of any shape, written as carelessly as YAML allows.

MANY_LINES = "one\n  two\n\nthree\n"
WORDS = st.sampled_from(
    ["a", "b c", "x1", "300ms", "true", "12", "${x}", "it's", 'say "hi"', "a#b", "ü", "- x", "x: y", "", MANY_LINES]
)
TREES = st.recursive(
    WORDS,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.sampled_from("abcdefgh"), below, max_size=4),
    max_leaves=12,
)


class Careless:
    """Writes a tree with any indentation, spacing, comments and quotes."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.comments = 0

    def scalar(self, text: str, *, inside: bool = False) -> str:
        if text == MANY_LINES:
            return '"' + text.replace("\n", "\\n") + '"'
        is_plain = text not in ("", "- x", "x: y") and not (inside and set(text) & set("{}[],"))
        styles = [f"'{text.replace(chr(39), chr(39) * 2)}'", f'"{text.replace(chr(34), chr(92) + chr(34))}"']
        return self.chance.choice([*([text] * 3 if is_plain else []), *styles])

    def spaces(self, least: int = 1) -> str:
        return " " * (least + self.chance.choice([0, 0, 0, 1, 4]))

    def comment(self) -> str:
        if self.chance.random() < 0.8:
            return self.spaces(0) if self.chance.random() < 0.2 else ""
        self.comments += 1
        return f"{self.spaces()}# remark {self.comments}"

    def flow(self, tree: object) -> str:
        if isinstance(tree, dict):
            parts = [f"{key}:{self.spaces()}{self.flow(value)}" for key, value in tree.items()]
            return "{" + self.spaces(0) + f"{self.spaces(0)},{self.spaces(0)}".join(parts) + self.spaces(0) + "}"
        if isinstance(tree, list):
            return "[" + f"{self.spaces(0)},{self.spaces(0)}".join(map(self.flow, tree)) + self.spaces(0) + "]"
        return self.scalar(str(tree), inside=True)

    def block(self, tree: object, indent: int) -> list[str]:
        """Lines, the first without its indentation."""
        lines: list[str] = []
        children = tree.items() if isinstance(tree, dict) else [("-", child) for child in tree]  # type: ignore[attr-defined]
        for key, child in children:
            head = "-" if isinstance(tree, list) else f"{key}{self.spaces(0)}:"
            lines += [" " * indent + line if number or lines else line for number, line in enumerate(self.noise())]
            start = " " * indent if lines else ""
            if child == MANY_LINES and self.chance.random() < 0.7:
                deeper = indent + self.chance.choice([1, 2, 5])
                lines.append(f"{start}{head}{self.spaces()}|{self.comment()}")
                lines += [" " * deeper + line if line else "" for line in child.splitlines()]
                continue
            if not isinstance(child, (dict, list)) or not child or self.chance.random() < 0.3:
                lines.append(f"{start}{head}{self.spaces()}{self.flow(child)}{self.comment()}")
                continue
            deeper = indent + self.chance.choice([1, 2, 3, 4, 7])
            if isinstance(child, list) and isinstance(tree, dict) and self.chance.random() < 0.5:
                deeper = indent
            if isinstance(tree, list) and self.chance.random() < 0.7:
                gap = self.chance.choice([1, 1, 3])
                below = self.block(child, indent + 1 + gap)
                if not below[0].lstrip().startswith("#") and below[0].strip():
                    lines += [f"{start}-{' ' * gap}{below[0]}", *below[1:]]
                    continue
            below = self.block(child, deeper)
            lines += [f"{start}{head}{self.comment()}", " " * deeper + below[0], *below[1:]]
        return lines

    def noise(self) -> list[str]:
        found = []
        while self.chance.random() < 0.15:
            self.comments += 1
            found.append(self.chance.choice(["", f"# remark {self.comments}"]))
        return found


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(st.sampled_from("abcdefgh"), TREES, min_size=1, max_size=4), st.integers(0, 2**32))
def test_any_document_says_the_same_afterwards_and_keeps_its_comments(tree, seed):
    text = "\n".join(Careless(seed).block(tree, 0)) + "\n"
    before = document(text)
    assert before is not None, text
    after = laid(text)
    read = document(after)
    assert read is not None
    assert same(before, read)
    assert plain(before) == plain(read)
    assert laid(after) == after
    assert sorted(remarks(after)) == sorted(remarks(text))


def remarks(text: str) -> list[str]:
    return [line.partition("# remark ")[2] for line in text.splitlines() if "# remark " in line]


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from("abcdefgh"), TREES, min_size=1, max_size=4), st.integers(0, 2**32))
def test_careless_writing_is_really_laid_out(tree, seed):
    """What falls back to the text as it was would pass every other test."""
    after = laid("\n".join(Careless(seed).block(tree, 0)) + "\n")
    for line in after.splitlines():
        assert line == line.rstrip()
        assert (len(line) - len(line.lstrip())) % 2 == 0
