"""A load generator that is stopped and goes on: the service is well, and its errors say so."""

import signal
import time

import pytest

BODY = """
flows: {look: {steps: [{get: /v1/suggest?q=we, name: suggest, timeout: 500ms}]}}
stages:
  smoke:
    phases: [{name: begin, for: 1s, users: 20}, {name: steady, for: 5s, users: 20}]
    abort: [errors threshold fails]
thresholds: {suggest: {errors: under 1%, p95: at most 400ms}}
"""


PEOPLE = """
flows: {look: {steps: [{get: /v1/suggest?q=we, name: suggest}]}}
stages: {smoke: {phases: [{for: 8s, arrivals: 100/s, at_most: 60 users}]}}
thresholds: {suggest: {errors: under 1%}}
"""


@pytest.fixture(scope="module")
def people(new_folder, perfspec, service, small_spec):
    """A hundred come each second, and the load generator is asleep for two and a half."""
    with service("--slow", "suggest=50ms") as search:
        run = perfspec.begin(small_spec(new_folder("people"), search.url, PEOPLE))
        run.wait_for_seconds(3)
        run.send(signal.SIGSTOP)
        time.sleep(2.5)
        run.send(signal.SIGCONT)
        return run.end()


@pytest.fixture(scope="module")
def paused(new_folder, perfspec, service, small_spec):
    """A service that takes 300 ms of the 500 that it has, and a run that is asleep for longer than that, twice."""
    with service("--slow", "suggest=300ms") as search:
        run = perfspec.begin(small_spec(new_folder("paused"), search.url, BODY))
        for wanted in (1, 3):
            run.wait_for_seconds(wanted)
            run.send(signal.SIGSTOP)
            time.sleep(0.7)
            run.send(signal.SIGCONT)
        return run.end()


def test_nothing_is_a_time_out_that_was_answered(paused) -> None:
    assert paused.errors() == {}
    errors = paused.verdict("suggest errors under 1%")
    assert (errors["outcome"], errors["bad"]) == ("PASS", 0)


def test_latency_is_not_the_service_s(paused) -> None:
    """Forty of some three hundred were under way when it was stopped, which is more than one in twenty."""
    latency = paused.verdict("suggest p95 at most 400ms")
    assert (latency["outcome"], paused.code) == ("INCONCLUSIVE", 3), paused.out
    assert latency["bad"] >= 20


def test_people_who_are_overdue_are_not_sent_all_at_once_and_fail_no_service(people) -> None:
    pieces = people.slices()
    came = sum(piece["n"] for piece in pieces if piece["key"][1] == "round")
    kinds = [piece["errors"] for piece in pieces if piece["key"][1] == "arrival"]
    missing = sum(each.get("not sent", 0) for each in kinds)
    assert came + sum(sum(each.values()) for each in kinds) == 800
    assert 140 < missing < 320
    errors = people.verdict("suggest errors under 1%")
    assert (errors["outcome"], people.code) == ("INCONCLUSIVE", 3), people.out
    assert "are this machine's (not sent)" in errors["reason"]
    assert "arrivals were not sent, as the load generator stood still" in " ".join(people.out.split())
