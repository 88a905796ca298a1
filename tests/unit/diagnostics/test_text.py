"""Findings as plain text: carets stand under what is meant, whatever the line is made of."""

import pytest

from perfspec.diagnostics.diagnostic import Diagnostic, Severity
from perfspec.diagnostics.render.text import render, render_all
from perfspec.diagnostics.source import Source, Span


def shown(line: str, start: int, end: int, fix: str = "fix") -> list[str]:
    finding = Diagnostic("PS101", "message", Span("f", 1, start, 1, end), fix)
    return render(finding, {"f": Source("f", line)}).split("\n")[1:]


def test_a_finding_has_its_place_its_line_and_a_caret():
    finding = Diagnostic(
        "PS101", "unknown key `b`", Span("dir/f.yaml", 12, 3, 12, 5), "did you mean `a`?", Severity.WARNING
    )
    source = Source("dir/f.yaml", "\n" * 11 + "a bb c\n")
    assert render(finding, {"dir/f.yaml": source}) == (
        "dir/f.yaml:12:3 warning PS101: unknown key `b`\n   12 | a bb c\n      |   ^^ did you mean `a`?"
    )


def test_other_places_stand_behind_the_message():
    here = Span("f", 9, 1, 9, 2)
    related = (
        (Span("f", 8, 1, 8, 2), "first"),
        (Span("g", 3, 1, 3, 2), "also"),
        (Span("f", 2, 1, 2, 2), ""),
        (Span("g", 4, 1, 4, 2), ""),
    )
    finding = Diagnostic("PS004", "twice", here, related=related)
    assert render(finding, {}) == "f:9:1 error PS004: twice (first on line 8) (also in g:3) (line 2) (g:4)"


def test_without_its_source_a_finding_keeps_its_fix():
    assert render(Diagnostic("PS101", "m", Span("f", 1, 1, 1, 2), "fix"), {}) == "f:1:1 error PS101: m\n      | fix"


def test_several_findings_follow_each_other():
    found = [Diagnostic("PS101", text, Span("f", 1, 1, 1, 2)) for text in "ab"]
    assert render_all(found, {}) == "f:1:1 error PS101: a\nf:1:1 error PS101: b\n"
    assert render_all([], {}) == ""


@pytest.mark.parametrize(
    ("line", "start", "end", "expected"),
    [
        ("abc", 2, 3, ["    1 | abc", "      |  ^ fix"]),
        ("abc", 2, 2, ["    1 | abc", "      |  ^ fix"]),
        ("abc", 4, 4, ["    1 | abc", "      |    ^ fix"]),
        ("", 1, 1, ["    1 |", "      | ^ fix"]),
        ("abc", 9, 12, ["    1 | abc", "      |    ^ fix"]),
        ("漢字: x", 1, 3, ["    1 | 漢字: x", "      | ^^^^ fix"]),
        ("漢字: x", 5, 6, ["    1 | 漢字: x", "      |       ^ fix"]),
        ("😀: x", 4, 5, ["    1 | 😀: x", "      |     ^ fix"]),
        ("e\u0301a: x", 3, 4, ["    1 | e\u0301a: x", "      |  ^ fix"]),
        ("\tb: x", 1, 2, ["    1 |     b: x", "      | ^^^^ fix"]),
        ("\tb: x", 2, 3, ["    1 |     b: x", "      |     ^ fix"]),
        ("a\x00b", 2, 3, ["    1 | a\ufffdb", "      |  ^ fix"]),
    ],
)
def test_carets_count_columns_of_the_terminal(line: str, start: int, end: int, expected: list[str]):
    assert shown(line, start, end) == expected


def test_a_caret_without_a_fix_ends_the_line():
    assert shown("abc", 1, 3, "") == ["    1 | abc", "      | ^^"]


def test_a_span_of_several_lines_is_shown_to_the_end_of_its_first():
    finding = Diagnostic("PS101", "m", Span("f", 1, 4, 3, 2), "fix")
    assert render(finding, {"f": Source("f", "a: bcd\ne\nf")}).endswith("    1 | a: bcd\n      |    ^^^ fix")


@pytest.mark.parametrize("letter", ["x", "漢"])
@pytest.mark.parametrize("at", [1, 50, 5_000, 99_990])
def test_a_very_long_line_is_cut_around_the_caret(letter: str, at: int):
    line = letter * (at - 1) + "BAD" + letter * (100_000 - at)
    source, carets = shown(line, at, at + 3)
    assert len(source) < 140
    column = carets.index("^")
    width = 2 if letter == "漢" else 1
    before = source[: source.index("BAD")]
    assert sum(width if char == letter else 1 for char in before) == column
    assert carets[column:] == "^^^ fix"
    assert source.endswith("…") == (at < 99_990)
    assert source.startswith("    1 | …") == (at > 40 // width + 1)


def test_a_caret_wider_than_the_window_is_cut_with_it():
    source, carets = shown("x" * 1_000_000, 1, 1_000_001)
    assert len(source) < 140
    assert len(carets) < 140
