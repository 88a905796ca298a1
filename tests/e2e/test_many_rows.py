"""A million rows of data: what they cost before anything is sent."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROWS = 1_000_000
SPEC = """perfspec: 1
service: shop
environments: {local: {url: "http://127.0.0.1:9"}}
data: {person: {csv: people.csv, order: once each}}
flows: {look: {steps: [{get: "/a?n=${person.name}", name: a, tags: {kind: "${person.kind}"}}]}}
stages: {smoke: {phases: [{for: 30s, users: 5}]}}
thresholds: {a: {errors: under 1%}}
"""


MEASURE = """
import os, subprocess, sys
begun = subprocess.Popen(sys.argv[1:], stdout=2)
_, status, used = os.wait4(begun.pid, 0)
print(os.waitstatus_to_exitcode(status), used.ru_maxrss / 1024, used.ru_utime + used.ru_stime)
"""
"""A program of its own: the most memory of a child is at least what its parent had when it was forked."""


def cost(program: list[str], folder: Path) -> tuple[int, float, float, str]:
    """(exit code, most megabytes, seconds of CPU, what it said)."""
    argv = [sys.executable, "-c", MEASURE, *program]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=True)
    code, megabytes, seconds = done.stdout.split()
    return int(code), float(megabytes), float(seconds), done.stderr


def write_rows(path: Path) -> None:
    rows = "".join(f"person{n},person{n}@example.com,city{n % 1000},{n % 5}\n" for n in range(ROWS))
    path.write_text("name,mail,city,kind\n" + rows)


@pytest.mark.parametrize("order", ["once each", "random"])
def test_a_million_rows_cost_two_seconds_and_300_megabytes_at_most(tmp_path, order) -> None:
    (tmp_path / "s.yaml").write_text(SPEC.replace("once each", order))
    write_rows(tmp_path / "people.csv")
    code, megabytes, seconds, said = cost(
        [sys.executable, "-m", "perfspec", "plan", "s.yaml", "--stage", "smoke"], tmp_path
    )
    print(f"{megabytes:.0f} MB, {seconds:.2f} s of CPU")
    assert code == 0, said
    assert megabytes < 300
    assert seconds < 2


def test_workers_get_a_million_rows_within_300_megabytes_each(tmp_path, service) -> None:
    write_rows(tmp_path / "people.csv")
    run = ["run", "s.yaml", "--stage", "smoke", "--workers", "2", "--out", "out"]
    with service() as search:
        spec = SPEC.replace("http://127.0.0.1:9", search.url).replace("/a?", "/health?")
        paused = spec.replace("for: 30s, users: 5", "for: 2s, users: 5, round_every: 100ms")
        (tmp_path / "s.yaml").write_text(paused)
        code, megabytes, _, said = cost([sys.executable, "-m", "perfspec", *run], tmp_path)
    print(f"{megabytes:.0f} MB in the largest process")
    assert code == 0, said
    assert json.loads((tmp_path / "out/result.json").read_text())["workers"] == 2
    assert megabytes < 300
