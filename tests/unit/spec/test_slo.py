"""What production promises and who is told: exact values, and what is said of promises that are none."""

from fractions import Fraction

import pytest

from perfspec.spec.slo import Notice, Prometheus

MS = 1_000_000
SPEC = """
service: shop
environments: {local: {url: "http://h"}}
secrets: {hook: SHOP_HOOK}
flows: {buy: {steps: [{get: /a, name: a}]}}
"""
SLO = """slo:
  period: 28d
  availability: at least 99.95%
  latency:
    a: {p95: at most 120ms, p99.9: under 1s, label: 'endpoint="a", method!="HEAD"'}
  when_budget_spent: {100%: stop, 50%: look, 80%: meet}
  prometheus: {total: 'http_requests_total{service="shop"}', latency: http_request_duration_seconds}
"""


def test_promises_are_exact(spec_of) -> None:
    slo = spec_of(SPEC + SLO).slo
    assert (slo.target, slo.budget) == (Fraction(9995, 10_000), Fraction(1, 2000))
    assert slo.period_ns == 28 * 86_400 * 10**9
    assert [(p.request, p.quantile, p.limit_ns, p.text) for p in slo.latency] == [
        ("a", Fraction(95, 100), 120 * MS, "p95 at most 120ms"),
        ("a", Fraction(999, 1000), 1000 * MS - 1, "p99.9 under 1s"),
    ]
    assert {p.label for p in slo.latency} == {'endpoint="a", method!="HEAD"'}
    assert [(step.share, step.action) for step in slo.when_budget_spent] == [
        (Fraction(1, 2), "look"),
        (Fraction(4, 5), "meet"),
        (Fraction(1), "stop"),
    ]
    assert slo.prometheus == Prometheus('http_requests_total{service="shop"}', "", "http_request_duration_seconds")


def test_a_period_is_30_days_if_nobody_says_otherwise(spec_of) -> None:
    slo = spec_of(SPEC + "slo: {availability: over 99.9%}").slo
    assert slo.period_ns == 30 * 86_400 * 10**9
    assert (slo.latency, slo.when_budget_spent, slo.prometheus) == ((), (), None)


def test_without_promises_there_are_none(spec_of) -> None:
    assert spec_of(SPEC).slo is None
    assert spec_of(SPEC + "slo: {period: 7d}").slo.budget is None


def test_who_is_told_is_read(spec_of, told) -> None:
    notice = spec_of(SPEC + 'notify: {slack: "${secret.hook}", when: recovered}').notify
    assert (notice.kind, notice.secret, notice.when) == ("slack", "hook", "recovered")
    (said,) = told(SPEC + 'notify: {slack: "${secret.hock}"}')
    assert said.endswith("PS304 no secret is called `hock` | did you mean `hook`?")


@pytest.mark.parametrize(
    "address", ["https://chat.example.com/x", "https://${secret.hook}/x", "${values.hook}", "${1}"]
)
def test_an_address_that_is_no_secret_is_refused(told, address) -> None:
    (said,) = told(SPEC + f'notify: {{webhook: "{address}"}}')
    assert "PS701" in said
    assert "write `${secret.webhook}`" in said


def test_a_notice_holds_the_name_of_the_secret_alone() -> None:
    assert Notice.__struct_fields__ == ("kind", "secret", "when", "span")


@pytest.mark.parametrize(
    ("slo", "said"),
    [
        ("availability: at most 99%", "PS606 `at most 99%` promises no availability | write `at least 99%`"),
        ("availability: at least 200ms", "PS606 `at least 200ms` promises no availability | write `at least 99.9%`"),
        (
            "availability: at least 100%",
            "PS606 `100%` leaves no error budget | write a share below 100%, such as `at least 99.9%`",
        ),
        ("latency: {b: {p95: at most 1s}}", "PS602 no request is named `b` | name a request with `name:`"),
        ("latency: {a: {p95: over 1s}}", "PS606 `over 1s` promises no `p95` | write `at most 120ms`"),
        ("latency: {a: {p100: under 1s}}", "PS605 `p100` is no percentile | write a number between 0 and 100: `p95`"),
        ("when_budget_spent: {120%: x}", "PS606 `120%` of a budget cannot be spent | write 1% to 100%"),
    ],
)
def test_what_promises_nothing_is_said(told, slo, said) -> None:
    found = told(SPEC + f"slo: {{{slo}}}")
    assert [line.partition(" ")[2] for line in found] == [said]


def test_more_errors_than_unavailable_answers_is_a_warning_where_they_stand_side_by_side(told) -> None:
    both = "thresholds: {all: {errors: under 1%, availability: at least 99.9%}}"
    assert ["PS238" in line for line in told(SPEC + both)] == [True]
    for other in ("errors: under 0.1%, availability: at least 99.9%", "errors: under 1%, availability: at least 99%"):
        assert told(SPEC + f"thresholds: {{all: {{{other}}}}}") == []
    assert told(SPEC + "thresholds: {all: {errors: under 1%}, a: {availability: at least 99.9%}}") == []
