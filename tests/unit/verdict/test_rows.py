"""Whose numbers a threshold is about: requests, waits, flows, tags, parts, and the judged time."""

from fractions import Fraction

from perfspec.diagnostics.source import Span
from perfspec.report.words import evidence
from perfspec.spec.model import Rule
from perfspec.verdict.judge import Circumstances
from perfspec.verdict.rules import judge_rules

MS = 1_000_000
SECOND = 1_000_000_000
P95 = ("suggest", "p95", "at most 120ms")


def test_a_second_is_judged_by_its_beginning(one, piece) -> None:
    windows = ((5 * SECOND, 10 * SECOND), (20 * SECOND, 21 * SECOND))
    slices = [piece(second=at, n=2**i) for i, at in enumerate([4, 5, 9, 10, 19, 20, 21])]
    assert one(P95, *slices, windows=windows).n == 2 + 4 + 32


def test_a_row_may_ask_for_a_tag(one, piece) -> None:
    slices = (piece(n=1, tags=(("lang", "de"), ("tier", "a"))), piece(n=2, tags=(("lang", "en"),)), piece(n=4))
    assert one(("suggest where lang is de", "errors", "under 1%"), *slices).n == 1
    assert one(("all where lang is en", "errors", "under 1%"), *slices).n == 2
    assert one(("suggest", "errors", "under 1%"), *slices).n == 7


def test_a_wait_counts_with_what_is_sent_by_its_name_and_its_polls_only_where_they_are_named(one, piece) -> None:
    slices = (
        piece("job", 4, timer="wait", errors={"gave up": 1}, over={900 * MS: 1}),
        piece("job", 40, timer="poll", over={900 * MS: 2}),
        piece("job", 2, part="setup"),
    )
    assert one(("job", "errors", "under 1%"), *slices).n == 4 + 2
    assert one(("job", "wait p95", "at most 900ms"), *slices).bad == 1
    assert one(("job", "poll p95", "at most 900ms"), *slices).n == 40


def test_all_sums_requests_and_waits_of_the_load_and_for_times_requests_only(one, piece) -> None:
    slices = (
        piece("a", 1),
        piece("b", 2),
        piece("b", 4, timer="wait"),
        piece("b", 8, timer="poll"),
        piece("flow", 16, timer="round"),
        piece("a", 32, part="setup"),
        piece("a", 64, part="teardown"),
    )
    assert one(("all", "errors", "under 1%"), *slices).n == 1 + 2 + 4
    assert one(("all", "p95", "under 1s"), *slices).n == 1 + 2


def test_setup_is_judged_by_rows_that_name_it_outside_of_any_window(one, piece) -> None:
    login = piece("login", 1, part="setup", second=0)
    assert one(("login", "errors", "under 1%"), login).n == 1
    assert one(("all", "errors", "under 1%"), login).outcome == "NO_DATA"


def test_the_time_and_number_of_a_flow_are_those_of_its_rounds(one, piece) -> None:
    slices = (
        piece("buy", 3, timer="round", over={2000 * MS: 0}, flow="buy", ms=5),
        piece("buy", 100, flow="buy"),
        piece("look", 7, timer="round", flow="look"),
    )
    assert one(("flow buy", "p95", "at most 2s"), *slices).n == 3
    assert one(("flow buy", "mean", "at most 6ms"), *slices).outcome == "PASS"
    assert one(("flow buy", "count", "at least 1"), *slices).observed == 3


def test_the_errors_of_a_flow_are_those_of_its_requests(one, piece) -> None:
    slices = (
        piece("cart", 55, flow="buy", errors={"reset": 5}, unavailable=5),
        piece("job", 11, timer="wait", flow="buy", errors={"gave up": 6}),
        piece("job", 40, timer="poll", flow="buy", errors={"status 503": 40}),
        piece("buy", 3, timer="round", flow="buy", errors={"gave up": 3}),
        piece("cart", 100, flow="look", errors={"reset": 100}),
        piece("buy", 100, errors={"reset": 100}),
    )
    errors = one(("flow buy", "errors", "under 1%"), *slices)
    assert (errors.n, errors.bad) == (66, 11)
    availability = one(("flow buy", "availability", "over 99%"), *slices)
    assert (availability.n, availability.bad) == (66, 5)


def test_how_many_of_a_flow_are_rounds_in_every_cell_that_says_it(one, piece) -> None:
    slices = (
        piece("cart", 550, flow="buy"),
        piece("buy", 115, timer="round", flow="buy", errors={"gave up": 5}),
        piece("look", 100, timer="round", flow="look"),
    )
    count, rate = (one(("flow buy", *cell), *slices) for cell in (("count", "over 1"), ("throughput", "over 1/s")))
    assert (count.observed, rate.observed) == (115, 2.0)
    assert (evidence(count), evidence(rate)) == ("115 rounds", "2.0 rounds/s")
    assert evidence(one(("cart", "throughput", "over 1/s"), *slices)) == "10.0 requests/s"
    rule = Rule("rate(flow buy) > 2/s and count(flow buy) == 115", Span("s.yaml", 1, 1, 1, 2))
    (found,) = judge_rules([rule], slices, [(5 * SECOND, 60 * SECOND)], Circumstances())
    assert [each.value for each in found.measured] == [Fraction(115, 55), 115]


def test_who_found_no_place_is_missing_in_the_groups_of_the_own_flow_alone(one, piece) -> None:
    slices = (
        piece("events", 10, flow="buy"),
        piece("checkout", 10, timer="group", flow="buy"),
        piece("feed", 90, flow="watch"),
        piece("arrivals", 9, timer="arrival", flow="buy", errors={"dropped": 9}),
        piece("arrivals", 58, timer="arrival", flow="watch", errors={"dropped": 58}),
    )
    assert [one((row, "errors", "under 50%"), *slices).n for row in ("group checkout", "flow buy")] == [19, 19]
