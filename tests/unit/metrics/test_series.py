"""What one request name saw, second by second: slots, exact limits, tags, and sums of slices."""

from dataclasses import dataclass
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfspec.metrics import histogram
from perfspec.metrics.labels import MOST_COMBINATIONS, MOST_TAG_VALUES
from perfspec.metrics.rows import Row, total
from perfspec.metrics.series import Key, Registry, Series

MS = 1_000_000
SECOND = 1_000_000_000
START = 3600 * SECOND
ALL = settings(derandomize=True, deadline=None, max_examples=100)


@dataclass
class Outcome:
    due: int
    sent: int
    last: int
    status: int = 200
    error: str | None = None
    missed: bool = False


def answer(
    due_ms: float, ms: float, *, sent_ms: float | None = None, status: int = 200, error: str | None = None
) -> Outcome:
    due = START + int(due_ms * MS)
    sent = due if sent_ms is None else START + int(sent_ms * MS)
    return Outcome(due, sent, due + int(ms * MS), status, error)


def series(*limits_ms: float) -> Series:
    return Series(Key("a"), tuple(int(ms * MS) for ms in limits_ms), START)


def drained(found: Series) -> dict[int, tuple[int, int]]:
    """Second -> (requests, failed)."""
    return {s.second: (s.n, sum(s.errors.values())) for s in found.drain()}


def test_a_request_is_booked_to_the_second_in_which_it_was_due() -> None:
    found = series()
    for due in (0, 999.999999, 1000, 2500, 999, -0.5):
        found.record(answer(due, 5000), None)
    assert drained(found) == {0: (3, 0), 1: (1, 0), 2: (1, 0), -1: (1, 0)}


def test_an_answer_that_comes_after_the_drain_makes_a_second_slice() -> None:
    found = series(100)
    found.record(answer(500, 50), None)
    first = found.drain()
    assert found.is_empty
    assert found.drain() == []
    found.record(answer(500, 1500), None)
    assert not found.is_empty
    second = found.drain()
    assert [s.second for s in first + second] == [0, 0]
    row = total(first + second)
    assert (row.n, row.over) == (2, {100 * MS: 1})


@ALL
@given(st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 10_000_000), st.booleans()), max_size=50))
def test_a_request_sent_at_once_is_counted_in_both_histograms(requests) -> None:
    found, response, service = series(), {}, {}
    for wait_ms, us, at_once in requests:
        wait_us = 0 if at_once else wait_ms * 1000
        sent = START if at_once else START + wait_us * 1000
        found.record(Outcome(START, sent, sent + us * 1000), None)
        for counts, i in ((response, histogram.index(wait_us + us)), (service, histogram.index(us))):
            counts[i] = counts.get(i, 0) + 1
    pieces = found.drain()
    assert [(piece.response, piece.service) for piece in pieces] == [(response, service)] * bool(requests)
    assert all(piece.response is not piece.service for piece in pieces)  # whoever adds to one leaves the other alone


def test_both_durations_are_kept() -> None:
    found = series()
    found.record(answer(0, 300, sent_ms=200), None)
    (piece,) = found.drain()
    assert list(piece.response) == [histogram.index(300_000)]
    assert list(piece.service) == [histogram.index(100_000)]


@pytest.mark.parametrize(("ns", "over"), [(-1, (0, 0)), (0, (0, 0)), (1, (1, 0))])
def test_a_request_exactly_at_the_limit_is_not_over_it(ns, over) -> None:
    found = series(100, 200)
    outcome = answer(0, 100)
    outcome.last += ns
    found.record(outcome, None)
    (piece,) = found.drain()
    assert tuple(piece.over.values()) == over
    assert tuple(piece.over) == (100 * MS, 200 * MS)


@pytest.mark.parametrize(("ms", "over"), [(50, [0, 0, 0]), (150, [1, 0, 0]), (250, [1, 1, 0]), (999, [1, 1, 1])])
def test_every_limit_is_counted_in_whatever_order_it_was_given(ms, over) -> None:
    found = series(200, 100, 300)
    found.record(answer(0, ms), None)
    (piece,) = found.drain()
    assert [piece.over[limit * MS] for limit in (100, 200, 300)] == over


def test_a_failed_request_is_over_every_limit_and_keeps_its_durations() -> None:
    found = series(100, 200)
    found.record(answer(0, 1, status=404), "status 404")
    found.record(answer(0, 1), "check s.yaml:1 x")
    (piece,) = found.drain()
    assert piece.over == {100 * MS: 2, 200 * MS: 2}
    assert piece.errors == {"status 404": 1, "check s.yaml:1 x": 1}
    assert (piece.unavailable, piece.response) == (0, {1000: 2})


@pytest.mark.parametrize("kind", ["whatever", None])
@pytest.mark.parametrize(("status", "unavailable"), [(499, 0), (500, 1), (503, 1)])
def test_a_failure_of_the_server_is_unavailable_whether_or_not_it_was_expected(status, unavailable, kind) -> None:
    found = series(100)
    found.record(answer(0, 5, status=status), kind)
    (piece,) = found.drain()
    assert (piece.unavailable, sum(piece.errors.values())) == (unavailable, int(kind is not None))
    assert histogram.count(piece.response) == histogram.count(piece.service) == 1
    assert piece.over == {100 * MS: int(kind is not None)}


def test_an_expected_failure_of_the_server_that_took_too_long_is_over_the_limit_once() -> None:
    found = series(100)
    found.record(answer(0, 101, status=503), None)
    (piece,) = found.drain()
    assert (piece.unavailable, piece.errors, piece.over) == (1, {}, {100 * MS: 1})


@pytest.mark.parametrize("status", [0, 200])
@pytest.mark.parametrize(("error", "durations"), [("timeout", 1), ("reset", 0), ("refused", 0), ("no ports", 0)])
def test_no_answer_is_unavailable_and_a_time_out_alone_has_the_durations_it_took(status, error, durations) -> None:
    found = series(100)
    found.record(answer(0, 40, status=status, error=error), error)
    (piece,) = found.drain()
    assert (piece.unavailable, piece.errors, piece.over) == (1, {error: 1}, {100 * MS: 1})
    assert histogram.count(piece.response) == histogram.count(piece.service) == durations
    assert total([piece]).unanswered == 1 - durations


def test_who_was_asked_nothing_is_not_unavailable() -> None:
    found = series(100)
    found.record(answer(0, 0, status=0, error="unsendable"), "unsendable")
    found.record(answer(0, 0, status=0, error="refused"), "refused")
    row = total(found.drain())
    assert (row.n, row.failed, row.unavailable, row.asked, row.answered) == (2, 2, 1, 1, 0)


@pytest.mark.parametrize(
    ("ms", "kind", "status", "missed"),
    [
        (100, None, 200, False),
        (150, None, 200, False),
        (200, None, 200, False),
        (201, None, 200, True),
        (1, "status 500", 500, True),
        (150, None, 503, False),
        (201, None, 503, True),
    ],
)
def test_a_request_misses_by_failing_or_by_the_one_limit_it_is_held_to(ms, kind, status, missed) -> None:
    found = Series(Key("a"), (100 * MS, 200 * MS), START, held_to=200 * MS)
    outcome = answer(0, ms, status=status)
    found.record(outcome, kind)
    assert outcome.missed is missed
    found.record(answer(0, 1), None)
    assert outcome.missed is missed  # until somebody forgets it


def test_a_round_can_be_called_missed_in_the_second_it_was_counted_in() -> None:
    found = Series(Key("f", "round"), (SECOND,), START, held_to=SECOND)
    assert not found.value(START, 5)
    assert found.value(START + SECOND, 5, "reset")
    found.miss()
    first, second = found.drain()
    assert (first.n, first.missed, second.n, second.missed, second.errors) == (1, 0, 1, 1, {"reset": 1})


def test_a_timer_says_whether_it_was_missed() -> None:
    found = Series(Key("visit", "group"), (100 * MS, 200 * MS), START, held_to=200 * MS)
    assert [found.value(START, ms * MS) for ms in (100, 200, 201)] == [False, False, True]
    assert found.value(START, 1, "reset")


def test_the_times_of_failed_answers_can_be_taken_out_again() -> None:
    found = series(100)
    for ms, kind, error in (
        (10, None, None),
        (1, "status 500", None),
        (5000, "timeout", "timeout"),
        (1, "reset", "reset"),
    ):
        found.record(answer(0, ms, error=error), kind)
    row = total(found.drain())
    assert histogram.count(row.response) == 3
    assert row.ok_response == {histogram.index(10_000): 1}


def test_a_status_is_counted_where_a_limit_is_about_it_whether_it_was_expected_or_not() -> None:
    registry = Registry(START, {}, statuses={"a": {429, 201}})
    for timer in ("", "poll", "wait"):
        found = registry.series(Key("a", timer))
        for status, kind, error in (
            (429, None, None),
            (429, "status 429", None),
            (200, None, None),
            (429, "reset", "reset"),
        ):
            found.record(answer(0, 1, status=status, error=error), kind)
    assert [(s.key.timer, s.statuses) for s in registry.drain()] == [
        ("", {429: 2, 201: 0}),
        ("poll", {429: 2, 201: 0}),
        ("wait", {}),
    ]
    assert type(registry.series(Key("b"))) is Series


def test_a_timer_has_one_duration_and_none_where_it_failed() -> None:
    found = series(100)
    found.value(START, 100 * MS)
    found.value(START, 100 * MS + 1)
    found.value(START, 5 * MS, "gave up")
    found.value(START + SECOND, 5000 * MS)
    first, second = found.drain()
    assert (first.n, first.errors, first.over, histogram.count(first.response)) == (3, {"gave up": 1}, {100 * MS: 2}, 2)
    assert (second.n, second.over, first.service) == (1, {100 * MS: 1}, {})


recorded = st.lists(
    st.tuples(
        st.integers(0, 5 * 10**9),
        st.integers(0, 3 * 10**9),
        st.sampled_from(
            [
                (200, None, None),
                (200, "check", None),
                (404, "status 404", None),
                (503, "status 503", None),
                (503, None, None),
                (0, "refused", "refused"),
                (0, "timeout", "timeout"),
            ]
        ),
        st.booleans(),
    ),
    max_size=40,
)


@ALL
@given(recorded)
def test_whenever_it_is_drained_the_sum_is_the_same(requests) -> None:
    limits = (50 * MS, 700 * MS)
    once, often = Series(Key("a"), limits, START), Series(Key("a"), limits, START)
    slices = []
    for due, ns, (status, kind, error), drain in requests:
        outcome = Outcome(START + due, START + due, START + due + ns, status, error)
        once.record(outcome, kind)
        often.record(outcome, kind)
        if drain:
            slices += often.drain()
    slices += often.drain()
    assert total(slices) == total(once.drain())
    row = total(slices)
    assert row.n == len(requests)
    assert row.failed == sum(kind is not None for _, _, (_, kind, _), _ in requests)
    for limit in limits if requests else ():
        assert row.over[limit] == sum(kind is not None or ns > limit for _, ns, (_, kind, _), _ in requests)
    assert histogram.count(row.response) == sum(error != "refused" for _, _, (_, _, error), _ in requests)
    assert row.unanswered == sum(error == "refused" for _, _, (_, _, error), _ in requests)


@ALL
@given(st.lists(st.integers(0, 10**10), min_size=1, max_size=40), st.integers(1, 10**10))
def test_exact_counts_and_the_histogram_agree_within_a_bucket(durations, limit) -> None:
    found = Series(Key("a"), (limit,), START)
    for ns in durations:
        found.record(Outcome(START, START, START + ns), None)
    (piece,) = found.drain()
    above = sum(n for i, n in piece.response.items() if histogram.lowest(i) * 1000 > limit)
    within = sum(n for i, n in piece.response.items() if (histogram.highest(i) + 1) * 1000 > limit)
    assert above <= piece.over[limit] <= within
    assert histogram.quantile(piece.response, Fraction(1)) * 1000 >= max(durations) - 1000


def test_a_series_is_made_once_per_key_with_the_limits_of_its_name() -> None:
    registry = Registry(START, {("a", ""): (5,), ("a", "wait"): (7,)})
    found = registry.series(Key("a"))
    assert registry.series(Key("a")) is found
    assert registry.series(Key("a", tags=(("x", "1"),))) is not found
    assert registry.series(Key("a", tags=(("x", "1"),))).limits == found.limits == (5,)
    assert registry.series(Key("a", "wait")).limits == (7,)
    assert registry.series(Key("a", "poll")).limits == registry.series(Key("b")).limits == ()


def test_a_registry_drains_what_was_recorded_and_nothing_else() -> None:
    registry = Registry(START, {})
    registry.series(Key("a")).record(answer(0, 1), None)
    registry.series(Key("empty"))
    assert [s.key.name for s in registry.drain()] == ["a"]
    assert registry.drain() == []


def test_drawn_tags_choose_a_series_and_are_sorted_among_the_fixed_ones() -> None:
    registry = Registry(START, {})
    key = Key("a", "poll", (("m", "fixed"),), "setup", "buy")
    choose = registry.by_tags(key, ("z", "b"), lambda names: (names["z"], names["b"]))
    found = choose({"z": "1", "b": "true"})
    assert found.key == Key("a", "poll", (("b", "true"), ("m", "fixed"), ("z", "1")), "setup", "buy")
    assert choose({"z": "1", "b": "true"}) is found
    assert choose({"z": "2", "b": "true"}) is not found


@pytest.mark.parametrize("error", [KeyError, TypeError, ValueError])
def test_a_tag_that_cannot_be_computed_is_unknown(error) -> None:
    def read(_: object) -> tuple[str, ...]:
        raise error

    choose = Registry(START, {}).by_tags(Key("a"), ("z", "b"), read)
    assert choose({}).key.tags == (("b", "unknown"), ("z", "unknown"))
    assert choose({}) is choose({})


def test_beyond_fifty_values_all_count_as_other() -> None:
    registry = Registry(START, {})
    choose = registry.by_tags(Key("a"), ("id",), lambda n: (str(n),))
    first = [choose(n) for n in range(MOST_TAG_VALUES)]
    assert MOST_TAG_VALUES == len(set(map(id, first))) == 50
    rest = {id(choose(n)) for n in range(50, 500)}
    assert len(rest) == 1
    assert choose(1000).key.tags == (("id", "other"),)
    assert choose(7) is first[7]


def test_every_tag_has_fifty_values_of_its_own() -> None:
    choose = Registry(START, {}).by_tags(Key("a"), ("z", "b"), lambda n: (str(n % 10), str(n // 10)))
    assert {choose(n).key.tags for n in range(100)} == {
        (("b", str(n // 10)), ("z", str(n % 10))) for n in range(100)
    }  # a hundred combinations of ten and ten


def test_what_a_limit_is_about_is_never_other() -> None:
    registry = Registry(START, {}, kept={("id", "999")})
    choose = registry.by_tags(Key("a"), ("id", "odd"), lambda n: (str(n), str(n % 2)))
    for n in range(3 * MOST_COMBINATIONS):
        choose(n)
    assert choose(999).key.tags == (("id", "999"), ("odd", "1"))
    assert choose(777).key.tags == (("id", "other"), ("odd", "1"))
    assert len(registry._series) < 4 * MOST_TAG_VALUES


def test_a_tag_of_few_values_keeps_them_beside_one_of_any_number() -> None:
    """Series are bounded, not what was drawn: an id of its own for each request must not hide which model it asked."""
    choose = Registry(START, {}).by_tags(Key("a"), ("id", "model"), lambda n: (str(n), f"gpt-{n % 2}"))
    models = [dict(choose(n).key.tags)["model"] for n in range(10 * MOST_COMBINATIONS)]
    assert models == [f"gpt-{n % 2}" for n in range(10 * MOST_COMBINATIONS)]


def test_very_many_combinations_make_no_series_of_their_own() -> None:
    registry = Registry(START, {}, kept={("c", "7")})
    choose = registry.by_tags(Key("a"), ("a", "b", "c"), lambda n: (str(n % 40), str(n // 40 % 40), str(n // 1600)))
    tags = [choose(n).key.tags for n in range(40 * 40 * 10)]
    assert len(registry._series) < 2 * MOST_COMBINATIONS
    assert tags[-1] == (("a", "other"), ("b", "other"), ("c", "other"))
    assert tags[1600 * 7] == (("a", "other"), ("b", "other"), ("c", "7"))


@ALL
@given(recorded, recorded)
def test_rows_add_up_whatever_the_order(a, b) -> None:
    def slices(requests):
        found = Series(Key("a"), (5 * MS,), START)
        for due, ns, (status, kind, error), _ in requests:
            found.record(Outcome(START + due, START + due, START + due + ns, status, error), kind)
        return found.drain()

    first, second = slices(a), slices(b)
    assert total(first + second) == total(reversed(second + first))
    assert total(first, lambda s: s.second == 1).n == sum(s.n for s in first if s.second == 1)
    assert total([]) == Row()
