"""The product beside wrk: CPU per request of `perfspec run` with one GET in a loop, everything switched on.

Fifty users without pauses, one expected status, a static tag, a latency limit and an error limit: what a plain spec
has. Both programs run in turn, in the same rounds, on core 1, against one nginx worker on core 0; the figure is their
user + system time per request, so it does not depend on how fast the server is. perfspec is counted in its steady
seconds, from the log of its run: starting up, binding and reporting do not belong to the loop. wrk is counted whole.
Requests are those that nginx has counted; a log that says anything else ends the benchmark.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from reactor_floor import Served, line, nginx, wrk_us

SPEC = """
perfspec: 1
service: loop
environments:
  here: {{url: http://127.0.0.1:{port}}}
flows:
  loop:
    weight: 100
    steps:
      - get: /json
        name: get
        tags: {{kind: static}}
        expect: {{status: 200}}
stages:
  loop:
    phases: [{{name: steady, for: {seconds}s, users: {users}}}]
thresholds:
  all: {{errors: under 1%}}
  get: {{p95: at most 500ms}}
"""
EDGE_S = 1
"""Seconds at both ends that are not counted: users begin and end in them."""


def perfspec_us(port: int, seconds: int, users: int, spec: str = SPEC, names: tuple[str, ...] = ("get",)) -> float:
    """CPU time in us per request, of the seconds between the edges."""
    served = Served(port)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "loop.yaml").write_text(spec.format(port=port, seconds=seconds + 2 * EDGE_S, users=users))
        argv = [sys.executable, "-m", "perfspec", "run", "loop.yaml", "--stage", "loop", "--out", "run", "--quiet"]
        core = {1} if (os.cpu_count() or 1) > 1 else {0}
        # The exit code is that of a verdict: one that uses its core to the full may well call itself sick.
        done = subprocess.run(
            argv,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=lambda: os.sched_setaffinity(0, core),
        )
        log = Path(folder, "run", "slices.jsonl")
        assert log.exists(), done.stdout + done.stderr
        lines = [json.loads(text) for text in log.read_text().splitlines()]
    counted = [second for second in lines if second["type"] == "second"]
    logged, asked = _requests(counted, names), served.count()
    assert logged == asked, f"the log says {logged} requests, nginx has counted {asked}"
    steady = counted[EDGE_S : EDGE_S + seconds]
    return sum(second["cpu_ns"] for second in steady) / _requests(steady, names) / 1000


def _requests(seconds: list[Any], names: tuple[str, ...]) -> int:
    found = [s for second in seconds for s in second["slices"] if s["key"][0] in names and not s["key"][1]]
    assert not any(s.get("errors") for s in found), "there are errors"
    return sum(s["n"] for s in found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=3, help="steady seconds per round")
    parser.add_argument("--users", type=int, default=50)
    options = parser.parse_args()
    missing = [tool for tool in ("nginx", "wrk") if shutil.which(tool) is None]
    if missing:
        print(f"not checked here: {' and '.join(missing)} missing")
        return
    wrk, own = [], []
    with nginx() as port:
        for _ in range(options.rounds):
            wrk.append(wrk_us(port, options.seconds, options.users))
            own.append(perfspec_us(port, options.seconds, options.users))
    ratios = [b / a for a, b in zip(wrk, own, strict=True)]
    print(line("wrk", wrk, "us CPU per request"))
    print(line("perfspec run", own, "us CPU per request"))
    print(line("ratio in one round", ratios, "x wrk"))
    print("round by round        ", " ".join(f"{ratio:.2f}" for ratio in ratios), "x wrk")


if __name__ == "__main__":
    main()
