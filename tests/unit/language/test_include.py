"""Several files -> one document: who adjusts whom, where each key came from, and what an include may not do."""

from typing import Any

import pytest

from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.language.include import Loaded, load
from perfspec.language.nodes import Mapping, Node, Sequence
from perfspec.language.schema import Schema, plain

SPEC = """perfspec: 1
service: search
include: [shared/suite.yaml]
environments: {local: {url: http://a}}
flows: {f: {steps: [{get: /a, name: a}]}}
thresholds: {a: {p95: under 1s}}
"""
SUITE = """perfspec: 1
kind: shared
owner: platform
stages:
  smoke:
    extend_to: 90s
    phases:
      - {name: ramp, for: 1m, users: ramp 0 to 5}
      - {name: steady, for: 5m, users: 5}
    abort: [errors threshold fails]
thresholds: {all: {errors: under 1%}}
"""


def loading(
    schema: Schema, files: dict[str, str], path: str = "specs/a.yaml", root: str | None = "specs"
) -> tuple[Loaded, list[str]]:
    out = Diagnostics()
    loaded = load(path, files.get, schema, out, root)
    return loaded, [f"{d.span} {d.code} {d.message} | {d.help}" for d in out.sorted()]


def merged(schema: Schema, files: dict[str, str]) -> Mapping:
    loaded, found = loading(schema, files)
    assert found == []
    assert loaded.merged is not None
    return loaded.merged


def at(node: Node | None, *path: str | int) -> Any:
    for part in path:
        node = (
            node.items[int(part)]
            if isinstance(node, Sequence)
            else node.get(str(part))
            if isinstance(node, Mapping)
            else None
        )
    return node


def test_an_entry_with_the_same_name_adjusts_the_included_one_key_by_key(schema: Schema):
    spec = SPEC + "stages: {smoke: {extend_to: 60s, mix: {f: 100%}}}\n"
    root = merged(schema, {"specs/a.yaml": spec, "specs/shared/suite.yaml": SUITE})
    assert plain(at(root, "stages", "smoke", "extend_to")) == "60s"
    assert plain(at(root, "stages", "smoke", "mix")) == {"f": "100%"}
    assert plain(at(root, "stages", "smoke", "abort")) == ["errors threshold fails"]
    assert plain(at(root, "thresholds")) == {"all": {"errors": "under 1%"}, "a": {"p95": "under 1s"}}


def test_every_key_keeps_the_place_where_it_was_written(schema: Schema):
    spec = SPEC + "stages: {smoke: {extend_to: 60s}}\n"
    root = merged(schema, {"specs/a.yaml": spec, "specs/shared/suite.yaml": SUITE})
    smoke = at(root, "stages", "smoke")
    assert isinstance(smoke, Mapping)
    places = {entry.key.text: str(entry.key.span) for entry in smoke}
    assert places["extend_to"] == "specs/a.yaml:7:18"
    assert places["abort"] == "specs/shared/suite.yaml:10:5"
    assert str(at(root, "stages", "smoke", "phases", 1, "for").span) == "specs/shared/suite.yaml:9:29"


def test_a_phase_is_found_by_its_name_and_new_ones_follow(schema: Schema):
    spec = SPEC + "stages: {smoke: {phases: [{name: steady, users: 80}, {name: down, for: 1m, users: ramp 80 to 0}]}}\n"
    root = merged(schema, {"specs/a.yaml": spec, "specs/shared/suite.yaml": SUITE})
    assert plain(at(root, "stages", "smoke", "phases")) == [
        {"name": "ramp", "for": "1m", "users": "ramp 0 to 5"},
        {"name": "steady", "for": "5m", "users": 80},
        {"name": "down", "for": "1m", "users": "ramp 80 to 0"},
    ]


def test_other_lists_are_replaced(schema: Schema):
    spec = SPEC + "stages: {smoke: {abort: [no responses for 15s]}}\n"
    root = merged(schema, {"specs/a.yaml": spec, "specs/shared/suite.yaml": SUITE})
    assert plain(at(root, "stages", "smoke", "abort")) == ["no responses for 15s"]


def test_what_a_file_says_of_itself_stays_its_own(schema: Schema):
    root = merged(schema, {"specs/a.yaml": SPEC, "specs/shared/suite.yaml": SUITE})
    assert root.get("kind") is None
    assert root.get("owner") is None
    assert str(at(root, "perfspec").span) == "specs/a.yaml:1:11"


def test_later_includes_adjust_earlier_ones_and_may_include_others(schema: Schema):
    files = {
        "specs/a.yaml": SPEC.replace("shared/suite.yaml", "one.yaml, two.yaml"),
        "specs/one.yaml": "perfspec: 1\nkind: shared\ninclude: [deep/base.yaml]\ndefaults: {timeout: 1s}\n",
        "specs/two.yaml": "perfspec: 1\nkind: shared\ninclude: [deep/base.yaml]\ndefaults: {timeout: 2s}\n",
        "specs/deep/base.yaml": "perfspec: 1\nkind: shared\ndefaults: {timeout: 3s, auth: none}\n",
    }
    assert plain(at(merged(schema, files), "defaults")) == {"timeout": "3s", "auth": "none"} | {"timeout": "2s"}


def test_each_file_is_read_once_and_its_source_kept(schema: Schema):
    files = {"specs/a.yaml": SPEC, "specs/shared/suite.yaml": SUITE}
    asked: list[str] = []

    def read(path: str) -> str | None:
        asked.append(path)
        return files.get(path)

    loaded = load("specs/./a.yaml", read, schema, Diagnostics(), "specs")
    assert asked == ["specs/a.yaml", "specs/shared/suite.yaml"]
    assert {path: source.text for path, source in loaded.sources.items()} == files


def test_mistakes_of_every_file_come_out_together(schema: Schema):
    files = {"specs/a.yaml": SPEC + "abot: x\n", "specs/shared/suite.yaml": SUITE.replace("90s", "90")}
    _, found = loading(schema, files)
    assert found == [
        "specs/a.yaml:7:1 PS101 unknown key `abot` in a spec | did you mean `about`?",
        "specs/shared/suite.yaml:6:16 PS201 `extend_to` needs a unit | write 90s or 90ms",
    ]


def test_a_shared_file_can_be_loaded_by_itself_and_need_not_be_complete(schema: Schema):
    loaded, found = loading(schema, {"specs/a.yaml": "perfspec: 1\nkind: shared\nstages: {smoke: {extend_to: 1s}}\n"})
    assert found == []
    assert loaded.merged is not None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "perfspec: 1\n",
            [
                "specs/a.yaml:1:1 PS102 `environments` is missing in a spec | add `environments: {local: {url: http://127.0.0.1:8083}}`",
                "specs/a.yaml:1:1 PS102 `flows` is missing in a spec | add `flows:`",
                "specs/a.yaml:1:1 PS102 `service` is missing in a spec | add `service: search`",
                (
                    "specs/a.yaml:1:1 PS603 the spec has no `thresholds`, so nothing could fail | "
                    "add `thresholds: {all: {errors: under 1%, p95: at most 500ms}}`"
                ),
            ],
        ),
        (
            SPEC.replace("include: [shared/suite.yaml]", "stages: {s: {phases: [{name: a, users: 5}]}}"),
            ["specs/a.yaml:3:23 PS102 `for` is missing in a phase | add `for: 6m`"],
        ),
        (
            SPEC.replace("include: [shared/suite.yaml]", "stages: {s: {phases: [{name: a, vus: 5, duration: 5s}]}}"),
            [
                "specs/a.yaml:3:33 PS101 unknown key `vus` in a phase | did you mean `users`?",
                "specs/a.yaml:3:41 PS101 unknown key `duration` in a phase | did you mean `for`?",
            ],
        ),
        (
            SPEC.replace("include: [shared/suite.yaml]", "stages: {s: {extend_to: 5s}}"),
            [
                (
                    "specs/a.yaml:3:10 PS507 a stage has `phases` or `find_limit`; this one has none of "
                    "`phases`, `find_limit` | "
                    "add one of `phases`, `find_limit`"
                )
            ],
        ),
        (
            SPEC.replace(
                "include: [shared/suite.yaml]", "data: {a: {order: random}}\nsecrets: {k: {when_local: longer}}"
            ),
            [
                (
                    "specs/a.yaml:3:8 PS108 a data generator has one kind; this one has none of `csv`, "
                    "`jsonl`, `choice`, `number`, `text`, `template`, `fake`, ... | "
                    "add one of `csv`, `jsonl`, `choice`, `number`, `text`, `template`, `fake`, ..."
                ),
                "specs/a.yaml:4:11 PS102 `from_env` is missing in a secret | add `from_env: SEARCH_API_KEY`",
            ],
        ),
    ],
)
def test_what_is_missing_once_all_is_merged_is_said_where_it_belongs(schema: Schema, text: str, expected: list[str]):
    assert loading(schema, {"specs/a.yaml": text})[1] == expected


def test_thresholds_may_come_from_an_include_or_from_every_stage(schema: Schema):
    bare = SPEC.replace("thresholds: {a: {p95: under 1s}}\n", "")
    assert loading(schema, {"specs/a.yaml": bare, "specs/shared/suite.yaml": SUITE})[1] == []
    staged = SUITE.replace("thresholds:", "").replace(
        " {all: {errors: under 1%}}\n", "    thresholds: {all: {errors: under 1%}}\n"
    )
    assert loading(schema, {"specs/a.yaml": bare, "specs/shared/suite.yaml": staged})[1] == []
    more = staged + "  load: {phases: [{name: a, for: 1m, users: 5}]}\n"
    assert [
        line.split()[1] for line in loading(schema, {"specs/a.yaml": bare, "specs/shared/suite.yaml": more})[1]
    ] == ["PS603"]


@pytest.mark.parametrize(
    ("include", "expected"),
    [
        ("none.yaml", "PS109 there is no file `specs/none.yaml` | the path is relative to this file"),
        ("../b.yaml", "PS110 `../b.yaml` is outside of the project | keep shared files beside the specs"),
        ("/etc/b.yaml", "PS110 `/etc/b.yaml` is not relative to this file | write a path such as `shared/suite.yaml`"),
        (
            "https://x/b.yaml",
            (
                "PS110 `https://x/b.yaml` is no file of this repository | "
                "copy it beside the specs; what a run does must not change elsewhere"
            ),
        ),
        (
            "b.yaml",
            (
                "PS111 `b.yaml` is no file of `kind: shared` | add `kind: shared` to specs/b.yaml, or move "
                "the shared parts to "
                "a file of their own"
            ),
        ),
        (
            "a.yaml",
            "PS105 files include each other in a circle: specs/a.yaml -> specs/a.yaml | remove one of the includes",
        ),
    ],
)
def test_an_include_that_is_not_allowed_is_refused(schema: Schema, include: str, expected: str):
    files = {"specs/a.yaml": SPEC.replace("shared/suite.yaml", include), "specs/b.yaml": SPEC.replace("include", "#")}
    assert loading(schema, files)[1] == [f"specs/a.yaml:3:11 {expected}"]


def test_a_circle_is_shown_with_its_whole_chain(schema: Schema):
    files = {"specs/a.yaml": SPEC.replace("shared/suite.yaml", "one.yaml")}
    for name, other in (("one", "two"), ("two", "three"), ("three", "one")):
        files[f"specs/{name}.yaml"] = f"perfspec: 1\nkind: shared\ninclude: [{other}.yaml]\n"
    assert loading(schema, files)[1] == [
        (
            "specs/three.yaml:3:11 PS105 files include each other in a circle: specs/one.yaml -> "
            "specs/two.yaml -> specs/three.yaml -> "
            "specs/one.yaml | remove one of the includes"
        )
    ]


def test_a_chain_of_includes_has_an_end(schema: Schema):
    files = {f"specs/{n}.yaml": f"perfspec: 1\nkind: shared\ninclude: [{n + 1}.yaml]\n" for n in range(100)}
    _, found = loading(schema, files, "specs/0.yaml")
    assert [line.split(" ", 2)[1] for line in found] == ["PS105"]


@pytest.mark.parametrize(
    ("root", "path", "include", "allowed"),
    [
        (".", "specs/a.yaml", "../x.yaml", True),
        (".", "specs/a.yaml", "../../x.yaml", False),
        ("/repo", "/repo/specs/a.yaml", "../x.yaml", True),
        ("/repo", "/repo/specs/a.yaml", "../../repo2/x.yaml", False),
        ("/", "/a.yaml", "x.yaml", True),
        ("specs", "specs/a.yaml", "x.yaml", True),
        ("specs", "specs/a.yaml", "../specs2/x.yaml", False),
        ("..", "a.yaml", "x.yaml", True),
        ("..", "a.yaml", "../x.yaml", True),
        ("..", "a.yaml", "../../x.yaml", False),
        ("..", "a.yaml", "..", False),
        ("../..", "../a.yaml", "../x.yaml", True),
        ("../b", "../b/a.yaml", "../x.yaml", False),
        ("../b", "../b/a.yaml", "x.yaml", True),
        (None, "specs/a.yaml", "../../x.yaml", True),
    ],
)
def test_includes_stay_inside_the_root(schema: Schema, root: str | None, path: str, include: str, allowed: bool):
    _, found = loading(schema, {path: SPEC.replace("shared/suite.yaml", include)}, path, root)
    assert [line.split()[1] for line in found] == ["PS109" if allowed else "PS110"]


def test_an_unreadable_include_does_not_make_the_rest_look_incomplete(schema: Schema):
    files = {"specs/a.yaml": "perfspec: 1\nservice: a\ninclude: [b.yaml]\n", "specs/b.yaml": "a: ["}
    assert [line.split()[1] for line in loading(schema, files)[1]] == ["PS002"]


def test_a_spec_that_is_not_there_is_said_to_be_missing(schema: Schema):
    loaded, found = loading(schema, {})
    assert loaded.merged is None
    assert found == ["specs/a.yaml:1:1 PS109 there is no file `specs/a.yaml` | "]
