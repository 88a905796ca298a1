"""From an answer to its one error kind: every matcher, on values of every type."""

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Source
from perfspec.engine.sim import Reply
from perfspec.language.compose import compose
from perfspec.steps.answers import compile_checks, judge, kind_of_capture, kind_of_check
from perfspec.steps.reading import Reading
from perfspec.steps.request import checks, read
from perfspec.steps.runtime import Outcome, Vars

CONSTANTS = {"run.id": "r1", "values.low": "3"}
ABSENT = object()


def outcome(body: object = ABSENT, status: int = 200, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Outcome:
    found = Outcome()
    found.status, found.head = status, Reply(status, headers=headers)
    found.body = body if isinstance(body, bytes) else b"{}" if body is ABSENT else orjson.dumps(body)
    return found


def expecting(table: str):
    out = Diagnostics()
    found = checks(compose(Source("s.yaml", table), out), Reading(out, lambda *_: (), 1))
    assert out.sorted() == []
    assert found
    return found


def capturing(table: str):
    out = Diagnostics()
    node = compose(Source("s.yaml", f"get: /a\nname: a\ncapture:\n  {table}"), out)
    step = read(node, "setup", Reading(out, lambda *_: (), 1))
    assert out.sorted() == []
    assert step is not None
    return step.capture


def holds(matcher: str, value: object, **names: object) -> bool:
    scope = Vars(names)
    scope.generators = {}
    body = {} if value is ABSENT else {"x": value}
    return judge(expecting(f"$.x: {matcher}"), (), CONSTANTS)(outcome(body), scope) is None


TABLE = [
    ("5", [5, 5.0], ["5", True, None, [5], 6, ABSENT]),
    ("1", [1, 1.0], [True, "1", False]),
    ("true", [True], [1, "true", False, ABSENT]),
    ("false", [False], [0, "", None, "false"]),
    ("null", [None], [0, "", False, [], ABSENT]),
    ("indexed", ["indexed"], ["Indexed", "indexed ", None, 5]),
    ('"5"', ["5"], [5]),
    ("exactly present", ["present"], [5, ABSENT]),
    ("[1, a, null]", [1, "a", None], [True, "1", "b", 0, ABSENT]),
    ("under 5", [4, 4.9, -1], [5, 6, "4", True, None, ABSENT, [1]]),
    ("at most 5", [5, 4], [5.1, "5"]),
    ("over 5", [6, 5.01], [5, 4, True, "6"]),
    ("at least 5", [5, 6], [4, None]),
    ("at least 0", [0, 1], [False, True, -1]),
    ("between 1 and 2", [1, 2, 1.5], [0, 3, "1", True]),
    ("under 3 entries", [[], [1, 2], {"a": 1}, "ab"], [[1, 2, 3], 2, None, True, ABSENT]),
    ("at least 2 entries", [[1, 2], {"a": 1, "b": 2}, "ab"], [[1], "a", {}]),
    ("between 1 entry and 2 entries", [[1], [1, 2]], [[], [1, 2, 3]]),
    ("contains b", ["abc", ["a", "b"], {"b": 1}], ["ac", ["ab"], {"a": "b"}, None, 5, ABSENT]),
    ("not contains b", ["ac", [], {}, 5, None, ABSENT], ["abc", ["b"], {"b": 1}]),
    ("starts with ab", ["ab", "abc"], ["cab", ["ab"], None, 5, ABSENT]),
    ("matches ^a+$", ["a", "aaa"], ["ab", 5, None, ABSENT, ["a"]]),
    ("matches b", ["abc"], ["ac"]),
    ("present", [None, 0, "", [], False], [ABSENT]),
    ("absent", [ABSENT], [None, 0, "", []]),
    ("empty", [None, "", [], {}, ABSENT], [0, False, "a", [0], {"a": 1}]),
    ("not empty", [0, False, "a", [0], {"a": 1}], [None, "", [], {}, ABSENT]),
]


@pytest.mark.parametrize(("matcher", "value"), [(m, v) for m, good, _ in TABLE for v in good])
def test_what_is_as_expected_passes(matcher, value) -> None:
    assert holds(matcher, value)


@pytest.mark.parametrize(("matcher", "value"), [(m, v) for m, _, bad in TABLE for v in bad])
def test_what_is_not_as_expected_fails(matcher, value) -> None:
    assert not holds(matcher, value)


@pytest.mark.parametrize(
    ("matcher", "value", "names", "expected"),
    [
        ("${n}", 5, {"n": 5}, True),
        ("${n}", "5", {"n": 5}, False),
        ("${n > 4}", True, {"n": 5}, True),
        ("${n > 4}", 1, {"n": 5}, False),
        ("a-${n}", "a-5", {"n": 5}, True),
        ("${n}-a", "5-a", {"n": 5}, True),
        ("a-${n}", "a-true", {"n": True}, True),
        ("perf-${run.id}", "perf-r1", {}, True),
        ("${run.id}", "r1", {}, True),
        ("perf-${run.id}", "perf-r2", {}, False),
        ('["${n}", 7]', 5, {"n": 5}, True),
        ('["${n}", 7]', 7, {"n": 5}, True),
        ('["${n}", 7]', 6, {"n": 5}, False),
        ("contains ${n}", "x5y", {"n": 5}, True),
        ("contains ${n}", "${n}", {"n": 5}, False),
        ("not contains ${n}", "x5y", {"n": 5}, False),
        ("not contains ${n}", "x", {"n": 5}, True),
        ("starts with ${n}", "5x", {"n": 5}, True),
        ("starts with ${n}", "x5", {"n": 5}, False),
        ("at most ${n}", 5, {"n": 5}, True),
        ("at most ${n}", 6, {"n": 5}, False),
        ("at least ${values.low} entries", [1, 2, 3], {}, True),
        ("at least ${values.low} entries", [1, 2], {}, False),
    ],
)
def test_what_is_expected_may_be_drawn(matcher, value, names, expected) -> None:
    assert holds(matcher, value, **names) is expected


@pytest.mark.parametrize(
    "matcher",
    ["${gone}", "${hit.id}", "x${1 / n}", '["${gone}"]', "contains ${gone}", "not contains ${gone}", "at most ${word}"],
)
def test_where_it_cannot_be_said_what_is_expected_nothing_is(matcher) -> None:
    assert not holds(matcher, "x", n=0, hit="text", word="many")


def test_a_drawn_limit_with_a_unit_holds_for_no_number() -> None:
    assert [holds("at most ${low}", 5, low=limit) for limit in (200, "200", "200ms")] == [True, True, False]


PAGE = b"<p class=a>one<p class=b>two<p title='a or b'>three"
COOKIES = ((b"set-cookie", b"sid=b; Path=/"), (b"set-cookie", b"sid2=x"), (b"set-cookie", b"sid=c=d;HttpOnly"))
HEADERS = ((b"content-type", b"application/json"), (b"x-left", b"12"), (b"via", b"a"), (b"via", b"b"))


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        ("header Content-Type: contains json", True),
        ("header content-type: application/json", True),
        ("header CONTENT-TYPE: starts with text", False),
        ("header Content-Type: not contains html", True),
        ("header X-Left: 12", True),
        ("header X-Left: 13", False),
        ("header X-Left: at least 12", True),
        ("header X-Left: under 12", False),
        ("header Content-Type: at least 1", False),
        ("header X-Left: [11, 12]", True),
        ("header X-Left: [11, true]", False),
        ("header Via: a, b", True),
        ("header X-None: absent", True),
        ("header X-None: present", False),
        ("header X-Left: present", True),
        ("header X-Left: ${n}", True),
    ],
)
def test_headers_are_texts_whatever_the_case_of_their_names(check, expected) -> None:
    scope = Vars({"n": "12"})
    kind = judge(expecting(check), ())(outcome(headers=HEADERS), scope)
    assert kind == (
        None if expected else f"check s.yaml:1 {check.replace(': ', ' ').replace('[11, true]', 'one of 11, true')}"
    )


def test_a_header_of_an_answer_without_a_head_is_absent() -> None:
    found = outcome()
    found.head = None
    assert judge(expecting("header A: absent"), ())(found, Vars()) is None


@pytest.mark.parametrize("status", [200, 204, 302, 399])
def test_without_a_wanted_status_everything_below_400_is_well(status) -> None:
    assert judge((), ())(outcome(status=status), Vars()) is None
    assert judge(expecting("$.x: absent"), ())(outcome(status=status), Vars()) is None


@pytest.mark.parametrize("status", [101, 400, 404, 429, 500, 599])
def test_without_a_wanted_status_400_and_above_fails_and_an_upgrade(status) -> None:
    assert judge((), ())(outcome(status=status), Vars()) == f"status {status}"
    assert judge(expecting("$.x: present"), ())(outcome(status=status), Vars()) == f"status {status}"


@pytest.mark.parametrize(
    ("wanted", "status", "kind"),
    [
        ("404", 404, None),
        ("404", 200, "status 200"),
        ("[201, 202]", 202, None),
        ("[201, 202]", 200, "status 200"),
        ("under 500", 404, None),
        ("under 500", 503, "status 503"),
        ("between 200 and 299", 301, "status 301"),
    ],
)
def test_a_wanted_status_replaces_the_rule(wanted, status, kind) -> None:
    assert judge(expecting(f"status: {wanted}"), ())(outcome(status=status), Vars()) == kind


def test_each_check_can_be_asked_alone() -> None:
    table = compile_checks(expecting("status: 404\n$.a: 1\nheader X: absent"))
    assert [(reads, kind) for reads, _, kind in table] == [
        (False, "status"),
        (True, "check s.yaml:2 $.a 1"),
        (False, "check s.yaml:3 header X absent"),
    ]
    assert [holds(outcome(status=404), {"a": 2}, Vars()) for _, holds, _ in table] == [True, False, True]


def test_the_first_check_that_fails_gives_the_kind() -> None:
    table = expecting("$.a: 1\nheader X: present\n$.b: not empty")
    assert judge(table, ())(outcome({"a": 1}), Vars()) == "check s.yaml:2 header X present"
    assert judge(table, ())(outcome({"a": 2}), Vars()) == "check s.yaml:1 $.a 1"
    assert judge(table, ())(outcome({"a": 1}, headers=((b"x", b""),)), Vars()) == "check s.yaml:3 $.b not empty"
    assert [kind_of_check(c) for c in expecting("status: 200")] == ["status"]


@pytest.mark.parametrize("matcher", ["present", "absent", "empty", "not contains a"])
@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b"nan", b"\xff"])
def test_of_an_answer_that_is_no_json_nothing_can_be_said(body, matcher) -> None:
    assert judge(expecting(f"$.x: {matcher}"), ())(outcome(body), Vars()) == f"check s.yaml:1 $.x {matcher}"
    assert judge(expecting("header X: absent"), ())(outcome(body), Vars()) is None


def test_what_was_waited_for_by_its_status_is_accepted_with_any() -> None:
    assert judge((), (), any_status=True)(outcome(status=404), Vars()) is None
    assert judge((), ())(outcome(status=404), Vars()) == "status 404"
    assert judge(expecting("status: 200"), (), any_status=True)(outcome(status=404), Vars()) == "status 404"


@pytest.mark.parametrize(
    ("check", "value", "expected"),
    [
        ("present", [1], True),
        ("present", [], False),
        ("absent", [], True),
        ("absent", [1], False),
        ("empty", [], True),
        ("not empty", [0], True),
        ("contains 2", [1, "2"], True),
        ("not contains 2", [1, "2"], False),
        ("at least 2 entries", [1, 2], True),
        ("at least 2 entries", [1], False),
        ("at most 5", [1, 5], True),
        ("at most 5", [1, 6], False),
        ("at most 5", [], False),
        ("a", ["a", "a"], True),
        ("a", ["a", "b"], False),
        ("[a, b]", ["a", "b", "a"], True),
        ("matches ^a", ["ab", "ac"], True),
        ("matches ^a", ["ab", "bc"], False),
    ],
)
@pytest.mark.parametrize("path", ["$.x[*].v", "$.x[0:].v", "$..v"])
def test_a_path_to_many_values_is_about_their_list_or_about_every_one(path, check, value, expected) -> None:
    body = {"x": [{"v": each} for each in value]}
    assert (judge(expecting(f"'{path}': {check}"), ())(outcome(body), Vars()) is None) is expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", True),
        ("$.a", True),
        ("$.a.b", True),
        ("$.a.l[0]", True),
        ("$.a.l[-1]", True),
        ("$.a.l[1]", False),
        ("$.a.l[-2]", False),
        ("$.a.l.x", False),
        ("$.a[0]", False),
        ("$.a.b.c", False),
        ('$["a b"]', True),
    ],
)
def test_paths_reach_into_maps_by_name_and_lists_by_number(path, expected) -> None:
    body = {"a": {"b": 1, "l": [1]}, "a b": 0}
    assert (judge(expecting(f"'{path}': present"), ())(outcome(body), Vars()) is None) is expected


@pytest.mark.parametrize(
    ("table", "body", "value"),
    [
        ("x: $.id", {"id": 5}, 5),
        ("x: secret $.id", {"id": "s"}, "s"),
        ("x: $.id or none", {"id": None}, None),
        ("x: $.id or none", {}, "none"),
        ("x: $.a[-1].id", {"a": [{"id": 1}, {"id": 2}]}, 2),
        ("x: count $.a", {"a": [1, 2]}, 2),
        ("x: count $.a or 0", {"a": "text"}, 0),
        ("x: $.id or 1.5", {}, 1.5),
        ("x: $.id or true", {}, True),
        ("x: $.id or null", {}, None),
        ("x: $.id or yes", {}, "yes"),
        ("x: header X-None or 0", {}, 0),
        ("x: header X-Left", {}, "12"),
        ("x: header X-None or no", {}, "no"),
        ("x: $", [1], [1]),
        ("x: $.a[*].id", {"a": [{}, {"id": 1}, {"id": 2}]}, 1),
        ("x: all $.a[*].id", {"a": [{"id": 1}, {}, {"id": 2}]}, [1, 2]),
        ("x: all $.a[*].id or []", {"a": []}, []),
        ("x: all $.a[*].id or none", {"a": []}, "none"),
        ("x: all $.a", {"a": [1, 2]}, [1, 2]),
        ("x: all $..id", {"a": [{"id": 1, "b": {"id": 2}}]}, [1, 2]),
        ("x: all $.a[?@.n > 1].id", {"a": [{"id": 1, "n": 1}, {"id": 2, "n": 2}]}, [2]),
        ("x: all $.a[1:]", {"a": [1, 2, 3]}, [2, 3]),
        ("x: count $.a[*].id", {"a": [{"id": 1}, {}, {"id": 2}]}, 2),
        ("x: count $.a[*].id", {"b": 1}, 0),
        ("x: random $.a[*].id", {"a": [{"id": 7}]}, 7),
        ("x: random $.a", {"a": [7]}, 7),
        ("x: random $.a or 5", {"a": []}, 5),
        ("x: cookie sid", {}, "c=d"),
        ("x: all cookie sid", {}, ["b", "c=d"]),
        ("x: count cookie none", {}, 0),
        ("x: cookie none or 0", {}, 0),
        ("x: all header Via", {}, ["a", "b"]),
        ("x: count header Via", {}, 2),
        ('x: \'regex "id":"?(\\w+)\'', {"id": "a7"}, "a7"),
        ("x: regex (?P<all>[a-z]+)(\\d)", {"id": "a7"}, "a"),
        ("x: regex [a-z]\\d", {"id": "a7"}, "a7"),
        ("x: all regex [a-z]\\d", {"id": "a7", "no": "b8"}, ["a7", "b8"]),
        ("x: count regex \\d", {"id": "a7"}, 1),
        ("x: regex nothing or 3", {"id": "a7"}, 3),
        ("x: regex (a)?d", {}, ""),
        ("x: css p.b", PAGE, "two"),
        ("x: css p @class", PAGE, "a"),
        ("x: all css p", PAGE, ["one", "two", "three"]),
        ("x: all css p @class", PAGE, ["a", "b"]),
        ("x: count css p", PAGE, 3),
        ("x: count css h1", PAGE, 0),
        ("x: random css p.b", PAGE, "two"),
        ("x: css h1 or 3", PAGE, 3),
        ("x: css p.b @id or none", PAGE, "none"),
        ("x: all css h1 or []", PAGE, []),
        ("x: 'css p[title=\"a or b\"]'", PAGE, "three"),
        ("x: css p or 7", {"no": "page"}, 7),
    ],
)
def test_captures_give_a_name_its_value(table, body, value) -> None:
    scope = Vars()
    scope.base = scope.step = 0
    found = outcome({"d": 0} if body == {} else body, headers=(*HEADERS, *COOKIES))
    assert judge((), capturing(table))(found, scope) is None
    assert scope == {"x": value}


def test_a_random_capture_depends_on_user_round_pass_and_place_alone() -> None:
    def drawn(base: int, step: int, at: str) -> object:
        scope = Vars()
        scope.base, scope.step = base, step
        judge((), capturing("x: random $.a"), at=at)(outcome({"a": list(range(1000))}), scope)
        return scope["x"]

    values = [drawn(base, 0, "flows.a") for base in range(300)]
    assert values == [drawn(base, 0, "flows.a") for base in range(300)]
    assert len(set(values)) > 200
    assert max(values) > 900
    assert min(values) < 100
    assert [drawn(base, 1, "flows.a") for base in range(9)] != values[:9]
    assert [drawn(base, 0, "flows.b") for base in range(9)] != values[:9]


@pytest.mark.parametrize(
    "table",
    [
        "x: $.gone",
        "x: header X-None",
        "x: count $.text",
        "x: count $.gone",
        "x: all $.text[*]",
        "x: all $.text",
        "x: random $.text[*]",
        "x: random $.gone",
        "x: cookie sid",
        "x: all header X-None",
        "x: regex gone",
        "x: all regex gone",
        "x: all $..gone",
    ],
)
def test_a_capture_that_finds_nothing_is_the_kind(table) -> None:
    scope = Vars()
    captured = capturing(table)
    kind = f"capture s.yaml:4 x from {captured[0].capture.place}"
    assert judge((), captured)(outcome({"text": "a"}), scope) == kind
    assert kind_of_capture(captured[0]) == kind
    assert scope == {}


def test_captures_before_the_one_that_failed_are_kept_and_none_is_taken_after_a_failed_check() -> None:
    captured = capturing("x: $.a\n  y: $.gone\n  z: $.a")
    scope = Vars()
    assert judge((), captured)(outcome({"a": 1}), scope) == "capture s.yaml:5 y from $.gone"
    assert scope == {"x": 1}
    scope = Vars()
    assert judge(expecting("$.a: 2"), captured)(outcome({"a": 1}), scope) == "check s.yaml:1 $.a 2"
    assert scope == {}


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(derandomize=True, deadline=None, max_examples=150)
@given(json_values, st.sampled_from([m for m, _, _ in TABLE]))
def test_no_answer_breaks_a_check(value, matcher) -> None:
    assert holds(matcher, value) in (True, False)


@settings(derandomize=True, deadline=None, max_examples=100)
@given(json_values)
def test_present_and_absent_and_the_two_kinds_of_empty_exclude_each_other(value) -> None:
    assert holds("present", value) is not holds("absent", value)
    assert holds("empty", value) is not holds("not empty", value)
    assert holds("contains a", value) is not holds("not contains a", value)


@settings(derandomize=True, deadline=None, max_examples=100)
@given(json_values)
def test_a_captured_value_equals_itself(value) -> None:
    assert holds("${wanted}", value, wanted=orjson.loads(orjson.dumps(value)))


class Kept:
    """What the user has."""

    def value(self, name: str) -> str | None:
        return {"sid": "kept", "old": "kept"}.get(name)


@pytest.mark.parametrize(("name", "value"), [("sid", "c=d"), ("old", "kept"), ("none or 0", 0)])
def test_a_cookie_is_what_a_browser_would_have(name, value) -> None:
    scope = Vars()
    scope.cookies = Kept()
    assert judge((), capturing(f"x: cookie {name}"))(outcome(headers=COOKIES), scope) is None
    assert scope == {"x": value}
