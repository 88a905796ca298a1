"""Several processes carry one load: the same requests as one, whatever leads them."""

import os
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

DATA = """
data:
  who: {csv: people.csv, order: once each}
  dice: {number: 1 to 1000}
"""
ROUNDS = (
    DATA
    + """
setup:
  - {get: /v1/suggest?q=setup, name: before}
teardown:
  - {get: /v1/suggest?q=teardown, name: after}
flows:
  look: {weight: 2, steps: [{get: "/v1/suggest?q=${who.name}-${dice}", name: suggest}]}
  find: {weight: 1, steps: [{post: /v1/query, name: query, json: {q: "${who.name}", source: "s${dice}"}}]}
stages:
  smoke: {phases: [{rounds: 250, users: 12}]}
thresholds:
  all: {errors: at most 100%}
"""
)
CROWD = """
flows:
  look: {steps: [{get: /v1/suggest?q=we, name: suggest}]}
stages:
  smoke: {phases: [{for: 6s, arrivals: 10/s, at_most: 2 users}]}
thresholds:
  suggest: {errors: at most 10%, p95: at most 200ms}
"""
SEARCH = """
flows:
  look: {steps: [{get: /v1/suggest?q=we, name: suggest, timeout: 30s}, {pause: 50ms}]}
stages:
  search: {find_limit: {users: 4 to 6, hold_each: 2s, precision: 5%}}
thresholds:
  suggest: {errors: at most 5%}
"""
"""Nothing in it depends on how fast this machine is."""
PEOPLE = "name\n" + "".join(f"p{n}\n" for n in range(20_000))
SECRET = "perf-local-key"


class Unions:
    """Runs that go to their end."""

    def __init__(self, steady) -> None:
        self.steady = steady

    def rounds(self, workers: int) -> Any:
        with self.steady.service() as search:
            folder = self.steady.small_spec(self.steady.new_folder(f"rounds-{workers}"), search.url, ROUNDS)
            (folder / "specs" / "people.csv").write_text(PEOPLE)
            ended = self.steady.perfspec(folder, "--workers", str(workers))
            return ended, Counter(search.ask("GET", "/heard"))

    def stuttering(self) -> Any:
        """One of two workers is let run half of the time."""
        begun = self.steady.begin("stuttering", self.steady.healthy, SEARCH_API_KEY=SECRET)
        begun.wait_for_seconds(1)
        pids = self.steady.workers_of(begun)
        shown = b"".join(Path(f"/proc/{pid}/{name}").read_bytes() for pid in pids for name in ("environ", "cmdline"))
        for _ in range(10):
            os.kill(pids[1], signal.SIGSTOP)
            time.sleep(0.25)
            os.kill(pids[1], signal.SIGCONT)
            time.sleep(0.1)
        return begun.end(), shown

    def crowded(self) -> Any:
        """Two at a time are there of those who come, for two places; with places of its own, a worker had none."""
        with self.steady.service("--slow", "suggest=130ms") as search:
            folder = self.steady.small_spec(self.steady.new_folder("crowded"), search.url, CROWD)
            return self.steady.perfspec(folder, "--workers", "3")

    def searched(self) -> Any:
        folder = self.steady.small_spec(self.steady.new_folder("search"), self.steady.healthy.url, SEARCH)
        return self.steady.perfspec(folder, "--stage", "search", "--workers", "2")


@pytest.fixture(scope="module")
def runs(steady, together) -> Any:
    scenes = Unions(steady)
    return together(
        one=lambda: scenes.rounds(1),
        two=lambda: scenes.rounds(2),
        three=lambda: scenes.rounds(3),
        stuttering=scenes.stuttering,
        crowded=scenes.crowded,
        searched=scenes.searched,
    )


@pytest.mark.parametrize("name", ["two", "three"])
def test_the_union_of_requests_is_that_of_one_process(runs, name) -> None:
    """By the target's own log: method, path, body, each as often as with one process; no row twice."""
    alone, heard_alone = runs["one"]
    ended, heard = runs[name]
    assert (alone.code, ended.code) == (0, 0), ended.out + ended.err
    assert heard_alone.total() == 252
    assert heard == heard_alone
    assert max(heard.values()) == 1
    assert ended.result["workers"] == {"two": 2, "three": 3}[name]
    assert alone.result["workers"] == 1
    assert ended.result["fingerprint"] == alone.result["fingerprint"]
    counted = sum(s["n"] for s in ended.slices() if s["key"][1] == "")
    assert counted == 250


def test_each_worker_had_its_part(runs) -> None:
    ended, _ = runs["three"]
    seconds = [line for line in ended.log if line["type"] == "second" and line.get("workers")]
    requests = Counter[int]()
    for second in seconds:
        for worker, _, n, *_ in second["workers"]:
            requests[worker] += n
    assert requests.total() == 250
    assert min(requests[worker] for worker in (1, 2, 3)) >= 80
    assert "sent by 3 workers" in ended.out


def test_one_worker_that_gets_no_cpu_makes_latency_inconclusive_and_is_named(runs) -> None:
    ended, _ = runs["stuttering"]
    assert ended.code == 3, ended.out + ended.err
    latency = ended.verdict("suggest p95 at most 1s")
    assert latency["outcome"] == "INCONCLUSIVE"
    assert "the load generator itself was late (p99 " in latency["reason"]
    assert "most often worker 2 of 2" in latency["reason"]
    assert ended.verdict("suggest errors at most 5%")["outcome"] == "PASS"


def test_no_secret_is_in_what_others_see_of_a_worker(runs) -> None:
    ended, shown = runs["stuttering"]
    assert b"perfspec.engine.worker" in shown
    assert SECRET.encode() not in shown
    for file in ended.folder.iterdir():
        assert SECRET.encode() not in file.read_bytes(), file.name


def test_the_places_of_people_who_come_belong_to_all_workers(runs) -> None:
    ended = runs["crowded"]
    pieces = [piece for piece in ended.slices() if piece["key"][1] == "arrival"]
    turned_away = sum(piece["errors"].get("dropped", 0) for piece in pieces)
    came = sum(piece["n"] for piece in ended.slices() if piece["key"][1] == "round")
    assert came > 50, ended.out + ended.err
    assert turned_away < 0.1 * (came + turned_away)


def test_a_search_is_led_over_all_workers(runs) -> None:
    ended = runs["searched"]
    result = ended.result
    assert result["ended"] == "finished"
    users = {line["second"]: line["users"] for line in ended.log if line["type"] == "second"}
    assert users[1] == 4
    steps = result["capacity"]["steps"]
    assert [step["load"] for step in steps] == ["4 users", "6 users", "6 users"]
    assert all(step["met"] for step in steps), ended.out
    assert users[steps[1]["end_ns"] // 1_000_000_000] == 6


def test_more_workers_than_parts_are_refused(healthy, steady) -> None:
    ended = steady.begin("too-many", healthy, workers=13).end()
    assert ended.code == 2
    assert "the load of this stage cannot be shared by 13 workers: some would have nothing to do" in ended.err
    assert "use --workers 12" in ended.err
    assert not ended.folder.exists()
