"""Requests whose failures nothing would notice."""

import pytest

SPEC = """perfspec: 1
service: shop
environments: {{local: {{url: "http://127.0.0.1:8080"}}}}
flows:
  look:
    steps:
      - {{get: /products, name: products}}
      - group: basket
        steps: [{{get: /cart, name: cart, tags: {{lang: de}}}}]
  buy:
    weight: 2
    steps: [{{post: /orders, name: order}}]
stages: {stages}
thresholds: {thresholds}
"""
STAGES = "{smoke: {phases: [{for: 5s, users: 2}]}}"
COUNTED = "products: {p95: under 1s}, flow buy: {errors: under 1%}, "


@pytest.mark.parametrize(
    ("thresholds", "names"),
    [
        (
            "{products: {mean: under 1s, max: under 2s, count: over 5}, rules: [p95(products) < 1s]}",
            "products cart order",
        ),
        ("{all: {errors: under 1%}}", ""),
        ("{all: {availability: over 99%}}", ""),
        ("{all: {goodput: over 99%}}", ""),
        ("{all: {p95: under 1s}}", ""),
        ("{all: {p95: over 1ms}}", "products cart order"),
        ("{all: {p95: between 1ms and 2s}}", "products cart order"),
        ("{all: {status 200: over 99%}}", ""),
        ("{all: {status 500: under 1%}}", "products cart order"),
        ("{flow look: {errors: under 1%}}", "order"),
        ("{products: {p95: under 1s}, order: {errors: under 1%}}", "cart"),
        (f"{{{COUNTED} group basket: {{errors: under 1%}}}}", ""),
        (f"{{{COUNTED} cart where lang is de: {{errors: under 1%}}}}", "cart"),
    ],
)
def test_a_request_whose_failures_no_limit_counts_is_named(findings, thresholds, names) -> None:
    found = [d for d in findings(SPEC.format(stages=STAGES, thresholds=thresholds)) if d.code == "PS630"]
    said = "no limit counts the failures of " + ", ".join(f"`{name}`" for name in names.split())
    assert [d.message for d in found] == ([said] if names else [])
    assert all((d.severity.value, d.help) == ("warning", "add `all: {errors: under 1%}`") for d in found)


def test_a_limit_of_one_stage_is_enough(findings) -> None:
    """What a stage is for is known to who wrote it; what is limited nowhere was forgotten."""
    smoke = "smoke: {phases: [{for: 5s, users: 2}]}"
    load = "load: {phases: [{for: 5s, users: 2}], thresholds: {all: {errors: under 1%}}}"
    text = SPEC.format(stages=f"{{{smoke}, {load}}}", thresholds="{products: {mean: under 1s}}")
    assert [d.code for d in findings(text)] == []
