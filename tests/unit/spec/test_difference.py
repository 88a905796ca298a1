"""What a change to a spec means, in words."""

import pytest

from perfspec.spec.difference import difference

SPEC = """
service: search
environments:
  local: {url: "http://127.0.0.1:1", values: {p95: 120ms}}
  production: {url: "http://search.test", values: {p95: 200ms}, stages: [smoke], confirm: this is production}
flows:
  look:
    weight: 60
    steps:
      - {get: /a, name: suggest, expect: {status: 200, $.hits: not empty}}
      - {get: /b, name: query}
  write:
    weight: 40
    steps:
      - {post: /c, name: index}
stages:
  smoke:
    phases: [{name: check, for: 30s, users: 8}]
    thresholds: {all: {errors: under 1%}}
    abort: [errors threshold fails]
  load:
    fails_when: not clearly under
    phases: [{name: up, for: 2m, users: ramp 0 to 50, measure: false}, {name: steady, for: 10m, users: 50}]
thresholds:
  suggest: {p95: "at most ${values.p95}"}
  query: {p95: at most 200ms, availability: at least 99.9%}
"""


@pytest.fixture
def said(spec_of):
    def run(*swaps: tuple[str, str]) -> list[str]:
        after = SPEC
        for old, new in swaps:
            assert old in after
            after = after.replace(old, new)
        return [f"{change.kind}: {change.text}" for change in difference(spec_of(SPEC), spec_of(after))]

    return run


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("at most 200ms", "at most 300ms", ["loosened: query p95 loosened: at most 200ms → at most 300ms"]),
        ("at most 200ms", "at most 0.1s", ["tightened: query p95 tightened: at most 200ms → at most 0.1s"]),
        ("at most 200ms", "under 200ms", ["tightened: query p95 tightened: at most 200ms → under 200ms"]),
        ("at most 200ms", "between 1ms and 200ms", [
            "changed: query p95 changed: at most 200ms → between 1ms and 200ms"]),
        ("p95: at most 200ms", "p95: 'at most 200ms, warn only'", [
            "loosened: query p95 loosened: at most 200ms → at most 200ms, warn only"]),
        ("at least 99.9%", "at least 99%", ["loosened: query availability loosened: at least 99.9% → at least 99%"]),
        ("at least 99.9%", "over 99.9%", ["tightened: query availability tightened: at least 99.9% → over 99.9%"]),
        ("under 1%", "under 5%", ["loosened: all errors in stage smoke loosened: under 1% → under 5%"]),
        ("p95: at most 200ms, availability", "availability", [
            "loosened: query p95 is no longer limited (it was at most 200ms)"]),
        ("{p95: at most 200ms,", "{p99: at most 1s, p95: at most 200ms,", [
            "tightened: query p99 is limited now: at most 1s"]),
        ("{p95: 200ms}", "{p95: 250ms}", [
            "loosened: suggest p95 on production loosened: at most 200ms → at most 250ms"]),
        ("for: 30s", "for: 15s", ["loosened: stage smoke halved: 30s → 15s"]),
        ("for: 10m", "for: 9m", [
            "loosened: stage load shortened: 12m → 11m", "loosened: judged time of stage load shortened: 10m → 9m"]),
        ("users: 8", "users: 4", ["loosened: stage smoke goes up to 4 at a time, no longer to 8"]),
        ("users: 8", "arrivals: 4/s, at_most: 8 users", [
            "tightened: stage smoke goes up to 4 arrivals/s, no longer to 0"]),
        (", measure: false", "", []),
        ("    abort: [errors threshold fails]\n", "", [
            "changed: stage smoke no longer ends when `errors threshold fails`"]),
        ("    fails_when: not clearly under\n", "", ["loosened: stage load no longer wants a pass to be proven"]),
        ("    fails_when: not clearly under\n", "    warn_only: all\n", [
            "loosened: stage load only warns of all, no longer of nothing",
            "loosened: stage load no longer wants a pass to be proven"]),
        (", $.hits: not empty", "", ["loosened: suggest is no longer checked: $.hits not empty"]),
        ("$.hits: not empty", "$.hits: present", [
            "loosened: suggest is no longer checked: $.hits not empty",
            "tightened: suggest is checked now: $.hits present"]),
        ("weight: 60", "weight: 90", ["changed: flow look weighs 90, no longer 60"]),
        ("stages: [smoke]", "stages: [smoke, load]", [
            "changed: environment production allows smoke, load, no longer smoke"]),
        (", confirm: this is production", "", ["changed: environment production no longer asks before a run"]),
        ("search.test", "search.example", [
            "changed: environment production is at http://search.example, no longer at http://search.test"]),
        ("get: /b", "get: /bb", []),
    ],
)  # fmt: skip
def test_a_change_is_said_in_words(said, old, new, found) -> None:
    assert said((old, new)) == found


def test_the_same_spec_differs_in_nothing(said) -> None:
    assert said() == []


def test_what_is_gone_is_told_where_it_stood(spec_of) -> None:
    after = SPEC[: SPEC.index("  write:")] + SPEC[SPEC.index("\nstages:") :]
    found = difference(spec_of(SPEC), spec_of(after))
    assert [(c.kind, c.text, c.span.line) for c in found] == [
        ("loosened", "flow write is gone", 12),
        ("loosened", "nothing sends index any more", 15),
    ]


def test_a_spec_that_comes_or_goes_is_one_change(spec_of) -> None:
    spec = spec_of(SPEC)
    assert [(c.kind, c.text) for c in difference(None, spec)] == [("tightened", "a new spec")]
    assert [(c.kind, c.text) for c in difference(spec, None)] == [("loosened", "the spec is gone")]
    assert difference(None, None) == []
