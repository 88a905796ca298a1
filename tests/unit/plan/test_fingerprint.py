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


SEARCH = """
service: shop
environments: {local: {url: "http://a"}}
flows: {look: {steps: [{get: /a, name: a}]}}
each_user: {first: [{get: /in, name: in}]}
stages:
  smoke: {find_limit: {users: 5 to 300, hold_each: 60s, precision: 5%}}
thresholds: {a: {p95: at most 1s}}
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("5 to 300", "5 to 301"),
        ("5 to 300", "6 to 300"),
        ("hold_each: 60s", "hold_each: 61s"),
        ("precision: 5%", "precision: 6%"),
        ("users: 5 to 300", "arrivals: 5/s to 300/s"),
        ("get: /in", "get: /other"),
    ],
)
def test_another_search_and_other_visits_are_another_load(plan_of, old, new) -> None:
    assert old in SEARCH
    assert fingerprint(plan_of(SEARCH.replace(old, new)), MACHINE) != fingerprint(plan_of(SEARCH), MACHINE)
    assert fingerprint(plan_of("# a line\n" + SEARCH), MACHINE) == fingerprint(plan_of(SEARCH), MACHINE)
