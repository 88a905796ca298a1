"""Phrases about an answer: matchers, captures, subjects, paths; and what is said of what is none."""

from collections.abc import Callable

import pytest

from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Span
from perfspec.language import phrase_grammar as grammar
from perfspec.language.phrases import (
    Capture,
    Limit,
    Matcher,
    Quantity,
    Subject,
)

MS = 1_000_000


S = 1_000 * MS


def quantity(text: str) -> Quantity:
    found = grammar.parse_quantity(text)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "matcher"),
    [
        ("200", Matcher("equals", 200, text="200")),
        ('"200"', Matcher("equals", "200", text="200")),
        ("true", Matcher("equals", operand=True, text="true")),
        ("null", Matcher("equals", None, text="null")),
        ("done", Matcher("equals", "done", text="done")),
        ("${id}", Matcher("equals", "${id}", text="${id}")),
        ("[200, x, ~]", Matcher("one of", (200, "x", None), text="one of 200, x, ~")),
        ("exactly not empty", Matcher("equals", "not empty", text="exactly not empty")),
        ("present", Matcher("present", text="present")),
        ("not empty", Matcher("not empty", text="not empty")),
        ("contains json", Matcher("contains", "json", text="contains json")),
        ("not contains a b", Matcher("contains", "a b", negated=True, text="not contains a b")),
        ("starts with /v1", Matcher("starts with", "/v1", text="starts with /v1")),
        ("matches ^a+$", Matcher("matches", "^a+$", text="matches ^a+$")),
        ("at most 3", Matcher("limit", limit=Limit("at most", quantity("3"), text="at most 3"), text="at most 3")),
        ("at most ${n}", Matcher("limit", "at most ${n}", text="at most ${n}")),
        ("{a: b}", None),
    ],
)
def test_a_matcher_says_what_a_part_must_be(accepted: Callable[..., object], text: str, matcher: Matcher | None):
    assert accepted(grammar.parse_matcher, text) == matcher


TEXT = "would be compared as a text"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("non-empty", f"PS203 `non-empty` {TEXT} | write `not empty`, or `exactly non-empty` for the text | non-empty"),
        ("exists", f"PS203 `exists` {TEXT} | write `present`, or `exactly exists` for the text | exists"),
        (
            "includes a",
            f"PS203 `includes a` {TEXT} | write `contains a`, or `exactly includes a` for the text | includes a",
        ),
        (
            "does not contain a",
            (
                f"PS203 `does not contain a` {TEXT} | write `not contains a`, or `exactly does not contain a` "
                "for the text | does not contain a"
            ),
        ),
        ("one of 1, 2", f"PS203 `one of 1, 2` {TEXT} | write `[1, 2]` | one of 1, 2"),
        ("< 3", f"PS203 `< 3` {TEXT} | write `under 3` | < 3"),
        ("matches " + "a" * 501, "PS203 a regular expression has at most 500 characters | shorten it | " + "a" * 501),
        ("contains", "PS203 `contains` needs a text behind it | write `contains json` | contains"),
        (
            "not matches a",
            "PS203 `not` goes with `contains` only, not with `matches` | turn the expectation around | not",
        ),
        (
            "matches (",
            (
                "PS203 this is no regular expression: missing ), unterminated subpattern | "
                "check its brackets and backslashes | ("
            ),
        ),
        ("under 3, warn only", "PS203 `warn only` belongs to thresholds | write `under 3` | under 3, warn only"),
        (
            "over the top",
            "PS607 `the top` is no amount | write an amount such as 300ms, 0.5%, 20/s or 3 entries | the top",
        ),
    ],
)
def test_what_only_looks_like_a_matcher_is_no_text(refused: Callable[..., str], text: str, expected: str):
    assert refused(grammar.parse_matcher, text) == expected


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("status", Subject("status")),
        ("header Content-Type", Subject("header", "Content-Type")),
        ("$", Subject("json", "$")),
        ("$.a[0]['b c']", Subject("json", "$.a[0]['b c']", ("a", 0, "b c"))),
    ],
)
def test_a_subject_is_a_part_of_an_answer(accepted: Callable[..., object], text: str, subject: Subject):
    assert accepted(grammar.parse_subject, text) == subject


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("stats", "PS206 an answer has no `stats` | did you mean `status`? | stats"),
        ("status_code", "PS206 an answer has no `status_code` | write `status` | status_code"),
        ("Content-Type", "PS206 an answer has no `Content-Type` | write `header Content-Type` | Content-Type"),
        ("items[0].id", "PS206 an answer has no `items[0].id` | write `$.items[0].id` | items[0].id"),
        (
            "what?",
            (
                "PS206 an answer has no `what?` | there are `status`, `header NAME`, JSON paths such as `$.items`, and "
                "`events` of a stream | what?"
            ),
        ),
        ("header a b", "PS206 `a b` is no name of a header | write `header Content-Type` | header a b"),
        ("$.a[?@.b>]", "PS205 unexpected end of expression | see RFC 9535, or write the way to the value | $.a[?@.b>]"),
    ],
)
def test_what_is_no_subject_is_answered_with_one(refused: Callable[..., str], text: str, expected: str):
    assert refused(grammar.parse_subject, text) == expected


@pytest.mark.parametrize(
    ("text", "capture"),
    [
        ("$.total", Capture("json", "$.total", ("total",))),
        ("secret $.token", Capture("json", "$.token", ("token",), secret=True)),
        ("all $.a[*].id", Capture("json", "$.a[*].id", take="all")),
        ("secret random $.a", Capture("json", "$.a", ("a",), "random", secret=True)),
        ("count $.a", Capture("json", "$.a", ("a",), "count")),
        ("$.a or none at all", Capture("json", "$.a", ("a",), fallback="none at all")),
        ("\"$['a or b']\"", Capture("json", "$['a or b']", ("a or b",))),
        ("header Location", Capture("header", "Location")),
        ("cookie sid or x", Capture("cookie", "sid", fallback="x")),
        ("regex id=(\\d+)", Capture("regex", "id=(\\d+)")),
        ("css a.next @href", Capture("css", "a.next @href")),
    ],
)
def test_a_capture_names_a_part(accepted: Callable[..., object], text: str, capture: Capture):
    assert accepted(grammar.parse_capture, text) == capture


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("job_id", "PS204 `job_id` is no part of an answer | write `$.job_id` | job_id"),
        (".a.b", "PS204 `.a.b` is no part of an answer | write `$.a.b` | .a.b"),
        ("jsonpath $.a", "PS204 `jsonpath $.a` is no part of an answer | write `$.a` | jsonpath $.a"),
        ("secrt $.a", "PS204 `secrt $.a` is no part of an answer | write `secret $.a` | secrt $.a"),
        (
            "headers Location",
            "PS204 `headers Location` is no part of an answer | write `header Location` | headers Location",
        ),
        ("header", "PS204 `header` needs one name behind it | write `header Location` | header"),
        ("regex", "PS204 `regex` needs a pattern behind it | write `regex id=(\\d+)` | regex"),
        (
            "regex [",
            (
                "PS203 this is no regular expression: unterminated character set | check its brackets and "
                "backslashes | ["
            ),
        ),
        (
            "5",
            (
                "PS204 `5` is no part of an answer | write `$.path`, `header NAME`, `cookie NAME`, `regex "
                "...` or `css ...` | 5"
            ),
        ),
        ("secret $.a[", "PS205 nothing stands in `[ ]` | write a number, a 'name' or `*` | ["),
    ],
)
def test_what_is_no_capture_is_answered_with_one(refused: Callable[..., str], text: str, expected: str):
    assert refused(grammar.parse_capture, text) == expected


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("$", ()),
        ("$.a.b", ("a", "b")),
        ("$.a[0]", ("a", 0)),
        ("$[-1]", (-1,)),
        ("$['a.b']", ("a.b",)),
        ('$["a\'b"]', ("a'b",)),
        ("$['a\\'b\\u00e4']", ("a'bä",)),
        ("$.ä_1", ("ä_1",)),
        ("$[ 'a' ].b", ("a", "b")),
    ],
)
def test_a_singular_path_is_taken_apart(text: str, path: tuple[str | int, ...]):
    out = Diagnostics()
    assert grammar.parse_json_path(text, Span("f", 1, 1, 1, len(text) + 1), out) == path
    assert grammar.is_singular(text)
    assert out.sorted() == []


@pytest.mark.parametrize(
    "text",
    [
        "$.*",
        "$.a[*]",
        "$..a",
        "$..*",
        "$..[0]",
        "$[0, 1]",
        "$['a', 'b']",
        "$[1:3]",
        "$[:-1]",
        "$[::2]",
        "$[?@.a > 1]",
        "$.a[?(@.b == 'x]' && @.c[0])].d",
    ],
)
def test_other_paths_are_checked_and_have_no_parts(text: str):
    out = Diagnostics()
    assert grammar.parse_json_path(text, Span("f", 1, 1, 1, 2), out) == ()
    assert not grammar.is_singular(text)
    assert out.sorted() == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.b", "a JSON path begins with `$` | write `$.a.b` | a.b"),
        ("$a", "`a` is not expected in a JSON path | write `.a` | a"),
        ("$.", "a name is missing behind the dot | write `$.name` | ."),
        ("$.a-b", "`a-b` cannot stand behind a dot | write `$['a-b']` | a-b"),
        ("$.a.0", "`0` cannot stand behind a dot | write `$.a[0]` | 0"),
        ("$[a]", "`a` needs quotes in `[ ]` | write `['a']` | a"),
        ("$[]", "nothing stands in `[ ]` | write a number, a 'name' or `*` | []"),
        ("$[0", "`[` is never closed | add `]` | ["),
        ("$[0 1]", "`1` is not expected in `[ ]` | write a number or a 'name' | 1"),
        ("$['a]", "a quote is never closed | add ' | '"),
        ("$['\\x']", "`\\x` means nothing in a name | write `\\\\` for a backslash | \\x"),
        ("$[?(@.a]", "`[` is never closed | add `]` | ["),
        ("$.a b", "` ` is not expected in a JSON path | remove the spaces |  "),
        ("$[!]", "`!` is not expected in `[ ]` | write a number, a 'name' or `*` | !"),
        ("${x}", "`${...}` cannot stand in a path | write the path as it is | ${x}"),
        ("$.a" * 400, None),
    ],
)
def test_a_broken_path_is_shown_where_it_breaks(text: str, expected: str | None):
    out = Diagnostics()
    assert grammar.parse_json_path(text, Span("f", 1, 1, 1, len(text) + 1), out) is None
    (found,) = out.sorted()
    assert found.code == "PS205"
    assert not grammar.is_singular(text)
    if expected:
        assert f"{found.message} | {found.help} | {text[found.span.column - 1 : found.span.end_column - 1]}" == expected
