"""When a run ends before its time, and that it does not where the evidence is thin.

A feed says what was drained in each second, whenever it was due.
"""

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

    def make(text: str, *, of_search: bool = False) -> Watch:
        out = Diagnostics()
        rule = parse_abort(compose(Source("s.yaml", text), out), out)
        assert rule is not None
        return Watch([rule], [threshold(*limit) for limit in LIMITS], of_search=of_search)

    return make


def first(
    watch: Watch, feed: dict[int, list], until: int = 60, waiting: int = 1, late: dict[int, int] | None = None
) -> Abort | None:
    """What the watch says first, called once a second."""
    for second in range(1, until + 1):
        found = watch.second(second, feed.get(second, []), waiting, (late or {}).get(second, 0))
        if found is not None:
            return found
    return None


def steady(make, start: int = 1, end: int = 60) -> dict[int, list]:
    return {second: [make(second)] for second in range(start, end + 1)}


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
    feed = {12: [piece("search", n, errors={"status 500": bad})]}
    found = first(watch("search threshold fails"), feed)
    assert (found is not None) is ends
    if found is not None:
        assert (found.second, found.rule, found.threshold) == (
            12,
            "search threshold fails",
            "search errors under 1%",
        )
        assert found.evidence == f"{bad} of {n} requests in the last 10 s were bad ({bad} status 500)"


def test_the_first_five_seconds_never_end_a_run_by_a_threshold(watch, piece) -> None:
    feed = steady(lambda _: piece("search", 100, errors={"refused": 100}))
    found = first(watch("any threshold fails"), feed)
    assert found is not None
    assert found.second == 6
    assert found.evidence == "600 of 600 requests in the last 6 s were bad (600 refused)"


@pytest.mark.parametrize("due", [0, 3, 12, 99])
def test_a_second_is_what_came_in_it_whenever_that_was_due(watch, piece, due) -> None:
    found = first(watch("any threshold fails"), {12: [piece("search", 30, second=due, errors={"reset": 30})]})
    assert found is not None
    assert found.second == 12


@pytest.mark.parametrize(("apart", "ends"), [(1, True), (9, True), (10, False)])
def test_bad_seconds_are_forgotten_after_ten(watch, piece, apart, ends) -> None:
    half = [piece("search", 12, errors={"reset": 12})]
    assert (first(watch("any threshold fails"), {20: half, 20 + apart: half}) is not None) is ends


def test_bad_first_seconds_still_count_after_the_fifth(watch, piece) -> None:
    found = first(watch("any threshold fails"), {1: [piece("search", 30, errors={"reset": 30})]})
    assert found is not None
    assert found.second == 6
    feed = {1: [piece("search", 30, errors={"reset": 30})]} | steady(lambda _: piece("search", 2), 4)
    assert first(watch("any threshold fails"), feed) is None


def test_a_threshold_rule_with_a_time_is_about_each_of_its_seconds(watch, piece) -> None:
    feed = steady(lambda _: piece("search", 100, errors={"reset": 2}))
    assert first(watch("any threshold fails"), feed) is None
    found = first(watch("any threshold fails for 20s"), feed)
    assert found is not None
    assert (found.second, found.threshold) == (20, "search errors under 1%")
    assert found.evidence == "40 of 2000 requests in the last 20 s were bad (40 reset)"


def test_one_second_within_the_threshold_keeps_the_run_alive(watch, piece) -> None:
    feed = steady(lambda s: piece("search", 100, errors={"reset": 100} if s % 20 else {}))
    assert first(watch("any threshold fails for 20s"), feed) is None
    assert first(watch("any threshold fails"), feed) is not None


def test_seconds_that_brought_nothing_are_passed_over(watch, piece) -> None:
    found = first(watch("any threshold fails for 20s"), {7: [piece("search", 1, errors={"reset": 1})]})
    assert found is not None
    assert found.second == 20
    assert found.evidence == "1 of 1 requests in the last 20 s were bad (1 reset)"
    assert first(watch("any threshold fails for 20s"), {7: [piece("other", 1, errors={"reset": 1})]}) is None


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
    feed = steady(lambda _: piece("query", 10, over={200 * MS: 10}, ms=500))
    found = first(watch(rule), feed)
    assert (found.threshold if found else None) == about


def test_the_errors_rule_is_about_every_threshold_on_errors(watch, piece) -> None:
    feed = steady(lambda _: piece("search", 10, errors={"timeout": 6, "reset": 3, "status 500": 1}), 10)
    found = first(watch("errors threshold fails"), feed)
    assert found is not None
    assert (found.second, found.threshold) == (11, "search errors under 1%")
    assert found.evidence == "20 of 20 requests in the last 10 s were bad (12 timeout, 6 reset, 2 status 500)"


def test_at_most_three_kinds_are_named(watch, piece) -> None:
    kinds = {"a": 40, "b": 30, "c": 20, "d": 10}
    found = first(watch("any threshold fails"), {8: [piece("search", 100, errors=kinds)]})
    assert found is not None
    assert found.evidence.endswith("(40 a, 30 b, 20 c)")


def test_no_answers_for_a_while_end_the_run(watch, piece) -> None:
    feed = steady(lambda _: piece(), 1, 10)
    feed |= steady(lambda _: piece(errors={"refused": 100}, answered=0), 11)
    found = first(watch("no responses for 15s"), feed, waiting=0)
    assert found == Abort("no responses for 15s", "", 25, "no answer came in 15s")


def test_a_time_out_is_no_answer_though_it_has_a_duration(watch, piece) -> None:
    feed = steady(lambda _: piece(n=9, errors={"timeout": 9}))
    found = first(watch("no responses for 15s"), feed)
    assert found is not None
    assert found.second == 15


def test_users_who_wait_for_an_answer_that_never_comes_end_the_run(watch, piece) -> None:
    found = first(watch("no responses for 15s"), {3: [piece()]}, waiting=5)
    assert found is not None
    assert found.second == 18


def test_silence_while_nobody_waits_ends_nothing(watch, piece) -> None:
    assert first(watch("no responses for 15s"), {3: [piece()]}, waiting=0) is None


@pytest.mark.parametrize("timer", ["", "poll"])
def test_one_answer_keeps_a_silent_run_alive(watch, piece, timer) -> None:
    feed = {at: [piece(n=1, timer=timer)] for at in range(1, 60, 14)}
    assert first(watch("no responses for 15s"), feed) is None


@pytest.mark.parametrize("timer", ["wait", "round"])
def test_only_requests_and_polls_are_answers(watch, piece, timer) -> None:
    feed = steady(lambda _: piece(n=1, timer=timer))
    found = first(watch("no responses for 15s"), feed)
    assert found is not None
    assert found.second == 15


def test_setup_is_no_answer_under_load(watch, piece) -> None:
    feed = steady(lambda _: piece(n=1, part="setup"))
    assert first(watch("no responses for 15s"), feed) is not None


def test_a_limit_ends_the_run_when_it_was_broken_in_every_second(watch, piece) -> None:
    feed = steady(lambda _: piece(n=100, errors={"reset": 26}), 4)
    found = first(watch("errors over 25% for 30s"), feed)
    assert found is not None
    assert found.second == 30  # seconds without requests neither break it nor keep it
    assert found.threshold == ""
    assert found.evidence == "702 of 2700 requests in the last 30 s were bad (702 reset)"


@pytest.mark.parametrize("bad", [25, 0])
def test_one_good_second_keeps_the_run_alive(watch, piece, bad) -> None:
    feed = steady(lambda s: piece(n=100, errors={"reset": 100} if s % 30 else {"reset": bad}))
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
    feed = steady(lambda _: piece(n=100, errors={"reset": bad}, unavailable=bad, ms=10))
    assert (first(watch(rule), feed) is not None) is ends


def test_a_time_out_that_comes_late_counts_in_the_second_it_is_known(watch, piece) -> None:
    """The service hangs from second 10 on; every request of then is known to be lost ten seconds later."""

    def came(second: int):
        return [piece(n=9, second=second - 10, errors={"timeout": 9})] if second >= 20 else [piece(n=9)]

    found = first(watch("errors over 25% for 5s"), {second: came(second) for second in range(1, 61)})
    assert found is not None
    assert found.second == 24


def test_the_first_rule_that_is_true_is_named(piece, threshold) -> None:
    out = Diagnostics()
    texts = ("no responses for 8s", "any threshold fails")
    rules = [parse_abort(compose(Source("s.yaml", text), out), out) for text in texts]
    watch = Watch(rules, [threshold("search", "errors", "under 1%")])
    feed = steady(lambda _: piece("search", 5, errors={"refused": 5}, answered=0))
    found = first(watch, feed)
    assert found is not None
    assert (found.second, found.rule) == (6, "any threshold fails")
    assert first(Watch([], []), feed) is None


S = 1_000_000_000


@pytest.fixture
def judged_watch(threshold):
    """A watch over a load that is judged from its fifth second on."""

    def make(text: str, *limit: str) -> Watch:
        out = Diagnostics()
        rule = parse_abort(compose(Source("s.yaml", text), out), out)
        assert rule is not None
        return Watch([rule], [threshold(*(limit or LIMITS[0]))], [(5 * S, 600 * S)])

    return make


def test_a_limit_that_is_surely_broken_ends_the_run_long_before_its_end(judged_watch, piece) -> None:
    """3 % where 1 % is allowed, evenly: sure after the first 20 s of judged time."""
    feed = {t: [piece("search", 100, second=t - 1, errors={"status 500": 3})] for t in range(1, 61)}
    found = first(judged_watch("errors threshold fails"), feed)
    assert found is not None
    assert (found.second, found.threshold) == (25, "search errors under 1%")
    assert found.evidence == (
        "60 of 2000 requests of the judged time were bad, 1% allowed; chance does that once in 1000 runs"
    )


@pytest.mark.parametrize("bad", [0, 1])
def test_what_is_only_close_never_ends_a_run(judged_watch, piece, bad) -> None:
    feed = {t: [piece("search", 100, second=t - 1, errors={"status 500": bad} if bad else {})] for t in range(1, 301)}
    assert first(judged_watch("errors threshold fails"), feed, until=300) is None


def test_what_is_not_judged_is_no_evidence(judged_watch, piece) -> None:
    feed = {t: [piece("search", 100, second=t % 5, errors={"status 500": 50})] for t in range(1, 61)}
    assert first(judged_watch("errors threshold fails"), feed) is None


def test_a_slow_service_is_stopped_by_its_percentile_in_the_same_way(judged_watch, piece) -> None:
    feed = {t: [piece("query", 50, second=t - 1, over={200 * MS: 10})] for t in range(1, 61)}
    found = first(judged_watch("query threshold fails", *LIMITS[1]), feed)
    assert found is not None
    assert found.second == 25
    assert "5% allowed" in found.evidence


def test_a_rule_with_a_time_has_no_other_evidence(judged_watch, piece) -> None:
    feed = {t: [piece("search", 100, second=t - 1, errors={"status 500": 3 * (t % 2)})] for t in range(1, 61)}
    assert first(judged_watch("errors threshold fails for 20s"), feed) is None


@pytest.mark.parametrize("rule", ["any threshold fails", "search threshold fails for 2s"])
@pytest.mark.parametrize(
    ("kind", "k", "ends"),
    [("refused", 90, True), ("reset", 89, False), ("status 503", 100, False), ("timeout", 100, False)],
)
def test_a_search_is_ended_by_a_dead_service_and_by_no_threshold(watch, piece, rule, kind, k, ends) -> None:
    feed = steady(lambda second: piece("search", 100, second=second, errors={kind: k}))
    found = first(watch(rule, of_search=True), feed, until=40)
    assert (found is not None) is ends
    if found is not None:
        assert (found.second, found.threshold) == (6, "search errors under 1%")
        assert "540 of 600 requests in the last 6 s were bad (540 refused)" in found.evidence
    assert (first(watch(rule), feed, until=40) is not None) is (k >= 90 or "for" in rule)


@pytest.mark.parametrize(
    "rule", ["errors threshold fails", "any threshold fails", "errors over 50% for 5s", "no responses for 5s"]
)
def test_a_spec_that_cannot_be_sent_is_no_reason_to_stop_for_a_service(watch, piece, rule) -> None:
    feed = steady(lambda s: piece("search", 20, errors={"unsendable": 20}, answered=0, second=s))
    assert first(watch(rule), feed, waiting=0) is None
    feed = steady(lambda s: piece("search", 40, errors={"unsendable": 20, "refused": 20}, answered=0, second=s))
    assert first(watch(rule), feed) is not None


@pytest.mark.parametrize(
    "rule", ["query threshold fails", "query threshold fails for 2s", "p95 of query over 1s for 2s"]
)
def test_a_load_generator_that_stood_still_ends_no_run_by_its_own_lateness(judged_watch, piece, rule) -> None:
    """It stood from 30.2 to 40.2: the line of second 31 is written then, and all that was due is sent at once."""
    slow = {200 * MS: 50}
    feed = {t: [piece("query", 50, second=t - 1, over={200 * MS: 0})] for t in range(1, 61)}
    feed[31] = [piece("query", 50, second=due, over=slow, ms=(40 - due) * 1000) for due in range(30, 41)]
    feed |= {t: [] for t in range(32, 42)}
    feed[42] = [piece("query", 50, second=40, over=slow, ms=9000), piece("query", 50, second=41, over={200 * MS: 0})]
    assert first(judged_watch(rule, *LIMITS[1]), feed, late={31: 10 * S}) is None
    found = first(judged_watch(rule, *LIMITS[1]), feed)
    assert found is not None
    assert found.of_time


def test_a_service_that_is_slow_afterwards_ends_the_run(judged_watch, piece) -> None:
    feed = {t: [piece("query", 50, second=t - 1, over={200 * MS: 50 if t > 40 else 0})] for t in range(1, 61)}
    found = first(judged_watch("query threshold fails for 5s", *LIMITS[1]), feed, late={30: 2 * S, 44: S // 10})
    assert found is not None
    assert found.second == 51  # five whole seconds after 44 and the two that it may reach into
    assert found.of_time


def test_errors_are_real_however_late_the_load_generator_was(judged_watch, piece) -> None:
    feed = {t: [piece("search", 100, second=t - 1, errors={"status 500": 100})] for t in range(1, 61)}
    found = first(judged_watch("errors threshold fails"), feed, late=dict.fromkeys(range(1, 61), S))
    assert found is not None
    assert (found.second, found.of_time) == (6, False)


@pytest.mark.parametrize("kind", ["no ports", "unsendable"])
@pytest.mark.parametrize("rule", ["errors threshold fails", "errors threshold fails for 3s"])
def test_what_the_service_did_not_do_ends_no_run(judged_watch, piece, rule, kind) -> None:
    feed = {t: [piece("search", 100, second=t - 1, errors={kind: 95})] for t in range(1, 61)}
    assert first(judged_watch(rule), feed) is None
    feed = {t: [piece("search", 100, second=t - 1, errors={kind: 90, "reset": 10})] for t in range(1, 61)}
    assert first(judged_watch(rule), feed) is not None
