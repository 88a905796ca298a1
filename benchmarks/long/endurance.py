"""Does memory stay flat? Resident memory of `perfspec run` with 300 users for 15 minutes, minute by minute.

    make bench-long                 (or: PYTHONPATH=benchmarks python benchmarks/long/endurance.py [--minutes 15])

The service answers after lognormal delays, so that the histograms of every second are wide; users draw a number and a
tag, three limits are watched, close calls may run on, the live page is drawn. Of each minute the mean of one sample a
second is kept; the last whole one has to be within 5 % of the third.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from idle import resident_mb
from truth import server

GOAL = 0.05
SPEC = """
perfspec: 1
service: endurance
environments:
  here: {{url: http://127.0.0.1:{port}}}
data:
  number: {{number: 1 to 100000}}
  kind: {{choice: [new, known, lost]}}
flows:
  look:
    weight: 100
    steps:
      - get: /${{number}}
        name: first
        tags: {{kind: "${{kind}}"}}
        expect: {{status: 200}}
      - pause: 0.5s to 1.5s
      - post: /${{number}}
        name: second
        json: {{number: "${{number}}"}}
        expect: {{status: 200}}
      - pause: 0.5s to 1.5s
stages:
  long:
    phases: [{{name: steady, for: {minutes}m, users: {users}}}]
    extend_to: {longest}m
thresholds:
  all: {{errors: under 1%}}
  first: {{p95: at most 500ms, p99: at most 1s}}
  second: {{p95: at most 500ms}}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=15)
    parser.add_argument("--users", type=int, default=300)
    options = parser.parse_args()
    minutes: list[list[float]] = [[] for _ in range(options.minutes)]
    with tempfile.TemporaryDirectory() as folder, server("lognormal", Path(folder, "record.json")) as port:
        spec = SPEC.format(port=port, minutes=options.minutes, users=options.users, longest=options.minutes + 1)
        Path(folder, "endurance.yaml").write_text(spec)
        argv = [sys.executable, "-m", "perfspec", "run", "endurance.yaml", "--stage", "long", "--out", "run", "--quiet"]
        with subprocess.Popen(argv, cwd=folder, stdout=subprocess.PIPE, text=True) as program:
            while not Path(folder, "run", "slices.jsonl").exists() and program.poll() is None:
                time.sleep(0.1)
            begin = time.monotonic()
            while program.poll() is None and (passed := time.monotonic() - begin) < options.minutes * 60:
                minutes[int(passed // 60)].append(resident_mb(program.pid))
                time.sleep(1)
            said = program.communicate()[0]
    print(said)
    means = [statistics.mean(minute) for minute in minutes if minute]
    print("MB in each minute ", " ".join(f"{mean:.1f}" for mean in means))
    if len(means) == options.minutes > 3:
        print(f"last over third    {means[-1] / means[2] - 1:+.1%} (goal: within {GOAL:.0%})")


if __name__ == "__main__":
    main()
