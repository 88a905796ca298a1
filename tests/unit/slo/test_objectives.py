"""Promises as shares: budgets to the minute, and queries that have no value while nothing is asked."""

from fractions import Fraction

import pytest

from perfspec.slo.objectives import promises_of
from perfspec.slo.promql import Selector, edge, label, number

MS = 1_000_000


@pytest.mark.parametrize(
    ("share", "minutes"),
    [("99%", 432), ("99.5%", 216), ("99.9%", "43.2"), ("99.95%", "21.6"), ("99.99%", "4.32")],
)
def test_the_budget_of_30_days_in_minutes(promises, share, minutes) -> None:
    (availability, _) = promises(("99.9%", share)).objectives
    assert availability.budget_minutes == Fraction(minutes)


def test_the_budget_follows_the_period(promises) -> None:
    found = promises(("  availability", "  period: 28d\n  availability"))
    assert found.objectives[0].budget_minutes == Fraction("40.32")


def test_bad_over_all_where_something_was_asked(promises) -> None:
    availability, order = promises().objectives
    total = 'http_requests_total{service="shop"}'
    bad = 'http_requests_total{service="shop",code=~"5.."}'
    assert availability.ratio(300 * 10**9) == (f"(sum(rate({bad}[5m])) or vector(0)) / (sum(rate({total}[5m])) > 0)")
    count = 'http_request_duration_seconds_count{service="shop",endpoint="order"}'
    bucket = 'http_request_duration_seconds_bucket{service="shop",endpoint="order",le="0.12"}'
    assert order.ratio(300 * 10**9, "increase") == (
        f"1 - sum(increase({bucket}[5m])) / (sum(increase({count}[5m])) > 0)"
    )
    assert (order.name, order.sentence) == ("order p95", "95% of `order` take at most 120ms")


def test_a_bucket_ends_at_the_limit_as_it_is_written(promises) -> None:
    _, order = promises(("at most 120ms", "under 120ms")).objectives
    assert 'le="0.12"' in order.good
    assert order.sentence == "95% of `order` take under 120ms"


@pytest.mark.parametrize(
    ("ns", "wanted"),
    [(120 * MS, 'le="0.12"'), (1500 * MS, 'le="1.5"'), (2000 * MS, 'le=~"2([.]0)?"'), (10_000, 'le="0.00001"')],
)
def test_buckets_as_clients_write_them(ns, wanted) -> None:
    assert edge(ns) == wanted


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(144, 10_000), "0.0144"),
        (Fraction("14.4") * (1 - Fraction("99.9") / 100), "0.0144"),
        (Fraction(1, 2), "0.5"),
        (Fraction(3), "3"),
        (Fraction(28, 30) / 1000, "(7 / 7500)"),
    ],
)
def test_numbers_are_exact(value, text) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("text", "narrowed"),
    [
        ("a_total", 'a_total{x="1"}'),
        ("a_total{}", 'a_total{x="1"}'),
        ('a_total{ b="c", }', 'a_total{b="c",x="1"}'),
        ('a_total{path="/{id}"}', 'a_total{path="/{id}",x="1"}'),
    ],
)
def test_selectors_are_narrowed(text, narrowed) -> None:
    assert str(Selector.of(text).narrowed('x="1"', "")) == narrowed


def test_values_of_labels_are_escaped() -> None:
    assert label('a"b\\c\nd') == r'"a\"b\\c\nd"'


def test_what_production_does_not_measure_is_said(promises) -> None:
    found = promises(('    latency: http_request_duration_seconds{service="shop"}\n', ""))
    assert [each.name for each in found.measured] == ["availability"]
    (said,) = found.left_out
    assert said == "shop: order p95 cannot be computed, because the spec does not say `slo.prometheus.latency`"
    without = promises(slo="slo: {availability: at least 99%}\n")
    assert "`total` and `errors` under `slo.prometheus`" in without.left_out[0]


def test_a_spec_without_a_promise_promises_nothing(spec_of) -> None:
    text = 'service: s\nenvironments: {l: {url: "http://h"}}\nflows: {f: {steps: [{get: /}]}}\n'
    assert promises_of(spec_of(text)) is None
    assert promises_of(spec_of(text + "slo: {period: 7d}\n")) is None


@pytest.mark.parametrize(
    ("spent", "action"), [("0.49", None), ("0.5", "look"), ("0.99", "look"), ("1", "stop"), ("7", "stop")]
)
def test_the_last_step_reached_counts(promises, spent, action) -> None:
    step = promises().action(Fraction(spent))
    assert (step.action if step else None) == action
