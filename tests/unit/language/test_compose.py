"""Text -> nodes: places, limits, and what the language leaves out of YAML."""

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perfspec.diagnostics.diagnostic import Diagnostics, Severity
from perfspec.diagnostics.source import Source, Span
from perfspec.language.compose import MAX_CHARACTERS, MAX_DEPTH, MAX_NODES, compose
from perfspec.language.nodes import Mapping, Node, Scalar, Sequence


def read(text: str) -> Node:
    out = Diagnostics()
    node = compose(Source("f.yaml", text), out)
    assert out.sorted() == []
    assert node is not None
    return node


def findings(text: str) -> list[str]:
    out = Diagnostics()
    compose(Source("f.yaml", text), out)
    return [f"{d.span.line}:{d.span.column}+{d.span.width} {d.code}" for d in out.sorted()]


def scalar(text: str, *path: str | int) -> Scalar:
    node = read(text)
    for part in path:
        if isinstance(node, Sequence):
            node = node.items[int(part)]
        else:
            assert isinstance(node, Mapping)
            below = node.get(str(part))
            assert below is not None
            node = below
    assert isinstance(node, Scalar)
    return node


def test_a_span_covers_a_value_as_written():
    value = scalar("a: 1\nbig:\n  - {name: steady}\n", "big", 0, "name")
    assert value.span == Span("f.yaml", 3, 12, 3, 18)
    assert value.content == value.span


def test_the_content_of_a_quoted_value_excludes_its_quotes():
    value = scalar("a: 'it'\n", "a")
    assert (value.text, value.quoted) == ("it", True)
    assert value.span == Span("f.yaml", 1, 4, 1, 8)
    assert value.content == Span("f.yaml", 1, 5, 1, 7)
    assert value.at(1, 2) == Span("f.yaml", 1, 6, 1, 7)


def test_a_part_of_a_text_with_escapes_is_the_whole_text():
    value = scalar('a: "x\\ty"\n', "a")
    assert value.at(2, 3) == value.content == Span("f.yaml", 1, 5, 1, 9)


@pytest.mark.parametrize("letters", ["äöü", "😀😀😀", "漢字漢", "e\u0301ee"])
def test_columns_count_characters_whatever_their_bytes(letters: str):
    root = read(f'{letters}: "{letters}"  # {letters}\n{letters}2: x\n')
    assert isinstance(root, Mapping)
    wide = len(letters)
    assert root.entries[0].key.span == Span("f.yaml", 1, 1, 1, wide + 1)
    assert root.entries[0].value.span == Span("f.yaml", 1, wide + 3, 1, 2 * wide + 5)
    assert root.entries[1].value.span == Span("f.yaml", 2, wide + 4, 2, wide + 5)


def test_a_byte_order_mark_and_windows_line_ends_move_nothing():
    assert scalar("\ufeffa: 1\r\nb: 22\r\n", "a").span == Span("f.yaml", 1, 4, 1, 5)
    assert scalar("\ufeffa: 1\r\nb: 22\r\n", "b").span == Span("f.yaml", 2, 4, 2, 6)


def test_a_map_on_lines_spans_from_its_first_key_to_its_last_value():
    root = read("a:\n  b: 1\n  c: 2\n\n\nd: 3\n")
    assert isinstance(root, Mapping)
    assert root.entries[0].value.span == Span("f.yaml", 2, 3, 3, 7)


def test_maps_and_lists_in_brackets_span_their_brackets():
    root = read("a: [1, {b: 2}]\n")
    assert isinstance(root, Mapping)
    assert root.entries[0].value.span == Span("f.yaml", 1, 4, 1, 15)


def test_an_empty_value_is_null_and_stands_behind_its_colon():
    value = scalar("a:\nb: 1\n", "a")
    assert value.value is None
    assert value.span == Span("f.yaml", 1, 3, 1, 3)


def test_a_long_text_keeps_its_lines_and_ends_with_its_last_one():
    value = scalar("a: |\n  one\n\n  two\n\n\nb: 1\n", "a")
    assert value.text == "one\n\ntwo\n"
    assert value.span == Span("f.yaml", 1, 4, 4, 6)
    assert value.content == Span("f.yaml", 2, 3, 4, 6)
    assert value.quoted


def test_a_tab_inside_a_long_text_is_part_of_it():
    assert scalar("a: |\n  one\n  \ttwo\n", "a").text == "one\n\ttwo\n"


def test_typed_keys_keep_their_text():
    root = read("10: 70%\n0x1f: b\n")
    assert isinstance(root, Mapping)
    assert [(e.key.text, e.key.value) for e in root] == [("10", 10), ("0x1f", 31)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3\n", ["3:1+1 PS004"]),
        ("a: {x: 1, x: 2, x: 3}\n", ["1:11+1 PS004", "1:17+1 PS004"]),
        ('10: a\n"10": b\n', ["2:1+4 PS004"]),
        ("a: &x 1\n", ["1:4+2 PS006"]),
        ("a: *x\n", ["1:4+2 PS006"]),
        ("a: &x !!str 1\n", ["1:4+2 PS006", "1:7+5 PS005"]),
        ("a: !!str 1\n", ["1:4+5 PS005"]),
        ("<<: {a: 1}\n", ["1:1+2 PS006"]),
        ("%YAML 1.2\n---\na: 1\n", ["1:1+0 PS005"]),
        ("a: 1\n---\nb: 1\n", ["2:1+3 PS010"]),
        ("{a: 1}: 2\n", ["1:1+6 PS011"]),
        ("? [a]\n: 2\n", ["1:3+3 PS011"]),
        ("? |\n  long\n: 2\n", ["1:3+0 PS011"]),
        (": 2\n", ["1:1+1 PS011"]),
        ("{: 2}\n", ["1:2+1 PS011"]),
        ("", ["1:1+0 PS009"]),
        ("# only a comment\n", ["1:1+0 PS009"]),
        ("---\n", ["1:1+0 PS009"]),
        ("\ufeff", ["1:1+0 PS009"]),
        ("a:\n\tb: 1\n", ["2:1+1 PS001"]),
        ("a: {b: 1,\n\tc: 2}\n", ["2:1+1 PS001"]),
        ("a:\n  b: 1\n  \tc: 2\n", ["3:1+3 PS001"]),
        ("- \t- a\n", ["1:3+1 PS001"]),
        ("a: x\x00y\n", ["1:5+1 PS002"]),
        ("a: x\n\x0cb: 1\n", ["2:1+1 PS002"]),
        ("a: \ud800\n", ["1:4+1 PS002"]),
        ("a: x\u2028y\n", ["1:5+1 PS002"]),
        ("a: x\ufeffy\n", ["1:5+1 PS002"]),
    ],
)
def test_what_the_language_leaves_out_is_reported(text: str, expected: list[str]):
    assert findings(text) == expected


def test_the_first_of_two_equal_keys_is_kept_and_named():
    out = Diagnostics()
    root = compose(Source("f.yaml", "a: 1\nb: 2\na: 3\n"), out)
    assert isinstance(root, Mapping)
    assert [(e.key.text, getattr(e.value, "value", None)) for e in root] == [("a", 1), ("b", 2)]
    assert out.sorted()[0].related == ((Span("f.yaml", 1, 1, 1, 2), "first"),)


@pytest.mark.parametrize(
    ("text", "message", "fix"),
    [
        ("a: b: c\n", "a second `: ` on one line", 'write "b: c", or begin a new line'),
        (
            "a: 1\n  b: 2\n",
            "this line is indented below a line that already has a value",
            "indent `b:` like the line above, or remove the value there",
        ),
        ("a:\n    b: 1\n  c: 2\n", "the indentation of this line fits none above it", "indent it by 4 spaces"),
        ("a: [1, 2\nb: 3\n", "this `[` is never closed", "add `]`"),
        ("a: {b: 1\n", "this `{` is never closed", "add `}`"),
        ("a: 'x\nb: 1\n", "this quote is never closed", "add ' where the text ends"),
        ('a: "b" c\n', "a text follows the end of the value", "put the whole value into one pair of quotes"),
        ("a: @x # why\n", "a value cannot begin with `@`", 'write "@x"'),
        ("a: [`x`, 2]\n", "a value cannot begin with ```", 'write "`x`"'),
        ("a: *\n", "a value cannot begin with `*`", 'write "*"'),
        ("a: %5\n", "a value cannot begin with `%`", "write the number first, such as `5%`"),
        ("a: > 300ms # slow\n", "a value cannot begin with `>`", "write `over 300ms`; limits are words"),
        ("a: >= 300ms\n", "a value cannot begin with `>`", "write `at least 300ms`; limits are words"),
        ("a: | x\n", "a value cannot begin with `|`", 'write "| x"'),
        ('a: "\\d+"\n', "`\\d` means nothing inside double quotes", "use single quotes, or write `\\\\d`"),
        ("a: -\n", "a list cannot begin behind its key", "begin a new line with `- `"),
        ("a: 1\nbcd\n", "`bcd` has no `:`", "write `bcd: ...`"),
        ("a: }\n", "`}` stands where a value belongs", "write the value, or put it in quotes"),
        (
            "- a\nb: 1\n",
            "this line stands in a list and does not begin with `- `",
            "add `- `, or indent it like its key",
        ),
        ("a: 1\n- b\n", "a list entry stands among keys", "indent it below the key it belongs to, or remove `- `"),
        ('a: ["x" "y"]\n', "`,` or `]` is missing here", "put quotes around a text that holds brackets or quotes"),
    ],
)
def test_unreadable_text_is_explained_in_plain_words(text: str, message: str, fix: str):
    out = Diagnostics()
    assert compose(Source("f.yaml", text), out) is None
    assert [(d.code, d.message, d.help) for d in out.sorted()] == [("PS002", message, fix)]


_READERS_WORDS = ("alias", "anchor", "mapping", "block", "flow", "scalar", "token", "sequence", "stream", "node")


@pytest.mark.parametrize(
    "text",
    [
        "a: [",
        "a: {",
        "a: ]",
        "a: *",
        "a: &",
        "a: !<",
        "a: 'x",
        "a\nb: c",
        "{a",
        "- a\n b",
        "?",
        "? :",
        "a: |9x",
        'a: "\\x"',
        "%FOO",
        "a: b\n...\nc",
        "[a, b",
        "{,}",
        "a: - b",
        "&a",
        "!a!b c",
        "a: !!",
        "@",
        "a:\n- b\n  c: d: e",
    ],
)
def test_no_word_of_the_yaml_grammar_reaches_the_reader(text: str):
    out = Diagnostics()
    compose(Source("f.yaml", text), out)
    for finding in out.sorted():
        assert not any(word in f"{finding.message} {finding.help}" for word in _READERS_WORDS), finding


@pytest.mark.parametrize(
    ("text", "place", "fix"),
    [
        ("query: {q: ${x}}", "1:12+4", 'write "${x}", or put `q: ${x}` on a line of its own under `query:`'),
        (
            "query: {a: 1, q: ${x}, b: 2}",
            "1:18+4",
            'write "${x}", or put `q: ${x}` on a line of its own under `query:`',
        ),
        ("auth: [bearer ${x}]", "1:8+11", 'write "bearer ${x}"'),
        ("e: {$.a[0].b: present}", "1:5+8", 'write "$.a[0].b", or put `$.a[0].b: ...` on a line of its own under `e:`'),
        (
            "c: {ids: all $.a[*].id}",
            "1:10+13",
            ('write "all $.a[*].id", or put `ids: all $.a[*].id` on a line of its own under `c:`'),
        ),
        (
            'w: {when: ${kind == "a, b"}}',
            "1:11+17",
            ('write \'${kind == "a, b"}\', or put `when: ${kind == "a, b"}` on a line of its own under `w:`'),
        ),
        ("a: {b: {c: ${x}}}", "1:12+4", 'write "${x}"'),
        ("a: {\n  b: ${x}\n  }", "2:6+4", 'write "${x}"'),
        ("{status: one of 200, 202}", "1:22+3", "write [200, 202]"),
        ("{p95: under 1s, warn only}", "1:17+9", 'write "under 1s, warn only"'),
        ("{a, b: 1}", "1:2+1", "write `a: ...`"),
    ],
)
def test_text_that_needs_quotes_inside_brackets_comes_with_its_correction(text: str, place: str, fix: str):
    out = Diagnostics()
    compose(Source("f.yaml", text), out)
    (finding,) = out.sorted()
    assert finding.code == "PS003"
    assert f"{finding.span.line}:{finding.span.column}+{finding.span.width}" == place
    assert finding.help == fix


def test_missing_quotes_hide_nothing_else_and_the_text_is_read_as_meant():
    out = Diagnostics()
    root = compose(Source("f.yaml", "a: {q: ${x}, r: ${y}}\nb: 1\nb: {$.c[0]: 1}\n"), out)
    assert [(d.code, d.span.line) for d in out.sorted()] == [("PS003", 1), ("PS003", 1), ("PS004", 3), ("PS003", 3)]
    assert isinstance(root, Mapping)
    query = root.get("a")
    assert isinstance(query, Mapping)
    assert [(e.key.text, getattr(e.value, "text", "")) for e in query] == [("q", "${x}"), ("r", "${y}")]


def test_more_repairs_than_anybody_reads_end_the_reading():
    out = Diagnostics()
    assert compose(Source("f.yaml", "a: [" + ", ".join(["${x}"] * 30) + "]\n"), out) is None
    assert len(out.sorted()) == 20


@pytest.mark.parametrize("word", ["yes", "No", "on", "OFF", "1:30", "1_000"])
def test_a_text_that_older_yaml_would_convert_is_a_warning_and_stays_text(word: str):
    out = Diagnostics()
    root = compose(Source("f.yaml", f'a: {word}\n{word}: "{word}"\n'), out)
    (finding,) = out.sorted()
    assert (finding.code, finding.severity, finding.span.line) == ("PS007", Severity.WARNING, 1)
    assert isinstance(root, Mapping)
    assert root.entries[0].value.value == word  # type: ignore[union-attr]


@pytest.mark.parametrize("opener", ["[", "{a: ", "- ", "{? "])
def test_deep_nesting_stops_at_once(opener: str):
    began = time.perf_counter()
    assert findings(opener * 50_000)[-1].endswith("PS008")
    assert time.perf_counter() - began < 1


def test_nesting_is_allowed_up_to_the_limit():
    assert findings("[" * MAX_DEPTH + "]" * MAX_DEPTH) == []
    assert findings("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)) == [f"1:{MAX_DEPTH + 1}+0 PS008"]


def test_the_number_of_keys_and_values_is_limited():
    assert findings("- a\n" * (MAX_NODES - 1)) == []
    assert findings("- a\n" * MAX_NODES) == [f"{MAX_NODES}:3+0 PS008"]


def test_the_size_of_a_file_is_limited():
    line = "a: " + "x" * (MAX_CHARACTERS - 3)
    assert findings(line) == []
    assert findings(line + "x") == ["1:1+0 PS008"]


def test_an_alias_bomb_is_one_finding_per_line_that_has_one():
    bomb = "a: &a [x, x]\n" + "".join(
        f"{new}: &{new} [*{old}, *{old}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert {line.rpartition(" ")[2] for line in findings(bomb)} == {"PS006"}


_YAML = st.text(alphabet=st.sampled_from("ab:-?[]{},#&*!|>'\"%@`$ \n\t\r.0~<=\\é😀\x00\u2028"), max_size=60)
_PIECES = st.lists(
    st.sampled_from(
        [
            "a",
            ":",
            ": ",
            "- ",
            "\n",
            "  ",
            "\n  ",
            "\n    ",
            "{",
            "}",
            "[",
            "]",
            ", ",
            "${x}",
            "$.a[*]",
            "*b",
            "&c ",
            "!d ",
            "|\n",
            ">\n",
            "'",
            '"',
            "# e",
            "\t",
            "? ",
            "<<",
            "---\n",
            "...\n",
            "1",
            "yes",
            "\\",
            "%",
        ]
    ),
    max_size=40,
).map("".join)


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(st.text(max_size=60), _YAML, _PIECES))
def test_any_text_gives_a_document_or_a_finding_and_never_a_failure(text: str):
    out = Diagnostics()
    source = Source("f.yaml", text)
    node = compose(source, out)
    assert node is not None or out.has_errors
    for finding in out.sorted():
        assert 1 <= finding.span.line <= len(source.lines)
        assert 1 <= finding.span.column <= len(source.line(finding.span.line)) + 1
        assert (finding.span.end_line, finding.span.end_column) >= (finding.span.line, finding.span.column)
        assert finding.message
        assert not finding.message.endswith(".")
