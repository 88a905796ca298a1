"""What makes two runs comparable, and what does not."""

import pytest

from perfspec.plan.fingerprint import fingerprint

SPEC = """
service: shop
environments: {local: {url: "http://a"}, live: {url: "http://b"}}
data: {word: {choice: [a, b]}}
flows: {look: {steps: [{get: "/a?q=${word}", name: a}, {pause: 100ms}]}}
stages:
  smoke: {phases: [{name: x, for: 30s, users: 5}]}
thresholds: {a: {p95: at most 1s}}
"""
MACHINE = "Linux x86_64, 2 cores"


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("", "", True),
        ("service: shop", "# a comment\nservice: shop", True),
        ("at most 1s", "at most 2s", True),
        ("users: 5", "users: 6", False),
        ("for: 30s", "for: 31s", False),
        ("pause: 100ms", "pause: 200ms", False),
        ("choice: [a, b]", "choice: [a, c]", False),
        ("/a?q=", "/b?q=", False),
        ("service: shop", "service: shops", False),
    ],
)
def test_the_load_counts_and_not_its_place_or_its_limits(plan_of, old, new, same) -> None:
    changed = SPEC.replace(old, new) if old else SPEC
    assert (fingerprint(plan_of(changed), MACHINE) == fingerprint(plan_of(SPEC), MACHINE)) is same


def test_environment_and_machine_count_and_the_seed_does_not(plan_of) -> None:
    here = fingerprint(plan_of(SPEC), MACHINE)
    assert fingerprint(plan_of(SPEC, environment="live"), MACHINE) != here
    assert fingerprint(plan_of(SPEC), "Linux x86_64, 4 cores") != here
    assert fingerprint(plan_of(SPEC, seed=7), MACHINE) == here
    assert len(here) == 16
