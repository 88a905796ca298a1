"""Several processes carry one load: the same requests as one, and nothing is lost in silence, whoever is killed."""

import json
import os
import signal
import subprocess
import sys
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
PEOPLE = 100_000
STEADY = """
flows:
  look: {steps: [{get: /v1/suggest?q=we, name: suggest}, {pause: 50ms}]}
stages:
  smoke: {warmup: 1s, phases: [{for: 6s, users: 12}]}
  long: {warmup: 1s, phases: [{for: 60s, users: 12}]}
thresholds:
  suggest: {errors: at most 5%, throughput: at least 1/s}
  all: {errors: at most 5%}
"""
WORKER = b"perfspec.engine.worker"


def of_folder(folder: Path, people: int = PEOPLE) -> Path:
    (folder / "specs" / "people.csv").write_text("name\n" + "".join(f"p{n}\n" for n in range(people)))
    return folder


def workers_of(begun) -> list[int]:
    """The worker processes of a run, in the order in which they were started."""
    return sorted(pid for pid in begun.children() if WORKER in Path(f"/proc/{pid}/cmdline").read_bytes())


@pytest.fixture(scope="module")
def runs(new_folder, perfspec, healthy, service, small_spec, together, is_alive) -> Any:
    def rounds(workers: int) -> Any:
        with service() as search:
            folder = of_folder(small_spec(new_folder(f"rounds-{workers}"), search.url, ROUNDS))
            ended = perfspec(folder, "--workers", str(workers))
            return ended, Counter(search.ask("GET", "/heard"))

    def begin(name: str, search, stage: str = "smoke", workers: int = 2) -> Any:
        folder = small_spec(new_folder(name), search.url, STEADY)
        return perfspec.begin(folder, "--stage", stage, "--workers", str(workers))

    def killed() -> Any:
        with service() as search:
            begun = begin("killed", search)
            begun.wait_for_seconds(2)
            pids = workers_of(begun)
            os.kill(pids[0], signal.SIGKILL)
            at = time.monotonic()
            begun.wait_until(lambda: '"why":"ended by signal 9"' in (begun.folder / "slices.jsonl").read_text(), "loss")
            noticed = time.monotonic() - at
            ended = begun.end()
            return ended, noticed, search.counts()["GET suggest"], [is_alive(pid) for pid in pids]

    def all_killed() -> Any:
        begun = begin("all-killed", healthy, stage="long", workers=3)
        begun.wait_for_seconds(2)
        pids = workers_of(begun)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        return begun.end(), pids

    def orphaned() -> Any:
        with service() as search:
            begun = begin("orphaned", search, stage="long")
            begun.wait_for_seconds(2)
            pids = workers_of(begun)
            begun.send(signal.SIGKILL)
            begun.process.wait()
            at = time.monotonic()
            while any(is_alive(pid) for pid in pids) and time.monotonic() < at + 10:
                time.sleep(0.02)
            gone = time.monotonic() - at
            begun.end()
            before = search.counts()
            time.sleep(0.3)
            return pids, gone, before, search.counts()

    def interrupted() -> Any:
        """As a terminal does it: every process of the group gets the signal."""
        folder = small_spec(new_folder("interrupted"), healthy.url, STEADY)
        process = subprocess.Popen(
            [sys.executable, "-m", "perfspec", "run", "specs/search.yaml", "--stage", "long", "--out", "out",
             "--workers", "2"],
            cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip
        log = folder / "out" / "slices.jsonl"
        deadline = time.monotonic() + 30
        while not (log.exists() and log.read_text().count('"type":"second"') >= 3):
            assert time.monotonic() < deadline, "3 s in the log"
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=30)
        return process.returncode, out, err, json.loads((folder / "out" / "result.json").read_text())

    return together(
        one=lambda: rounds(1),
        two=lambda: rounds(2),
        three=lambda: rounds(3),
        killed=killed,
        all_killed=all_killed,
        orphaned=orphaned,
        interrupted=interrupted,
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


def test_more_workers_than_parts_are_refused(new_folder, perfspec, small_spec, healthy) -> None:
    folder = small_spec(new_folder("too-many"), healthy.url, STEADY)
    ended = perfspec(folder, "--workers", "13")
    assert ended.code == 2
    assert "the load of this stage cannot be shared by 13 workers: some would have nothing to do" in ended.err
    assert "use --workers 12" in ended.err
    assert not ended.folder.exists()
