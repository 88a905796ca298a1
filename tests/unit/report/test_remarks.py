"""What is told below the table: where limits broke, what a promise would cost, who was fast by failing."""

from msgspec.structs import replace

from perfspec.engine.slicelog import Beginning, End, Log, LoggedSecond
from perfspec.metrics import histogram
from perfspec.report.remarks import remarks
from perfspec.report.result import make

MS = 1_000_000
S = 1_000_000_000
SPEC = """
service: shop
environments: {local: {url: "http://a"}}
flows: {look: {steps: [{get: /a, name: search}]}}
stages:
  smoke:
    phases: [{name: steady, for: 20s, users: 5}, {name: peak, for: 20s, users: 5}]
    warn_only: latency
thresholds: {search: {p95: at most 100ms}}
slo:
  availability: at least 99%
  when_budget_spent: {50%: Review changes, 100%: Stop}
"""


def told(plan, *slices):
    log = Log(Beginning("r", "", plan.hash, ""), (LoggedSecond(40, 5, list(slices)),), End("finished", 40 * S))
    return remarks(make(plan, log))


def test_a_limit_that_broke_in_one_phase_alone_says_in_which(plan_of, piece) -> None:
    found = told(
        plan_of(SPEC),
        piece("search", 100, over={100 * MS: 1}, second=8),
        piece("search", 100, over={100 * MS: 20}, second=30),
    )
    assert "search p95 at most 100ms: broke in peak, held in steady" in found


def test_what_was_unavailable_is_measured_by_the_promise(plan_of, piece) -> None:
    found = told(plan_of(SPEC), piece("search", 1000, unavailable=20, errors={"status 500": 20}, second=8))
    assert (
        "2.0 % unavailable, 1% allowed by what is promised: 2 times the allowance of this test (likely 1.33 to 2.89); "
        "a test spends nothing of production's budget of 30 days, which would last 15 days at this rate" in found
    )
    assert [text for text in found if text.startswith("what production")] == [
        "what production would call for at this rate: Review changes",
        "what production would call for at this rate: Stop",
    ]
    assert not any("allowance" in text for text in told(plan_of(SPEC), piece("search", 1000, second=8)))


def test_answers_that_were_fast_by_failing_are_told_apart(plan_of, piece) -> None:
    """Most fail at once, which flatters every percentile of all answers."""
    slow = piece("search", 100, ms=80, second=8)
    quick = histogram.index(1000)
    mixed = replace(
        slow, n=2100, errors={"status 500": 2000}, response=slow.response | {quick: 2000}, failed_response={quick: 2000}
    )
    assert any(
        text.startswith("search: p95 80") and "did not fail, 1.00 ms of all" in text
        for text in told(plan_of(SPEC), mixed)
    )
    assert not any("did not fail" in text for text in told(plan_of(SPEC), slow))
