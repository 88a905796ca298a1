"""Rows, cells and limits: what each is, and whether they fit together."""

from fractions import Fraction

import pytest

from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Source, Span
from perfspec.language.compose import compose
from perfspec.spec.model import Cell, Row
from perfspec.spec.thresholds import is_share, longest_good_ns, parse_cell, read_promises, resolve, share_limit

MS = 1_000_000
SPAN = Span("s.yaml", 1, 1, 1, 4)


def test_a_status_cell_knows_its_status() -> None:
    assert cell("status 429") == (Cell("status", None, "", "status 429", 429), [])


def cell(text: str) -> tuple[Cell | None, list[str]]:
    out = Diagnostics()
    return parse_cell(text, SPAN, out), [f"{d.code} {d.message} | {d.help}" for d in out.sorted()]


@pytest.mark.parametrize(
    ("text", "statistic", "quantile", "timer"),
    [
        ("p50", "percentile", Fraction(1, 2), ""),
        ("p99.9", "percentile", Fraction(999, 1000), ""),
        ("p0.1", "percentile", Fraction(1, 1000), ""),
        ("wait p95", "percentile", Fraction(19, 20), "wait"),
        ("poll max", "max", None, "poll"),
        ("first_event p95", "percentile", Fraction(19, 20), "first_event"),
        ("tokens mean", "mean", None, "tokens"),
        ("size p50", "percentile", Fraction(1, 2), "size"),
        ("mean", "mean", None, ""),
        ("max", "max", None, ""),
        ("errors", "errors", None, ""),
        ("availability", "availability", None, ""),
        ("count", "count", None, ""),
        ("throughput", "throughput", None, ""),
        ("goodput", "goodput", None, ""),
        ("burn rate", "burn rate", None, ""),
    ],
)
def test_a_cell_is_a_number_of_a_row(text, statistic, quantile, timer) -> None:
    assert cell(text) == (Cell(statistic, quantile, timer, text), [])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("p100", "PS605 `p100` is no percentile | write a number between 0 and 100: `p95`, or `max`"),
        ("p0", "PS605 `p0` is no percentile | write a number between 0 and 100: `p95`, or `max`"),
        ("p101", "PS605 `p101` is no percentile | write a number between 0 and 100: `p95`, or `max`"),
        ("eror", "PS605 a threshold has no cell `eror` | did you mean `errors`?"),
        (
            "qqq",
            (
                "PS605 a threshold has no cell `qqq` | there are p50, p90, p95, p99, p99.9, mean, max, wait p95,"
                " poll p95, first_event p95, event_gap p95, events mean, connect p95, size p95, errors, availability,"
                " goodput, burn rate, count, throughput, status 429"
            ),
        ),
        ("wait errors", "PS605 a threshold has no cell `wait errors` | did you mean `errors`?"),
        ("status 42", "PS605 a threshold has no cell `status 42` | did you mean `status 429`?"),
        ("status 600", "PS605 a threshold has no cell `status 600` | did you mean `status 429`?"),
    ],
)
def test_what_is_no_cell_is_said(text, said) -> None:
    assert cell(text) == (None, [said])


def promises(table: str) -> tuple[list, list[str]]:
    out = Diagnostics()
    found = read_promises(compose(Source("s.yaml", table), out), out)
    return list(found), [f"{d.span.line}:{d.span.column} {d.code} {d.message} | {d.help}" for d in out.sorted()]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("all", Row("all", "", (), "all")),
        ("suggest", Row("request", "suggest", (), "suggest")),
        ("flow buy now", Row("flow", "buy now", (), "flow buy now")),
        ("all where lang is de", Row("all", "", (("lang", "de"),), "all where lang is de")),
        ("a b where t is x y", Row("request", "a b", (("t", "x y"),), "a b where t is x y")),
    ],
)
def test_a_row_says_whose_numbers_are_judged(row, expected) -> None:
    found, said = promises(f"{row}: {{errors: under 1%}}")
    assert said == []
    assert found[0].row == expected


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (
            "a where lang: {errors: under 1%}",
            "1:1 PS602 `where` needs a tag and its value | write `a where lang is VALUE`",
        ),
        ("all: {goodput: under 5%}", "1:16 PS606 `under 5%` says the wrong side of `goodput` | write `at least 5%`"),
        ("all: {burn rate: under 1%}", "1:18 PS606 `burn rate` is a multiple, and `1%` is not | write `at most 1x`"),
        ("all: {burn rate: under 1}", "1:18 PS606 `burn rate` is a multiple, and `1` is not | write `under 1x`"),
        (
            "a: {status 429: between 1% and 2%}",
            "1:17 PS606 `between 1% and 2%` says the wrong side of `status 429` | write `at most 2%`",
        ),
        ("a: {p95: 120ms}", ("1:10 PS601 a threshold needs a word that says which side is good | write `under 120ms`")),
        ("a: {p95: under 1%}", "1:10 PS606 `p95` is a time, and `1%` is not | write `at most 200ms`"),
        ("a: {errors: under 5ms}", "1:13 PS606 `errors` is a percentage, and `5ms` is not | write `under 1%`"),
        ("a: {errors: under 5}", "1:13 PS606 `errors` is a percentage, and `5` is not | write `under 5%`"),
        ("a: {errors: under 101%}", "1:13 PS606 `101%` is more than everything | write a percentage up to 100%"),
        ("a: {count: under 5%}", "1:12 PS606 `count` is a number, and `5%` is not | write `at least 100`"),
        ("a: {throughput: over 5}", "1:17 PS606 `throughput` is a rate, and `5` is not | write `over 5/s`"),
        ("a: {p95: 'under ${values.x'}", "1:17 PS305 `${` is never closed | add `}`"),
    ],
)
def test_what_does_not_fit_together_is_said(table, said) -> None:
    assert promises(table) == ([], [said])


@pytest.mark.parametrize(
    ("cell", "limit", "hint"),
    [
        ("errors", "over 1%", "at most 1%"),
        ("errors", "at least 1%", "at most 1%"),
        ("errors", "between 1% and 2%", "at most 2%"),
        ("availability", "under 99%", "at least 99%"),
        ("availability", "at most 99%", "at least 99%"),
        ("availability", "between 98% and 99%", "at least 99%"),
    ],
)
def test_a_limit_on_the_wrong_side_is_said_wherever_it_comes_from(cell, limit, hint) -> None:
    said = f"PS606 `{limit}` says the wrong side of `{cell}` | write `{hint}`"
    found, now = promises(f"a: {{{cell}: {limit}}}")
    assert (found, [line.split(" ", 1)[1] for line in now]) == ([], [said])
    relation, amount = limit.rsplit(" ", 1)
    (promise,), _ = promises(f'a: {{{cell}: "{relation} ${{values.x}}"}}')
    out = Diagnostics()
    assert resolve(promise, {"values.x": amount}, out) is None
    assert [d.code for d in out.sorted()] == ["PS606"]


def test_a_broken_cell_hides_no_other() -> None:
    found, said = promises("a: {p95: 5, errors: under 1%, p50: [1]}\nb: 5\nc: {max: under 1s}")
    assert [(p.row.text, p.cell.text) for p in found] == [("a", "errors"), ("c", "max")]
    assert len(said) == 1
    assert promises("5") == ([], [])


@pytest.mark.parametrize(
    ("limit", "values", "text"),
    [
        ("at most ${values.p95}", {"values.p95": "120ms"}, "at most 120ms"),
        ("at most ${ values.n }ms", {"values.n": 120}, "at most 120ms"),
        ("between ${values.a} and ${values.b}", {"values.a": "1ms", "values.b": "2ms"}, "between 1ms and 2ms"),
    ],
)
def test_limits_are_filled_in_for_an_environment(limit, values, text) -> None:
    found, said = promises(f'a: {{p95: "{limit}"}}')
    assert said == []
    out = Diagnostics()
    threshold = resolve(found[0], values, out)
    assert out.sorted() == []
    assert (threshold.limit.text, str(threshold)) == (text, f"a p95 {text}")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("5%", "PS606 `p95` is a time, and `5%` is not | write `at most 200ms`"),
        ("quick", "PS607 `quick` is no amount | write an amount such as 300ms, 0.5%, 20/s or 3 entries"),
    ],
)
def test_a_value_that_makes_no_limit_is_said(value, said) -> None:
    (promise,), _ = promises('a: {p95: "at most ${values.x}"}')
    out = Diagnostics()
    assert resolve(promise, {"values.x": value}, out) is None
    assert [f"{d.code} {d.message} | {d.help}" for d in out.sorted()] == [said]


def test_a_value_that_is_missing_has_been_said_elsewhere() -> None:
    (promise,), _ = promises('a: {p95: "at most ${values.x}"}')
    out = Diagnostics()
    assert resolve(promise, {}, out) is None
    assert out.sorted() == []


@pytest.mark.parametrize(
    ("cell", "limit", "good"),
    [
        ("p95", "at most 120ms", 120 * MS),
        ("p95", "under 120ms", 120 * MS - 1),
        ("p95", "over 120ms", None),
        ("p95", "at least 120ms", None),
        ("p95", "between 1ms and 120ms", None),
        ("mean", "at most 120ms", None),
        ("errors", "under 1%", None),
    ],
)
def test_the_longest_good_time_is_that_of_percentiles_with_an_upper_limit(threshold, cell, limit, good) -> None:
    assert longest_good_ns(threshold("a", cell, limit)) == good


@pytest.mark.parametrize(
    ("cell", "limit", "share", "strict"),
    [
        ("p95", "at most 1s", Fraction(1, 20), False),
        ("p99.9", "under 1s", Fraction(1, 1000), False),
        ("errors", "under 0.5%", Fraction(1, 200), True),
        ("errors", "at most 0.5%", Fraction(1, 200), False),
        ("availability", "at least 99.9%", Fraction(1, 1000), False),
        ("availability", "over 99.9%", Fraction(1, 1000), True),
        ("goodput", "at least 95%", Fraction(1, 20), False),
        ("status 429", "under 5%", Fraction(1, 20), True),
        ("status 201", "at least 90%", Fraction(1, 10), False),
    ],
)
def test_every_share_is_a_share_of_bad_requests(threshold, cell, limit, share, strict) -> None:
    found = threshold("a", cell, limit)
    assert share_limit(found) == (share, strict)
    assert is_share(found.cell)


@pytest.mark.parametrize(("cell", "limit"), [("mean", "under 1s"), ("max", "under 1s"), ("count", "over 1")])
def test_other_numbers_are_no_shares(threshold, cell, limit) -> None:
    assert not is_share(threshold("a", cell, limit).cell)
