"""Rules that end a run by a number other than errors and times: counts, rates, burn rates, events, sizes."""

from fractions import Fraction

import pytest

from perfspec.base.units import BYTE_NS, NUMBER_NS
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Source
from perfspec.language.compose import compose
from perfspec.language.phrase_grammar import parse_abort
from perfspec.spec.model import Promised
from perfspec.verdict.abort import Abort, Watch

PROMISED = Promised(Fraction(999, 1000), 30 * 86_400 * 10**9)
MS = 1_000_000


def ends(rule: str, feed: dict[int, list], until: int = 40) -> Abort | None:
    """What a watch with this rule says first, called once a second."""
    out = Diagnostics()
    parsed = parse_abort(compose(Source("s.yaml", rule), out), out)
    assert parsed is not None, out.sorted()
    watch = Watch([parsed], [], promised=PROMISED)
    for second in range(1, until + 1):
        found = watch.second(second, feed.get(second, []), 0)
        if found is not None:
            return found
    return None


def every_second(slices: list) -> dict[int, list]:
    return dict.fromkeys(range(1, 41), slices)


@pytest.mark.parametrize(
    ("rule", "evidence"),
    [
        ("count over 99 for 5s", "count was 100 in each of the last 5 s"),
        ("count over 100 for 5s", None),
        ("count at least 100 for 5s", "count was 100 in each of the last 5 s"),
        ("count of suggest over 60 for 5s", None),
        ("count of suggest at most 60 for 5s", "count of suggest was 60 in each of the last 5 s"),
        ("throughput under 81/s for 5s", "throughput was 80/s in each of the last 5 s"),
        ("throughput under 80/s for 5s", None),
        ("throughput of query at most 20/s for 5s", "throughput of query was 20/s in each of the last 5 s"),
        ("throughput at least 80/s for 5s", "throughput was 80/s in each of the last 5 s"),
        ("throughput between 79/s and 80/s for 5s", "throughput was 80/s in each of the last 5 s"),
        ("burn rate over 99x for 5s", "burn rate was 100x in each of the last 5 s"),
        ("burn rate over 100x for 5s", None),
        ("burn rate at least 100x for 5s", "burn rate was 100x in each of the last 5 s"),
        ("burn rate of query over 0.1x for 5s", None),
        ("p95 over 9ms for 5s", "p95 was 10.0 ms in each of the last 5 s"),
        ("size max over 1kB for 5s", "size max was 1.54 kB in each of the last 5 s"),
        ("size max over 2kB for 5s", None),
        ("events mean of suggest under 3 for 5s", "events mean of suggest was 2 in each of the last 5 s"),
        ("events mean of suggest under 2 for 5s", None),
    ],
)
def test_a_rule_reads_each_second_in_the_unit_of_its_number(piece, rule, evidence) -> None:
    """60 of suggest, 10 of them unavailable but not failed (a 503 was expected), and 40 of query, 20 of them failed."""
    slices = [
        piece("suggest", 60, unavailable=10),
        piece("query", 40, errors={"status 404": 20}),
        piece("suggest", 60, timer="size", ms=1536 * BYTE_NS / MS),
        piece("suggest", 60, timer="events", ms=2 * NUMBER_NS / MS),
    ]
    found = ends(rule, every_second(slices))
    assert (None if found is None else found.evidence) == evidence
    assert found is None or (found.second, found.rule) == (5, rule)


def test_silence_is_a_rate_of_nothing_once_something_was_sent(piece) -> None:
    """Nobody waits and nobody fails: `no responses` would be silent about it, a rate is not."""
    feed = {second: [piece(n=9)] for second in range(3, 11)}
    found = ends("throughput under 5/s for 10s", feed)
    assert found is not None
    assert (found.second, found.evidence) == (20, "throughput was 0/s in each of the last 10 s")
    assert ends("count under 5 for 10s", feed) is not None
    assert ends("throughput under 5/s for 10s", {}) is None


def test_a_rate_is_told_with_its_range(piece) -> None:
    found = ends("throughput under 5/s for 3s", {1: [piece(n=9)], 2: [piece(n=4)], 3: [piece(n=2)], 4: [piece(n=3)]})
    assert found is not None
    assert (found.second, found.evidence) == (4, "throughput was 2/s to 4/s in each of the last 3 s")


def test_one_second_that_is_well_keeps_the_run_alive(piece) -> None:
    feed = {second: [piece(n=1 if second % 5 else 20)] for second in range(1, 41)}
    assert ends("throughput under 5/s for 5s", feed) is None
    assert ends("throughput under 5/s for 4s", feed) is not None


def test_seconds_without_answers_say_nothing_of_a_time(piece) -> None:
    found = ends("p95 over 1s for 5s", {2: [piece(ms=1500)], 4: [piece(ms=1200)]})
    assert found is not None
    assert found.evidence == "p95 was 1.20 s to 1.50 s in those 2 of the last 5 s that brought any"


def test_a_burn_rate_counts_what_is_unavailable_and_not_what_failed(piece) -> None:
    failed = every_second([piece(n=1000, errors={"status 404": 500})])
    assert ends("burn rate over 1x for 5s", failed) is None
    gone = every_second([piece(n=1000, errors={"reset": 15}, unavailable=15)])
    found = ends("burn rate over 14.4x for 30s", gone)
    assert found is not None
    assert found.evidence == "burn rate was 15x in each of the last 30 s"


def test_a_rule_may_be_about_a_flow_or_a_tag(piece) -> None:
    feed = every_second(
        [
            piece("buy", 10, timer="round", flow="buy"),
            piece("look", 90, timer="round", flow="look"),
            piece("c", 5, tags=(("lang", "de"),)),
        ]
    )
    assert ends("throughput of flow buy under 11/s for 5s", feed) is not None
    assert ends("throughput of flow look under 11/s for 5s", feed) is None
    assert ends("count of c where lang is de at most 5 for 5s", feed) is not None
    assert ends("count of c where lang is fr over 0 for 5s", feed) is None


def test_failed_requests_are_slower_than_any_time(failing) -> None:
    """Error pages after 10 ms: a percentile that falls on one of them is over every limit, and under none."""
    feed = every_second([failing("suggest", 100, 6)])
    found = ends("p95 over 1s for 5s", feed)
    assert found is not None
    assert (found.second, found.evidence) == (5, "30 of 500 requests in the last 5 s were bad (30 status 500)")
    assert ends("p95 under 1s for 5s", feed) is None
    assert ends("p95 over 1s for 5s", every_second([failing("suggest", 100, 5)])) is None
    assert ends("p95 under 1s for 5s", every_second([failing("suggest", 100, 5)])) is not None
