"""Arrivals, a budget of rounds, a ceiling and a search, against a service that counts what comes in."""

from collections import Counter
from typing import Any

import pytest

SPEC = """
flows:
  look: {weight: 75, steps: [{get: "/v1/suggest?q=pe&language=en", name: suggest}]}
  search: {weight: 25, steps: [{get: "/v1/query?q=perf&size=10", name: query}]}
stages:
  open: {phases: [{for: 2s, arrivals: ramp 0/s to 40/s}, {for: 2s, arrivals: 40/s}]}
  count: {phases: [{users: 7, rounds: 100}]}
  find: {find_limit: {users: 1 to 2, hold_each: 2s, precision: 50%}}
thresholds: {all: {errors: under 50%}}
"""


@pytest.fixture(scope="module")
def runs(new_folder, perfspec, service, small_spec) -> dict[str, tuple[Any, dict[str, int]]]:
    found = {}
    with service() as search:
        before: Counter[str] = Counter(search.counts())
        for stage in ("open", "count", "find"):
            ended = perfspec(small_spec(new_folder(stage), search.url, SPEC), "--stage", stage)
            after = Counter(search.counts())
            found[stage] = ended, after - before
            before = after
    return found


def test_as_many_arrive_as_the_integral_of_the_rate(runs) -> None:
    ended, came = runs["open"]
    assert ended.result["ended"] == "finished", ended.out + ended.err
    assert came["GET suggest"] + came["GET query"] == 40 + 80
    assert abs(came["GET suggest"] - 90) <= 2
    due = Counter(piece["second"] for piece in ended.slices() if piece["key"][1] == "" for _ in range(piece["n"]))
    assert [due[second] for second in range(4)] == [10, 30, 40, 40]


def test_a_budget_of_rounds_is_made_exactly(runs) -> None:
    ended, came = runs["count"]
    assert ended.result["ended"] == "finished", ended.out + ended.err
    assert came["GET suggest"] + came["GET query"] == 100
    assert sum(piece["n"] for piece in ended.slices() if piece["key"][1] == "round") == 100


def test_a_search_ends_with_a_bracket_and_its_steps(runs) -> None:
    ended, _ = runs["find"]
    capacity = ended.result["capacity"]
    assert (capacity["met"], capacity["failed"], capacity["is_confirmed"]) == ("2 users", "", True)
    assert [step["doing"] for step in capacity["steps"]] == ["growing", "growing", "confirming"]
    assert "limit: at least 2 users, confirmed three times as long" in ended.out
    assert ended.code == 0, ended.out + ended.err
