"""perfspec as its users run it: the command line as a process, against the reference service as another process.

    def test_x(new_folder, perfspec, service, search_spec):
        with service("--slow", "suggest=400ms") as search:
            ended = perfspec(search_spec(new_folder("x"), search.url, seconds=4), "--stage", "smoke")

A spec lives in a folder of its own, as `specs/search.yaml` below it; the run folder is `out` beside `specs`. Modules
that need several runs let them run `together`: what takes time is waiting.
"""

import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from socketserver import BaseServer
from threading import Lock, Thread
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest

ROOT = Path(__file__).parents[2]
COUNTING = Path(__file__).with_name("counting_service.py")
SPEC = "specs/search.yaml"
LONGEST_RUN_S = 60


@dataclass(frozen=True)
class Ended:
    """A call of the command line that is over. `folder` may hold no run."""

    code: int
    out: str
    err: str
    folder: Path
    seconds: float

    @cached_property
    def result(self) -> dict[str, Any]:
        return json.loads((self.folder / "result.json").read_text())

    @cached_property
    def junit(self) -> ET.Element:
        return ET.parse(self.folder / "junit.xml").getroot()

    @cached_property
    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "slices.jsonl").read_text().splitlines()]

    def summary(self, name: str, timer: str = "", part: str = "load") -> dict[str, Any]:
        """What the judged time says of one request, which must be that of one flow; one that saw nothing has n 0."""
        found = [s for s in self.result["summaries"] if s["key"][:4] == [name, timer, [], part]]
        assert len(found) <= 1, f"{name} belongs to several flows: {[s['key'] for s in found]}"
        return found[0] if found else {"n": 0, "failed": 0, "unavailable": 0, "errors": {}}

    def slices(self, part: str = "load") -> list[dict[str, Any]]:
        """All slices of all seconds, the ones that are not judged included."""
        seconds = [line for line in self.log if line["type"] == "second"]
        return [piece for line in seconds for piece in line["slices"] if piece["key"][3] == part]

    def errors(self) -> Counter[str]:
        """Error kinds over the judged time, all requests together."""
        found: Counter[str] = Counter()
        for summary in self.result["summaries"]:
            if summary["key"][1] in ("", "wait") and summary["key"][3] == "load":
                found.update(summary["errors"])
        return found

    def case(self, name: str) -> ET.Element:
        """The one case of that name in the JUnit file."""
        (found,) = [case for case in self.junit.iter("testcase") if case.get("name") == name]
        return found

    def verdict(self, threshold: str) -> dict[str, Any]:
        (found,) = [v for v in self.result["verdicts"] if v["threshold"] == threshold]
        return found


@dataclass
class Begun:
    """A call of the command line that is under way."""

    process: subprocess.Popen[str]
    folder: Path
    begun: float

    def seconds_logged(self) -> int:
        try:
            lines = (self.folder / "slices.jsonl").read_text().splitlines()
        except FileNotFoundError:
            return 0
        return sum('"type":"second"' in line for line in lines)

    def wait_for_seconds(self, wanted: int) -> None:
        """Until that many seconds of load are in the log."""
        self.wait_until(lambda: self.seconds_logged() >= wanted, f"{wanted} s in the log")

    def wait_for_the_end(self) -> None:
        """Until the end of the run is in the log."""
        log = self.folder / "slices.jsonl"
        self.wait_until(lambda: log.exists() and '"type":"end"' in log.read_text(), "the end in the log")

    def wait_until(self, holds: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + 30
        while not holds():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                pytest.fail(f"{what} never came: {self.process.communicate()}")
            time.sleep(0.02)

    def children(self) -> list[int]:
        """Processes started by this one, and by those in turn."""
        return children_of(self.process.pid)

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self, timeout: float = LONGEST_RUN_S) -> Ended:
        try:
            out, err = self.process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            pytest.fail(f"perfspec did not end within {timeout} s: {self.process.communicate()}")
        assert "Traceback" not in out + err, out + err
        assert "bug in perfspec" not in out + err, out + err
        return Ended(self.process.returncode, out, err, self.folder, time.monotonic() - self.begun)


def children_of(pid: int) -> list[int]:
    try:
        direct = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []
    return [*direct, *(deeper for child in direct for deeper in children_of(child))]


class Perfspec:
    """Calls the command line in the folder of a spec."""

    def __init__(self) -> None:
        self.processes: list[subprocess.Popen[str]] = []

    def __call__(self, folder: Path, *options: str, timeout: float = LONGEST_RUN_S, **more: str) -> Ended:
        """`perfspec run` on the folder's spec; the run folder is `out`."""
        return self.begin(folder, *options, **more).end(timeout)

    def begin(self, folder: Path, *options: str, **more: str) -> Begun:
        return self.begin_command(folder, "run", SPEC, "--out", "out", *options, **more)

    def command(self, folder: Path, *words: str, **more: str) -> Ended:
        return self.begin_command(folder, *words, **more).end()

    def begin_command(self, folder: Path, *words: str, **more: str) -> Begun:
        """`more`: environment variables."""
        process = subprocess.Popen(
            [sys.executable, "-m", "perfspec", *words],
            cwd=folder,
            env=surroundings() | more,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        return Begun(process, folder / "out", time.monotonic())


def surroundings() -> dict[str, str]:
    """The environment variables of this process without those that would change what a spec means."""
    return {name: value for name, value in os.environ.items() if name not in ("SEARCH_API_KEY", "COLUMNS", "LINES")}


class Service:
    """The reference service as a process of its own, which can die and come back at the same address."""

    def __init__(self, port: int, options: tuple[str, ...]) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._options = options
        self._process: subprocess.Popen[str] | None = None

    def begin(self) -> None:
        command = [sys.executable, str(COUNTING), "search", "--port", str(self.port), *self._options]
        self._process = subprocess.Popen(command, env=surroundings(), stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert "is listening on" in self._process.stdout.readline()

    def kill(self) -> None:
        """As `kill -9`: no answer is finished, every connection is gone."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def ask(self, method: str, path: str, **options: Any) -> Any:
        headers = {"Authorization": "Bearer perf-local-key"}
        with httpx.Client(base_url=self.url, trust_env=False, headers=headers) as client:
            return client.request(method, path, **options).json()

    def counts(self) -> dict[str, int]:
        """What came in: `GET suggest` -> how often."""
        return self.ask("GET", "/counts")


@pytest.fixture(scope="session")
def perfspec() -> Iterator[Perfspec]:
    cli = Perfspec()
    yield cli
    for process in cli.processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def serving() -> Callable[[BaseServer], Any]:
    """`with serving(server):` it answers, from a thread of its own."""

    @contextmanager
    def run(server: BaseServer) -> Iterator[None]:
        thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    return run


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """Ports below those that connections get, so that none is taken before the service listens."""
    given: set[int] = set()
    draw = random.SystemRandom()

    def find() -> int:
        while True:
            port = draw.randrange(20_000, 30_000)
            with socket.socket() as probe:
                if port not in given and probe.connect_ex(("127.0.0.1", port)) != 0:
                    given.add(port)
                    return port

    return find


@pytest.fixture(scope="session")
def service(free_port) -> Callable[..., Any]:
    """`with service("--errors", "5%") as search`: a reference service that is up."""

    @contextmanager
    def serve(*options: str) -> Iterator[Service]:
        search = Service(free_port(), options)
        try:
            search.begin()
            yield search
        finally:
            search.kill()

    return serve


@pytest.fixture(scope="session")
def healthy(service) -> Iterator[Service]:
    """A reference service without faults, for all tests that leave it as it is."""
    with service() as search:
        yield search


@pytest.fixture(scope="session")
def search_spec() -> Callable[..., Path]:
    """A copy of specs/search.yaml and what it includes, for another address, short, and with wide limits.

    `edits` are (old, new) in its text or in that of the suite; each must fit in exactly one place. `start` is the start
    command of the environment.
    """

    def write(
        folder: Path, url: str, *edits: tuple[str, str], seconds: int = 4, users: str = "ramp 3 to 8", start: str = ""
    ) -> Path:
        folder.mkdir(exist_ok=True)
        for name in ("specs", "fixtures"):
            shutil.copytree(ROOT / name, folder / name)
        begin = f"start: {{command: {start}, ready: /health, within: 30s}}" if start else "ready: /ready"
        environments = f"environments:\n  local: {{url: {url}, {begin}}}\nsecrets:"
        path = folder / SPEC
        text, count = re.subn(
            r"^environments:.*?^secrets:", environments, path.read_text(), flags=re.DOTALL | re.MULTILINE
        )
        assert count == 1
        wide = [(f"at most {limit}}}", "at most 2s}") for limit in ("120ms", "200ms", "500ms")]
        before, thresholds, after = text.partition("\nthresholds:")
        table, slo, after = after.partition("\nslo:")
        for old, new in wide:
            table = replaced(table, old, new)
        path.write_text(before + thresholds + table + slo + after)
        suite = folder / "specs" / "shared" / "suite.yaml"
        suite.write_text(
            replaced(suite.read_text(), "for: 30s, users: ramp 3 to 8", f"for: {seconds}s, users: {users}")
        )
        for old, new in edits:
            at = path if old in path.read_text() else suite
            at.write_text(replaced(at.read_text(), old, new))
        return folder

    return write


def replaced(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1, f"{old!r} fits in {text.count(old)} places"
    return text.replace(old, new)


@pytest.fixture(scope="session")
def small_spec() -> Callable[[Path, str, str], Path]:
    """A spec that says only what it is about: `body` holds flows, stages and thresholds."""

    def write(folder: Path, url: str, body: str) -> Path:
        path = folder / SPEC
        path.parent.mkdir(parents=True)
        head = (
            "perfspec: 1\nservice: search\nrandom_seed: 4107\n"
            f"environments: {{local: {{url: {url}}}}}\n"
            "secrets: {api_key: {from_env: SEARCH_API_KEY, when_local: perf-local-key}}\n"
            "defaults: {auth: 'bearer ${secret.api_key}', timeout: 2s}\n"
        )
        path.write_text(head + body)
        return folder

    return write


@pytest.fixture(scope="session")
def line_of() -> Callable[[Path, str], int]:
    """The line of the folder's spec that holds a text; there must be one."""

    def find(folder: Path, text: str) -> int:
        lines = [n for n, line in enumerate((folder / SPEC).read_text().splitlines(), 1) if text in line]
        assert len(lines) == 1, f"{text!r} is on the lines {lines}"
        return lines[0]

    return find


class Together(Mapping[str, Any]):
    """Results by name; a scenario that failed fails those tests only that ask for it."""

    def __init__(self, futures: dict[str, Future[Any]]) -> None:
        self._futures = futures

    def __getitem__(self, name: str) -> Any:
        error = self._futures[name].exception()
        if error is not None:
            raise AssertionError(f"the scenario {name} failed") from error
        return self._futures[name].result()

    def __iter__(self) -> Iterator[str]:
        return iter(self._futures)

    def __len__(self) -> int:
        return len(self._futures)


@pytest.fixture(scope="session")
def together() -> Iterator[Callable[..., Together]]:
    """Run scenarios side by side: `together(passing=run_passing, failing=run_failing)["failing"]`.

    Only who asks for a result waits; tests that need none of them go on meanwhile.
    """
    with ThreadPoolExecutor(32) as pool:
        yield lambda **scenarios: Together({name: pool.submit(scenario) for name, scenario in scenarios.items()})


@pytest.fixture(scope="session")
def new_folder(tmp_path_factory) -> Callable[[str], Path]:
    """A temporary folder of that name, also for scenarios that run side by side."""
    lock = Lock()

    def make(name: str) -> Path:
        with lock:
            return tmp_path_factory.mktemp(name)

    return make


@pytest.fixture(scope="session")
def is_alive() -> Callable[[int], bool]:
    """Does the process still run? One that has ended and was not yet waited for does not."""

    def ask(pid: int) -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
        except FileNotFoundError:
            return False

    return ask


@pytest.fixture(scope="session")
def all_gone(is_alive) -> Callable[..., bool]:
    """None of the processes is left, and nobody listens on the port; after a moment, if need be."""

    def ask(pids: list[int], port: int, within: float = 3.0) -> bool:
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if not any(map(is_alive, pids)) and probe.connect_ex(("127.0.0.1", port)) != 0:
                    return True
            time.sleep(0.05)
        return False

    return ask
