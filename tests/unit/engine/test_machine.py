"""What a plan needs of this machine, and the sentence when that is not there."""

import resource

import pytest

from perfspec.base.errors import EnvironmentFailure
from perfspec.engine import machine
from perfspec.engine.machine import check_machine, connections

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
