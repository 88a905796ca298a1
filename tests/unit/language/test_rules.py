"""Rules: what they mean, in exact numbers, and what is said of those that cannot be read."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Span
from perfspec.language.rules import DivisionByZero, evaluate, measures, parse_rule_text, rule_tree

MS = 1_000_000
VALUES = {
    "p95(generate where model is gpt-4)": 1_300 * MS,
    "p95(generate where model is gpt-3.5)": 100 * MS,
    "p99.9(GET /v1/a(b))": 7 * MS,
    "count(all)": 1000,
    "errors(a)": Fraction(1, 100),
    "errors(b)": Fraction(1, 50),
    "rate(a)": Fraction(41, 2),
    "wait p95(job)": 900 * MS,
    "mean(a)": 30 * MS,
    "max(a)": 90 * MS,
    "count(nothing)": 0,
    "tokens p95(a)": 20,
    "tokens mean(b)": Fraction(9, 2),
    "size p95(a)": 2_000,
    "events max(chat)": 7,
    "first_event p95(chat)": 40 * MS,
}


def holds(text: str) -> bool:
    return bool(evaluate(rule_tree(text), lambda measure: Fraction(VALUES[str(measure)])))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("p95(generate where model is gpt-4) < 4 * p95(generate where model is gpt-3.5) + 1s", True),
        ("p95(generate where model is gpt-4) < 4 * p95(generate where model is gpt-3.5) + 900ms", False),
        ("p95(generate where model is gpt-4) <= 4 * p95(generate where model is gpt-3.5) + 900ms", True),
        ("p95(generate where model is gpt-4) / p95(generate where model is gpt-3.5) == 13", True),
        ("p95( generate where model is gpt-4 )<2s", True),
        ("p99.9(GET /v1/a(b)) < 8ms", True),
        ("errors(a) <= 2 * errors(b)", True),
        ("errors(b) - errors(a) < 1%", False),
        ("errors(b) - errors(a) <= 1%", True),
        ("50% * p95(generate where model is gpt-4) > 600ms", True),
        ("rate(a) >= 20.5/s and rate(a) < 20.6/s", True),
        ("not (count(all) < 1000 or count(all) > 1000)", True),
        ("not count(all) < 1000", True),
        ("max(a) - 2 * mean(a) < 30ms", False),
        ("(max(a) - mean(a)) / 2 == 30ms", True),
        ("-mean(a) > -31ms", True),
        ("wait p95(job) != 900ms", False),
        ("count(all) * 2 + 1 == 2001 and mean(a) < 1s and max(a) < 1s", True),
        ("mean(a) < 31ms, warn only", True),
        ("tokens p95(a) < 4 * tokens mean(b) + 2.1", True),
        ("tokens p95(a) < 4 * tokens mean(b) + 2", False),
        ("size p95(a) <= 2kB", True),
        ("size p95(a) < 1.9kB + 100B", False),
        ("size p95(a) / tokens p95(a) == 100B", True),
        ("size p95(a) / 1MB < 0.002", False),
        ("first_event p95(chat) < events max(chat) * 6ms", True),
    ],
)
def test_a_rule_compares_exactly(text, expected) -> None:
    assert holds(text) is expected


def test_a_rule_names_what_it_measures_in_the_order_written() -> None:
    tree = rule_tree("p95(b) < p50(a) + 2 * p95(b) and errors(c) < 1%")
    assert [str(measure) for measure in measures(tree)] == ["p95(b)", "p50(a)", "p95(b)", "errors(c)"]


def test_nothing_is_divided_by_nothing() -> None:
    with pytest.raises(DivisionByZero):
        holds("count(all) / count(nothing) > 1")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("p95(a) < 4", ("1-10 PS611 `<` stands between a time and a number | compare what has the same unit, such as 1s"
                       " with a time or 5% with errors")),
        ("p95(a) + 5% < 1s", ("1-11 PS611 `+` stands between a time and a percentage | add what has the same unit,"
                             " such as 1s with a time or 5% with errors")),
        ("1s < p95(a) * p95(b)", "6-20 PS611 a time times a time is nothing that a rule knows | multiply by a number"),
        ("p95(a) and p95(b)", "1-17 PS611 `and` joins comparisons | write `p95(a) < 1s and p95(b) < 1s`"),
        ("(p95(a) < 1s) + 1s", "1-18 PS611 `+` cannot take a comparison | join two comparisons with `and`"),
        ("p95(a) + 1s", ("1-11 PS610 a rule compares, and this is a time | write for example `p95(a) < 2 * p95(b) +"
                        " 100ms`")),
        ("1s < 2s", "1-7 PS610 a rule measures something | write `p95(ROW) < ...`"),
        ("pp95(a) < 1s", "1-4 PS610 a rule cannot measure `pp95` | did you mean `p95`?"),
        ("throughput(a) < 1s", ("1-10 PS610 a rule cannot measure `throughput` | there is `p95(ROW)`, `mean(ROW)`,"
                               " `max(ROW)`, `count(ROW)`, `errors(ROW)`, `rate(ROW)`")),
        ("p95(a < 1s", "1-10 PS610 `)` is missing behind the row | write `)`"),
        ("p95() < 1s", "1-5 PS610 `p95` needs a row | write `p95(all)`"),
        ("1s < p95(a) < 2s", "13-13 PS610 comparisons cannot be chained | join two with `and`"),
        ("p95(a) under 1s", "8-12 PS610 `under` is not expected here | a rule compares with `<`, `<=`, `>` or `>=`"),
        ("p95(a) < 5 sec", "10-14 PS610 `5 sec` is no amount | write `5s`"),
        ("p95(a) < 5sec", "10-13 PS610 `5sec` is no amount | write `5s`"),
        ("p95(a) < 5MB", ("1-12 PS611 `<` stands between a time and a size | compare what has the same unit, such as 1s"
                         " with a time or 5% with errors")),
        ("size p95(a) < 5", ("1-15 PS611 `<` stands between a size and a number | compare what has the same unit, such"
                            " as 1s with a time or 5% with errors")),
        ("tokens p95(a) < 5ms", ("1-19 PS611 `<` stands between a number and a time | compare what has the same unit,"
                                " such as 1s with a time or 5% with errors")),
        ("size p95(a) * size p95(a) < 1kB", ("1-25 PS611 a size times a size is nothing that a rule knows"
                                            " | multiply by a number")),
        ("p95(a) < 5x", ("10-11 PS610 `5x` does not fit a rule | a rule knows times, percentages, rates, sizes and"
                        " numbers")),
        ("p95(a) <", "8-8 PS610 something is missing at the end | write a measure, `p95(ROW)`, or an amount, 1s"),
        ("(p95(a) < 1s", "12-12 PS610 `)` is missing | write `)`"),
        ("p95 < 1s", ("1-3 PS610 `p95` has no meaning in a rule | a rule is made of measures such as `p95(ROW)`,"
                     " amounts such as 1s, and + - * / < <= > >= and or not")),
        ("not p95(a)", "1-10 PS611 `not` cannot stand before a time | compare first"),
        ("p95(a) < " + "1s + " * 70 + "1s", "1-361 PS610 this is too long for a rule | split it in two"),
        ("(" * 22 + "p95(a) < 1s" + ")" * 22, "22-22 PS610 a rule nests at most 20 deep | split it in two"),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_read_is_said_at_its_place(text, said) -> None:
    out = Diagnostics()
    assert parse_rule_text(text, Span("s.yaml", 1, 1, 1, len(text) + 1), out) is None
    (found,) = out.sorted()
    span = found.span
    assert f"{span.column}-{span.end_column - 1} {found.code} {found.message} | {found.help}" == said


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.text("p95(a) <>=+-*/1s%.and or not\"'é", max_size=40))
def test_any_text_is_a_rule_or_has_one_finding(text) -> None:
    out = Diagnostics()
    tree = parse_rule_text(text, Span("s.yaml", 1, 1, 1, len(text) + 1), out)
    assert (tree is None) == (len(out.sorted()) == 1)
