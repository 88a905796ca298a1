"""What a change to a spec means, in words."""

import pytest

from perfspec.spec.difference import difference
from perfspec.spec.drift import MAY

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
    def run(*swaps: tuple[str, str], before: str = SPEC) -> list[str]:
        after = SPEC
        for old, new in swaps:
            assert old in after
            after = after.replace(old, new)
        return [f"{change.kind}: {change.text}" for change in difference(spec_of(before), spec_of(after))]

    return run


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("at most 200ms", "at most 300ms", ["loosened: query p95 loosened: at most 200ms → at most 300ms"]),
        ("at most 200ms", "at most 0.1s", ["tightened: query p95 tightened: at most 200ms → at most 0.1s"]),
        ("at most 200ms", "under 200ms", ["tightened: query p95 tightened: at most 200ms → under 200ms"]),
        ("at most 200ms", "between 1ms and 200ms", [
            "tightened: query p95 tightened: at most 200ms → between 1ms and 200ms"]),
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
            f"loosened: stage smoke runs on to 1m30s where it is close, no longer for no close call{MAY}"]),
        ("    abort:", "    mix: {look: 100%}\n    abort:", [
            f"loosened: stage smoke mixes its flows differently{MAY}",
            "loosened: stage smoke leaves out flow write and all limits on it"]),
        ("service: search", "service: search\nrun_when_changed: [a/**]", ["loosened: only runs when a/** changed"]),
        ("service: search", "service: search\ndefaults: {timeout: 60s}", [
            f"loosened: {name} may take 1m, no longer 30s" for name in ("suggest", "query", "index")]),
        ("{get: /b, name: query}", "{get: /b, name: query}\n      - {pause: 1m}", [
            f"loosened: flow look goes another way from request to request{MAY}"]),
        ("thresholds:\n  suggest", "thresholds:\n  rules: [p95(query) < 2 * p95(suggest)]\n  suggest", [
            "tightened: a rule now: p95(query) < 2 * p95(suggest)"]),
        ("flows:", "data: {word: {choice: [a, b]}}\nflows:", []),
        ("    abort: [errors threshold fails]\n", "", [
            "loosened: stage smoke no longer ends when `errors threshold fails`"]),
        ("    fails_when: not clearly under\n", "", ["loosened: stage load no longer wants a pass to be proven"]),
        ("    fails_when: not clearly under\n", "    warn_only: all\n", [
            "loosened: stage load only warns of all, no longer of nothing",
            "loosened: stage load no longer wants a pass to be proven"]),
        (", $.hits: not empty", "", ["loosened: suggest is no longer checked: $.hits not empty"]),
        ("$.hits: not empty", "$.hits: present", [
            "loosened: suggest is no longer checked: $.hits not empty",
            "tightened: suggest is checked now: $.hits present"]),
        ("weight: 60", "weight: 90", [f"loosened: flow look weighs 90, no longer 60{MAY}"]),
        ("stages: [smoke]", "stages: [smoke, load]", [
            "changed: environment production allows smoke, load, no longer smoke"]),
        (", confirm: this is production", "", ["changed: environment production no longer asks before a run"]),
        ("search.test", "search.example", [
            f"loosened: environment production is at http://search.example, no longer at http://search.test{MAY}"]),
        ("get: /b", "get: /bb", [f"loosened: query is sent differently{MAY}"]),
    ],
)  # fmt: skip
def test_a_change_is_said_in_words(said, old, new, found) -> None:
    assert said((old, new)) == found


@pytest.mark.parametrize(
    ("limit", "other", "kind"),
    [
        ("between 10ms and 20ms", "between 5ms and 15ms", "loosened"),
        ("between 10ms and 20ms", "under 20ms", "loosened"),
        ("between 10ms and 20ms", "between 11ms and 19ms", "tightened"),
        ("under 20ms", "between 1ms and 19ms", "tightened"),
        ("under 20ms", "between 1ms and 20ms", "loosened"),
        ("under 20ms", "at most 0.02s", "loosened"),
        ("at most 20ms", "at most 0.02s", "changed"),
    ],
)
def test_loosened_is_what_lets_a_number_pass_that_did_not(said, limit, other, kind) -> None:
    old = ("query: {p95: at most 200ms", f"query: {{p95: {limit}")
    before = SPEC.replace(*old)
    (found,) = said((old[0], f"query: {{p95: {other}"), before=before)
    assert found.startswith(f"{kind}: ")


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
        ("[a, b]", "[a]", [f"loosened: data word are drawn differently{MAY}"]),
    ],
)  # fmt: skip
def test_what_is_around_the_stages_counts_too(spec_of, old, new, found) -> None:
    assert old in BACKWARDS
    changes = difference(spec_of(BACKWARDS), spec_of(BACKWARDS.replace(old, new)))
    assert [f"{change.kind}: {change.text}" for change in changes] == found


GATE = """
service: t
environments:
  local: {url: "http://127.0.0.1:1", limits: {requests: 100/s}}
flows:
  f:
    weight: 50
    steps:
      - {get: /ok, name: ok, timeout: 1s, expect: {status: 200}}
      - {get: /job, name: job, until: {$.a: 1}, every: 100ms, give_up_after: 2s}
      - {pause: 20ms}
  g: {weight: 50, steps: [{get: /g, name: g}, {get: /ok, name: ok, timeout: 500ms, expect: {status: 200}}]}
setup: [{delete: /all}]
stages:
  smoke:
    phases: [{name: a, for: 30s, users: ramp 4 to 40}, {name: peak, for: 30s, users: 40}]
    thresholds: {g: {p95: at most 20ms}}
thresholds:
  ok: {p95: at most 50ms}
  g: {p95: at most 50ms}
  rules:
    - p95(ok) < 2 * p95(g)
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  rules:\n    - p95(ok) < 2 * p95(g)\n", ""),
        ("2 * p95", "2000 * p95"),
        ("users: 40", "users: 40, measure: false"),
        ("users: 40", "users: ramp 40 to 4"),
        ("    phases:", "    warmup: 29s\n    phases:"),
        ("timeout: 1s", "timeout: 60s"),
        ("timeout: 500ms", "timeout: 1s"),
        ("until: {$.a: 1}", "until: {status: 200}"),
        ("give_up_after: 2s", "give_up_after: 20s"),
        ("service: t", "service: t\nrun_when_changed: [nothing/**]"),
        ("get: /ok, name: ok, timeout: 1s", "get: /health, name: ok, timeout: 1s"),
        ("service: t", "service: t\ndefaults: {redirects: keep}"),
        ("weight: 50, steps", "weight: 1, steps"),
        ("    phases:", "    mix: {f: 1%, g: 99%}\n    phases:"),
        ("{g: {p95: at most 20ms}}", "{ok: {p95: at most 50s}, g: {p95: at most 20ms}}"),
        ("    thresholds: {g: {p95: at most 20ms}}\n", ""),
        ("timeout: 500ms, expect: {status: 200}", "timeout: 500ms"),
        ("{pause: 20ms}", "{pause: 20s}"),
        ("[{delete: /all}]", "[{delete: /all}, {get: /warm}]"),
        ("limits: {requests: 100/s}", "limits: {requests: 1/s}"),
        ("127.0.0.1:1", "127.0.0.1:2"),
    ],
)  # fmt: skip
def test_no_way_around_the_gate(spec_of, old, new) -> None:
    assert GATE.count(old) == 1
    kinds = {change.kind for change in difference(spec_of(GATE), spec_of(GATE.replace(old, new)))}
    assert "loosened" in kinds


def test_a_stage_that_is_stricter_than_the_spec_is_tightened(spec_of) -> None:
    after = GATE.replace("{g: {p95: at most 20ms}}", "{ok: {p95: at most 40ms}, g: {p95: at most 20ms}}")
    assert [(c.kind, c.text) for c in difference(spec_of(GATE), spec_of(after))] == [
        ("tightened", "ok p95 in stage smoke tightened: at most 50ms → at most 40ms")
    ]


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
