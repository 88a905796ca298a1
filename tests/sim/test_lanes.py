"""Lanes on the simulated driver: who is resumed, when, with what, and who is not."""

from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType

import pytest

from perfspec.base.clock import MILLISECOND as MS
from perfspec.base.clock import SECOND
from perfspec.engine.lanes import Lane
from perfspec.engine.sim import T0, Reply, Service, SimDriver
from perfspec.steps.runtime import Call, EndRound, Origin, Outcome, Program, Run, Vars
from perfspec.steps.runtime import Lane as ProgramLane

ORIGIN = Origin("shop.test", 80, "192.0.2.1")
FLAT = Service(lambda _: 100 * MS)


def call(name: str = "get", render: Callable[[Vars], bytes] = lambda _: b"wire") -> Call:
    return Call(name, ORIGIN, 10 * SECOND, no_body=False, idempotent=True, render=render)


GET = call()


class World:
    """A driver, and what its lanes did: (milliseconds, what)."""

    def __init__(self, service: Service = FLAT, seed: int = 1) -> None:
        self.driver = SimDriver(service, seed)
        self.log: list[tuple[float, object]] = []

    def at(self) -> float:
        return (self.driver.now - T0) / MS

    def note(self, what: object) -> None:
        self.log.append((self.at(), what))

    def lane(self, seat: int = 0) -> Lane:
        lane = Lane(self.driver, seat)
        lane.vars.base, lane.vars.step, lane.vars.generators = 0, 0, MappingProxyType({})
        return lane

    def run(self, program: Program) -> Lane:
        lane = self.lane()
        lane.run(program(lane), self.ended)
        return lane

    def ended(self, _: Lane, kind: str | None) -> None:
        self.note(("end", kind))

    # programs

    def get(self, name: str = "get", times: int = 1) -> Program:
        def program(lane: ProgramLane) -> Run:
            for _ in range(times):
                lane.request(GET)
                outcome = yield
                assert isinstance(outcome, Outcome)
                self.note((name, outcome.error or outcome.status))
                if outcome.error:
                    raise EndRound(outcome.error)

        return program

    def pause(self, ns: int, name: str = "pause") -> Program:
        def program(lane: ProgramLane) -> Run:
            lane.pause(ns)
            assert (yield) is None
            self.note(name)

        return program

    def parallel(self, *branches: Program, name: str = "join") -> Program:
        def program(lane: ProgramLane) -> Run:
            lane.fork(branches)
            lost = yield
            self.note((name, lost))
            if isinstance(lost, str):
                raise EndRound(lost)

        return program

    def sequence(self, *programs: Program) -> Program:
        def program(lane: ProgramLane) -> Run:
            for each in programs:
                yield from each(lane)

        return program


def test_a_program_gets_its_answer_at_the_computed_instant() -> None:
    world = World()
    lane = world.run(world.get(times=3))
    world.driver.run()
    assert world.log == [(100, ("get", 200)), (200, ("get", 200)), (300, ("get", 200)), (300, ("end", None))]
    assert lane.gen is None
    assert world.driver.drain_lateness() == {0: 3}
    assert world.driver.drain_lateness() == {}


def test_the_outcome_has_every_stamp_and_the_answer() -> None:
    service = Service(lambda _: 100 * MS, lambda _call, wire, now: Reply(418, wire + b" %d" % now, ((b"a", b"b"),)))
    world = World(service)
    lane = world.lane()
    lane.due = T0 - 5
    lane.run(world.get()(lane), world.ended)
    world.driver.run()
    o = lane.outcome
    assert (o.due, o.sent, o.first, o.last) == (T0 - 5, T0, T0 + 100 * MS, T0 + 100 * MS)
    assert (o.status, o.body, o.error) == (418, b"wire 0", None)
    assert o.head is not None
    assert o.head.headers == ((b"a", b"b"),)


def test_after_a_pause_the_next_request_is_due_when_it_ends_and_only_that_one() -> None:
    world, dues = World(), []

    def program(lane: ProgramLane) -> Run:
        lane.pause(70 * MS)
        yield
        for _ in range(2):
            lane.request(GET)
            yield
            dues.append((lane.outcome.due - T0) / MS)

    world.run(program)
    world.driver.run()
    assert dues == [70, 170]


def test_parallel_lasts_as_long_as_its_longest_branch() -> None:
    world = World()
    world.run(world.parallel(world.get(), world.get(times=2), world.get(times=3)))
    world.driver.run()
    assert world.log[-2:] == [(300, ("join", None)), (300, ("end", None))]
    assert len(world.log) == 8


def test_branches_share_the_names_and_the_due_time_but_not_the_outcome() -> None:
    world, dues = World(), []

    def branch(number: int) -> Program:
        def program(lane: ProgramLane) -> Run:
            lane.vars[f"branch {number}"] = number
            lane.request(GET)
            yield
            dues.append(lane.outcome.due)

        return program

    lane = world.lane()
    lane.due = T0 - 7
    lane.run(world.parallel(branch(1), branch(2))(lane), world.ended)
    world.driver.run()
    assert dues == [T0 - 7] * 2
    assert lane.vars == {"branch 1": 1, "branch 2": 2}
    assert lane.due == 0
    assert lane.outcome.sent == 0


def test_forks_nest_and_child_lanes_are_used_again() -> None:
    world = World()
    inner = world.parallel(world.get("a"), world.get("b", 2), name="inner")
    lane = world.run(world.sequence(*[world.parallel(inner, world.get("c"), name="outer")] * 3))
    world.driver.run()
    assert [entry for entry in world.log if entry[1] == ("outer", None)] == [
        (200, ("outer", None)),
        (400, ("outer", None)),
        (600, ("outer", None)),
    ]
    assert lane.spare is not None
    assert len(lane.spare) == 2
    assert sum(len(child.spare or ()) for child in lane.spare) <= 4


def test_a_fork_of_nothing_and_branches_that_end_at_once_are_joined_after_the_call() -> None:
    world = World()

    def nothing(_: ProgramLane) -> Run:
        return
        yield

    def lost(_: ProgramLane) -> Run:
        raise EndRound("gave up")
        yield

    world.run(world.sequence(world.parallel(), world.parallel(nothing, nothing), world.parallel(nothing, lost)))
    world.driver.run()
    assert world.log == [(0, ("join", None)), (0, ("join", None)), (0, ("join", "gave up")), (0, ("end", "gave up"))]


def test_a_lost_branch_ends_the_round_after_the_join_with_the_kind_lost_first() -> None:
    refused = replace(FLAT, refused=((150 * MS, 350 * MS),))
    world = World(refused)
    late = world.sequence(world.pause(300 * MS), world.get("late"))
    world.run(world.parallel(world.get("a", 3), world.get("b"), late))
    world.driver.run()
    assert world.log == [
        (100, ("a", 200)),
        (100, ("b", 200)),
        (200, ("a", 200)),
        (200.05, ("a", "refused")),
        (300, "pause"),
        (300.05, ("late", "refused")),
        (300.05, ("join", "refused")),
        (300.05, ("end", "refused")),
    ]


def test_a_kind_that_ends_a_program_is_told() -> None:
    world = World(replace(FLAT, refused=((0, SECOND),)))
    world.run(world.get())
    world.driver.run()
    assert world.log == [(0.05, ("get", "refused")), (0.05, ("end", "refused"))]


def test_a_time_out_comes_at_the_time_out_and_the_late_answer_is_dropped() -> None:
    world = World(Service(lambda _: 11 * SECOND))
    lane = world.run(world.sequence(world.get()))
    world.driver.run()
    assert world.log == [(10_000, ("get", "timeout")), (10_000, ("end", "timeout"))]
    assert (lane.outcome.status, lane.outcome.first) == (0, 0)


def test_kill_ends_everything_below_it_and_calls_nothing_back() -> None:
    world = World()
    closed = []

    def program(lane: ProgramLane) -> Run:
        try:
            yield from world.parallel(world.get(), world.pause(50 * MS), world.parallel(world.get()))(lane)
        finally:
            closed.append(world.at())

    lane = world.run(program)
    world.driver.run(T0 + 20 * MS)
    lane.kill()
    lane.kill()
    assert closed == [20]
    assert lane.gen is None
    world.driver.run()
    assert world.log == []


def test_a_killed_lane_runs_again_and_no_old_wake_up_reaches_it() -> None:
    world = World()
    lane = world.run(world.sequence(world.get("old"), world.pause(SECOND)))
    world.driver.run(T0 + 50 * MS)
    lane.kill()  # its answer is under way
    lane.run(world.pause(30 * MS, "new")(lane), world.ended)
    lane.kill()  # its timer is under way
    lane.run(world.pause(200 * MS, "newer")(lane), world.ended)
    world.driver.run()
    assert world.log == [(250, "newer"), (250, ("end", None))]


def test_a_pausing_lane_can_be_woken_and_its_timer_is_stale_then() -> None:
    world = World()
    lane = world.run(world.sequence(world.pause(60 * SECOND), world.get()))
    world.driver.run(T0 + 10 * MS)
    assert lane.wake("stopped")
    assert world.log == [(10, ("end", "stopped"))]
    lane.run(world.get("next")(lane), world.ended)
    assert not lane.wake("stopped")  # a request in flight is not cut short
    world.driver.run()
    assert world.log[1:] == [(110, ("next", 200)), (110, ("end", None))]
    assert not lane.wake("stopped")


def test_a_woken_program_may_clean_up_and_even_go_on() -> None:
    world = World()

    def program(lane: ProgramLane) -> Run:
        try:
            lane.pause(60 * SECOND)
            yield
        except EndRound:
            yield from world.get("sign out")(lane)

    lane = world.run(program)
    lane.wake("stopped")
    world.driver.run(T0 + SECOND)
    assert world.log == [(100, ("sign out", 200)), (100, ("end", None))]


def test_waking_a_fork_wakes_the_branches_that_only_pause() -> None:
    world = World()
    lane = world.run(world.parallel(world.pause(60 * SECOND), world.parallel(world.pause(SECOND)), world.get()))
    assert lane.wake("stopped")
    world.driver.run(T0 + 500 * MS)
    assert world.log == [
        (0, ("join", "stopped")),  # of the inner fork
        (100, ("get", 200)),
        (100, ("join", "stopped")),
        (100, ("end", "stopped")),
    ]


def test_a_request_that_cannot_be_rendered_is_an_outcome_and_its_first_text_is_kept() -> None:
    world = World()
    bad = call("bad", lambda names: str(names["absent"]).encode())

    def program(lane: ProgramLane) -> Run:
        lane.request(bad)
        outcome = yield
        assert isinstance(outcome, Outcome)
        world.note((outcome.error, outcome.status, outcome.body, outcome.first))
        assert outcome.due == outcome.sent == outcome.last == T0
        yield from world.get()(lane)

    world.run(program)
    world.driver.run()
    assert world.log == [(0, ("unsendable", 0, b"", 0)), (100, ("get", 200)), (100, ("end", None))]
    assert world.driver.first_errors == {"unsendable": "bad: `absent` has no value here"}
    assert world.driver.transport.requests == 1


def test_a_lane_that_is_killed_over_an_unsendable_request_is_not_resumed() -> None:
    world = World()
    bad = call("bad", lambda names: str(names["absent"]).encode())

    def program(lane: ProgramLane) -> Run:
        lane.request(bad)
        yield
        world.note("resumed")

    world.run(program).kill()
    world.driver.run()
    assert world.log == []


@pytest.mark.parametrize("where", ["at once", "after an answer", "in a branch", "in a template"])
def test_a_bug_in_a_program_comes_out_of_the_driver(where: str) -> None:
    world = World()

    def bug(_: object) -> bytes:
        raise ZeroDivisionError

    def program(lane: ProgramLane) -> Run:
        if where == "after an answer":
            yield from world.get()(lane)
        if where == "in a template":
            lane.request(call("bug", bug))
            yield
        bug(lane)

    branch = world.sequence(world.pause(MS), program)
    lanes: list[Lane] = []

    def begin(_: None) -> None:
        lanes.append(lane := world.lane())
        lane.run((world.parallel(branch, world.get()) if where == "in a branch" else program)(lane), world.ended)

    world.driver.call_soon(begin, None)
    with pytest.raises(ZeroDivisionError):
        world.driver.run()
    lanes[0].kill()
    world.driver.run()
    assert not any(isinstance(what, tuple) and what[0] == "end" for _, what in world.log)


def test_a_streamed_answer_goes_to_its_listener() -> None:
    world = World()
    got: list[tuple[bytes, int]] = []

    def program(lane: ProgramLane) -> Run:
        assert isinstance(lane, Lane)
        lane.stream(GET, lambda part, at_ns: got.append((part, at_ns)))
        yield
        assert lane.outcome.body == b""
        yield from world.get()(lane)
        assert lane.outcome.body == b"{}"

    world.run(program)
    world.driver.run()
    assert got == [(b"{}", T0 + 100 * MS)]
    assert world.log[-1] == (200, ("end", None))
