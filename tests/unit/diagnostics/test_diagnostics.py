import re
from pathlib import Path

import pytest

from perfspec.diagnostics.codes import CODES
from perfspec.diagnostics.diagnostic import Diagnostics, Severity
from perfspec.diagnostics.source import Source, Span

ROOT = Path(__file__).parents[3]


def test_findings_are_sorted_by_place_and_said_once():
    out = Diagnostics()
    for line in (3, 1, 2, 1):
        out.add("PS101", "x", Span("b", line, 1, line, 2))
    out.add("PS101", "x", Span("a", 9, 1, 9, 2))
    assert [str(d.span) for d in out.sorted()] == ["a:9:1", "b:1:1", "b:2:1", "b:3:1"]


def test_findings_of_two_collections_are_merged():
    one, two = Diagnostics(), Diagnostics()
    one.add("PS101", "x", Span("a", 1, 1, 1, 2), "first")
    two.add("PS101", "x", Span("a", 1, 1, 1, 2), "second")
    two.add("PS007", "y", Span("a", 2, 1, 2, 2), severity=Severity.WARNING)
    one.extend(two)
    assert [(d.code, d.help) for d in one.sorted()] == [("PS101", "first"), ("PS007", "")]


def test_warnings_are_no_errors():
    out = Diagnostics()
    out.add("PS007", "x", Span("a", 1, 1, 1, 2), severity=Severity.WARNING)
    assert not out.has_errors
    out.add("PS101", "x", Span("a", 1, 1, 1, 2))
    assert out.has_errors


def test_a_code_without_a_row_is_refused():
    with pytest.raises(AssertionError, match="PS999"):
        Diagnostics().add("PS999", "x", Span("a", 1, 1, 1, 2))


def test_every_code_has_one_line_of_its_own():
    assert all(re.fullmatch(r"PS[0-9]{3}", code) and row.about and "\n" not in row.about for code, row in CODES.items())
    assert len({row.about for row in CODES.values()}) == len(CODES)
    assert list(CODES) == sorted(CODES)


def test_lines_are_cut_as_editors_cut_them():
    source = Source("f", "\ufeffa\r\nb\rc\n\x0cd\u2028e\n")
    assert source.lines == ["a", "b", "c", "\x0cd\u2028e", ""]
    assert [source.line(n) for n in (0, 1, 5, 6)] == ["", "a", "", ""]
    assert str(source.span(0, 1)) == "f:1:1"
    assert source.span(3, 6) == Span("f", 2, 1, 3, 2)


def test_a_part_of_a_span_of_several_lines_is_the_whole():
    assert Span("f", 1, 1, 2, 5).part(1, 2) == Span("f", 1, 1, 2, 5)
    assert Span("f", 1, 3, 1, 9).part(1, 2) == Span("f", 1, 4, 1, 5)
    assert Span("f", 1, 1, 2, 5).width == 0
