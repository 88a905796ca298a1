"""Is what is reported true? Response and service time of `perfspec run` beside the record of the server itself.

    python benchmarks/truth.py [--rates 100 500 2000 5000] [--kinds constant lognormal bimodal freeze] [--rounds 3]

A server with a known distribution of delays (constant 20 ms; lognormal around 20 ms; 9 of 10 take 10 ms and 1 takes
200 ms; constant 20 ms and once asleep for 2 s) stamps when it has read each request and when it begins to send the
answer. Requests come by `arrivals`, arrival n at start + (n - 1/2) / rate, and name their number. So

    true response time   answer stamped by the server - instant the arrival was due
    true service time    answer stamped by the server - request stamped by the server

both on the clock that all processes share; the client needs the way through the kernel on top, twice for the service
time. For the freeze the response times are computed as well, from its two instants alone: who was due in it is
answered 20 ms after its end. hey (-q, closed workers) and vegeta (an open load) ask such a server at the same rate,
where they are installed and can hold it. The server spins on core 0 while an answer is nearly due, the client has
core 1.
"""

import argparse
import csv
import gc
import heapq
import json
import os
import random
import select
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from math import ceil, log
from pathlib import Path
from typing import Any

from perfspec.cli import main as perfspec
from perfspec.engine.load import Load
from perfspec.engine.slicelog import LoggedSecond, read_seconds
from perfspec.metrics import histogram

MS, SECOND = 1_000_000, 1_000_000_000
DELAY_NS, FREEZE_NS, FREEZE_AFTER_NS = 20 * MS, 2 * SECOND, 2 * SECOND
KINDS = ("constant", "lognormal", "bimodal", "freeze")
HELD = 0.97
"""The part of a rate with which a tool counts as having held it."""
QUANTILES = (Fraction(50, 100), Fraction(95, 100), Fraction(99, 100))
SPEC = """
perfspec: 1
service: truth
environments:
  here: {{url: http://127.0.0.1:{port}}}
flows:
  ask:
    weight: 100
    steps: [{{get: "/${{user.number}}", name: ask}}]
stages:
  load:
    phases: [{{name: steady, for: {seconds}s, arrivals: {rate}/s, at_most: 15000 users}}]
thresholds:
  all: {{errors: under 1%}}
"""
Record = dict[int, tuple[int, int]]
"""Number of the arrival -> read, answered (ns)."""


# The server, a process of its own.


class Server:
    """One thread, one epoll set, answers in the order in which they are due."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._chance = random.Random(1)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=65535)
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]
        self._epoll = select.epoll()
        self._epoll.register(self._listener.fileno(), select.EPOLLIN)
        self._open: dict[int, socket.socket] = {}
        self._due: list[tuple[int, int, int, int]] = []
        self._freeze_at = 0
        self._record: list[tuple[int, int, int]] = []
        self._frozen: list[tuple[int, int]] = []

    def serve(self) -> None:
        while True:
            left = self._due[0][0] - time.monotonic_ns() if self._due else SECOND
            for fd, _ in self._epoll.poll(max(left / SECOND - 0.002, 0)):
                self._accept() if fd == self._listener.fileno() else self._read(fd)
            now = time.monotonic_ns()
            while self._due and self._due[0][0] <= now:
                self._answer(*heapq.heappop(self._due)[1:])
            if 0 < self._freeze_at <= now:
                self._freeze_at = -1
                time.sleep(FREEZE_NS / SECOND)
                self._frozen.append((now, time.monotonic_ns()))

    def told(self) -> str:
        return json.dumps({"requests": self._record, "frozen": self._frozen})

    def _accept(self) -> None:
        with suppress(BlockingIOError):
            while True:
                connection, _ = self._listener.accept()
                connection.setblocking(False)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._open[connection.fileno()] = connection
                self._epoll.register(connection.fileno(), select.EPOLLIN)

    def _read(self, fd: int) -> None:
        try:
            request = self._open[fd].recv(4096)
        except OSError:
            request = b""
        now = time.monotonic_ns()
        if not request:
            self._epoll.unregister(fd)
            self._open.pop(fd).close()
            return
        word = request.split(b" ", 2)[1][1:]
        if self._kind == "freeze" and self._freeze_at == 0:
            self._freeze_at = now + FREEZE_AFTER_NS
        heapq.heappush(self._due, (now + self._delay(), fd, int(word or 0), now))

    def _answer(self, fd: int, number: int, read: int) -> None:
        now = time.monotonic_ns()
        with suppress(OSError, KeyError):
            self._open[fd].send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        self._record.append((number, read, now))

    def _delay(self) -> int:
        if self._kind == "lognormal":
            return int(self._chance.lognormvariate(log(DELAY_NS), 0.5))
        if self._kind == "bimodal":
            return 200 * MS if self._chance.random() < 0.1 else 10 * MS
        return DELAY_NS


def serve(kind: str, record: Path) -> None:
    """Until SIGTERM; then what was recorded is in the file."""
    server = Server(kind)

    def end(*_: object) -> None:
        record.write_text(server.told())
        sys.exit(0)

    signal.signal(signal.SIGTERM, end)
    gc.disable()
    print(server.port, flush=True)
    server.serve()


@contextmanager
def server(kind: str, record: Path) -> Iterator[int]:
    """A server on core 0; gives its port."""
    argv = [sys.executable, __file__, "--serve", kind, str(record)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        os.sched_setaffinity(process.pid, {0})
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()
            process.wait(30)


# The client.


def note_start(argv: list[str]) -> None:
    """The command line of perfspec, which notes at what instant the load begins: FILE, then its own words."""
    begin = Load.start

    def start(load: Load, start_ns: int) -> None:
        Path(argv[0]).write_text(str(start_ns))
        begin(load, start_ns)

    Load.start = start  # type: ignore[method-assign]
    sys.argv = ["perfspec", *argv[1:]]
    perfspec()


def run(folder: Path, port: int, rate: int, seconds: int) -> tuple[int, list[LoggedSecond]]:
    """When the load began, and the log of a run."""
    (folder / "truth.yaml").write_text(SPEC.format(port=port, rate=rate, seconds=seconds))
    argv = [sys.executable, __file__, "--note", "start", "run", "truth.yaml", "--stage", "load", "--out", "run"]
    done = subprocess.run(
        [*argv, "--quiet"], cwd=folder, capture_output=True, text=True, check=False, preexec_fn=on_core_1
    )
    log_file = folder / "run" / "slices.jsonl"
    assert log_file.exists(), done.stdout + done.stderr
    with log_file.open("rb") as lines:
        return int((folder / "start").read_text()), list(read_seconds(lines))


def on_core_1() -> None:
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {1})


def hey(url: str, rate: int, seconds: int, folder: Path) -> list[float]:
    """Times in ms: of closed workers, ten requests a second each."""
    argv = ["hey", "-z", f"{seconds}s", "-q", "10", "-c", str(rate // 10), "-o", "csv", url]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, cwd=folder, preexec_fn=on_core_1)
    rows = [row for row in csv.DictReader(done.stdout.splitlines()) if row["status-code"] == "200"]
    return [float(row["response-time"]) * 1000 for row in rows]


def vegeta(url: str, rate: int, seconds: int, folder: Path) -> list[float]:
    """Times in ms, of an open load; in its CSV the status is the second column and the time in ns the third."""
    attack = ["vegeta", "attack", f"-rate={rate}", f"-duration={seconds}s", "-max-workers=15000", "-output=attack.bin"]
    subprocess.run(attack, input=f"GET {url}\n", text=True, check=True, cwd=folder, preexec_fn=on_core_1)
    encode = ["vegeta", "encode", "-to=csv", "attack.bin"]
    done = subprocess.run(encode, capture_output=True, text=True, check=True, cwd=folder)
    return [int(row[2]) / MS for row in csv.reader(done.stdout.splitlines()) if row[1] == "200"]


PEERS: dict[str, Callable[[str, int, int, Path], list[float]]] = {"hey": hey, "vegeta": vegeta}


# What is said.


def of(values: list[float]) -> list[float]:
    """The quantiles, nearest rank as everywhere."""
    ordered = sorted(values)
    return [ordered[max(1, ceil(q * len(ordered))) - 1] if ordered else 0.0 for q in QUANTILES]


def merged(seconds: list[LoggedSecond], which: str) -> list[float]:
    """The quantiles in ms that are reported of a whole run."""
    whole: histogram.Histogram = {}
    for second in seconds:
        for part in second.slices:
            if part.key.name == "ask" and not part.key.timer:
                histogram.add(whole, getattr(part, which))
    return [histogram.quantile(whole, q) / 1000 for q in QUANTILES]


def computed(start: int, rate: int, count: int, freeze: tuple[int, int]) -> list[float]:
    """Response times in ms of all arrivals, from the delay and the two instants of the freeze."""
    begin, end = freeze
    out = []
    for n in range(count):
        due = start + (2 * n + 1) * SECOND // (2 * rate)
        answered = due + DELAY_NS
        if begin <= due < end:
            answered = end + DELAY_NS
        elif begin <= answered < end:
            answered = end
        out.append((answered - due) / MS)
    return of(out)


class Table:
    """Rows by what was measured; what differs over all rounds stands at the end."""

    def __init__(self) -> None:
        self._differences: dict[tuple[str, str], list[list[float]]] = {}
        print(f"  {'ms: reported, true, difference':34} {'p50':>27}  {'p95':>27}  {'p99':>27}")

    def row(self, load: str, what: str, reported: list[float], true: list[float]) -> None:
        differences = [r - t for r, t in zip(reported, true, strict=True)]
        self._differences.setdefault((load, what), []).append(differences)
        cells = (f"{r:9.2f} {t:9.2f} {r - t:+7.2f}" for r, t in zip(reported, true, strict=True))
        print(f"  {what:34}", "  ".join(cells), flush=True)

    def end(self, rounds: int) -> None:
        print(f"\nreported - true in ms, median (least to most) of {rounds} rounds")
        for (load, what), found in self._differences.items():
            cells = (
                f"{name} {statistics.median(each):+.2f} ({min(each):+.2f} to {max(each):+.2f})"
                for name, each in zip(("p50", "p95", "p99"), zip(*found, strict=True), strict=True)
            )
            print(f"  {load + ', ' + what:56}", "  ".join(f"{cell:38}" for cell in cells).rstrip())


def compare(table: Table, kind: str, rate: int, seconds: int) -> None:
    """One row per duration and tool."""
    load = f"{kind} {rate}/s"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with server(kind, folder / "record.json") as port:
            start, log_seconds = run(folder, port, rate, seconds)
        told: Any = json.loads((folder / "record.json").read_text())
    requests = told["requests"]
    count = sum(s.n for second in log_seconds for s in second.slices if s.key.name == "ask" and not s.key.timer)
    print(f"{load}: {count} of {rate * seconds} arrivals answered, {len(requests)} in the server's record")
    true = [(answered - start - (2 * n - 1) * SECOND // (2 * rate)) / MS for n, _, answered in requests]
    response = merged(log_seconds, "response")
    table.row(load, "perfspec, response time", response, of(true))
    if kind == "freeze":  # asleep, the server sees nothing of who waits in its kernel
        wanted = computed(start, rate, rate * seconds, told["frozen"][0])
        table.row(load, "... from the freeze", response, wanted)
    else:
        service = merged(log_seconds, "service")
        table.row(load, "perfspec, service time", service, of([(a - r) / MS for _, r, a in requests]))
    if kind in ("constant", "freeze"):
        for peer in PEERS:
            if shutil.which(peer):
                beside(table, load, peer, kind, rate, seconds)


def beside(table: Table, load: str, peer: str, kind: str, rate: int, seconds: int) -> None:
    """Another tool, against a server of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with server(kind, folder / "record.json") as port:
            found = PEERS[peer](f"http://127.0.0.1:{port}/1", rate, seconds, folder)
        told: Any = json.loads((folder / "record.json").read_text())
    held = len(found) / (rate * seconds)
    if kind == "freeze":
        wanted = computed(0, rate, rate * seconds, (FREEZE_AFTER_NS, FREEZE_AFTER_NS + FREEZE_NS))
        table.row(load, f"{peer} ({held:.0%} sent), from the freeze", of(found), wanted)
    elif held < HELD:
        print(f"  {peer:34} held {held:.0%} of the rate")
    else:
        table.row(load, f"{peer}, service time", of(found), of([(a - r) / MS for _, r, a in told["requests"]]))


def main() -> None:
    if sys.argv[1:2] == ["--serve"]:
        serve(sys.argv[2], Path(sys.argv[3]))
    if sys.argv[1:2] == ["--note"]:
        note_start(sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rates", type=int, nargs="+", default=[100, 500, 2000, 5000])
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4, help="of load; twice that where there is a freeze")
    options = parser.parse_args()
    for peer in PEERS:
        if not shutil.which(peer):
            print(f"not checked here: {peer} is missing")
    table = Table()
    for _ in range(options.rounds):
        for kind in options.kinds:
            for rate in options.rates:
                compare(table, kind, rate, options.seconds * (2 if kind == "freeze" else 1))
    table.end(options.rounds)


if __name__ == "__main__":
    main()
