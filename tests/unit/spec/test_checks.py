"""Whether a spec makes sense: every finding with its place, message and help, and none on a spec that is right."""

from fractions import Fraction
from pathlib import Path

import pytest

from perfspec.app.lint import lint
from perfspec.spec.thresholds import share_limit

ROOT = Path(__file__).parents[3]

SPEC = """
service: shop
environments:
  local: {url: "http://a", values: {region: eu, p95: 100ms}}
  live: {url: "http://b", values: {region: us, p95: 90ms}, stages: [smoke]}
secrets: {api_key: SHOP_KEY}
data: {phrase: {choice: [a, b]}}
flows:
  browse:
    steps:
      - get: /a?q=${phrase}
        name: search
        capture: {total: $.total}
      - when: ${total > 5}
        steps: [{get: /b, name: more, tags: {lang: de}}]
      - get: /job
        name: job
        until: {$.done: true}
stages:
  smoke:
    mix: {browse: 100%}
    phases: [{name: a, for: 30s, users: 5}]
    abort: [any threshold fails]
thresholds:
  search: {p95: "at most ${values.p95}"}
"""


def changed(old: str, new: str) -> str:
    assert SPEC.count(old) == 1, old
    return SPEC.replace(old, new)


def test_a_spec_that_makes_sense_is_told_nothing(told) -> None:
    assert told(SPEC) == []


NAMES = [
    (
        ("q=${phrase}", "q=${phrsae}"),
        (
            "11:21 PS301 nothing is called `phrsae` (data, captures and names set before this step)"
            " | did you mean `phrase` (data, line 7)?"
        ),
    ),
    (
        ("q=${phrase}", "q=${zzz.text}"),
        "11:21 PS301 nothing is called `zzz` (data, captures and names set before this step) | ",
    ),
    (
        ("total > 5", "totl > 5"),
        (
            "14:17 PS301 nothing is called `totl` (data, captures and names set before this step)"
            " | did you mean `total` (capture, line 13)?"
        ),
    ),
    (
        ("q=${phrase}", "q=${total}"),
        "11:21 PS306 `total` is used before it is captured | a step cannot use what it captures itself",
    ),
    (
        ("      - get: /a?q=${phrase}", "      - {get: '/t?x=${total}', name: t}\n      - get: /a?q=${phrase}"),
        "11:23 PS306 `total` is used before it is captured | move this step below the one on line 12",
    ),
    (
        ("q=${phrase}", "q=${run.idd}"),
        ("11:21 PS301 nothing is called `run.idd` | there is `run.id`, `run.stage`, `run.environment`"),
    ),
    (("q=${phrase}", "q=${user}"), "11:21 PS301 nothing is called `user` | there is `user.number`"),
    (
        ("q=${phrase}", "q=${secret.api_kee}"),
        ("11:21 PS304 no secret is called `api_kee` | did you mean `api_key` (secret, line 6)?"),
    ),
    (("q=${phrase}", "q=${secret.zzz}"), "11:21 PS304 no secret is called `zzz` | add it under `secrets:`"),
    (("q=${phrase}", "q=${secret}"), "11:21 PS304 no secret is called `` | add it under `secrets:`"),
    (
        ("until: {$.done: true}", 'until: {$.done: "${dne}"}'),
        "18:17 PS301 nothing is called `dne` (data, captures and names set before this step) | ",
    ),
]


@pytest.mark.parametrize(("change", "said"), NAMES)
def test_names_are_known_where_they_are_used(told, change, said) -> None:
    assert told(changed(*change)) == [said]


@pytest.mark.parametrize(
    "name", ["run.id", "run.stage", "user.number", "round.number", "values.region", "secret.api_key"]
)
def test_names_that_are_always_there(told, name) -> None:
    assert told(changed("q=${phrase}", f"q=${{{name}}}")) == []


def test_a_name_used_before_its_capture_points_at_the_capture(findings) -> None:
    (found,) = findings(changed("q=${phrase}", "q=${total}"))
    assert [(str(span), label) for span, label in found.related] == [("s.yaml:13:19", "")]


def test_flows_do_not_know_the_captures_of_each_other_but_those_of_setup(told) -> None:
    other = changed("stages:\n", "  other: {steps: [{get: '/c?t=${total}', name: c}]}\nstages:\n")
    assert told(other) == [
        (
            "19:33 PS301 nothing is called `total` (data, captures and names set before this step)"
            " | it is captured in flow `browse` (line 13), and known there only"
        )
    ]
    setup = other.replace("flows:", "setup: [{get: /s, name: s, capture: {total: $.t}}]\nflows:", 1)
    assert told(setup) == []


@pytest.mark.parametrize("items", ["phrase", "phrase.text"])
def test_a_loop_over_one_drawn_value_would_never_go_round(told, items) -> None:
    loop = f"- {{for_each: '${{{items}}}', as: x, steps: [{{pause: 1s}}]}}"
    assert told(changed("      - get: /job\n", f"      {loop}\n      - get: /job\n")) == [
        (
            f"16:21 PS305 `{items}` is drawn as one value, not as a list"
            " | go through a captured list, or through `prefixes(...)` or `split(...)` of a text"
        )
    ]


def test_data_that_cannot_be_read_is_known_by_name_so_that_one_mistake_is_told_once(told) -> None:
    found = told(changed("{choice: [a, b]}", "{choice: {a: 70%}}"))
    assert found == ["7:25 PS210 the shares add up to 70%, not to 100% | make them add up to 100%"]


def test_loops_give_their_entry_a_name(told) -> None:
    loop = "- {for_each: '${prefixes(phrase, 1, 2)}', as: typed, steps: [{get: '/s?t=${typed}', name: s}]}"
    assert told(changed("      - get: /job\n", f"      {loop}\n      - get: /job\n")) == []


VALUES = [
    (
        ("us, p95: 90ms", "us, p59: 90ms"),
        (
            "5:3 PS303 environment `live` has no value `p95`, which thresholds use (line 25)"
            " | `p59` is nearly `p95`; every environment needs the same values"
        ),
    ),
    (
        ("q=${phrase}", "q=${values.shop}"),
        (
            "4:3 PS303 environment `local` has no value `shop`, which a step uses (line 11)"
            " | every environment needs the same values"
        ),
    ),
    (
        ("us, p95: 90ms", "us, p95: 90"),
        "25:18 PS606 `p95` is a time, and `90` is not | write `at most 90ms`",
    ),
]


@pytest.mark.parametrize(("change", "said"), VALUES)
def test_every_environment_has_every_value_that_is_used(told, change, said) -> None:
    assert told(changed(*change))[0] == said


LIMITS = [
    ("${run.id}", "id"),
    ("${values.a.b}", "b"),
    ("${secret.api_key}", "api_key"),
    ("${count(phrase)}", "NAME"),
]


@pytest.mark.parametrize(("hole", "name"), LIMITS)
def test_a_limit_reads_values_and_nothing_else(told, hole, name) -> None:
    said = f"25:26 PS301 a limit can read `${{values.NAME}}` and nothing else | write `${{values.{name}}}`"
    assert any(line.startswith(said) for line in told(changed("${values.p95}", hole)))


@pytest.mark.parametrize("name", ["user.number", "round.number"])
@pytest.mark.parametrize("part", ["setup", "teardown"])
def test_what_happens_once_has_no_user(told, name, part) -> None:
    step = f"{part}: [{{get: '/s?n=${{{name}}}', name: s}}]\nstages:\n"
    (said,) = told(changed("stages:\n", step))
    assert said.endswith(
        f" PS301 there is no `{name}` in setup and teardown, which happen once per run | use `${{run.id}}`"
    )


@pytest.mark.parametrize(("capture", "tag"), [("$.total", "secret.api_key"), ("secret $.total", "total")])
def test_no_tag_tells_a_secret(told, capture, tag) -> None:
    text = changed("capture: {total: $.total}", f"capture: {{total: {capture}}}")
    (said,) = told(text.replace("tags: {lang: de}", f"tags: {{lang: '${{{tag}}}'}}"))
    assert said.endswith(" PS701 the tag `lang` would write a secret into every report | tag something else")


ROWS = [
    ("serch: {p95: under 1s}", "25:3 PS602 no request is named `serch` | did you mean `search` (line 12)?"),
    ("zzz: {p95: under 1s}", "25:3 PS602 no request is named `zzz` | name a request with `name:`"),
    ("flow brwse: {p95: under 1s}", "25:3 PS602 no flow is named `brwse` | did you mean `browse` (flow, line 9)?"),
    ("flow zzz: {p95: under 1s}", "25:3 PS602 no flow is named `zzz` | "),
    ("browse: {p95: under 1s}", "25:3 PS602 no request is named `browse` | write `flow browse`"),
    ("all where lng is de: {p95: under 1s}", "25:3 PS602 no request has a tag `lng` | did you mean `lang`?"),
    (
        "all where zz is de: {p95: under 1s}",
        "25:3 PS602 no request has a tag `zz` | add `tags: {zz: ...}` to a request",
    ),
    ("all where lang is en: {p95: under 1s}", "25:3 PS602 the tag `lang` is never `en` | there is de"),
    (
        'search: {p95: "at most ${phrase}"}',
        (
            "25:26 PS301 a limit can read `${values.NAME}` and nothing else"
            " | write `${values.phrase}`, and give every environment the value"
        ),
    ),
    (
        "job: {p95: under 1s}",
        (
            "25:9 PS609 `job` waits until its answer is as wanted; `p95` does not say which time is meant"
            " | write `wait p95` (until done) or `poll p95` (one poll)"
        ),
    ),
    (
        "job: {max: under 1s}",
        (
            "25:9 PS609 `job` waits until its answer is as wanted; `max` does not say which time is meant"
            " | write `wait max` (until done) or `poll max` (one poll)"
        ),
    ),
    ("search: {wait p95: under 1s}", ("25:12 PS605 `search` has no `until`, so it has no `wait` time | write `p95`")),
    ("search: {poll max: under 1s}", ("25:12 PS605 `search` has no `until`, so it has no `poll` time | write `max`")),
    ("search: {errors: under 1s}", "25:20 PS606 `errors` is a percentage, and `1s` is not | write `under 1%`"),
]


@pytest.mark.parametrize(("row", "said"), ROWS)
def test_thresholds_are_about_what_is_measured(told, row, said) -> None:
    assert told(changed('search: {p95: "at most ${values.p95}"}', row)) == [said]


@pytest.mark.parametrize(
    "row",
    [
        "all: {p95: under 1s, errors: under 1%}",
        "job: {wait p95: under 1s, poll p95: under 1s, errors: under 1%, count: over 5}",
        "more: {p95: under 1s}",
        "flow browse: {p95: under 9s}",
        "more where lang is de: {p95: under 1s}",
    ],
)
def test_thresholds_about_what_is_measured_are_told_nothing(told, row) -> None:
    assert told(changed('search: {p95: "at most ${values.p95}"}', row)) == []


STAGES = [
    (
        ("mix: {browse: 100%}", "mix: {brwse: 100%}"),
        ("21:11 PS505 no flow is named `brwse` | did you mean `browse` (flow, line 9)?"),
    ),
    (("mix: {browse: 100%}", "mix: {zzz: 100%}"), "21:11 PS505 no flow is named `zzz` | "),
    (
        ("users: 5}]", "users: 5}, {name: b, for: 9s, users: 9}]"),
        (
            "22:45 PS502 phase `b` starts at 9 users where `a` ended at 5"
            " | a ramp between them avoids the jump: `users: ramp 5 to 9`"
        ),
    ),
    (
        ("users: 5}]", "users: 5, measure: false}]"),
        (
            "20:3 PS512 no phase of stage `smoke` is measured, so nothing would be judged"
            " | remove `measure: false` from one of them"
        ),
    ),
    (
        ("phases: [{name: a, for: 30s, users: 5}]", "phases: [{name: a, for: 30s, users: 5}]\n    warmup: 30s"),
        "22:14 PS512 the warm-up of 30s leaves nothing of phase `a` to judge | make the phase longer than 30s",
    ),
    (
        ("phases: [{name: a, for: 30s, users: 5}]", "phases: [{name: a, for: 30s, users: 5}]\n    extend_to: 30s"),
        "20:3 PS512 `extend_to: 30s` is over before the phases are | write more than 30s, or leave it out",
    ),
    (
        ("[smoke]", "[smok]"),
        ("5:69 PS510 environment `live` allows a stage `smok` that is nowhere | did you mean `smoke`?"),
    ),
    (
        ("[any threshold fails]", "[serch threshold fails]"),
        ("23:13 PS602 no threshold is about `serch` | did you mean `search`?"),
    ),
    (("[any threshold fails]", "[more threshold fails]"), "23:13 PS602 no threshold is about `more` | "),
    (
        ("[any threshold fails]", "[errors of serch over 5% for 9s]"),
        ("23:13 PS602 no request is named `serch` | did you mean `search` (line 12)?"),
    ),
    (
        ("[any threshold fails]", "[errors over 25 for 9s]"),
        ("23:13 PS606 `errors` is a percentage, and `25` is not | write `over 25%`"),
    ),
    (
        ("[any threshold fails]", "[p95 over 5% for 9s]"),
        ("23:13 PS606 `p95` is a time, and `5%` is not | write `at most 200ms`"),
    ),
    (
        ("[any threshold fails]", "[throughput under 5 for 9s]"),
        ("23:13 PS606 `throughput` is a rate, and `5` is not | write `under 5/s`"),
    ),
    (
        ("[any threshold fails]", "[burn rate over 10x for 9s]"),
        "23:13 PS612 a burn rate needs a promised availability below 100% | add `slo: {availability: at least 99.9%}`",
    ),
    (
        ("[any threshold fails]", "[event_gap p95 of search over 1s for 9s]"),
        (
            "23:13 PS605 `search` has no `stream`, so it has no `event_gap`"
            " | add `stream: {silence: 10s}` to the request, or write `p95`"
        ),
    ),
    (
        ("[any threshold fails]", "[throughput of flow brows under 1/s for 9s]"),
        "23:13 PS602 no flow is named `brows` | did you mean `browse` (flow, line 9)?",
    ),
    (
        ("[any threshold fails]", "[p95 of job over 1s for 9s]"),
        (
            "23:13 PS609 `job` waits until its answer is as wanted; `p95` does not say which time is meant"
            " | write `wait p95` (until done) or `poll p95` (one poll)"
        ),
    ),
    (
        ("[any threshold fails]", "[goodput of search under 5% for 9s]"),
        "23:13 PS605 goodput is about rounds, not about requests | write `goodput under 5% for 9s`",
    ),
]


@pytest.mark.parametrize(("change", "said"), STAGES)
def test_stages_speak_of_what_is_there(told, change, said) -> None:
    assert told(changed(*change)) == [said]


@pytest.mark.parametrize(
    "rule",
    [
        "errors threshold fails",
        "search threshold fails",
        "no responses for 5s",
        "p95 of search over 1s for 9s",
        "availability under 90% for 9s",
        "goodput under 5% for 9s",
        "status 429 of search over 5% for 9s",
        "count over 5 for 9s",
        "throughput of search under 5/s for 9s",
        "throughput of flow browse under 5/s for 9s",
        "size p95 over 5MB for 9s",
        "poll p95 of job over 1s for 9s",
    ],
)
def test_reasons_to_abort_that_can_be_true_are_told_nothing(told, rule) -> None:
    assert told(changed("any threshold fails", rule)) == []


def test_flows_without_any_weight_would_send_nothing(told) -> None:
    found = told(changed("  browse:\n", "  browse:\n    weight: 0\n"))
    assert found == ["9:3 PS504 no flow has a weight above zero, so nothing would be sent | add `weight: 1`"]


def test_all_findings_come_in_one_go_by_place(told) -> None:
    text = SPEC
    for (old, new), _ in (NAMES[0], STAGES[0], STAGES[-1]):
        text = text.replace(old, new)
    assert [line.split()[1] for line in told(text)] == ["PS301", "PS505", "PS605"]


CELLS = [
    (
        "search: {goodput: over 5%}",
        "25:12 PS605 goodput is about rounds, not about requests | write it under `all` or a flow",
    ),
    (
        "search: {burn rate: at most 1x}",
        "25:12 PS612 a burn rate needs a promised availability below 100% | add `slo: {availability: at least 99.9%}`",
    ),
    (
        "rules: [p95(serch) < 4 * p95(search)]",
        "25:15 PS602 no request is named `serch` | did you mean `search` (line 12)?",
    ),
    (
        "rules: [p95(more where lang is fr) < 4 * p95(more where lang is de)]",
        "25:15 PS602 the tag `lang` is never `fr` | there is de",
    ),
    (
        "rules: [p95(job) < 1s]",
        (
            "25:11 PS609 `job` waits until its answer is as wanted; `p95` does not say which time is meant"
            " | write `wait p95` (until done) or `poll p95` (one poll)"
        ),
    ),
    (
        "rules: [p100(search) < 1s]",
        "25:11 PS605 `p100` is no percentile | write a number between 0 and 100: `p95`, or `max`",
    ),
    (
        "rules: ['p95(search) < ${values.p96}']",
        (
            "4:3 PS303 environment `local` has no value `p96`, which thresholds use (line 25) | `p95` is nearly `p96`;"
            " every environment needs the same values"
        ),
    ),
    (
        "rules: ['p95(search) < ${phrase}']",
        (
            "25:26 PS301 a limit can read `${values.NAME}` and nothing else | write `${values.phrase}`, and give every"
            " environment the value"
        ),
    ),
    (
        "rules: ['count(search) < ${values.p95}']",
        (
            "25:12 PS611 `<` stands between a number and a time | compare what has the same unit, such as 1s with"
            " a time or 5% with errors"
        ),
    ),
]


@pytest.mark.parametrize(("row", "said"), CELLS)
def test_cells_and_rules_speak_of_what_is_there(told, row, said) -> None:
    found = told(changed('search: {p95: "at most ${values.p95}"}', row))
    assert said in found
    assert len(found) == (2 if said[0] == "4" else 1)  # both environments lack the value


@pytest.mark.parametrize(
    "row",
    [
        "all: {goodput: at least 95%}",
        "flow browse: {goodput: over 95%}",
        "all: {status 429: under 5%, status 200: at least 10%}",
        "rules: [p95(search) < 4 * p95(more where lang is de) + 1s, 'wait p95(job) < 2s, warn only']",
        "rules: ['p95(search) < ${values.p95} * 2']",
    ],
)
def test_cells_and_rules_that_make_sense_are_told_nothing(told, row) -> None:
    assert told(changed('search: {p95: "at most ${values.p95}"}', row)) == []


def test_a_burn_rate_is_measured_by_the_promised_availability(plan_of) -> None:
    text = changed('search: {p95: "at most ${values.p95}"}', "all: {burn rate: at most 6x}")
    (threshold,) = plan_of(text + "slo: {availability: at least 99.9%}").thresholds
    assert share_limit(threshold) == (Fraction(6, 1000), False)


def test_the_rules_of_a_stage_take_the_place_of_those_of_the_spec(plan_of) -> None:
    text = changed('search: {p95: "at most ${values.p95}"}', "rules: [p95(search) < 1s]")
    assert [str(rule) for rule in plan_of(text).rules] == ["p95(search) < 1s"]
    inner = "    thresholds: {rules: ['p95(search)  <  2s, warn only']}\n    abort"
    (rule,) = plan_of(text.replace("    abort", inner)).rules
    assert (rule.text, rule.warn_only, rule.skipped) == ("p95(search) < 2s", True, "")


def test_a_rule_about_what_a_stage_leaves_out_is_skipped_with_the_reason(plan_of) -> None:
    text = SPEC.replace("flows:", "flows:\n  other: {steps: [{get: /o, name: other}]}").replace(
        'search: {p95: "at most ${values.p95}"}', "rules: [p95(search) < 2 * p95(other)]"
    )
    (rule,) = plan_of(text).rules
    assert rule.skipped == "the stage's mix leaves out `other`"


@pytest.mark.parametrize("path", sorted(str(p.relative_to(ROOT)) for p in ROOT.glob("specs/*.yaml")))
def test_every_spec_that_comes_with_perfspec_is_told_nothing(path, monkeypatch) -> None:
    monkeypatch.chdir(ROOT)
    checked = lint(path)
    assert checked.findings == []
    assert checked.spec is not None
