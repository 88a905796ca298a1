"""The service dies in mid-run: counted by kind, ended by the hard stop, reported. If it comes back, so do the users."""

import re
import signal
import time
from collections import Counter
from typing import Any

import pytest

GONE = {"refused", "reset", "closed"}
MOST_USERS = 30
DIES = f"""
flows:
  look:
    steps:
      - get: /v1/suggest?q=we
        name: suggest
      - pause: 300ms
teardown:
  - delete: /v1/index?source=perfspec-${{run.id}}
stages:
  smoke:
    phases: [{{name: steady, for: 30s, users: ramp 1 to {MOST_USERS * 4}}}]
    abort: [errors threshold fails]
thresholds:
  all: {{errors: under 5%}}
"""
RECOVERS = """
flows:
  look:
    steps:
      - get: /v1/suggest?q=we
        name: suggest
      - pause: 50ms
stages:
  smoke:
    phases: [{name: steady, for: 60s, users: 5}]
    abort: [errors threshold fails]
thresholds:
  all: {errors: under 5%}
"""


@pytest.fixture(scope="module")
def runs(new_folder, perfspec, service, small_spec, together) -> Any:
    def dies() -> Any:
        with service() as search:
            begun = perfspec.begin(small_spec(new_folder("dies"), search.url, DIES))
            begun.wait_for_seconds(1)
            search.kill()
            return begun.end()

    def recovers() -> Any:
        with service() as search:
            begun = perfspec.begin(small_spec(new_folder("recovers"), search.url, RECOVERS))
            begun.wait_for_seconds(1)
            search.kill()
            time.sleep(0.5)
            search.begin()
            back = begun.seconds_logged()
            begun.wait_for_seconds(back + 3)
            begun.send(signal.SIGINT)
            return begun.end(), back

    return together(dies=dies, recovers=recovers)


def test_a_dead_service_ends_the_run_by_the_hard_stop(runs) -> None:
    ended = runs["dies"]
    assert ended.code == 1, ended.out
    result = ended.result
    assert (result["outcome"], result["ended"]) == ("FAIL", "aborted")
    assert 5 < result["abort"]["second"] < 15
    assert result["abort"]["second"] <= result["ended_ns"] / 1e9 < result["abort"]["second"] + 1
    assert (result["abort"]["rule"], result["abort"]["threshold"]) == ("errors threshold fails", "all errors under 5%")
    assert ended.verdict("all errors under 5%")["outcome"] == "FAIL"


def test_the_evidence_of_the_stop_is_told_everywhere(runs) -> None:
    ended = runs["dies"]
    evidence = ended.result["abort"]["evidence"]
    match = re.match(r"(\d+) of (\d+) requests in the last (\d+) s were bad \((\d+) refused", evidence)
    assert match, evidence
    bad, n, seconds, refused = map(int, match.groups())
    assert seconds == min(10, ended.result["abort"]["second"])
    assert n >= bad >= refused > 0.5 * n
    assert bad >= 0.9 * n
    assert n >= 20
    assert f"ended early by `errors threshold fails`: {evidence}" in ended.out
    (case,) = [c for c in ended.junit.iter("testcase") if c.get("name") == "the run went to its end"]
    error = case.find("error")
    assert error.get("type") == "aborted"
    assert evidence in error.text


def test_what_failed_is_counted_by_kind(runs) -> None:
    ended = runs["dies"]
    errors = ended.errors()
    assert errors.keys() <= GONE
    assert errors["refused"] > 0
    assert f"suggest: {errors['refused']} x refused" in ended.out
    suggest = ended.summary("suggest")
    assert suggest["failed"] == suggest["unavailable"] == errors.total()
    assert sum(suggest["response"]["histogram"].values()) == suggest["n"] - suggest["failed"]


def test_users_back_off_instead_of_spinning(runs) -> None:
    """A user waits 50 to 100 ms at first, then twice as long, up to 0.5 to 1 s."""
    ended = runs["dies"]
    failed = [(p["second"], sum(p["errors"].values())) for p in ended.slices() if p["key"][1] == ""]
    seconds = ended.result["ended_ns"] / 1e9
    users = max(line["users"] for line in ended.log if line["type"] == "second")
    attempts = sum(n for _, n in failed)
    assert attempts <= users * (5 + 2 * seconds)
    assert 0 < attempts - users <= ended.result["waits"] <= attempts
    assert f"users waited {ended.result['waits']} times because nobody answered" in ended.out


def test_a_teardown_that_finds_nobody_is_a_note_and_no_crash(runs) -> None:
    ended = runs["dies"]
    assert any(note.startswith("teardown failed: refused") for note in ended.result["notes"])
    assert "teardown failed: refused" in ended.out


def test_users_recover_when_the_service_comes_back(runs) -> None:
    ended, back = runs["recovers"]
    assert (ended.result["ended"], ended.result["abort"]) == ("interrupted", None)
    sent: Counter[int] = Counter()
    failed: Counter[int] = Counter()
    kinds = set()
    for piece in ended.slices():
        if piece["key"][1] == "":
            sent[piece["second"]] += piece["n"]
            failed[piece["second"]] += sum(piece["errors"].values())
            kinds |= piece["errors"].keys()
    assert kinds
    assert kinds <= GONE
    assert failed[back + 2] == 0  # the longest that a user waits is a second
    assert sent[back + 2] > sent[0] / 2
