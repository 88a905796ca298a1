"""The floor of the load path beside wrk: CPU per request of lanes on the reactor, one GET in a loop, nothing recorded.

Both run in turn, in the same rounds, against one nginx worker; the figure is user + system time of the client process
per request, so it does not depend on how fast the server is. Requests are those that nginx has counted. Read the
medians: single rounds vary by a factor of two on a shared machine.
"""

import argparse
import asyncio
import contextlib
import json
import os
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

from perfspec.base.clock import MILLISECOND, SECOND, cpu_ns
from perfspec.engine.lanes import Lane
from perfspec.engine.reactor import RealDriver
from perfspec.steps.runtime import Call, EndRound, Origin, Outcome, Run
from perfspec.steps.runtime import Lane as ProgramLane

BODY = json.dumps({"id": 1234, "status": "ok", "tags": ["alpha", "beta"], "text": "x" * 220})
NGINX = """
daemon off; master_process off; pid nginx.pid; error_log error.log warn; worker_processes 1;
events { worker_connections 4096; }
http { access_log off; default_type application/json; keepalive_requests 1000000000; keepalive_timeout 3600s;
  client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
  server { listen 127.0.0.1:%(port)d backlog=4096; location = /json { return 200 '%(body)s'; }
    location = /served { stub_status; }
    location = /orders { return 201 '{"id":"$request_id","state":"new","text":"%(text)s"}'; }
    location /orders/ { return 200 '%(body)s'; } } }
"""


@contextlib.contextmanager
def nginx() -> Iterator[int]:
    """One worker on core 0; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "nginx.conf").write_text(NGINX % {"port": port, "body": BODY, "text": "x" * 220})
        server = subprocess.Popen(["nginx", "-p", folder, "-c", "nginx.conf", "-e", "error.log"])
        try:
            os.sched_setaffinity(server.pid, {0})
            while True:
                with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
                    break
                assert server.poll() is None, "nginx has ended"
            yield port
        finally:
            server.terminate()
            server.wait()


class Served:
    """How many requests nginx has counted since."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/served"
        self._before = self._all()

    def count(self) -> int:
        return self._all() - self._before - 1  # this question is counted, too

    def _all(self) -> int:
        with urlopen(self._url) as answer:
            return int(answer.read().splitlines()[2].split()[2])


def drive(port: int, seconds: float, users: int) -> tuple[int, int, int]:
    """Requests, errors, and CPU time in ns of this process."""
    origin = Origin("127.0.0.1", port, "127.0.0.1")
    wire = f"GET /json HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: */*\r\n\r\n".encode()
    call = Call("get", origin, 10 * SECOND, no_body=False, idempotent=True, render=lambda _: wire)
    loop = asyncio.new_event_loop()
    driver = RealDriver(loop)
    done = errors = 0
    end = driver.now_ns() + int(seconds * SECOND)

    def get(lane: ProgramLane) -> Run:
        nonlocal done, errors
        while lane.now() < end:
            lane.request(call)
            outcome = yield
            assert isinstance(outcome, Outcome)
            if outcome.error is not None:
                errors += 1
                raise EndRound(outcome.error)
            done += 1

    def over(_lane: Lane, _kind: str | None) -> None:
        nonlocal live
        live -= 1
        if not live:
            loop.stop()

    lanes = [Lane(driver, seat) for seat in range(users)]
    live = len(lanes)
    driver.settle()
    begin = cpu_ns()
    for lane in lanes:
        lane.run(get(lane), over)
    loop.run_forever()
    cpu = cpu_ns() - begin
    driver.close()
    loop.close()
    return done, errors, cpu


def child(argv: list[str]) -> tuple[str, float]:
    """Output and CPU seconds of a program on core 1."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    core = {1} if (os.cpu_count() or 1) > 1 else {0}
    done = subprocess.run(
        argv, stdout=subprocess.PIPE, text=True, check=True, preexec_fn=lambda: os.sched_setaffinity(0, core)
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def wrk_us(port: int, seconds: float, users: int, path: str = "/json", *script: str) -> float:
    """CPU time in us per request."""
    served = Served(port)
    url = f"http://127.0.0.1:{port}{path}"
    out, cpu = child(["wrk", "-t1", f"-c{users}", f"-d{max(1, round(seconds))}s", *script, url])
    requests = served.count()
    found = re.search(r"(\d+) requests in", out)
    assert found is not None, out
    assert "Non-2xx" not in out, out
    assert 0 <= requests - int(found[1]) <= users, f"wrk counted {found[1]} of {requests}"
    return cpu / requests * 1e6


def own_us(port: int, seconds: float, users: int) -> float:
    argv = [sys.executable, __file__, "--child", str(port), "--seconds", str(seconds), "--users", str(users)]
    done, errors, cpu = json.loads(child(argv)[0])
    assert not errors, f"{errors} errors"
    return float(cpu / done / 1000)


def line(name: str, figures: list[float], unit: str) -> str:
    return f"{name:22} median {statistics.median(figures):6.2f}  ({min(figures):.2f}-{max(figures):.2f}) {unit}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--child", type=int, metavar="PORT", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        drive(options.child, 300 * MILLISECOND / SECOND, options.users)
        print(json.dumps(drive(options.child, options.seconds, options.users)))
        return
    missing = [tool for tool in ("nginx", "wrk") if shutil.which(tool) is None]
    if missing:
        print(f"not checked here: {' and '.join(missing)} missing")
        return
    wrk, own = [], []
    with nginx() as port:
        for _ in range(options.rounds):
            wrk.append(wrk_us(port, options.seconds, options.users))
            own.append(own_us(port, options.seconds, options.users))
    print(line("wrk", wrk, "us CPU per request"))
    print(line("lanes on the reactor", own, "us CPU per request"))
    print(line("ratio in one round", [b / a for a, b in zip(wrk, own, strict=True)], "x wrk"))
    print(f"ratio of the medians   {statistics.median(own) / statistics.median(wrk):.2f} x wrk")


if __name__ == "__main__":
    main()
