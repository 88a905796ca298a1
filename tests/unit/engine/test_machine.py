"""What a plan needs of this machine, and the sentence when that is not there."""

import resource

import msgspec
import pytest

from perfspec.base.errors import EnvironmentFailure
from perfspec.engine import machine
from perfspec.engine.machine import check_machine, connections, most_workers, usable_cores

SPEC = """
perfspec: 1
service: shop
environments: {{local: {{url: "http://127.0.0.1:1"}}}}
flows:
  look:
    steps:
{steps}
stages: {{smoke: {{phases: [{{for: 30s, users: ramp 1 to {users}}}]}}}}
thresholds: {{all: {{errors: under 1%}}}}
"""
ONE = "      - {get: /a, name: a}"
PAGE = """      - parallel: page
        steps:
          - {get: /a, name: a}
          - group: inner
            steps:
              - {get: /b, name: b}
              - parallel: deep
                steps: [{get: /c, name: c}, {get: /d, name: d}, {get: /e, name: e}]
      - parallel: small
        steps: [{get: /f, name: f}, {get: /g, name: g}]"""


@pytest.fixture
def planned(plan_of):
    return lambda users, steps=ONE: plan_of(SPEC.format(steps=steps, users=users))


def test_every_user_has_a_connection_and_one_for_each_branch(planned) -> None:
    assert connections(planned(30)) == 30
    assert connections(planned(10, PAGE)) == 10 * (1 + 2 + 3)


def test_descriptors_are_raised_where_that_is_allowed(planned, monkeypatch) -> None:
    limits: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (100, 10_000))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limit: limits.append(limit))
    check_machine(planned(10))
    assert limits == []
    check_machine(planned(500))
    ((soft, hard),) = limits
    assert 500 < soft < 700
    assert hard == 10_000


def test_descriptors_that_are_not_there_are_told(planned, monkeypatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (100, 200))
    with pytest.raises(EnvironmentFailure, match=r"300 users need .* open files; this machine allows 200") as caught:
        check_machine(planned(300))
    assert "ulimit -n" in caught.value.hint


def test_ports_that_are_not_there_are_told(planned, monkeypatch, tmp_path) -> None:
    (tmp_path / "range").write_text("40000\t40099\n")
    monkeypatch.setattr(machine, "_PORTS", tmp_path / "range")
    check_machine(planned(100))
    with pytest.raises(EnvironmentFailure, match="101 users need 101 connections; this machine has 100 ports"):
        check_machine(planned(101))
    with pytest.raises(EnvironmentFailure, match=r"20 users, each with branches .* need 120 connections"):
        check_machine(planned(20, PAGE))
    monkeypatch.setattr(machine, "_PORTS", tmp_path / "nowhere")
    check_machine(planned(101))


def test_workers_share_the_descriptors(planned, monkeypatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (100, 300))
    with pytest.raises(EnvironmentFailure):
        check_machine(planned(400))
    monkeypatch.setattr(resource, "setrlimit", lambda *_: None)
    check_machine(planned(400), workers=4)


def test_the_places_of_people_who_come_may_all_be_in_one_worker(plan_of, monkeypatch) -> None:
    text = SPEC.format(steps=ONE, users=5).replace("users: ramp 1 to 5", "arrivals: 20/s, at_most: 400 users")
    monkeypatch.setattr(resource, "getrlimit", lambda _: (100, 300))
    with pytest.raises(EnvironmentFailure, match="400 users, shared by 4 workers, need"):
        check_machine(plan_of(text), workers=4)


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, 8),
        ({"cpu.max": "max 100000\n"}, 8),
        ({"cpu.max": "250000 100000\n"}, 2),
        ({"cpu.max": "50000 100000\n"}, 1),
        ({"cpu.max": "1600000 100000\n"}, 8),
        ({"cpu.cfs_quota_us": "300000\n", "cpu.cfs_period_us": "100000\n"}, 3),
        ({"cpu.cfs_quota_us": "-1\n", "cpu.cfs_period_us": "100000\n"}, 8),
    ],
)
def test_usable_cores_are_those_of_the_process_and_of_its_cpu_limit(tmp_path, monkeypatch, files, cores) -> None:
    monkeypatch.setattr(machine.os, "sched_getaffinity", lambda _: set(range(8)))
    group = tmp_path / "sys/fs/cgroup"
    group.mkdir(parents=True)
    for name, text in files.items():
        (group / name).write_text(text)
    assert usable_cores(tmp_path) == cores


@pytest.mark.parametrize(
    ("stage", "most"),
    [
        ("phases: [{for: 30s, users: ramp 1 to 9}, {for: 30s, users: ramp 9 to 4}]", 9),
        ("phases: [{for: 30s, arrivals: 20/s, at_most: 6 users}]", 600),
        ("phases: [{for: 30s, users: 4}, {for: 30s, arrivals: 20/s, at_most: 6 users}]", 4),
        ("phases: [{for: 30s, users: 4}, {rounds: 5, users: 4}]", 4),
        ("phases: [{rounds: 9, users: 9}]", 9),
        ("phases: [{for: 10s, arrivals: 0.3/s, at_most: 6 users}]", 3),
        ("find_limit: {users: 2 to 40, hold_each: 60s, precision: 5%}", 40),
    ],
)
def test_every_worker_has_something_to_do(plan_of, stage, most) -> None:
    text = SPEC.format(steps=ONE, users=5).replace("phases: [{for: 30s, users: ramp 1 to 5}]", stage)
    assert most_workers(plan_of(text)) == most


def test_a_ceiling_is_not_shared_by_more_than_it_has_requests_a_second(planned) -> None:
    plan = planned(30)
    target = msgspec.structs.replace(plan.target, most_requests_per_s=3)
    assert most_workers(msgspec.structs.replace(plan, target=target)) == 3
