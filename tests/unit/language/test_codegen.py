"""Trees to functions: what is rendered where, and that nothing of a spec becomes code."""

import contextlib
import json
from urllib.parse import parse_qsl, quote, unquote

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfspec.diagnostics.source import Span
from perfspec.language import codegen, templates
from perfspec.language.codegen import Generator, as_text
from perfspec.language.expressions import parse
from perfspec.language.templates import Array, Literal, Object, Template, Text

NOWHERE = Span("s.yaml", 1, 1, 1, 1)
ALL = settings(derandomize=True, deadline=None, max_examples=150)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


def value(expression: str, constants: dict[str, object] | None = None, **names: object) -> object:
    generator = Generator(constants or {}, "here")
    return generator.function([f"return {generator.expression(parse(expression))}"])(names)


def rendered(source: str, encoding: str, constants: dict[str, object] | None = None, **names: object) -> bytes:
    generator = Generator(constants or {}, "here")
    arguments: list[str] = []
    pattern = generator.text(source, encoding, arguments)
    return generator.function([f"return {generator.format(pattern, arguments)}"])(names)


def body(tree: templates.Body, **names: object) -> bytes:
    generator = Generator({}, "here")
    arguments: list[str] = []
    pattern = generator.body(tree, arguments)
    return generator.function([f"return {generator.format(pattern, arguments)}"])(names)


@pytest.mark.parametrize(
    ("expression", "names", "expected"),
    [
        ("a + b * 2", {"a": 1, "b": 2.5}, 6.0),
        ("-a", {"a": 5}, -5),
        ("a / 4", {"a": 6}, 1.5),
        ("a - 1 == 4", {"a": 5}, True),
        ("not a", {"a": ""}, True),
        ("a and b", {"a": 0, "b": 5}, 0),
        ("a or b", {"a": 0, "b": 5}, 5),
        ("'x' in a", {"a": ["x"]}, True),
        ("'x' in a", {"a": {"y": 1}}, False),
        ("a.b[0]['c d']", {"a": {"b": [{"c d": 7}]}}, 7),
        ("count(a)", {"a": [1, 2]}, 2),
        ("count(a)", {"a": "äß"}, 2),
        ("count(a)", {"a": {"k": 1}}, 1),
        ("first(a)", {"a": [3, 4]}, 3),
        ("first(a)", {"a": "xy"}, "x"),
        ("join(a, '-')", {"a": [1, "b", "c"]}, "1-b-c"),
        ("split(a, ',')", {"a": "x,,y"}, ["x", "", "y"]),
        ("upper(a) == lower('ABC')", {"a": "abc"}, False),
        ("min(a, 2, 3) + max(1, a)", {"a": 5}, 7),
        ("round(a)", {"a": 2.6}, 3),
        ("prefixes(a, 2, 4)", {"a": "hello"}, ["he", "hel", "hell"]),
        ("prefixes(a, 2, 7)", {"a": "abc"}, ["ab", "abc"]),
        ("prefixes(a, 2, 7)", {"a": "x"}, ["x"]),
        ("prefixes(a, 5, 2)", {"a": "hello"}, ["hello"]),
        ("user.number + round.number", {"user.number": 7, "round.number": 2}, 9),
        ("first(a, 3)", {"a": "hello"}, "hel"),
        ("first(a, 2)", {"a": [1, 2, 3]}, [1, 2]),
        ("first(a, 9)", {"a": "x"}, "x"),
        ("round(a, 2)", {"a": 2.675}, 2.67),
        ("json(a)", {"a": {"b": [1, "x", None]}}, '{"b":[1,"x",null]}'),
        ("base64(a)", {"a": "perf:ü"}, "cGVyZjrDvA=="),
        ("sha256(a)", {"a": "abc"}, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("date(a)", {"a": 0}, "1970-01-01T00:00:00.000Z"),
        ("date(a, '%Y-%m-%d %H:%M')", {"a": 1795514400.5}, "2026-11-24 10:00"),
        ("date(a, 'milliseconds')", {"a": 1795514400.5}, 1795514400500),
        ("now() > 1700000000", {}, True),
        ("bucket(a, 50, 300)", {"a": 1}, "up to 50"),
        ("bucket(a, 50, 300)", {"a": 50}, "up to 50"),
        ("bucket(a, 50, 300)", {"a": 51}, "51-300"),
        ("bucket(a, 50, 300)", {"a": 300}, "51-300"),
        ("bucket(a, 50, 300)", {"a": 301}, "over 300"),
        ("bucket(a, 0.5, 2)", {"a": 1}, "0.5-2"),
        ("bucket(a, 10)", {"a": 10.5}, "over 10"),
        ("default(a, 5)", {"a": 0}, 0),
        ("default(a, 5)", {"a": None}, 5),
        ("default(a, 5)", {}, 5),
        ("default(a.b[1], a.c)", {"a": {"b": [1], "c": 2}}, 2),
        ("default(a, default(b, 'none'))", {}, "none"),
    ],
)
def test_expressions_are_reckoned(expression, names, expected) -> None:
    assert value(expression, **names) == expected


@pytest.mark.parametrize(
    ("expression", "names", "error"),
    [
        ("a / 0", {"a": 1}, ValueError),
        ("a / b", {"a": 1, "b": 0.0}, ValueError),
        ("a * 3", {"a": "ab"}, TypeError),
        ("3 * a", {"a": [1]}, TypeError),
        ("a + 'b'", {"a": "a"}, TypeError),
        ("a + 1", {"a": True}, TypeError),
        ("-a", {"a": "5"}, TypeError),
        ("a > 1", {"a": "5"}, TypeError),
        ("1 in a", {"a": 5}, TypeError),
        ("a.b", {"a": 5}, TypeError),
        ("a.b", {"a": {}}, LookupError),
        ("a[0]", {"a": []}, LookupError),
        ("gone", {}, LookupError),
        ("count(a)", {"a": 5}, TypeError),
        ("first(a)", {"a": []}, ValueError),
        ("first(a)", {"a": {"k": 1}}, TypeError),
        ("split(a, '')", {"a": "x"}, ValueError),
        ("join(a, 1)", {"a": []}, TypeError),
        ("join(a, '-')", {"a": ["x" * 40_000] * 2}, ValueError),
        ("upper(a)", {"a": None}, TypeError),
        ("a * a", {"a": 10**300}, ValueError),
        ("a / 3", {"a": 10**400}, ValueError),
        ("a + 1.5", {"a": 10**400}, ValueError),
        ("round(a * 10)", {"a": 1e308}, ValueError),
        ("round(a)", {"a": float("nan")}, ValueError),
        ("prefixes('abc', 1, a)", {"a": float("inf")}, ValueError),
    ],
)
def test_what_cannot_be_reckoned_is_one_of_three_errors(expression, names, error) -> None:
    with pytest.raises(error):
        value(expression, **names)


operands = st.one_of(json_values, st.floats(), st.integers())


@ALL
@given(
    st.sampled_from(["a + b", "a - b", "a * b", "a / b", "a < b", "a == b", "a in b", "min(a, b)", "round(a)", "-a",
                     "prefixes(a, b, 9)", "join(a, b)", "split(a, b)", "first(a)", "count(a)", "a.b", "a[0]", "not a"]),
    operands,
    operands,
)  # fmt: skip
def test_no_data_breaks_an_expression_in_another_way(expression, a, b) -> None:
    with contextlib.suppress(LookupError, TypeError, ValueError):
        value(expression, a=a, b=b)


HOSTILE = [
    '"); __import__(\'os\').system("x") #',
    "__import__('os')",
    "'''",
    '"""',
    "\n\nimport os\n",
    "\\",
    "%s %(x)s %b %",
    "{0}{names}",
    "\u2028\u0000",
    "é ß 漢 🎈",
]


@pytest.fixture
def sources(monkeypatch) -> list[str]:
    """The text of everything that is compiled."""
    seen: list[str] = []
    real = compile

    def spy(source: str, *rest: str):
        seen.append(source)
        return real(source, *rest)

    monkeypatch.setattr(codegen, "compile", spy, raising=False)
    return seen


@pytest.mark.parametrize("text", HOSTILE)
def test_texts_stay_data_and_never_reach_the_source(sources, text) -> None:
    mark = "'" if '"' in text else '"'
    if mark not in text:
        assert value(f"{mark}{text}{mark}") == text
    assert rendered(text, "text") == text.encode()
    assert rendered(text + "${a}", "text", a=text) == (text * 2).encode()
    assert rendered("${run.id}${a}", "text", {"run.id": text}, a="") == text.encode()
    tree = Object(((text, Literal(text)), ("t", Template(Text("${a}" + text.replace("$", ""), NOWHERE), typed=False))))
    assert json.loads(body(tree, a=text)) == {text: text, "t": text + text}
    assert sources
    assert all(text not in source for source in sources)
    assert all(set(source) <= set("abcdefghijklmnopqrstuvwxyz_0123456789(), =[]%.:\n") for source in sources)


def test_names_and_keys_of_a_spec_never_reach_the_source(sources) -> None:
    assert value("secretname['other key'].third", secretname={"other key": {"third": 1}}) == 1
    assert not any(word in source for source in sources for word in ("secretname", "other", "third"))


@pytest.mark.parametrize(
    ("source", "names", "expected"),
    [
        ("/a b?x=ä#1", {}, b"/a%20b?x=%C3%A4%231"),
        ("/%20/100%", {}, b"/%20/100%"),
        ("/a/${x}/b", {"x": "p/q?r=s&t#u%"}, b"/a/p%2Fq%3Fr%3Ds%26t%23u%25/b"),
        ("/a?q=${x}", {"x": "grün ß"}, b"/a?q=gr%C3%BCn%20%C3%9F"),
        ("/a?q=${x}", {"x": True}, b"/a?q=true"),
        ("/a?q=${x}", {"x": None}, b"/a?q=null"),
        ("/a?q=${x}", {"x": 2.5}, b"/a?q=2.5"),
        ("/a?q=${x}", {"x": [1, "a"]}, b"/a?q=%5B1%2C%22a%22%5D"),
        ("/a?q=${x}\r\nHost: b", {"x": "1"}, b"/a?q=1%0D%0AHost:%20b"),
    ],
)
def test_holes_of_a_path_are_encoded_and_what_is_around_them_stays(source, names, expected) -> None:
    assert rendered(source, "url", **names) == expected


@ALL
@given(st.text())
def test_any_text_comes_out_of_a_path_as_it_went_in(text) -> None:
    wire = rendered("${x}", "url", x=text)
    assert unquote(wire.decode()) == text
    assert wire.decode() == quote(text, safe="")
    assert not set(wire) & set(b"\r\n /?#&")


@ALL
@given(st.text(min_size=1), st.text(min_size=1))
def test_fields_of_a_query_are_data_whether_written_or_drawn(written, drawn) -> None:
    literal = written.replace("$", "")
    wire = b"k=" + rendered(literal + "${x}", "field", x=drawn) + b"&l=1"
    assert parse_qsl(wire.decode(), keep_blank_values=True) == [("k", literal + drawn), ("l", "1")]


@pytest.mark.parametrize("text", ["a\r\nX: 1", "a\nb", "\r", "a\0b"])
def test_a_value_never_breaks_out_of_its_header(text) -> None:
    with pytest.raises(ValueError, match="a line break in a header value"):
        rendered("v ${x}", "header", x=text)
    with pytest.raises(ValueError, match="a line break in a header value"):
        rendered("v ${secret.x}", "header", {"secret.x": text})


def test_headers_hold_latin_letters_and_percent_signs() -> None:
    assert rendered("100% ${x} ü", "header", x="50% ß") == "100% 50% ß ü".encode("latin-1")
    with pytest.raises(ValueError, match="a header cannot hold `漢`"):
        rendered("${x}", "header", x="漢")


@ALL
@given(json_values)
def test_a_typed_hole_gives_the_document_its_value(found) -> None:
    tree = Object((("a", Template(Text("${x}", NOWHERE), typed=True)), ("b%", Array((Literal("%s"), Literal(None))))))
    try:
        wire = body(tree, x=found)
    except TypeError:  # beyond what the encoder takes: lone surrogates, integers over 64 bits
        with pytest.raises(TypeError):
            orjson.dumps(found)
        return
    assert json.loads(wire) == {"a": found, "b%": ["%s", None]}


@ALL
@given(json_values)
def test_a_quoted_hole_gives_the_document_a_text(found) -> None:
    tree = Array((Template(Text("${x}", NOWHERE), typed=False), Template(Text('"${x}"\n', NOWHERE), typed=False)))
    try:
        text = as_text(found)
        wire = body(tree, x=found)
    except TypeError:
        with pytest.raises(TypeError):
            orjson.dumps(found)
        return
    assert json.loads(wire) == [text, f'"{text}"\n']


@ALL
@given(json_values)
def test_any_document_without_holes_is_written_as_it_is(found) -> None:
    def tree(x: object) -> templates.Body:
        if isinstance(x, dict):
            return Object(tuple((k, tree(v)) for k, v in x.items()))
        return Array(tuple(map(tree, x))) if isinstance(x, list) else Literal(x)

    assert json.loads(body(tree(found))) == found


@pytest.mark.parametrize(
    ("found", "text"),
    [
        ("a", "a"),
        (5, "5"),
        (2.5, "2.5"),
        (True, "true"),
        (None, "null"),
        ([1, None], "[1,null]"),
        ({"a": 1}, '{"a":1}'),
    ],
)
def test_inside_a_longer_text_values_stand_as_json_writes_them(found, text) -> None:
    assert as_text(found) == text
    assert rendered("<${x}>", "text", x=found) == f"<{text}>".encode()


def test_what_is_constant_is_rendered_once(sources) -> None:
    constants = {"run.id": "r 1", "values.n": 3}
    assert rendered("/a/${run.id}/${values.n * 2}/${upper('x')}", "url", constants) == b"/a/r%201/6/X"
    assert sources[-1].count("enc_url(") == 0
    rendered("/a/${run.id}/${x}", "url", constants, x="y")
    assert sources[-1].count("enc_url(") == 1


@pytest.mark.parametrize("source", ["/a/${1 / 0}", "/a/${values.list[5]}", "/a/${upper(5)}"])
def test_a_constant_that_cannot_be_rendered_fails_when_it_is_used_and_not_before(source) -> None:
    generator = Generator({"values.list": []}, "here")
    arguments: list[str] = []
    pattern = generator.text(source, "url", arguments)
    send = generator.function([f"return {generator.format(pattern, arguments)}"])
    with pytest.raises((ValueError, TypeError, LookupError)):
        send({})


def test_dotted_names_of_the_run_win_and_reach_no_further_than_they_go() -> None:
    assert value("run.id", {"run.id": "r1"}, run={"id": "other"}) == "r1"
    assert value("run.id", {}, run={"id": "other"}) == "other"
    assert value("values.list[1]", {"values.list": [1, 2]}) == 2


def test_a_value_is_found_with_all_names_known() -> None:
    (hole,) = templates.holes("${a.b + run.n}")
    assert codegen.value_of(hole, {"a": {"b": 1}, "run.n": 2}) == 3
