"""When a run ends before its time, and that it does not where the evidence is thin."""

import pytest

from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Source
from perfspec.language.compose import compose
from perfspec.language.phrase_grammar import parse_abort
from perfspec.verdict.abort import Abort, Watch

MS = 1_000_000
LIMITS = (("search", "errors", "under 1%"), ("query", "p95", "at most 200ms"), ("all", "count", "at least 5"))


@pytest.fixture
def watch(threshold):
    """A watch with one rule over three thresholds."""

    def make(text: str) -> Watch:
        out = Diagnostics()
        rule = parse_abort(compose(Source("s.yaml", text), out), out)
        assert rule is not None
        return Watch([rule], [threshold(*limit) for limit in LIMITS])

    return make


def first(watch: Watch, seconds: dict[int, list], until: int = 60) -> Abort | None:
    """What the watch says first, fed second by second: what was due in second k is drained after k + 1 seconds."""
    for second in range(1, until + 1):
        found = watch.second(second, seconds.get(second - 1, []))
        if found is not None:
            return found
    return None


def steady(make, start: int = 0, end: int = 60) -> dict[int, list]:
    return {second: [make(second)] for second in range(start, end)}


@pytest.mark.parametrize(
    ("n", "bad", "ends"),
    [
        (20, 18, True),
        (20, 17, False),
        (19, 19, False),
        (100, 90, True),
        (100, 89, False),
        (20, 20, True),
    ],
)
def test_nine_in_ten_bad_of_twenty_requests_end_the_run(watch, piece, n, bad, ends) -> None:
    feed = {8: [piece("search", n, second=8, errors={"status 500": bad})]}
    found = first(watch("search threshold fails"), feed)
    assert (found is not None) is ends
    if found is not None:
        assert (found.second, found.rule, found.threshold) == (
            9,
            "search threshold fails",
            "search errors under 1%",
        )
        assert found.evidence == f"{bad} of {n} requests in the last 10 s were bad ({bad} status 500)"


def test_the_first_five_seconds_never_end_a_run_by_a_threshold(watch, piece) -> None:
    feed = steady(lambda s: piece("search", 100, second=s, errors={"refused": 100}))
    found = first(watch("any threshold fails"), feed)
    assert found is not None
    assert found.second == 6


@pytest.mark.parametrize(("due", "counts"), [(1, False), (2, True), (12, True)])
def test_ten_full_seconds_and_what_is_due_now_are_looked_at(watch, piece, due, counts) -> None:
    found = watch("any threshold fails").second(12, [piece("search", 30, second=due, errors={"reset": 30})])
    assert (found is not None) is counts


def test_bad_seconds_are_forgotten_after_ten(watch, piece) -> None:
    feed = {0: [piece("search", 30, second=0, errors={"reset": 30})]}
    feed |= steady(lambda s: piece("search", 2, second=s), 4, 60)
    assert first(watch("any threshold fails"), feed) is None


def test_a_threshold_rule_with_a_time_looks_back_that_far(watch, piece) -> None:
    feed = {
        2: [piece("search", 12, second=2, errors={"reset": 12})],
        16: [piece("search", 12, second=16, errors={"reset": 12})],
    }
    assert first(watch("any threshold fails"), dict(feed)) is None
    found = first(watch("any threshold fails for 20s"), dict(feed))
    assert found is not None
    assert found.evidence == "24 of 24 requests in the last 20 s were bad (24 reset)"


@pytest.mark.parametrize(
    ("rule", "about"),
    [
        ("any threshold fails", "query p95 at most 200ms"),
        ("query threshold fails", "query p95 at most 200ms"),
        ("errors threshold fails", None),
        ("search threshold fails", None),
    ],
)
def test_a_rule_is_about_the_rows_it_names(watch, piece, rule, about) -> None:
    feed = steady(lambda s: piece("query", 10, second=s, over={200 * MS: 10}, ms=500))
    found = first(watch(rule), feed)
    assert (found.threshold if found else None) == about


def test_the_errors_rule_is_about_every_threshold_on_errors(watch, piece) -> None:
    feed = steady(lambda s: piece("search", 10, second=s, errors={"timeout": 6, "reset": 3, "status 500": 1}))
    found = first(watch("errors threshold fails"), feed)
    assert found is not None
    assert found.threshold == "search errors under 1%"
    assert found.evidence == "60 of 60 requests in the last 10 s were bad (36 timeout, 18 reset, 6 status 500)"


def test_at_most_three_kinds_are_named(watch, piece) -> None:
    kinds = {"a": 40, "b": 30, "c": 20, "d": 10}
    found = first(watch("any threshold fails"), {8: [piece("search", 100, second=8, errors=kinds)]})
    assert found is not None
    assert found.evidence.endswith("(40 a, 30 b, 20 c)")


def test_no_answers_for_a_while_end_the_run(watch, piece) -> None:
    feed = steady(lambda s: piece(second=s), 0, 10)
    feed |= steady(lambda s: piece(second=s, errors={"timeout": 100}, answered=0), 10, 60)
    found = first(watch("no responses for 15s"), feed)
    assert found == Abort("no responses for 15s", "", 25, "no answer came in 15 s")


@pytest.mark.parametrize("timer", ["", "poll"])
def test_one_answer_keeps_a_silent_run_alive(watch, piece, timer) -> None:
    feed = {at: [piece(n=1, second=at, timer=timer)] for at in range(0, 60, 14)}
    assert first(watch("no responses for 15s"), feed) is None


@pytest.mark.parametrize("timer", ["wait", "round"])
def test_only_requests_and_polls_are_answers(watch, piece, timer) -> None:
    feed = steady(lambda s: piece(n=1, second=s, timer=timer))
    found = first(watch("no responses for 15s"), feed)
    assert found is not None
    assert found.second == 15


def test_setup_is_no_answer_under_load(watch, piece) -> None:
    feed = steady(lambda s: piece(n=1, second=s, part="setup"))
    assert first(watch("no responses for 15s"), feed) is not None


def test_a_limit_ends_the_run_when_it_was_broken_in_every_second(watch, piece) -> None:
    feed = steady(lambda s: piece(n=100, second=s, errors={"reset": 26}), 3)
    found = first(watch("errors over 25% for 30s"), feed)
    assert found is not None
    assert found.second == 30  # seconds without requests neither break it nor keep it
    assert found.evidence == "true in every second of 30s (702 reset)"


@pytest.mark.parametrize("bad", [25, 0])
def test_one_good_second_keeps_the_run_alive(watch, piece, bad) -> None:
    feed = steady(lambda s: piece(n=100, second=s, errors={"reset": 100} if s % 29 else {"reset": bad}))
    assert first(watch("errors over 25% for 30s"), feed) is None


def test_a_limit_needs_data_to_be_broken(watch) -> None:
    assert first(watch("errors over 25% for 30s"), {}) is None
    assert first(watch("p95 over 1s for 5s"), {}) is None


@pytest.mark.parametrize(
    ("rule", "bad", "ends"),
    [
        ("errors over 25% for 5s", 25, False),
        ("errors at least 25% for 5s", 25, True),
        ("errors under 25% for 5s", 25, False),
        ("errors at most 25% for 5s", 25, True),
        ("errors between 20% and 30% for 5s", 25, True),
        ("errors between 25% and 30% for 5s", 25, True),
        ("errors between 20% and 25% for 5s", 25, True),
        ("errors between 20% and 30% for 5s", 31, False),
        ("availability under 75% for 5s", 25, False),
        ("availability at most 75% for 5s", 25, True),
        ("errors of suggest over 20% for 5s", 25, True),
        ("errors of query over 20% for 5s", 25, False),
        ("p95 over 9ms for 5s", 25, True),
        ("p95 over 11ms for 5s", 25, False),
        ("max of suggest at least 10ms for 5s", 25, True),
        ("mean under 9ms for 5s", 25, False),
    ],
)
def test_a_rule_on_a_number_reads_it_as_written(watch, piece, rule, bad, ends) -> None:
    feed = steady(lambda s: piece(n=100, second=s, errors={"reset": bad}, unavailable=bad, ms=10))
    assert (first(watch(rule), feed) is not None) is ends


def test_late_answers_are_counted_in_the_second_they_were_due_in(watch, piece) -> None:
    def failing(second: int):
        return [
            piece(n=1, second=second),
            piece(n=9, second=second - 1, errors={"timeout": 9}, answered=0),
        ]

    feed = {second: failing(second) for second in range(1, 60)}
    # The last second has only its good answers so far, so the rule is true of no stretch that ends now.
    assert first(watch("errors over 25% for 5s"), feed) is None


def test_the_first_rule_that_is_true_is_named(piece, threshold) -> None:
    out = Diagnostics()
    texts = ("no responses for 8s", "any threshold fails")
    rules = [parse_abort(compose(Source("s.yaml", text), out), out) for text in texts]
    watch = Watch(rules, [threshold("search", "errors", "under 1%")])
    feed = steady(lambda s: piece("search", 5, second=s, errors={"timeout": 5}, answered=0))
    found = first(watch, feed)
    assert found is not None
    assert (found.second, found.rule) == (6, "any threshold fails")
    assert first(Watch([], []), feed) is None
