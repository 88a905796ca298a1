"""Rows of files: kept as bytes, equal to what the standard reader makes of them, and refused in words."""

import csv
import json
import re
from io import StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfspec.base.codec import pack, unpack
from perfspec.data import table

CSV = 'text,language\nweather tomorrow,en\n"say ""hi"", ok",de\n'
ROWS = [{"text": "weather tomorrow", "language": "en"}, {"text": 'say "hi", ok', "language": "de"}]
ALL = settings(derandomize=True, deadline=None, max_examples=150)


def rows(text: str) -> list[object]:
    return list(table.of_csv(text.encode()))


def test_a_file_is_rows_of_texts() -> None:
    assert rows(CSV) == rows("\ufeff" + CSV) == rows(CSV.replace("\n", "\r\n")) == rows("\n" + CSV) == ROWS
    assert rows("a\n1\n\n2") == [{"a": "1"}, {"a": "2"}]
    assert rows("a,b\r\n1,\r\n\r\n,2\r\n") == [{"a": "1", "b": ""}, {"a": "", "b": "2"}]
    assert rows('a,b\n"1\n2",3\n\n4,"5"\n\n') == [{"a": "1\n2", "b": "3"}, {"a": "4", "b": "5"}]


def test_a_table_says_its_columns_its_hash_and_its_length() -> None:
    found = table.of_csv(b"a,b\n1,2\n3,4\n5,6")
    assert (found.columns, len(found), found[2], found[1:]) == (
        ("a", "b"),
        3,
        {"a": "5", "b": "6"},
        [{"a": "3", "b": "4"}, {"a": "5", "b": "6"}],
    )
    assert found.sha256 == "7edd9c396a530404f0a70956264eb2fc069f18fdfc3607a3aba981649e26ec99"
    with pytest.raises(IndexError):
        found[3]


cells = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=6)


@ALL
@given(
    st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(cells, min_size=n, max_size=n), min_size=1, max_size=6)),
    st.booleans(),
    st.sampled_from(["\n", "\r\n"]),
)
def test_what_was_written_is_read(lines, always_quoted, end) -> None:
    columns = [f"c{n}" for n in range(len(lines[0]))]
    buffer = StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL if always_quoted else csv.QUOTE_MINIMAL, lineterminator=end)
    writer.writerows([columns, *lines])
    assert rows(buffer.getvalue()) == [dict(zip(columns, line, strict=True)) for line in lines]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "there is no row below the line that names the columns"),
        ("\n\n", "there is no row below the line that names the columns"),
        ("a,b\n", "there is no row below the line that names the columns"),
        ('"a","b"\n', "there is no row below the line that names the columns"),
        ("a,b\n1\n", "row 2 has another number of columns than the first line"),
        ("a,b\n1,2\n1,2,3\n", "row 3 has another number of columns than the first line"),
        ('a,b\n"1",2\n1,2,3\n', "row 3 has another number of columns than the first line"),
        ("a,b,a\n1,2,3\n", "the column `a` is there twice"),
        ("a;b\n1;2\n", "its columns are parted by `;`; save it with commas between them"),
        ("a\tb\n1\t2\n", "its columns are parted by tabs; save it with commas between them"),
        ("a, b\n1, 2\n", "there is a blank around the column `b`; write no blanks beside commas"),
        ('a,b\n"1,2\n', "line 2: unexpected end of data"),
        ('a,b\n"1"2,2\n', "line 2: ',' expected after '\"'"),
    ],
)
def test_a_file_that_cannot_serve_as_data_is_refused_in_words(text, said) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole text is compared
        rows(text)
    assert str(caught.value) == said


def test_old_line_ends_are_refused_and_not_read_as_one_row() -> None:
    with pytest.raises(ValueError, match="new-line character"):
        rows("a,b\r1,2\r3,4\r")


def test_a_file_that_is_no_text_is_refused_wherever_it_breaks() -> None:
    for content in (b"a\n\xff\n", b"a\n" + b"x" * ((1 << 20) - 3) + "ü".encode()[:1], b"a\nb\n\xc3"):
        with pytest.raises(UnicodeDecodeError):
            table.of_csv(content)
    whole = "a\n" + "x" * ((1 << 20) - 3) + "ü\n"
    assert rows(whole) == [{"a": whole[2:-1]}]


def test_lines_of_json_are_rows_of_any_shape() -> None:
    lines = [{"id": 1, "tags": ["a"]}, {"id": 2, "name": {"first": "Ada"}}]
    text = "\ufeff" + "\n".join(map(json.dumps, lines)) + "\n\n"
    found = table.of_jsonl(text.encode())
    assert list(found) == lines
    assert found.columns == ("id", "tags", "name")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "there is no row in it"),
        ('{"a": 1}\n[1]\n', "line 2 is no map: write `{...}` on every line"),
        ('{"a": 1}\n{"a": \n', "line 2: "),
    ],
)
def test_lines_that_are_no_rows_are_refused_in_words(text, said) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        table.of_jsonl(text.encode())


@pytest.mark.parametrize(
    "found", [table.of_csv(b"a,b\n1,2\n"), table.of_csv(CSV.encode()), table.of_jsonl(b'{"a": 1}\n{"b": [2]}\n')]
)
def test_a_table_is_the_same_in_another_process(found) -> None:
    sent = unpack(pack(found.packed()), table.Packed).table()
    assert (list(sent), sent.columns, sent.sha256) == (list(found), found.columns, found.sha256)
