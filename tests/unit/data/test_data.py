"""Data generators: pure functions of the round, drawn as their spec says."""

from collections import Counter
from datetime import datetime, tzinfo
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfspec import data as data_kinds
from perfspec.base import random
from perfspec.data.fake import KINDS as FAKES
from perfspec.data.fake import LOCAL_KINDS, POOL
from perfspec.data.kinds import Choice, Csv, Fake, Jsonl, Number, Uuid, Words
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Source, Span
from perfspec.language.compose import compose
from perfspec.language.nodes import Mapping
from perfspec.language.phrases import Order, Spread
from perfspec.steps.runtime import Vars

SPAN = Span("s.yaml", 1, 1, 1, 2)
N = 20_000
BASES = [random.base(random.person(1, who), 1) for who in range(N)]
ROWS = [{"n": str(n)} for n in range(50)]


def read(table: str) -> tuple[object, list[str]]:
    out = Diagnostics()
    node = compose(Source("s.yaml", table), out)
    assert isinstance(node, Mapping)
    found = data_kinds.read("x", SPAN, node, out)
    return found, [f"{d.span.line}:{d.span.column} {d.code} {d.message} | {d.help}" for d in out.sorted()]


def scope(base: int, **generators: data_kinds.Draw) -> Vars:
    """The names of a round that has just begun."""
    names = Vars()
    names.base, names.step, names.draws, names.generators = base, 0, {}, generators
    return names


SCOPES = [scope(base) for base in BASES]


def drawn(table: str, rows=(), seed: int = 1) -> Counter:
    data, said = read(table)
    assert said == []
    draw = bind(data, seed, rows)
    return Counter(map(draw, SCOPES))


def bind(data, seed: int = 1, rows=()) -> data_kinds.Draw:
    return data_kinds.bind(data, data_kinds.Supply(seed, 1, rows))


@pytest.mark.parametrize(
    ("table", "data"),
    [
        ("choice: [a, 2, true, null, 1.5]", Choice("x", SPAN, ("a", 2, True, None, 1.5), (), Order())),
        ("choice: {10: 70%, b: 30%}", Choice("x", SPAN, (10, "b"), (0.7, 0.3))),
        ("text: 40 to 400 words", Words("x", SPAN, 40, 400, "words")),
        ("text: 20 characters", Words("x", SPAN, 20, 20, "characters")),
        ("fake: sentence", Fake("x", SPAN, "sentence", "en_US")),
        ("fake: city\nlocale: de_DE", Fake("x", SPAN, "city", "de_DE")),
    ],
)
def test_a_generator_is_read(table, data) -> None:
    assert read(table) == (data, [])


def test_a_file_is_read_with_its_order_and_the_place_of_its_path() -> None:
    data, said = read("csv: a.csv\norder: zipf 1.1")
    assert said == []
    assert data == Csv("x", Span("s.yaml", 1, 6, 1, 11), "a.csv", Order("zipf", 1.1))
    assert read("csv: a.csv")[0].order == Order("random")


def test_an_order_beside_shares_is_refused() -> None:
    found, said = read("choice: {a: 70%, b: 30%}\norder: random")
    assert found is not None
    assert said == ["2:8 PS107 `order` is for lists; here the shares say how often | remove `order`"]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("csv: a.csv\norder: shuffle", "2:8 PS208 `order` cannot be `shuffle` | write `random`"),
        ("choice: [a]\norder: shuffle", "2:8 PS208 `order` cannot be `shuffle` | write `random`"),
        ("choice: {a: 70%, b: 20%}", "1:9 PS210 the shares add up to 90%, not to 100% | make them add up to 100%"),
        (
            "choice: {a: 70%, b: 20%}\norder: random",
            "1:9 PS210 the shares add up to 90%, not to 100% | make them add up to 100%",
        ),
        ("fake: sentense", "1:7 PS211 there is no fake `sentense` | did you mean `sentence`?"),
        ("fake: sentence\nlocale: de_XX", "2:9 PS211 there is no fake data for `de_XX` | did you mean `es_MX`?"),
        ("text: 40", "1:7 PS201 `text` needs a unit | write `40 words` or `40 characters`"),
        ("fake: creditcard", "1:7 PS211 there is no fake `creditcard` | did you mean `credit_card_number`?"),
        ("fake: xyzzy", f"1:7 PS211 there is no fake `xyzzy` | there are {', '.join(sorted(FAKES | LOCAL_KINDS))}"),
        ("fake: uuid4", "1:7 PS211 there is no fake `uuid4` | write `uuid: random`"),
        (
            "fake: state\nlocale: ja_JP",
            "2:9 PS211 `ja_JP` has no fake `state` | choose another kind, or another locale",
        ),
        ("sequence: from 7", "1:11 PS207 `sequence` needs its first number, found `from 7` | write `7 up`"),
    ],
)
def test_what_cannot_be_read_is_said(table, said) -> None:
    assert read(table) == (None, [said])


@pytest.mark.parametrize(
    "table", ["csv: [a]", "choice: x", "choice: []", "choice: {}", "text: [a]", "fake: [a]", "other: 1"]
)
def test_what_has_the_wrong_shape_is_left_out(table) -> None:
    assert read(table) == (None, [])


GENERATORS = {
    "choice": (Choice("x", SPAN, ("a", "b", "c"), (0.5, 0.3, 0.2)), ()),
    "zipf": (Csv("x", SPAN, "a.csv", Order("zipf", 1.1)), ROWS),
    "random": (Csv("x", SPAN, "a.csv", Order("random")), ROWS),
    "words": (Words("x", SPAN, 3, 9, "words"), ()),
    "characters": (Words("x", SPAN, 3, 9, "characters"), ()),
    "fake": (Fake("x", SPAN, "word", pool=100), ()),
    "uuid": (Uuid("x", SPAN), ()),
    "jsonl": (Jsonl("x", SPAN, "a.jsonl", Order("random")), ROWS),
    "number": (Number("x", SPAN, 1, 10**6, Spread("lognormal", 1000), 0), ()),
}


@pytest.mark.parametrize("kind", GENERATORS)
def test_the_same_round_gives_the_same_value_in_any_order(kind) -> None:
    data, rows = GENERATORS[kind]
    first, again = bind(data, 7, rows), bind(data, 7, rows)
    values = list(map(first, SCOPES[:50]))
    assert values == list(map(again, SCOPES[:50]))
    assert list(reversed(values)) == list(map(first, reversed(SCOPES[:50])))


@pytest.mark.parametrize("kind", GENERATORS)
def test_places_passes_and_names_draw_apart(kind) -> None:
    data, rows = GENERATORS[kind]
    names = [scope(base, x=bind(data, 7, rows)) for base in BASES[:200]]
    plain = [each["x"] for each in names]
    ways = [plain, *([each.again("x", *way) for each in names] for way in ((1, 0), (2, 0), (1, 1), (1, 129)))]
    assert all(one != two for one, two in combinations(ways, 2))
    assert [each.again("x", 1, 1) for each in names] == ways[3]
    assert [each["x"] for each in names] == plain
    other = type(data)(**{f: getattr(data, f) for f in data.__struct_fields__} | {"name": "y"})
    assert plain != list(map(bind(other, 7, rows), SCOPES[:200]))


@pytest.mark.parametrize("kind", ["words", "characters", "fake"])
def test_what_is_made_up_depends_on_the_seed(kind) -> None:
    data, rows = GENERATORS[kind]
    one, two = bind(data, 1, rows), bind(data, 2, rows)
    assert list(map(one, SCOPES[:100])) != list(map(two, SCOPES[:100]))


def close(found: Counter, shares: dict) -> bool:
    """Within four standard deviations each."""
    return set(found) <= set(shares) and all(
        abs(found[value] - N * share) <= 4 * (N * share * (1 - share)) ** 0.5 for value, share in shares.items()
    )


def test_a_list_is_drawn_evenly() -> None:
    assert close(drawn("choice: [a, b, 3, true, null]"), dict.fromkeys(["a", "b", 3, True, None], 0.2))


def test_a_weighted_choice_is_drawn_by_its_weights() -> None:
    assert close(drawn("choice: {10: 70%, 25: 20%, 50: 9.5%, x: 0.5%}"), {10: 0.7, 25: 0.2, 50: 0.095, "x": 0.005})


def test_a_list_may_be_drawn_by_rank() -> None:
    assert close(drawn("choice: [a, b, c]\norder: zipf 1"), {"a": 6 / 11, "b": 3 / 11, "c": 2 / 11})
    assert close(drawn("choice: [a, b]\norder: random"), {"a": 0.5, "b": 0.5})


def test_a_value_of_no_weight_is_never_drawn() -> None:
    assert set(drawn("choice: {a: 100%, b: 0%}")) == {"a"}


def test_rows_are_drawn_evenly_or_by_rank() -> None:
    rows = [f"row {n}" for n in range(20)]
    assert close(drawn("csv: a", rows), dict.fromkeys(rows, 1 / 20))
    weights = [1 / (k + 1) ** 1.1 for k in range(20)]
    shares = {row: weight / sum(weights) for row, weight in zip(rows, weights, strict=True)}
    assert close(drawn("csv: a\norder: zipf 1.1", rows), shares)


def test_lengths_are_drawn_evenly_and_reach_both_ends() -> None:
    data = Words("x", SPAN, 3, 7, "words")
    draw = bind(data)
    lengths = Counter(len(str(draw(names)).split()) for names in SCOPES)
    assert close(lengths, dict.fromkeys(range(3, 8), 0.2))


@settings(derandomize=True, deadline=None, max_examples=25)
@given(st.integers(0, 300), st.integers(0, 300), st.sampled_from(["words", "characters"]))
def test_a_text_has_a_length_within_its_bounds(a, b, unit) -> None:
    low, high = min(a, b), max(a, b) or 1
    draw = bind(Words("x", SPAN, low, high, unit), 3)
    for names in SCOPES[:40]:
        text = draw(names)
        assert isinstance(text, str)
        assert low <= (len(text.split()) if unit == "words" else len(text)) <= high


def test_a_text_may_be_longer_than_the_run_of_words_it_is_cut_from() -> None:
    draw = bind(Words("x", SPAN, 20_000, 20_000, "words"))
    assert {len(str(draw(names)).split()) for names in SCOPES[:5]} == {20_000}


@pytest.mark.parametrize("provider", sorted(FAKES | LOCAL_KINDS))
def test_every_kind_of_fake_makes_texts_or_numbers(provider) -> None:
    draw = bind(Fake("x", SPAN, provider, pool=5))
    assert all(isinstance(draw(names), (str, int, float)) and draw(names) for names in SCOPES[:10])


def test_a_pool_is_drawn_once_and_then_chosen_from_evenly() -> None:
    draw = bind(Fake("x", SPAN, "name"))
    found = Counter(draw(names) for names in SCOPES)
    assert POOL * 0.9 < len(found) <= POOL
    assert max(found.values()) < 20 * N / POOL


def test_a_text_of_characters_neither_begins_nor_ends_in_a_blank() -> None:
    """A service that trims what it gets would find it too short."""
    draw = bind(Words("x", SPAN, 1, 40, "characters"))
    texts = [str(draw(names)) for names in SCOPES]
    assert [text for text in texts if text != text.strip()] == []
    assert sum(" " in text for text in texts) > N / 2


@pytest.mark.parametrize("provider", ["date", "day_of_week", "iso8601", "month_name", "time", "unix_time", "year"])
@pytest.mark.parametrize("locale", ["en_US", "de_DE", "ja_JP"])
def test_a_pool_is_the_same_whenever_it_is_made(monkeypatch, provider, locale) -> None:
    """Two processes of one run make theirs at two moments, and a comparison with last month wants the same data."""

    def pool() -> list[object]:
        draw = bind(Fake("x", SPAN, provider, locale, 50))
        return [draw(names) for names in SCOPES[:200]]

    class Later(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Later":
            return cls(2031, 5, 6, 7, 8, 9, tzinfo=tz)

    today = pool()
    monkeypatch.setattr("faker.providers.date_time.datetime", Later)
    assert pool() == today
