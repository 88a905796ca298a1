"""Phrases about load and data: users, pauses, reasons to abort, lengths, orders; and what is said of what is none."""

from collections.abc import Callable
from fractions import Fraction

import pytest

from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.language import phrase_grammar as grammar
from perfspec.language.nodes import Mapping, Node
from perfspec.language.phrases import (
    AbortRule,
    Auth,
    Order,
    PauseRange,
    Quantity,
    TextLength,
    UsersPhrase,
)

MS = 1_000_000


S = 1_000 * MS


def quantity(text: str) -> Quantity:
    found = grammar.parse_quantity(text)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "pause"),
    [
        ("2s", PauseRange(2 * S, 2 * S, "fixed")),
        ("0s", PauseRange(0, 0, "fixed")),
        ("120ms to 300ms", PauseRange(120 * MS, 300 * MS, "even")),
        ("about 5s", PauseRange(5 * S, 5 * S, "about")),
    ],
)
def test_a_pause_is_fixed_even_or_about(accepted: Callable[..., object], text: str, pause: PauseRange):
    assert accepted(grammar.parse_pause, text) == pause


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2", "PS201 `pause` needs a unit | write 2s or 2ms | 2"),
        ("1 to 3s", "PS201 `pause` needs a unit | write 1s to 3s | 1"),
        ("1s to 3", "PS201 `pause` needs a unit | write 1s to 3s | 3"),
        ("3s to 1s", "PS207 `3s to 1s` runs backwards | write `1s to 3s` | 3s to 1s"),
        ("about 1s to 2s", "PS207 `about` goes with one duration | write `1s to 2s` | about 1s to 2s"),
        ("around 2s", "PS202 `around 2s` is no pause | write `about 2s` | around 2s"),
        ("1s - 3s", "PS202 `1s - 3s` is no pause | write `1s to 3s` | 1s - 3s"),
        ("between 1s and 3s", "PS202 `between 1s and 3s` is no pause | write `1s to 3s` | between 1s and 3s"),
        ("1 sec to 3 sec", "PS202 `1 sec` is no pause | write `1s to 3s` | 1 sec"),
        ("a while", "PS202 `a while` is no pause | write `2s` | a while"),
        ("5%", "PS202 `5%` is no pause | write `2s` | 5%"),
    ],
)
def test_what_is_no_pause_is_answered_with_one(refused: Callable[..., str], text: str, expected: str):
    assert refused(grammar.parse_pause, text) == expected


def test_a_cap_on_pauses_is_a_longest_time(accepted: Callable[..., object], refused: Callable[..., str]):
    assert accepted(grammar.parse_pause_cap, "at most 100ms") == 100 * MS
    said = "PS202 `pauses` is a cap on every pause, found"
    assert refused(grammar.parse_pause_cap, "100ms") == f"{said} `100ms` | write `at most 100ms` | 100ms"
    assert refused(grammar.parse_pause_cap, "100 ms") == f"{said} `100 ms` | write `at most 100ms` | 100 ms"
    assert refused(grammar.parse_pause_cap, "under 1s") == f"{said} `under 1s` | write `at most 1s` | under 1s"
    assert refused(grammar.parse_pause_cap, "at most 5%") == f"{said} `at most 5%` | write `at most 300ms` | at most 5%"
    assert refused(grammar.parse_pause_cap, "at most 5") == f"{said} `at most 5` | write `at most 5ms` | at most 5"
    assert refused(grammar.parse_pause_cap, "at most x").startswith("PS607")


@pytest.mark.parametrize(
    ("text", "users"),
    [("50", UsersPhrase(50, 50)), ("ramp 0 to 50", UsersPhrase(0, 50)), ("ramp 9 to 0", UsersPhrase(9, 0))],
)
def test_users_are_a_number_or_a_ramp(accepted: Callable[..., object], text: str, users: UsersPhrase):
    assert accepted(grammar.parse_users, text) == users


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3 to 8", "PS508 `3 to 8` does not say how users come and go | write `ramp 3 to 8` | 3 to 8"),
        ("0-50", "PS508 `0-50` does not say how users come and go | write `ramp 0 to 50` | 0-50"),
        (
            "ramp up 0 to 50",
            "PS508 `ramp up 0 to 50` does not say how users come and go | write `ramp 0 to 50` | ramp up 0 to 50",
        ),
        ("20/s", "PS508 `users` are a number of people, not so many a second | did you mean `arrivals: 20/s`? | 20/s"),
        ("50 users", "PS508 `users` needs a number or a ramp, found `50 users` | write `50` | 50 users"),
        ("many", "PS508 `users` needs a number or a ramp, found `many` | write `50` or `ramp 0 to 50` | many"),
        ("0", "PS508 a phase has at least one user | write `50` or `ramp 0 to 50` | 0"),
        ("2000000", "PS508 a phase has at most 1,000,000 users | write `50` or `ramp 0 to 50` | 2000000"),
    ],
)
def test_what_is_no_number_of_users_is_answered_with_one(refused: Callable[..., str], text: str, expected: str):
    assert refused(grammar.parse_users, text) == expected


def test_a_search_for_the_limit_needs_a_range_of_users(accepted: Callable[..., object], refused: Callable[..., str]):
    assert accepted(grammar.parse_users_range, "5 to 300") == UsersPhrase(5, 300)
    assert (
        refused(grammar.parse_users_range, "50")
        == "PS508 `users` to search needs a range, found `50` | write `5 to 300` | 50"
    )
    assert (
        refused(grammar.parse_users_range, "9 to 2") == "PS207 `9 to 2` is no range to search | write `2 to 9` | 9 to 2"
    )
    assert refused(grammar.parse_users_range, "ramp 2 to 9").endswith("write `2 to 9` | ramp 2 to 9")


def test_a_text_has_so_many_words_or_characters(accepted: Callable[..., object], refused: Callable[..., str]):
    assert accepted(grammar.parse_text_length, "40 to 400 words") == TextLength(40, 400, "words")
    assert accepted(grammar.parse_text_length, "1 character") == TextLength(1, 1, "characters")
    assert (
        refused(grammar.parse_text_length, "40")
        == "PS201 `text` needs a unit | write `40 words` or `40 characters` | 40"
    )
    assert refused(grammar.parse_text_length, "9 to 2 words").startswith(
        "PS207 `9 to 2 words` runs backwards | write `2 to 9 words`"
    )
    assert refused(grammar.parse_text_length, "0 words").startswith("PS202 `0 words` is no length")
    assert refused(grammar.parse_text_length, "40-50 chars").startswith(
        "PS202 `text` needs a length, found `40-50 chars` | write `40 to 50 characters`"
    )
    assert refused(grammar.parse_text_length, "long").endswith("write `40 to 400 words` | long")


def test_an_order_is_one_of_four(accepted: Callable[..., object], refused: Callable[..., str]):
    assert accepted(grammar.parse_order, "zipf 1.1") == Order("zipf", 1.1)
    assert accepted(grammar.parse_order, "once each") == Order("once each")
    assert refused(grammar.parse_order, "shuffled") == "PS208 `order` cannot be `shuffled` | write `random` | shuffled"
    assert refused(grammar.parse_order, "zipf 0").endswith(
        "write `zipf 1.1`, `in order`, `random` or `once each` | zipf 0"
    )


def test_a_request_identifies_itself_in_one_of_three_ways(accepted: Callable[..., object], refused: Callable[..., str]):
    assert accepted(grammar.parse_auth, "none") == Auth("none")
    assert accepted(grammar.parse_auth, "bearer ${secret.a}") == Auth("bearer", "${secret.a}")
    assert accepted(grammar.parse_auth, "basic a:${secret.b}") == Auth("basic", "a:${secret.b}")
    said = "PS209 `auth` is `bearer ...`, `basic user:...` or `none`"
    assert refused(grammar.parse_auth, "Bearer x") == f"{said} | write `bearer x` | Bearer x"
    assert refused(grammar.parse_auth, "bearer") == f"{said} | write `bearer ${{secret.api_key}}` | bearer"
    assert refused(grammar.parse_auth, "basic") == f"{said} | write `basic user:${{secret.password}}` | basic"
    assert refused(grammar.parse_auth, "${secret.a}").startswith(said)


def test_weighted_values_add_up_to_all(node: Callable[[str], Node]):
    out = Diagnostics()
    found = node("{10: 70%, b: 30%}")
    assert isinstance(found, Mapping)
    weights = grammar.parse_weights(found, out)
    assert weights is not None
    assert [(key.value, share) for key, share in weights] == [(10, Fraction(7, 10)), ("b", Fraction(3, 10))]
    for text, message in [("{a: 70%}", "the shares add up to 70%, not to 100%"), ("{a: 70}", "`a` needs a unit")]:
        found, out = node(text), Diagnostics()
        assert isinstance(found, Mapping)
        assert grammar.parse_weights(found, out) is None
        assert [d.message for d in out.sorted()] == [message]


@pytest.mark.parametrize(
    ("text", "kind", "row", "metric", "limit", "for_ns"),
    [
        ("errors threshold fails", "threshold", "errors", "", "", 0),
        ("any threshold fails for 10s", "threshold", "any", "", "", 10 * S),
        ("search and page threshold fails", "threshold", "search and page", "", "", 0),
        ("no responses for 15s", "no responses", "all", "", "", 15 * S),
        ("errors over 25% for 30s", "metric", "all", "errors", "over 25%", 30 * S),
        ("p95 of suggest at least 2s for 1m", "metric", "suggest", "p95", "at least 2s", 60 * S),
        ("wait p99 of a b between 1s and 2s for 1m", "metric", "a b", "wait p99", "between 1s and 2s", 60 * S),
    ],
)
def test_a_reason_to_abort_is_read(
    accepted: Callable[..., object], text: str, kind: str, row: str, metric: str, limit: str, for_ns: int
):
    rule = accepted(grammar.parse_abort, text)
    assert isinstance(rule, AbortRule)
    assert (rule.kind, rule.row, rule.metric, rule.limit.text if rule.limit else "") == (kind, row, metric, limit)
    assert (rule.for_ns, rule.text, rule.span.column) == (for_ns, text, 4)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no responses", "PS509 this reason to abort needs a time | write `no responses for 15s` | no responses"),
        (
            "errors over 25%",
            "PS509 this reason to abort needs a time | write `errors over 25% for 30s` | errors over 25%",
        ),
        ("no responses for 15", "PS201 `for` needs a unit | write for 15s or 15ms | 15"),
        ("no responses for ever", "PS202 `ever` is no duration | write for 30s | ever"),
        ("errors over 25 % for 30s", "PS607 `25 %` is no amount | write `25%` | 25 %"),
        (
            "errors > 25% for 30s",
            (
                "PS509 `errors > 25% for 30s` is no reason to abort | write `errors over 25% for 30s` | "
                "errors > 25% for 30s"
            ),
        ),
        (
            "errors fail",
            (
                "PS509 `errors fail` is no reason to abort | "
                "write `errors threshold fails`, `errors over 25% for 30s` or `no responses for 15s` | errors fail"
            ),
        ),
    ],
)
def test_what_is_no_reason_to_abort_is_answered_with_one(refused: Callable[..., str], text: str, expected: str):
    assert refused(grammar.parse_abort, text) == expected
