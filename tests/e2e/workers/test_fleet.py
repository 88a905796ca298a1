"""A coordinator and processes that are no good workers: what it says of each, and that none of them is left."""

import sys

import anyio
import pytest

from perfspec.app.plan import plan
from perfspec.base.clock import SECOND
from perfspec.base.codec import pack
from perfspec.base.errors import EnvironmentFailure
from perfspec.engine import fleet as fleets
from perfspec.engine.fleet import hired
from perfspec.engine.messages import Done, Ready, Refused, assignment
from perfspec.engine.part import Inputs, Told
from perfspec.engine.pool import Ending
from perfspec.load import Segment
from perfspec.plan.build import Choice
from perfspec.steps.runtime import Origin

SPEC = """
perfspec: 1
service: shop
environments: {local: {url: "http://127.0.0.1:1"}}
flows: {look: {steps: [{get: /a, name: a}]}}
stages: {smoke: {phases: [{for: 9s, users: 6}]}}
thresholds: {all: {errors: under 1%}}
"""
SAY = """
import socket, sys, time
end = socket.socket(fileno=0)
def say(*words):
    for word in words:
        end.sendall(len(word).to_bytes(8, "big") + word)
def heard():
    return end.recv(1 << 16)
"""


@pytest.fixture
def carried(tmp_path, monkeypatch):
    """What becomes of a load whose two workers are this program: (ending, seconds, bugs), and the processes."""
    (tmp_path / "s.yaml").write_text(SPEC)
    planned = plan(str(tmp_path / "s.yaml"), Choice("smoke")).plan
    monkeypatch.setattr(fleets, "END_WITHIN_S", 0.5)

    def run(program: str, on_second=lambda _: None):
        monkeypatch.setattr(fleets, "COMMAND", (sys.executable, "-c", SAY + program))
        seconds, bugs, processes = [], [], []

        def hear(second):
            seconds.append(second)
            on_second(second)

        async def carry():
            async with hired(2, ()) as fleet:
                processes.extend(link.process for link in fleet._links)
                segments = [Segment(worker, (1, 1)) for worker in range(2)]
                origin = Origin("127.0.0.1", 1, "127.0.0.1")
                await fleet.assign([assignment(planned, each, Inputs("r", {}, {}), origin, {}) for each in segments])
                ending, _ = await fleet.carry(planned, hear, bugs.append, lambda _: None)
                return ending

        try:
            return anyio.run(carry), seconds, bugs
        finally:
            assert len(processes) == 2
            assert all(process.poll() is not None for process in processes)

    return run


READY = repr(pack(Ready()))
DONE = repr(pack(Done(Ending("finished", 9 * SECOND, 0, 0), {}, 0)))
FIRST = repr(pack(Told(1, 3, [], 0)))


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("sys.exit('no such thing')", "was gone before the load began (ended with exit status 1: no such thing)"),
        (
            "import signal; sys.exit(str(sorted(map(int, signal.pthread_sigmask(signal.SIG_BLOCK, ())))))",
            "(ended with exit status 1: [1, 2, 15])",
        ),
        ("import os; os.kill(os.getpid(), 9)", "was gone before the load began (ended by signal 9)"),
        (f"heard(); say({pack(Refused('a file is missing', 'was it moved?'))!r}); heard()", "of 2: a file is missing"),
        (f"heard(); say({pack(Refused('KeyError', is_bug=True))!r}); heard()", "bug in perfspec: worker "),
        ("heard(); say(b'nonsense'); heard()", "was gone before the load began (ended by signal 9)"),
    ],
)
def test_who_cannot_begin_is_named_with_the_reason(carried, program, said) -> None:
    with pytest.raises(EnvironmentFailure) as caught:
        carried(program)
    assert said in caught.value.message
    assert caught.value.exit_code == (5 if "bug" in said else 4)


def test_who_is_not_ready_in_time_is_named(carried, monkeypatch) -> None:
    monkeypatch.setattr(fleets, "READY_WITHIN_S", 0.3)
    with pytest.raises(EnvironmentFailure, match=r"^worker 1 of 2 was not ready within 0\.3 s$"):
        carried("heard(); heard()")


def test_workers_that_are_done_are_waited_for(carried) -> None:
    ending, seconds, bugs = carried(f"heard(); say({READY}); heard(); say({FIRST}, {DONE}); heard()")
    assert ending == Ending("finished", 9 * SECOND, 0, 0)
    assert [(second.second, second.users, second.lost) for second in seconds] == [(1, 6, ())]
    assert bugs == []


def test_who_does_not_go_by_itself_is_made_to(carried) -> None:
    ending, *_ = carried(f"heard(); say({READY}); heard(); say({FIRST}, {DONE}); time.sleep(60)")
    assert ending.reason == "finished"


def test_nonsense_in_the_middle_of_a_load_is_a_loss(carried) -> None:
    ending, seconds, _ = carried(f"heard(); say({READY}); heard(); say({FIRST}, b'nonsense'); heard()")
    assert ending.reason == "lost"
    reasons = [lost.why for second in seconds for lost in second.lost]
    assert len(reasons) == 2
    assert all(why.startswith("it said what nobody understands") for why in reasons)


def test_who_refuses_an_order_during_the_load_is_ended_at_once(carried, monkeypatch) -> None:
    killed = []
    monkeypatch.setattr(fleets.Fleet, "_kill", lambda _, worker: killed.append(worker))
    refused = repr(pack(Refused("no more")))
    ending, seconds, _ = carried(f"heard(); say({READY}); heard(); say({FIRST}, {refused}); heard()")
    assert (ending.reason, sorted(killed)) == ("lost", [0, 1])
    assert {lost.why for second in seconds for lost in second.lost} == {"no more"}


def test_how_a_worker_died_during_the_load_is_known_without_waiting(carried, monkeypatch) -> None:
    asked, death = [], fleets._Link.death

    def watched(link, within_s=0.5):
        asked.append(within_s)
        return death(link, within_s)

    forgotten: list[int] = []
    monkeypatch.setattr(fleets._Link, "death", watched)
    monkeypatch.setattr(fleets.Board, "forget", lambda _, worker: forgotten.append(worker))
    _, seconds, _ = carried(f"import os; heard(); say({READY}); heard(); say({FIRST}); os.kill(os.getpid(), 9)")
    assert {lost.why for second in seconds for lost in second.lost} == {"ended by signal 9"}
    assert asked == [0, 0]
    assert set(forgotten) == {0, 1}  # the places of their people are free


def test_a_bug_of_the_coordinator_ends_the_workers_in_order(carried) -> None:
    def broken(_):
        raise KeyError("bug")

    program = f"heard(); say({READY}); heard(); say({FIRST}); heard(); say({DONE}); heard()"
    ending, seconds, bugs = carried(program, broken)
    assert (ending.reason, bugs) == ("crashed", ["KeyError: 'bug'"])
    assert len(seconds) == 1
