"""What a user costs who only waits: memory of `perfspec run` with 10 000 users, connected and in a pause.

Each user sends one request, keeps its connection, and pauses past the end of the run. Resident memory of the process
is read once a second until the end; the figure is the largest value. The same spec with 100 users stands beside it, so
the difference is what the users cost.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from truth import server

GOAL_MB = 100
SPEC = """
perfspec: 1
service: idle
environments:
  here: {{url: http://127.0.0.1:{port}}}
flows:
  wait:
    weight: 100
    steps:
      - get: /1
        name: get
        expect: {{status: 200}}
      - pause: 10m
stages:
  idle:
    phases:
      - {{name: coming, for: {seconds}s, users: ramp 0 to {users}}}
      - {{name: waiting, for: 5s, users: {users}}}
thresholds:
  all: {{errors: under 1%}}
  get: {{p95: at most 5s}}
"""


def resident_mb(pid: int) -> float:
    """0 where the process is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024 if "VmRSS:" in status else 0.0


def measured(users: int, seconds: int) -> tuple[float, int]:
    """Largest memory in MB while the load lasts, and how many users were there at its end."""
    with tempfile.TemporaryDirectory() as folder, server("constant", Path(folder, "record.json")) as port:
        Path(folder, "idle.yaml").write_text(SPEC.format(port=port, seconds=seconds, users=users))
        argv = [sys.executable, "-m", "perfspec", "run", "idle.yaml", "--stage", "idle", "--out", "run", "--quiet"]
        largest = 0.0
        with subprocess.Popen(argv, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as program:
            log = Path(folder, "run", "slices.jsonl")
            while program.poll() is None and not (log.exists() and b'"type":"end"' in log.read_bytes()):
                largest = max(largest, resident_mb(program.pid))
                time.sleep(0.5)
            said = program.communicate()[0]
        assert log.exists(), said
        lines = [json.loads(text) for text in log.read_text().splitlines()]
    counted = [line for line in lines if line["type"] == "second"]
    assert not any(piece.get("errors") for line in counted for piece in line["slices"]), said
    return largest, max(line["users"] for line in counted)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--seconds", type=int, default=15, help="in which they come")
    options = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if most < options.users + 1000:
        print(f"not checked here: a process may have only {most} files")
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    few, _ = measured(100, 2)
    many, there = measured(options.users, options.seconds)
    print(f"perfspec run, 100 users            {few:6.1f} MB")
    print(f"perfspec run, {there} users          {many:6.1f} MB (goal: under {GOAL_MB})")
    print(f"a user                             {(many - few) * 1024 / (there - 100):6.2f} KiB")


if __name__ == "__main__":
    main()
