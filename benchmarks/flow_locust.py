"""The product beside locust (FastHttpUser): CPU per request of the flow of flow.py, written for locust in Python.

Both run in turn, in the same rounds, with 50 users without pauses on core 1, against one nginx worker on core 0, and
both are counted in their steady seconds only. locust is installed by pip into an environment of its own that is thrown
away at the end; it is no part of what perfspec installs.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from flow import NAMES, SPEC
from get_loop import perfspec_us
from reactor_floor import Served, line, nginx

GOAL = 8
LOCUST = "locust==2.32.*"
LOCUSTFILE = """
import json
import random
import time

import gevent
from locust import FastHttpUser, constant, events, task

WORDS = ["tea", "coffee", "milk", "water"]


class Orders(FastHttpUser):
    wait_time = constant(0)

    @task
    def order(self):
        body = {"item": random.choice(WORDS), "size": random.randint(1, 1000), "note": "always the same"}
        with self.client.post("/orders", json=body, name="order", catch_response=True) as answer:
            said = answer.json()
            if answer.status_code != 201 or said["state"] != "new":
                answer.failure("not made")
                return
        self.client.get("/orders/" + said["id"], name="look")


@events.test_start.add_listener
def note(environment, **_):
    def count():
        gevent.sleep(1.5)
        total = environment.stats.total
        before = time.process_time(), total.num_requests
        gevent.sleep(SECONDS)
        cpu, requests = time.process_time() - before[0], total.num_requests - before[1]
        with open("counted.json", "w") as out:
            whole = {"all": total.num_requests, "failures": total.num_failures}
            json.dump({"cpu": cpu, "requests": requests, **whole}, out)
        environment.runner.quit()
    gevent.spawn(count)
"""


def install(folder: Path) -> Path | None:
    """The command, or None where it cannot be installed."""
    venv.create(folder, with_pip=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", LOCUST]
    done = subprocess.run(pip, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stderr.strip().splitlines()[-1], file=sys.stderr)
        return None
    return folder / "bin" / "locust"


def locust_us(command: Path, port: int, seconds: int, users: int) -> float:
    """CPU time in us per request, of its steady seconds."""
    served = Served(port)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "locustfile.py").write_text(LOCUSTFILE.replace("SECONDS", str(seconds)))
        argv = [str(command), "--headless", "-u", str(users), "-r", str(users), "--host", f"http://127.0.0.1:{port}"]
        core = {1} if (os.cpu_count() or 1) > 1 else {0}
        done = subprocess.run(
            [*argv, "--only-summary"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=lambda: os.sched_setaffinity(0, core),
        )
        counted = folder / "counted.json"
        assert counted.exists(), done.stdout + done.stderr
        told = json.loads(counted.read_text())
    assert not told["failures"], told
    assert 0 <= served.count() - told["all"] <= 2 * users + told["requests"] // 10, told  # it goes on while it quits
    return float(told["cpu"] / told["requests"] * 1e6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="steady seconds per round")
    parser.add_argument("--users", type=int, default=50)
    options = parser.parse_args()
    if shutil.which("nginx") is None:
        print("not checked here: nginx is missing")
        return
    locust, own = [], []
    with tempfile.TemporaryDirectory() as folder:
        command = install(Path(folder))
        if command is None:
            print("not checked here: locust cannot be installed")
            return
        with nginx() as port:
            for _ in range(options.rounds):
                locust.append(locust_us(command, port, options.seconds, options.users))
                own.append(perfspec_us(port, options.seconds, options.users, SPEC, NAMES))
    print(line("locust FastHttpUser", locust, "us CPU per request"))
    print(line("perfspec run", own, "us CPU per request"))
    print(line("ratio in one round", [a / b for a, b in zip(locust, own, strict=True)], f"times less (goal {GOAL})"))


if __name__ == "__main__":
    main()
