"""Whoever is killed, and whatever ends a run of several processes: it is told, it never passes, and nobody is left."""

import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

SLOW_SETUP = """
setup:
  - {delete: /v1/index?source=before, name: before, timeout: 20s}
teardown:
  - {get: /v1/suggest?q=after, name: after}
flows:
  look: {steps: [{get: /v1/suggest?q=we, name: suggest}, {pause: 50ms}]}
stages:
  smoke: {phases: [{for: 6s, users: 12}]}
thresholds:
  all: {errors: at most 5%}
"""


FEWER = """
flows:
  look: {steps: [{get: /v1/suggest?q=we, name: suggest}]}
stages:
  smoke: {phases: [{for: 4s, arrivals: 20/s, at_most: 60 users}, {for: 5s, arrivals: 8/s, at_most: 12 users}]}
thresholds:
  all: {errors: at most 5%}
"""
"""Ten are there in each of two workers at first, four in each afterwards."""


class Losses:
    """What becomes of runs whose processes are killed, or told to end."""

    def __init__(self, steady, is_alive) -> None:
        self.steady = steady
        self.is_alive = is_alive

    def killed(self) -> Any:
        with self.steady.service() as search:
            begun = self.steady.begin("killed", search)
            begun.wait_for_seconds(2)
            pids = self.steady.workers_of(begun)
            os.kill(pids[0], signal.SIGKILL)
            at = time.monotonic()
            begun.wait_until(lambda: '"why":"ended by signal 9"' in (begun.folder / "slices.jsonl").read_text(), "loss")
            noticed = time.monotonic() - at
            ended = begun.end()
            return ended, noticed, search.counts()["GET suggest"], [self.is_alive(pid) for pid in pids]

    def killed_with_people(self) -> Any:
        with self.steady.service("--slow", "suggest=1s") as search:
            folder = self.steady.small_spec(self.steady.new_folder("with-people"), search.url, FEWER)
            begun = self.steady.perfspec.begin(folder, "--workers", "2")
            begun.wait_for_seconds(2)
            os.kill(self.steady.workers_of(begun)[0], signal.SIGKILL)
            return begun.end()

    def killed_in_a_search(self) -> Any:
        begun = self.steady.begin("killed-in-search", self.steady.healthy, stage="search")
        begun.wait_for_seconds(2)
        os.kill(self.steady.workers_of(begun)[1], signal.SIGKILL)
        return begun.end()

    def all_killed(self) -> Any:
        begun = self.steady.begin("all-killed", self.steady.healthy, stage="long", workers=3)
        begun.wait_for_seconds(2)
        pids = self.steady.workers_of(begun)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        return begun.end(), pids

    def orphaned(self) -> Any:
        with self.steady.service() as search:
            begun = self.steady.begin("orphaned", search, stage="long")
            begun.wait_for_seconds(2)
            pids = self.steady.workers_of(begun)
            begun.send(signal.SIGKILL)
            begun.process.wait()
            at = time.monotonic()
            while any(self.is_alive(pid) for pid in pids) and time.monotonic() < at + 10:
                time.sleep(0.02)
            gone = time.monotonic() - at
            begun.end()
            before = search.counts()
            time.sleep(0.3)
            return pids, gone, before, search.counts()

    def interrupted(self) -> Any:
        """As a terminal does it: every process of the group gets the signal."""
        folder = self.steady.small_spec(
            self.steady.new_folder("interrupted"), self.steady.healthy.url, SLOW_SETUP.replace("for: 6s", "for: 60s")
        )
        process = subprocess.Popen(
            [sys.executable, "-m", "perfspec", "run", "specs/search.yaml", "--out", "out",
             "--workers", "2"],
            cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip
        log = folder / "out" / "slices.jsonl"
        deadline = time.monotonic() + 30
        while not (log.exists() and log.read_text().count('"type":"second"') >= 4):
            assert time.monotonic() < deadline, "3 s of load in the log, and setup"
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=30)
        return process.returncode, out, err, json.loads((folder / "out" / "result.json").read_text())

    def killed_in_setup(self) -> Any:
        with self.steady.service("--slow", "delete=4s") as search:
            folder = self.steady.small_spec(self.steady.new_folder("in-setup"), search.url, SLOW_SETUP)
            begun = self.steady.perfspec.begin(folder, "--workers", "2")
            begun.wait_until(lambda: len(self.steady.workers_of(begun)) == 2, "two workers")
            _, second = self.steady.workers_of(begun)
            begun.wait_until(lambda: "DELETE index" in search.counts(), "the request of setup")
            os.kill(second, signal.SIGKILL)
            return begun.end(), search.counts()

    def stopped_in_setup(self) -> Any:
        """A worker that hangs is waited for after setup, and a terminal is closed: all of the group hear of it."""
        with self.steady.service("--slow", "delete=2s") as search:
            folder = self.steady.small_spec(self.steady.new_folder("hangs"), search.url, SLOW_SETUP)
            begun = self.steady.perfspec.begin(folder, "--workers", "2")
            begun.wait_until(lambda: len(self.steady.workers_of(begun)) == 2, "two workers")
            pids = self.steady.workers_of(begun)
            os.kill(pids[0], signal.SIGSTOP)
            begun.wait_until(lambda: '"type":"second"' in (begun.folder / "slices.jsonl").read_text(), "setup")
            time.sleep(0.3)  # it is being waited for
            begun.send(signal.SIGHUP)
            return begun.end(), search.counts(), [self.is_alive(pid) for pid in pids]

    def told_twice(self) -> Any:
        with self.steady.service("--stall", "1500ms:1h") as search:
            begun = self.steady.begin("twice", search, stage="long")
            begun.wait_for_seconds(3)
            for _ in range(2):
                sent = time.monotonic()
                begun.send(signal.SIGINT)
                time.sleep(0.4)
            return begun.end(), time.monotonic() - sent


@pytest.fixture(scope="module")
def runs(steady, together, is_alive) -> Any:
    scenes = Losses(steady, is_alive)
    return together(
        killed=scenes.killed,
        killed_with_people=scenes.killed_with_people,
        killed_in_a_search=scenes.killed_in_a_search,
        all_killed=scenes.all_killed,
        orphaned=scenes.orphaned,
        interrupted=scenes.interrupted,
        killed_in_setup=scenes.killed_in_setup,
        twice=scenes.told_twice,
        stopped_in_setup=scenes.stopped_in_setup,
    )


def test_the_death_of_a_worker_is_noticed_and_is_never_a_pass(runs) -> None:
    ended, noticed, _, alive = runs["killed"]
    assert noticed < 2
    assert ended.code == 3, ended.out + ended.err
    result = ended.result
    assert (result["outcome"], result["ended"]) == ("INCONCLUSIVE", "finished")
    (lost,) = result["lost"]
    assert (lost["worker"], lost["workers"], lost["why"]) in [(n, 2, "ended by signal 9") for n in (1, 2)]
    assert 1 <= lost["since_s"] <= 4
    text = f"worker {lost['worker']} of 2 was lost (ended by signal 9): its 50% of the load is missing from"
    assert text in " ".join(ended.out.split())
    for verdict in result["verdicts"]:
        assert verdict["outcome"] == "INCONCLUSIVE"
        assert verdict["reason"].startswith(text)
    assert text in ended.case("the run went to its end").find("error").text
    assert not any(alive)


def test_the_people_of_a_dead_worker_leave_their_places_to_others(runs) -> None:
    """Ten of twelve would be taken for ever."""
    ended = runs["killed_with_people"]
    assert [lost["why"] for lost in ended.result["lost"]] == ["ended by signal 9"], ended.out + ended.err
    assert sum(s["n"] for s in ended.slices() if s["key"][1] == "round" and s["second"] >= 4) >= 12
    assert not [s for s in ended.slices() if s["key"][1] == "arrival"]


def test_a_search_that_loses_a_worker_has_not_finished(runs) -> None:
    ended = runs["killed_in_a_search"]
    result = ended.result
    assert (ended.code, result["outcome"], result["ended"]) == (3, "INCONCLUSIVE", "lost"), ended.out + ended.err
    assert not result["capacity"]["is_confirmed"]
    assert "a search ends with the first worker that is lost" in ended.out
    (error,) = ended.case("the run went to its end").iter("error")
    assert error.get("type") == "lost"


def test_the_others_go_on_with_their_own_part(runs) -> None:
    ended, _, came, _ = runs["killed"]
    assert ended.result["ended_ns"] == 6_000_000_000
    lost = ended.result["lost"][0]["since_s"]
    users = {line["second"]: line["users"] for line in ended.log if line["type"] == "second"}
    assert users[1] == 12
    assert {users[second] for second in range(lost + 2, 6)} == {6}
    counted = sum(s["n"] for s in ended.slices() if s["key"][1] == "")
    assert 0 <= came - counted < 200  # what the dead one had not yet told: a second and a bit


def test_a_run_that_lost_all_workers_ends_and_is_reported(runs) -> None:
    ended, pids = runs["all_killed"]
    assert len(pids) == 3
    assert ended.code == 3, ended.out + ended.err
    assert ended.result["ended"] == "lost"
    assert {lost["worker"] for lost in ended.result["lost"]} == {1, 2, 3}
    assert ended.seconds < 30
    assert {s["second"] for s in ended.slices()} >= {0, 1}


def test_workers_do_not_outlive_their_coordinator(runs) -> None:
    pids, gone, before, after = runs["orphaned"]
    assert len(pids) == 2
    assert gone < 2
    assert before == after


def test_ctrl_c_ends_all_in_order(runs) -> None:
    code, out, err, result = runs["interrupted"]
    assert (code, err) == (130, ""), out
    assert (result["outcome"], result["ended"], result["lost"]) == ("INTERRUPTED", "interrupted", [])
    assert result["unfinished"] == 0
    assert 3 <= result["ended_ns"] / 1e9 < 6


def test_a_second_ctrl_c_is_not_kept_waiting(runs) -> None:
    """The service answers nobody any more; what is in flight has 5 s once nothing new is sent."""
    ended, seconds = runs["twice"]
    assert (ended.code, ended.err) == (130, ""), ended.out
    assert seconds < 4
    assert ended.result["unfinished"] == 12


def test_a_worker_that_dies_before_the_load_is_an_environment_that_is_not_fit(runs) -> None:
    ended, counts = runs["killed_in_setup"]
    assert ended.code == 4, ended.out + ended.err
    assert "worker 2 of 2 was gone before the load began (ended by signal 9)" in ended.err
    assert ended.result["outcome"] == "NOT_STARTED"
    assert counts == {"DELETE index": 1, "GET suggest": 1}  # setup and teardown


def test_a_signal_ends_the_wait_for_a_worker_that_hangs(runs) -> None:
    ended, counts, alive = runs["stopped_in_setup"]
    assert (ended.code, ended.result["ended"]) == (143, "terminated"), ended.out + ended.err
    assert ended.seconds < 30
    assert counts == {"DELETE index": 1, "GET suggest": 1}  # setup and teardown
    assert not any(alive)
