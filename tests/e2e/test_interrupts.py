"""However a run is ended from outside: what was measured is reported, and nothing that was started is left behind."""

import json
import signal
import sys
import time
from typing import Any

import pytest

# Two phases: so the time that is judged begins after 0.4 s, not after 5 s.
STAGE = (
    "      - {name: check, for: 30s, users: ramp 3 to 8}",
    "      - {name: begin, for: 2s, users: ramp 3 to 8}\n      - {name: check, for: 28s, users: 8}",
)
SLOW_SETUP = """
setup:
  - delete: /v1/index?source=perfspec-before
    timeout: 20s
teardown:
  - delete: /v1/index?source=perfspec-after
flows:
  look:
    steps:
      - get: /v1/suggest?q=we
        name: suggest
stages:
  smoke:
    phases: [{name: steady, for: 30s, users: 5}]
thresholds:
  suggest: {errors: under 5%}
"""
# The service itself ends when it is told to; the process around it has to be killed.
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.run([sys.executable, "-m", "perfspec", "serve", "search", "--port", sys.argv[1]])
time.sleep(300)
"""
STALLED = ("timeout: 5s", "timeout: 20s")


@pytest.fixture(scope="module")
def begin(new_folder, perfspec, free_port, search_spec) -> Any:
    """Begin a run that starts its service itself; says on which port."""

    def start(name: str, *edits: tuple[str, str], options: str = "", script: str = "") -> Any:
        port = free_port()
        command = f"{sys.executable} service.py {port}" if script else f"perfspec serve search --port {port}{options}"
        folder = new_folder(name)
        (folder / "service.py").write_text(script)
        search_spec(folder, f"http://127.0.0.1:{port}", STAGE, *edits, seconds=30, start=command)
        return perfspec.begin(folder), port

    return start


@pytest.fixture(scope="module")
def runs(begin, perfspec, new_folder, service, small_spec, together, all_gone) -> Any:
    def told_once(name: str, number: signal.Signals, seconds: int) -> Any:
        begun, port = begin(name)
        begun.wait_for_seconds(seconds)
        children = begun.children()
        begun.send(number)
        ended = begun.end()
        return ended, children, all_gone(children, port)

    def told_twice() -> Any:
        begun, port = begin("twice", STALLED, options=" --stall 1500ms:1h")
        begun.wait_for_seconds(3)
        children = begun.children()
        begun.send(signal.SIGINT)
        time.sleep(0.3)
        assert begun.process.poll() is None, "the stalled service should have kept it"
        sent = time.monotonic()
        begun.send(signal.SIGINT)
        ended = begun.end()
        return ended, time.monotonic() - sent, children, all_gone(children, port)

    def told_while_stopping(name: str, *numbers: signal.Signals) -> Any:
        """The first signal during the load, the others while the service is being stopped, which takes 6 s."""
        begun, port = begin(name, script=STUBBORN)
        begun.wait_for_seconds(2)
        children = begun.children()
        first, *others = numbers
        begun.send(first)
        begun.wait_for_the_end()
        kept = begun.children()
        for number in others:
            time.sleep(0.3)
            assert begun.process.poll() is None, "the service that does not listen should have kept it"
            begun.send(number)
        return begun.end(), kept, children, all_gone(children, port)

    def killed() -> Any:
        begun, port = begin("killed")
        begun.wait_for_seconds(4)
        children = begun.children()
        begun.send(signal.SIGKILL)
        ended = begun.end()
        return ended, children, all_gone(children, port)

    def told_in_setup(name: str, slow: str, *numbers: signal.Signals) -> Any:
        with service("--slow", f"delete={slow}") as search:
            begun = perfspec.begin(small_spec(new_folder(name), search.url, SLOW_SETUP))
            begun.wait_until(lambda: search.counts() == {"DELETE index": 1}, "the request of setup")
            sent = time.monotonic()
            for number in numbers:
                begun.send(number)
                time.sleep(0.2)
            ended = begun.end()
            return ended, time.monotonic() - sent, search.counts()

    return together(
        in_setup=lambda: told_in_setup("in-setup", "1500ms", signal.SIGTERM),
        twice_in_setup=lambda: told_in_setup("twice-in-setup", "10s", signal.SIGINT, signal.SIGINT),
        interrupted=lambda: told_once("interrupted", signal.SIGINT, 3),
        terminated=lambda: told_once("terminated", signal.SIGTERM, 2),
        twice=told_twice,
        stopping_interrupted=lambda: told_while_stopping("stopping", signal.SIGINT, signal.SIGINT, signal.SIGTERM),
        stopping_terminated=lambda: told_while_stopping("stopping", signal.SIGTERM, signal.SIGTERM, signal.SIGINT),
        killed=killed,
    )


@pytest.mark.parametrize(
    ("how", "code", "word", "seconds"), [("interrupted", 130, "interrupted", 3), ("terminated", 143, "terminated", 2)]
)
def test_a_signal_ends_the_run_and_keeps_its_seconds(runs, how, code, word, seconds) -> None:
    ended, _, _ = runs[how]
    assert (ended.code, ended.err) == (code, ""), ended.out
    result = ended.result
    assert (result["outcome"], result["ended"], result["exit_code"]) == ("INTERRUPTED", word, code)
    assert seconds <= result["ended_ns"] / 1e9 < seconds + 2
    assert {s["second"] for s in ended.slices()} >= set(range(seconds))
    assert result["windows"][-1][2] == result["ended_ns"]
    assert ended.verdict("all errors under 1%")["outcome"] == "PASS"


@pytest.mark.parametrize("how", ["interrupted", "terminated"])
def test_every_output_marks_an_interrupted_run(runs, how) -> None:
    ended, _, _ = runs[how]
    assert "search smoke on local: INTERRUPTED: this is what was measured until then" in ended.out
    validity = next(suite for suite in ended.junit if suite.get("name") == "search smoke run validity")
    case = ended.case("the run went to its end")
    assert case in list(validity)
    (error,) = case.iter("error")
    assert error.get("type") == how
    assert error.text.startswith(f"specs/search.yaml: the run was {how} after ")


@pytest.mark.parametrize("how", ["interrupted", "terminated"])
def test_teardown_runs_after_a_signal(runs, how) -> None:
    ended, _, _ = runs[how]
    teardown = ended.summary("delete /v1/index", part="teardown")
    assert (teardown["n"], teardown["failed"]) == (1, 0)


@pytest.mark.parametrize(
    "how", ["interrupted", "terminated", "twice", "killed", "stopping_interrupted", "stopping_terminated"]
)
def test_the_service_that_was_started_is_gone(runs, how) -> None:
    *_, children, gone = runs[how]
    assert children
    assert gone


def test_a_second_signal_ends_a_run_that_waits_for_a_stalled_service(runs) -> None:
    """The grace time for answers in flight is 5 s, and the teardown request may take 20 s; the service itself may take
    a second to stop.
    """
    ended, seconds, _, _ = runs["twice"]
    assert (ended.code, ended.err) == (130, ""), ended.out
    assert seconds < 4
    assert ended.result["ended"] == "interrupted"
    assert ended.result["unfinished"] > 0
    unfinished = ended.result["unfinished"]
    assert f"{unfinished} requests and waits had no end when the load ended, and are in no number" in ended.out
    assert not ended.errors()


@pytest.mark.parametrize(
    ("how", "code", "word"), [("stopping_interrupted", 130, "interrupted"), ("stopping_terminated", 143, "terminated")]
)
def test_a_second_signal_while_the_service_is_stopped_loses_nothing(runs, how, code, word) -> None:
    """The end is in the log before the service is stopped; the signals that follow change nothing in it."""
    ended, kept, _, _ = runs[how]
    assert kept
    assert (ended.code, ended.err) == (code, ""), ended.out
    result = ended.result
    assert (result["outcome"], result["ended"], result["exit_code"]) == ("INTERRUPTED", word, code)
    assert {s["second"] for s in ended.slices()} >= {0, 1}
    assert [line["type"] for line in ended.log].count("end") == 1
    assert ended.log[-1]["type"] == "end"
    assert ended.summary("delete /v1/index", part="teardown")["n"] == 1
    assert not any("cut short" in note for note in result["notes"])
    assert ended.case("the run went to its end").find("error").get("type") == word


def test_a_teardown_that_was_cut_short_is_told(runs) -> None:
    ended, *_ = runs["twice"]
    assert "teardown was cut short" in ended.out
    assert ended.summary("delete /v1/index", part="teardown")["n"] == 0


def test_a_killed_run_can_be_reported(runs, perfspec) -> None:
    killed, _, _ = runs["killed"]
    assert killed.code == -signal.SIGKILL
    assert not (killed.folder / "result.json").exists()
    ended = perfspec.command(killed.folder.parent, "report", "out")
    assert (ended.code, ended.err) == (3, ""), ended.out
    result = ended.result
    assert (result["outcome"], result["ended"]) == ("INCONCLUSIVE", "torn")
    assert {s["second"] for s in ended.slices()} >= {0, 1, 2, 3}
    assert result["ended_ns"] >= 4_000_000_000
    assert "the run was cut off" in ended.out
    (error,) = ended.junit[-1].iter("error")
    assert error.get("type") == "torn"


def test_a_torn_last_line_is_left_out(runs, perfspec) -> None:
    """The same, with a log that was cut in the middle of a line."""
    killed, _, _ = runs["killed"]
    log = killed.folder / "slices.jsonl"
    whole = log.read_bytes()
    lines = whole.splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:-1]) + lines[-1][: len(lines[-1]) // 2])
    try:
        ended = perfspec.command(killed.folder.parent, "report", "out")
        assert (ended.code, ended.err) == (3, ""), ended.out
        assert ended.result["ended"] == "torn"
        last = json.loads(lines[-2])["second"]
        assert last >= 3
        assert ended.result["ended_ns"] == last * 10**9
    finally:
        log.write_bytes(whole)


def test_a_signal_during_setup_ends_the_run_without_load(runs) -> None:
    ended, _, counts = runs["in_setup"]
    assert ended.code == 143, ended.out + ended.err
    assert ended.result["ended"] == "terminated"
    assert not ended.slices()
    assert counts == {"DELETE index": 2}


def test_a_second_signal_during_setup_is_not_kept_waiting(runs) -> None:
    ended, seconds, counts = runs["twice_in_setup"]
    assert (ended.code, ended.out.count("\n")) == (130, 2), ended.out + ended.err
    assert "setup is let finish; once more ends it" in ended.out
    assert "setup was cut short by a signal" in ended.err
    assert seconds < 5  # the request takes 10 s
    result = ended.result
    assert (result["outcome"], result["ended"], result["exit_code"]) == ("INTERRUPTED", "interrupted", 130)
    assert not ended.slices()
    assert counts == {"DELETE index": 2}  # what setup had begun is taken down, for a moment
    assert "teardown was cut short by a signal" in ended.err
