"""Quantities and limits: what they mean, and what is said of what is none. Any text as any phrase."""

from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Span
from perfspec.language import phrase_grammar as grammar
from perfspec.language.check import PHRASES
from perfspec.language.nodes import Scalar
from perfspec.language.phrases import (
    Limit,
    Quantity,
)

MS = 1_000_000


S = 1_000 * MS


def quantity(text: str) -> Quantity:
    found = grammar.parse_quantity(text)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("300ms", 300 * MS, "time"),
        ("2m30s", 150 * S, "time"),
        ("1.5s", 1500 * MS, "time"),
        ("0s", 0, "time"),
        ("0.5%", Fraction(1, 200), "share"),
        ("100%", 1, "share"),
        ("20/s", 20, "rate"),
        ("0.5/s", Fraction(1, 2), "rate"),
        ("100kB", 100_000, "size"),
        ("1.5MB", 1_500_000, "size"),
        ("1KiB", 1024, "size"),
        ("12B", 12, "size"),
        ("10x", 10, "times"),
        ("3 entries", 3, "entries"),
        ("1 entry", 1, "entries"),
        ("4", 4, "number"),
        ("-4.5", Fraction(-9, 2), "number"),
    ],
)
def test_a_quantity_is_exact_and_has_its_unit(text: str, value: Fraction, unit: str):
    assert quantity(text) == Quantity(Fraction(value), unit, text)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["", "ms", "300 ms", "300MS", "-5s", "1e3", "5 %", "0x5", "20 /s", "3entries", "1.s", ".5s", "9" * 99]
)
def test_what_is_nearly_a_quantity_is_none(text: str):
    assert grammar.parse_quantity(text) is None


@pytest.mark.parametrize(
    ("text", "ns"), [("30s", 30 * S), ("500ms", 500 * MS), ("30d", 30 * 86_400 * S), ('"5s"', 5 * S), ("1us", 1000)]
)
def test_a_duration_is_nanoseconds(accepted: Callable[..., object], text: str, ns: int):
    assert accepted(grammar.parse_duration, text, "for") == ns


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30", "PS201 `for` needs a unit | write 30s or 30ms | 30"),
        ("1.5", "PS201 `for` needs a unit | write 1.5s or 1.5ms | 1.5"),
        ("5 s", "PS202 `for` cannot be `5 s` | write 5s | 5 s"),
        ("2 minutes 30 secs", "PS202 `for` cannot be `2 minutes 30 secs` | write 2m30s | 2 minutes 30 secs"),
        ("1,5s", "PS202 `for` cannot be `1,5s` | write 1.5s | 1,5s"),
        ("5%", "PS202 `for` needs a duration, found `5%` | write 30s, 500ms or 2m30s | 5%"),
        ("soon", "PS202 `for` needs a duration, found `soon` | write 30s, 500ms or 2m30s | soon"),
        ("0s", "PS202 `for` cannot be `0s` | write a duration longer than 0s | 0s"),
        ("400d", "PS202 `for` cannot be `400d` | write a duration at most 366d | 400d"),
        ("true", "PS202 `for` needs a duration, found `true` | write 30s, 500ms or 2m30s | true"),
    ],
)
def test_what_is_no_duration_is_answered_with_one(refused: Callable[..., str], text: str, expected: str):
    assert refused(grammar.parse_duration, text, "for") == expected


def test_shares_and_rates_need_their_unit(accepted: Callable[..., object], refused: Callable[..., str]):
    assert accepted(grammar.parse_share, "12.5%", "a") == Fraction(1, 8)
    assert refused(grammar.parse_share, "5", "a") == "PS201 `a` needs a unit | write 5% | 5"
    assert refused(grammar.parse_share, "5 percent", "a") == "PS202 `a` cannot be `5 percent` | write 5% | 5 percent"
    assert refused(grammar.parse_share, "5s", "a") == "PS202 `a` needs a share, found `5s` | write 5% | 5s"
    assert accepted(grammar.parse_rate, "2000/s", "a") == quantity("2000/s")
    assert refused(grammar.parse_rate, "20", "a") == "PS201 `a` needs a unit | write 20/s | 20"
    assert (
        refused(grammar.parse_rate, "20 per second", "a")
        == "PS202 `a` cannot be `20 per second` | write 20/s | 20 per second"
    )


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("under 300ms", Limit("under", quantity("300ms"), text="under 300ms")),
        ("at most 0.5%", Limit("at most", quantity("0.5%"), text="at most 0.5%")),
        ("over 20/s", Limit("over", quantity("20/s"), text="over 20/s")),
        ("at least 3 entries", Limit("at least", quantity("3 entries"), text="at least 3 entries")),
        ("under 10x, warn only", Limit("under", quantity("10x"), None, warn_only=True, text="under 10x")),
        ("between 1s and 2m", Limit("between", quantity("1s"), quantity("2m"), text="between 1s and 2m")),
        ('"  at  most "', None),
        ("at most ${values.p95}", None),
    ],
)
def test_a_limit_is_a_word_and_a_quantity(
    accepted: Callable[..., object], refused: Callable[..., str], text: str, limit: Limit | None
):
    if limit is None and "${" not in text:
        assert refused(grammar.parse_limit, text).startswith("PS601")
    else:
        assert accepted(grammar.parse_limit, text) == limit


NO_SIDE = "PS601 a threshold needs a word that says which side is good"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1%", f"{NO_SIDE} | write `under 1%` | 1%"),
        ("99.9%", f"{NO_SIDE} | write `at least 99.9%` | 99.9%"),
        ("300 ms", f"{NO_SIDE} | write `under 300ms` | 300 ms"),
        ("20/s", f"{NO_SIDE} | write `at least 20/s` | 20/s"),
        ("100", f"{NO_SIDE} | write `at least 100` | 100"),
        ("< 300ms", f"{NO_SIDE} | write `under 300ms` | < 300ms"),
        ("<=300 ms", f"{NO_SIDE} | write `at most 300ms` | <=300 ms"),
        ("less than 1 percent", f"{NO_SIDE} | write `under 1%` | less than 1 percent"),
        ("no more than 3s", f"{NO_SIDE} | write `at most 3s` | no more than 3s"),
        ("minimum 99%", f"{NO_SIDE} | write `at least 99%` | minimum 99%"),
        ("undr 300ms", f"{NO_SIDE} | write `under 300ms` | undr 300ms"),
        ("fast", f"{NO_SIDE} | write a limit such as `under 300ms` or `at least 99.9%` | fast"),
        ("under 300 ms", "PS607 `300 ms` is no amount | write `300ms` | 300 ms"),
        ("under much", "PS607 `much` is no amount | write an amount such as 300ms, 0.5%, 20/s or 3 entries | much"),
        ("under 1% warn only", "PS607 the limit ends in `warn only` | write `under 1%, warn only` |  warn only"),
        ("under 1%, warn", "PS607 the limit ends in `warn` | write `under 1%, warn only` | , warn"),
        ("between 1 and 3s", "PS607 `1` and `3s` have different units | write `between 1s and 3s` | between 1 and 3s"),
        ("between 1% and 3s", "PS607 `1%` and `3s` have different units | give both the same unit | between 1% and 3s"),
        (
            "between 3s and 1s",
            "PS207 `between 3s and 1s` runs backwards | write `between 1s and 3s` | between 3s and 1s",
        ),
    ],
)
def test_what_is_no_limit_is_answered_with_one(refused: Callable[..., str], text: str, expected: str):
    assert refused(grammar.parse_limit, text) == expected


def test_a_limit_that_became_known_later_points_at_its_template():
    out = Diagnostics()
    span = Span("f", 3, 5, 3, 25)
    assert grammar.parse_limit_text("under 300", span, out) == Limit("under", quantity("300"), text="under 300")
    assert grammar.parse_limit_text("under fast", span, out) is None
    assert grammar.parse_limit_text("x" * 1000, span, out) is None
    assert {d.span for d in out.sorted()} == {span}


_PARTS = st.sampled_from(
    [
        "under",
        "at most",
        "between",
        "and",
        "300ms",
        "5%",
        "20/s",
        "5",
        "to",
        "ramp",
        "about",
        "for",
        "threshold fails",
        "errors",
        "of",
        "no responses",
        "$",
        ".a",
        "[",
        "]",
        "'",
        "*",
        "?",
        "(",
        ")",
        "or",
        "all",
        "secret",
        "header",
        "regex",
        "warn only",
        ",",
        "zipf",
        "words",
        "contains",
        "not",
        "matches",
        "exactly",
        "${x}",
        "\\",
        "-",
        "\n",
        " " * 50,
        "9" * 30,
    ],
)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.lists(_PARTS, max_size=8).map(" ".join), st.text(max_size=30)), st.sampled_from(sorted(PHRASES)))
def test_any_text_as_a_phrase_is_read_or_reported(text: str, phrase: str):
    out = Diagnostics()
    span = Span("f", 1, 1, 1, 1 + len(text))
    value = PHRASES[phrase](Scalar(text, text, span, span, quoted=True), "key", out)
    assert value is not None or out.has_errors or "${" in text
    for found in out.sorted():
        assert span.column <= found.span.column <= found.span.end_column <= span.end_column


@pytest.mark.parametrize("phrase", sorted(PHRASES))
@pytest.mark.parametrize("letters", [" ", "1", "a", "a ", "(", "$.a", "1 to ", "of "])
def test_a_very_long_text_is_answered_at_once(phrase: str, letters: str):
    text = letters * (200_000 // len(letters))
    span = Span("f", 1, 1, 1, 2)
    PHRASES[phrase](Scalar(text, text, span, span, quoted=True), "key", Diagnostics())
