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
        (", measure: false", "", ["tightened: judged time of stage load lengthened: 10m → 12m"]),
        ("users: 8}", "users: 8, measure: false}, {name: end, for: 30s, users: 8}", [
            "tightened: stage smoke doubled: 30s → 1m"]),
        ("for: 30s, users: 8}", "for: 20s, users: 8, measure: false}, {name: end, for: 10s, users: 8}", [
            "loosened: judged time of stage smoke shortened: 30s → 10s"]),
        ("    abort:", "    warmup: 20s\n    abort:", [
            "loosened: judged time of stage smoke shortened: 30s → 10s"]),
        ("users: 8", "users: ramp 2 to 8", ["loosened: stage smoke has 5 users on average, no longer 8"]),
        ("    abort:", "    pauses: at most 100ms\n    abort:", [
            "tightened: stage smoke pauses at most 100ms, no longer as long as they are written"]),
        ("    abort:", "    extend_to: 90s\n    abort:", [
            "changed: stage smoke runs on to 1m30s where it is close, no longer for no close call"]),
        ("    abort:", "    mix: {look: 100%}\n    abort:", [
            "changed: stage smoke mixes its flows differently",
            "loosened: stage smoke leaves out flow write and all limits on it"]),
        ("service: search", "service: search\nrun_when_changed: [a/**]", ["loosened: only runs when a/** changed"]),
        ("service: search", "service: search\ndefaults: {timeout: 60s}", [
            f"loosened: {name} may take 1m, no longer 30s" for name in ("suggest", "query", "index")]),
        ("{get: /b, name: query}", "{get: /b, name: query}\n      - {pause: 1m}", [
            "changed: flow look goes another way from request to request"]),
        ("thresholds:\n  suggest", "thresholds:\n  rules: [p95(query) < 2 * p95(suggest)]\n  suggest", [
            "tightened: a rule now: p95(query) < 2 * p95(suggest)"]),
        ("flows:", "data: {word: {choice: [a, b]}}\nflows:", []),
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
        ("get: /b", "get: /bb", ["changed: query is sent differently"]),
    ],
)  # fmt: skip
def test_a_change_is_said_in_words(said, old, new, found) -> None:
    assert said((old, new)) == found


def test_the_same_spec_differs_in_nothing(said) -> None:
    assert said() == []


BACKWARDS = (
    SPEC.replace("service: search", "service: search\nrun_when_changed: [a/**, b/**]")
    + """
slo: {availability: at least 99.9%, latency: {suggest: {p95: at most 120ms}}}
data: {word: {choice: [a, b]}}
"""
)


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("[a/**, b/**]", "[a/**]", ["loosened: no longer runs when b/** changed"]),
        ("run_when_changed: [a/**, b/**]", "", ["tightened: runs whatever has changed"]),
        ("slo: {availability: at least 99.9%", "slo: {availability: at least 99%", [
            "loosened: production's promise of availability loosened: at least 99.9% → at least 99%"]),
        ("{p95: at most 120ms}", "{p95: at most 100ms}", [
            "tightened: production's promise of suggest p95 tightened: p95 at most 120ms → p95 at most 100ms"]),
        (", latency: {suggest: {p95: at most 120ms}}", "", [
            "loosened: production no longer promises suggest p95: p95 at most 120ms"]),
        ("[a, b]", "[a]", ["changed: data word are drawn differently"]),
    ],
)  # fmt: skip
def test_what_is_around_the_stages_counts_too(spec_of, old, new, found) -> None:
    assert old in BACKWARDS
    changes = difference(spec_of(BACKWARDS), spec_of(BACKWARDS.replace(old, new)))
    assert [f"{change.kind}: {change.text}" for change in changes] == found


def test_lines_that_move_and_comments_change_nothing(spec_of) -> None:
    moved = BACKWARDS.replace("flows:", "# a remark\n\nflows:  # and one more")
    assert difference(spec_of(BACKWARDS), spec_of(moved)) == []


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
