"""Texts with holes: where they are, what is said of those that are none."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Source, Span
from perfspec.language import templates
from perfspec.language.compose import compose
from perfspec.language.expressions import ExpressionError
from perfspec.language.nodes import Mapping
from perfspec.language.templates import Array, Hole, Literal, Object, Template, Text


def value(yaml: str):
    out = Diagnostics()
    root = compose(Source("s.yaml", yaml), out)
    assert out.sorted() == []
    return root


def scalar(text: str):
    root = value(f"k: {text}")
    assert isinstance(root, Mapping)
    return root.entries[0].value


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ("", []),
        ("plain $ { } text", ["plain $ { } text"]),
        ("${a}", [(0, 4)]),
        ("/x/${a}/y", ["/x/", (3, 7), "/y"]),
        ("${a}${b}", [(0, 4), (4, 8)]),
        ("${ '}' }", [(0, 8)]),
        ("${a}}", [(0, 4), "}"]),
        ("$${a}", ["$", (1, 5)]),
    ],
)
def test_a_text_is_cut_at_its_holes(source, parts) -> None:
    found = [part if isinstance(part, str) else (part.start, part.end) for part in templates.parse(source)]
    assert found == parts
    assert [(h.start, h.end) for h in templates.holes(source)] == [p for p in parts if isinstance(p, tuple)]


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.text("${}ab .+1\n\"'", max_size=30))
def test_the_parts_of_a_text_make_up_the_text(source) -> None:
    try:
        parts = templates.parse(source)
    except ExpressionError:
        assert templates.holes(source) == ()
        return
    whole = "".join(part if isinstance(part, str) else source[part.start : part.end] for part in parts)
    assert whole == source
    for part in parts:
        assert isinstance(part, str) or (source[part.start : part.start + 2], source[part.end - 1]) == ("${", "}")


@pytest.mark.parametrize(
    ("source", "marked", "message"),
    [
        ("/a/${b", "${b", "`${` is never closed"),
        ("/a/${}", "}", "something is missing here"),
        ("/a/${b c}", "c", "`c` is not expected here"),
        ("/a/${b}/${c ==}", "}", "something is missing here"),
    ],
)
def test_what_is_wrong_inside_a_hole_is_said_there(source, marked, message) -> None:
    out = Diagnostics()
    assert not templates.check(scalar(source), out)
    (found,) = out.sorted()
    line = f"k: {source}"
    assert (line[found.span.column - 1 : found.span.end_column - 1], found.message) == (marked, message)


@pytest.mark.parametrize("source", ["${a}", "/x/${a.b}?y=${count(c)}", "no hole"])
def test_what_is_right_is_told_nothing(source) -> None:
    out = Diagnostics()
    assert templates.check(scalar(source), out)
    assert out.sorted() == []


@pytest.mark.parametrize(
    ("source", "message", "help_"),
    [
        ("hits", "`when` takes one `${...}`", "write `when: ${hits}`"),
        ("total > 5", "`when` takes one `${...}`", "write `when: ${total > 5}`"),
        ("${a} > 5", "`when` takes one `${...}`", "put the whole of it into one `${ }`"),
        ("${a}${b}", "`when` takes one `${...}`", "put the whole of it into one `${ }`"),
        ("${a", "`${` is never closed", "add `}`"),
        ("5", "`when` takes one `${...}`", "write `when: ${5}`"),
    ],
)
def test_a_condition_is_one_whole_hole(source, message, help_) -> None:
    out = Diagnostics()
    assert not templates.check_whole(scalar(source), "when", out)
    (found,) = out.sorted()
    assert (found.code, found.message, found.help) == ("PS305", message, help_)


def test_one_whole_hole_is_a_condition() -> None:
    out = Diagnostics()
    assert templates.check_whole(scalar("${a > 5}"), "when", out)
    assert out.sorted() == []


def test_names_are_placed_exactly_and_escapes_make_that_the_whole_text() -> None:
    plain = templates.text(scalar("/x?a=${ab}&b=${c.d}"))
    assert [(path.dotted, str(span), span.width) for path, span in plain.reads()] == [
        ("ab", "s.yaml:1:11", 2),
        ("c.d", "s.yaml:1:19", 3),
    ]
    quoted = templates.text(scalar('"/x?a=${ab}"'))
    assert [str(span) for _, span in quoted.reads()] == ["s.yaml:1:12"]
    escaped = templates.text(scalar(r'"/\x41${ab}"'))
    assert [(str(span), span.width) for _, span in escaped.reads()] == [("s.yaml:1:5", 10)]
    assert str(plain) == "/x?a=${ab}&b=${c.d}"
    assert plain.has_holes
    assert not Text("a", Span("s", 1, 1, 1, 2)).has_holes


def test_a_hole_alone_keeps_its_type_and_a_quoted_one_is_a_text() -> None:
    node = value('a: ${x}\nb: "${x}"\nc: n-${x}\nd: ${x}${y}\ne: [1, true, null, "2", text]\nf: {}\ng: 2.5\nh: " ${x}"')
    tree = templates.body(node)
    assert isinstance(tree, Object)
    members = dict(tree.members)
    assert [(name, members[name].typed) for name in "abcdh" if isinstance(members[name], Template)] == [
        ("a", True),
        ("b", False),
        ("c", False),
        ("d", False),
        ("h", False),
    ]
    assert members["e"] == Array((Literal(1), Literal(True), Literal(None), Literal("2"), Literal("text")))
    assert members["f"] == Object(())
    assert members["g"] == Literal(2.5)
    assert [t.source for t in templates.texts(tree)] == ["${x}", "${x}", "n-${x}", "${x}${y}", " ${x}"]


def test_what_is_kept_has_its_type_in_quotes_too() -> None:
    tree = templates.body(value('a: "${x}"\nb: ["${x}"]\nc: "n-${x}"'), is_sent=False)
    assert isinstance(tree, Object)
    members = dict(tree.members)
    listed = members["b"].items[0] if isinstance(members["b"], Array) else None
    found = (members["a"], listed, members["c"])
    assert [each.typed for each in found if isinstance(each, Template)] == [True, True, False]


def test_texts_are_found_at_every_depth() -> None:
    tree = templates.body(value("a: [1, {b: ['${x}']}]\nc: y"))
    assert [t.source for t in templates.texts(tree)] == ["${x}"]
    assert isinstance(templates.parse("${x}")[0], Hole)
