"""The shape of a document: each breach once, at the narrowest place, with what to write instead."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from perfspec.diagnostics.codes import CODES
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Source
from perfspec.language.annotations import resolve
from perfspec.language.check import PHRASES, check_words
from perfspec.language.compose import compose
from perfspec.language.schema import Schema

ROOT = Path(__file__).parents[3]
Found = Callable[[str], list[str]]


def subschemas(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if not isinstance(schema, dict):
        return
    yield path, schema
    for word in ("properties", "patternProperties", "definitions"):
        for key, below in schema.get(word, {}).items():
            yield from subschemas(below, f"{path}/{word}/{key}")
    for word in ("items", "additionalProperties", "propertyNames"):
        yield from subschemas(schema.get(word), f"{path}/{word}")


def test_the_schema_is_draft_07_without_the_words_that_hide_which_key_is_wrong(schema: Schema):
    Draft7Validator.check_schema(schema.document)
    assert not any(word in json.dumps(schema.document) for word in ('"oneOf"', '"anyOf"', '"allOf"'))


def test_every_key_has_a_description_and_an_example_that_fits(schema: Schema):
    for path, found in subschemas(schema.document):
        if path.endswith("/propertyNames") or not path:
            continue
        below = resolve(schema.document, found)
        assert below.get("description", "").endswith((".", ")")), path
        whole = {"$schema": schema.document["$schema"], "definitions": schema.document["definitions"]}
        whole |= {"properties": {"it": {k: v for k, v in below.items() if k != "description"}}}
        assert below["examples"], path
        for shown in below["examples"]:
            assert list(Draft7Validator(whole).iter_errors({"it": shown})) == [], path


def test_every_note_of_the_schema_is_one_the_program_reads(schema: Schema):
    known = {
        "noun",
        "code",
        "message",
        "hint",
        "map_hint",
        "shape",
        "also",
        "later",
        "template",
        "phrase",
        "binds",
        "names",
        "one_of",
        "groups",
        "goes_with",
        "needs",
        "instead",
        "kinds",
        "merge_by",
    }
    for path, below in subschemas(schema.document):
        notes = below.get("x-ps", {})
        assert set(notes) <= known, path
        assert notes.get("phrase", "weights") in {*PHRASES, "weights"}, path
        assert notes.get("template", "text") in ("url", "text", "json", "expression"), path
        assert notes.get("code", "PS101") in CODES, path
        for rule in notes.get("one_of", ()):
            assert set(rule["keys"]) <= set(below["properties"]), path
            assert {rule["many"], rule.get("none", "PS101")} <= set(CODES), path


def test_the_walk_visits_keys_and_values_in_the_order_of_the_text(schema: Schema):
    text = "perfspec: 1\nflows:\n  f:\n    steps:\n      - {get: /a~/b, capture: {x/y: $.a}}\n"
    root = compose(Source("f", text), Diagnostics())
    assert root is not None
    places = [(p.pointer, p.is_key, p.annotation.get("binds")) for p in schema.walk(root)]
    assert places == [
        ("", False, None),
        ("/perfspec", False, None),
        ("/flows", False, None),
        ("/flows/f", True, "flow"),
        ("/flows/f", False, None),
        ("/flows/f/steps", False, None),
        ("/flows/f/steps/0", False, None),
        ("/flows/f/steps/0/get", False, None),
        ("/flows/f/steps/0/capture", False, None),
        ("/flows/f/steps/0/capture/x~1y", True, "capture"),
        ("/flows/f/steps/0/capture/x~1y", False, None),
    ]


def test_notes_beside_a_reference_win_and_the_rest_is_inherited(schema: Schema):
    text = "perfspec: 1\nflows: {f: {steps: [{post: /a, json: {a: [1]}}]}}\n"
    root = compose(Source("f", text), Diagnostics())
    assert root is not None
    notes = {p.pointer: p.annotation for p in schema.walk(root) if not p.is_key}
    assert notes["/flows/f/steps/0/json"] == {"also": ["payload", "data"], "template": "json", "goes_with": ["request"]}
    assert notes["/flows/f/steps/0/json/a/0"] == {"template": "json"}


HEAD = "perfspec: 1\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("threshhold: {}", "2:1 PS101 unknown key `threshhold` in a spec | did you mean `thresholds`?"),
        ("Owner: me", "2:1 PS101 unknown key `Owner` in a spec | did you mean `owner`?"),
        ("title: x", "2:1 PS101 unknown key `title` in a spec | did you mean `about`?"),
        ("timeout: 5s", "2:1 PS101 unknown key `timeout` in a spec | `timeout` belongs under `defaults`"),
        (
            "flows: {f: {thresholds: {}}}",
            ("2:13 PS101 unknown key `thresholds` in a flow | `thresholds` belongs at the left edge of the file"),
        ),
        (
            "flows: {f: {weight: 1, wieght: 2}}",
            ("2:24 PS101 unknown key `wieght` in a flow | `weight` is here already; remove this one"),
        ),
        (
            "slo: {latency: {a: {x95: under 1s}}}",
            "2:21 PS101 unknown key `x95` in a latency promise | known here: `label`",
        ),
        ("service:", "2:1 PS103 `service` is empty; a text belongs here | write `service: search`"),
        ("service: 5", '2:10 PS103 `service` needs a text, found the number `5` | write "5"'),
        ("service: true", '2:10 PS103 `service` needs a text, found `true` | write "true"'),
        ("service: [a]", "2:10 PS103 `service` needs a text, found a list | write `search`"),
        ("include: a.yaml", "2:10 PS103 `include` needs a list, found the text `a.yaml` | write `[a.yaml]`"),
        ("include: [{a: b}]", "2:11 PS103 an entry of `include` needs a text, found a map | write `shared/suite.yaml`"),
        ("flows: {f: {steps: {get: /a}}}", "2:20 PS103 `steps` needs a list, found a map | begin each entry with `- `"),
        (
            "flows: {f: {steps: [/a]}}",
            ("2:21 PS103 a step needs a map, found the text `/a` | write `{get: /v1/query?q=perf, name: query}`"),
        ),
        ("flows: [a]", "2:8 PS103 `flows` needs a map, found a list | write lines of `key: value`, without `- `"),
        (
            "random_seed: 1.5",
            ("2:14 PS103 `random_seed` needs a whole number, found the number `1.5` | write a whole number, 0 or more"),
        ),
        ("random_seed: -1", "2:14 PS113 `random_seed` cannot be `-1` | write a whole number, 0 or more"),
        ("kind: shard", "2:7 PS104 `kind` cannot be `shard` | did you mean `shared`?"),
        ("kind: other", "2:7 PS104 `kind` cannot be `other` | write `service` or `shared`"),
        ("kind: [a]", "2:7 PS104 `kind` needs one of the words `service` or `shared` | write `service`"),
        (
            "data: {a-b: {fake: name}}",
            ("2:8 PS106 `a-b` cannot be a name | a name to be read in `${ }` has letters, digits and `_` only"),
        ),
        (
            "data: {a: {fake: name, csv: x}}",
            "2:24 PS107 a data generator has one kind; this one has `fake` and `csv` | keep one",
        ),
        ("flows: {}", "2:1 PS112 `flows` is empty | add an entry, or remove the key"),
        ('service: ""', "2:10 PS113 `service` is an empty text | write something like `search`"),
        (
            "environments: {a: {url: a.com}}",
            ("2:25 PS113 `url` cannot be `a.com` | write the whole address, such as `http://127.0.0.1:8083`"),
        ),
        (
            "environments: {a: {url: http://a, start: {}}}",
            ("2:42 PS102 `command` is missing in `start` | add `command: perfspec serve search --port 8083`"),
        ),
        (
            "kind: shared\nservice: x",
            "3:1 PS111 a file of `kind: shared` has no `service` | remove it, or remove `kind: shared`",
        ),
        (
            "stages: {s: {phases: [{name: a}, {name: a}]}}",
            ("2:41 PS004 `a` is here twice; only one of them could be adjusted | give it another name"),
        ),
        ("thresholds: {all: [a]}", "2:19 PS103 `all` needs a map, found a list | write `{p95: at most 200ms}`"),
    ],
)
def test_a_breach_is_said_once_with_its_fix(found: Found, text: str, expected: str):
    assert found(HEAD + text + "\n") == [expected]


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (
            "{get: /a, post: /b}",
            ["2:31 PS401 a step does one thing; this one has `get` and `post` | start a new step: `- post: /b`"],
        ),
        (
            "{get: /a, for_each: ['x']}",
            [
                "2:31 PS102 `for_each` needs `as` beside it | add `as: typed`",
                "2:31 PS102 `for_each` needs `steps` beside it | add `steps: [{pause: 2s}]`",
                "2:31 PS401 a step does one thing; this one has `get` and `for_each` | start a new step: `- for_each:`",
                "2:41 PS103 `for_each` needs a text, found a list | write `${prefixes(phrase.text, 2, 7)}`",
            ],
        ),
        ("{gett: /a}", ["2:22 PS402 a step does one thing; `gett` is nothing it could do | did you mean `get`?"]),
        ("{sleep: 2s}", ["2:22 PS402 a step does one thing; `sleep` is nothing it could do | did you mean `pause`?"]),
        ("{websocket: /a}", ["2:22 PS902 `websocket` is not built yet | leave it out for now"]),
        (
            "{name: a}",
            [
                (
                    "2:21 PS402 a step does one thing; this one has none of `get`, `post`, `put`, `patch`, "
                    "`delete`, `head`, "
                    "`options`, ... | add one of `get`, `post`, `put`, `patch`, `delete`, `head`, `options`, ..."
                )
            ],
        ),
        ("{get: /a, asserts: 1}", ["2:31 PS101 unknown key `asserts` in a step | did you mean `expect`?"]),
        ("{repeat: 3 times, steps: [{get: /a}]}", []),
        ("{repeat: 3 times}", ["2:22 PS102 `repeat` needs `steps` beside it | add `steps: [{pause: 2s}]`"]),
        (
            "{pause: 1s, capture: {}}",
            ["2:33 PS403 `capture` does not belong to `pause` | `capture` goes with a request"],
        ),
        (
            "{get: /a, otherwise: [{pause: 1s}]}",
            ["2:31 PS403 `otherwise` does not belong to `get` | `otherwise` goes with `when`"],
        ),
        (
            "{get: /a, json: 1, body: x}",
            ["2:40 PS405 a request has one body; this one has `json` and `body` | keep one"],
        ),
        ("{get: /a, every: 1s}", ["2:31 PS102 `every` needs `until` beside it | add `until: {$.state: indexed}`"]),
        ("{get: a}", ["2:27 PS113 `get` cannot be `a` | a path begins with `/`: write `/a`"]),
        ("{when: '${x}', stesp: [{pause: 1s}]}", ["2:36 PS101 unknown key `stesp` in a step | did you mean `steps`?"]),
        ("{get: /a, expect: {}}", ["2:31 PS112 `expect` is empty | add an entry, or remove the key"]),
    ],
)
def test_a_step_has_one_verb_and_options_that_suit_it(found: Found, step: str, expected: list[str]):
    assert found(f"{HEAD}flows: {{f: {{steps: [{step}]}}}}\n") == expected


def test_a_breach_inside_a_list_is_shown_at_its_entry(found: Found):
    assert found(HEAD + "run_when_changed:\n  - a/**\n  -\n  - [b,\n     c]\n") == [
        "4:4 PS103 an entry of `run_when_changed` is empty; a text belongs here | write `services/search/**`",
        "5:6 PS103 an entry of `run_when_changed` needs a text, found a list | write `services/search/**`",
    ]


def test_forms_that_no_stage_runs_yet_are_read_all_the_same(found: Found):
    text = """
defaults: {auth: "basic perf:${secret.password}"}
data: {row: {csv: rows.csv, order: once each}}
flows:
  read:
    steps:
      - get: /v1/hits
        name: hits
        capture:
          ids: all $.hits[*].id
          some: random $.hits[?@.score > 1].id
          session: cookie sid
          found: regex id=(\\d+)
          next: css a.next @href
"""
    assert found(HEAD + text) == []


def test_a_root_that_is_no_map_is_said_to_be_none(found: Found):
    assert found("- a\n") == ["1:1 PS103 a spec needs a map, found a list | begin with `perfspec: 1`"]
    assert found("hello\n") == ["1:1 PS103 a spec needs a map, found the text `hello` | begin with `perfspec: 1`"]
    assert found("service: x\n") == ["1:1 PS102 `perfspec` is missing in a spec | add `perfspec: 1`"]


def test_all_mistakes_of_a_file_come_out_together(found: Found):
    text = (
        HEAD + "owner: 5\nabot: x\ndefaults: {timeout: 30}\nflows: {f: {steps: [{get: '/${x', name: a}, {pause: 5}]}}\n"
    )
    assert [line.split()[1] for line in found(text)] == ["PS103", "PS101", "PS201", "PS305", "PS201"]


@pytest.mark.parametrize("name", ["assessment.yaml", "search.yaml", "shared/suite.yaml"])
def test_the_shipped_specs_have_the_right_shape(found: Found, name: str):
    assert found((ROOT / "specs" / name).read_text()) == []


def test_a_large_spec_is_checked_in_time(schema: Schema):
    step = "      - {get: '/v1/x?q=${x}', name: x, expect: {status: 200, $.a: at most 3}}\n      - pause: 1s to 3s\n"
    text = HEAD + "flows:\n  f:\n    steps:\n" + step * 400
    out = Diagnostics()
    root = compose(Source("f", text), out)
    assert root is not None
    began = time.perf_counter()
    schema.check(root, out)
    check_words(root, schema, out)
    assert out.sorted() == []
    assert time.perf_counter() - began < 2


_WORDS = [
    "perfspec",
    "flows",
    "steps",
    "get",
    "pause",
    "expect",
    "capture",
    "data",
    "choice",
    "stages",
    "phases",
    "users",
    "for",
    "thresholds",
    "all",
    "p95",
    "slo",
    "mix",
    "include",
    "environments",
    "url",
    "x",
    "status",
    "json",
    "when",
    "abort",
]
_VALUES = st.one_of(
    st.sampled_from(
        ["1", "true", "", "5s", "under 1s", "/a", "${x}", "${", "50%", "ramp 0 to 5", "[1]", "{a: 1}", "$.a", "''"]
    ),
    st.sampled_from(_WORDS),
)
_TREES = st.recursive(
    _VALUES,
    lambda below: st.one_of(
        st.lists(below, max_size=3).map(lambda items: "[" + ", ".join(items) + "]"),
        st.dictionaries(st.sampled_from(_WORDS), below, max_size=4).map(
            lambda d: "{" + ", ".join(f"{k}: {v}" for k, v in d.items()) + "}"
        ),
    ),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(tree=st.dictionaries(st.sampled_from(_WORDS), _TREES, max_size=6))
def test_any_document_is_checked_without_a_failure(schema: Schema, tree: dict[str, str]):
    text = "".join(f"{key}: {value}\n" for key, value in tree.items())
    out = Diagnostics()
    root = compose(Source("f", text), out)
    if root is not None:
        schema.check(root, out)
        check_words(root, schema, out)
    assert all(d.code in CODES for d in out.sorted())
