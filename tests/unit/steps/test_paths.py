"""JSON paths that reach several values: ours and those of jsonpath-rfc9535 find the same."""

import jsonpath_rfc9535
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfspec.language.json_path import is_slow
from perfspec.steps.paths import MISSING, parsed, reach_all

DOCUMENT = {"a": [{"b": 1, "l": [1, 2, 3]}, {"b": 2, "l": []}, {"c": "x"}], "b": {"b": [0]}, "": None}

names = st.sampled_from(["a", "b", "c", ""])
values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | names,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)
bounds = st.none() | st.integers(-5, 5)
selectors = st.one_of(
    names.map(lambda name: f"['{name}']"),
    st.integers(-3, 3).map(lambda n: f"[{n}]"),
    st.just("[*]"),
    st.tuples(bounds, bounds, bounds).map(
        lambda s: "[" + ":".join("" if n is None else str(n) for n in (s if s[2] is not None else s[:2])) + "]"
    ),
)
paths = st.lists(selectors, max_size=4).map(lambda parts: "$" + "".join(parts))


@settings(derandomize=True, deadline=None, max_examples=500)
@given(paths, values)
def test_a_plain_path_reaches_what_the_standard_says(path, value) -> None:
    assert not is_slow(path)
    assert reach_all(path)(value) == jsonpath_rfc9535.find(path, value).values()


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$..b", [{"b": [0]}, 1, 2, [0]]),
        ("$.a[?@.b > 1].b", [2]),
        ("$.a[0]['b', 'l']", [1, [1, 2, 3]]),
        ("$.a[?match(@.c, 'x+')].c", ["x"]),
        ("$.a[?match(@.c, 'x|y')].c", ["x"]),
        ("$.a[?match(@.c, '')].c", []),
        ("$.a[?search(@.c, '.')].c", ["x"]),
        ("$.a[?search(@.c, '(')].c", []),
        ("$.a[?match(@.c, @.c)].c", ["x"]),
        ("$.a[?count(@.l[*]) == 3].b", [1]),
        ("$.gone..x", []),
    ],
)
def test_paths_that_reach_far(path, found) -> None:
    assert is_slow(path)
    assert sorted(map(str, reach_all(path)(DOCUMENT))) == sorted(map(str, found))


@pytest.mark.parametrize("path", ["$[*]", "$..a", "$[?@.a]"])
def test_of_nothing_nothing_is_found(path) -> None:
    assert reach_all(path)(MISSING) == []


def test_an_answer_that_is_nested_too_deep_has_nothing_far_down() -> None:
    value: object = 1
    for _ in range(2000):
        value = [value]
    assert reach_all("$..a")(value) == []


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|a)*c"])
def test_a_nasty_pattern_in_a_filter_ends(pattern) -> None:
    assert reach_all(f"$[?search(@, '{pattern}')]")(["a" * 5000]) == []


@pytest.mark.parametrize(
    ("body", "document"),
    [
        (b'{"a": 1}', {"a": 1}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b"null", None),
        (b"", MISSING),
        (b"<html>", MISSING),
        (b"\xef\xbb\xbf", MISSING),
        (b"\xef\xbb\xbf" * 100_000 + b"1", MISSING),
    ],
)
def test_a_body_is_a_document_or_none(body, document) -> None:
    assert parsed(body) == document
