"""A real Prometheus and its promtool, as Debian installs them (`.ci/setup`), and a stand-in for a Pushgateway."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).parents[3]
PATIENCE_S = 30
EVERY = "500ms"


def _wait_until(holds: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > deadline:
            pytest.fail(f"{what} did not happen within {PATIENCE_S} s")
        time.sleep(0.1)


class Prometheus:
    def __init__(self, program: str, port: int, folder: Path) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._program, self._folder = program, folder
        self._process: subprocess.Popen[bytes] | None = None

    def begin(self, targets: Mapping[str, Sequence[str]], rules: str, renamed: Sequence[str] = ()) -> None:
        """`targets`: job -> addresses; in `renamed`, services are called as their job.

        What is computed seldom is computed all the time here.
        """
        jobs = [
            {
                "job_name": job,
                "honor_labels": True,
                "static_configs": [{"targets": list(addresses)}],
                "metric_relabel_configs": [{"target_label": "service", "replacement": job}] * (job in renamed),
            }
            for job, addresses in targets.items()
        ]
        (self._folder / "rules.yml").write_text(rules.replace("interval: 1m", "interval: 1s"))
        config = {
            "global": {"scrape_interval": EVERY, "scrape_timeout": EVERY, "evaluation_interval": "1s"},
            "rule_files": ["rules.yml"],
            "scrape_configs": jobs,
        }
        (self._folder / "prometheus.yml").write_text(json.dumps(config))
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    self._program,
                    f"--config.file={self._folder}/prometheus.yml",
                    f"--storage.tsdb.path={self._folder}/data",
                    f"--web.listen-address={self.url.removeprefix('http://')}",
                ],
                stdout=log,
                stderr=log,
            )
        _wait_until(self._is_ready, f"Prometheus being ready ({self._folder}/log)")

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/-/ready", trust_env=False).is_success
        except httpx.HTTPError:
            return False

    def end(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    def _ask(self, path: str, **parameters: str) -> Any:
        answer = httpx.get(f"{self.url}/api/v1/{path}", params=parameters, trust_env=False, timeout=30).json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def now(self, query: str) -> list[dict[str, Any]]:
        return self._ask("query", query=query)["result"]

    def over(self, query: str, begin: float, end: float) -> list[dict[str, Any]]:
        """As a chart asks."""
        return self._ask("query_range", query=query, start=str(begin), end=str(end), step="0.5")["result"]

    def samples(self, selector: str) -> list[float]:
        """Every value that was seen in the last ten minutes, of the one series."""
        (series,) = self.now(f"{selector}[10m]")
        return [float(value) for _, value in series["values"]]

    def firing(self) -> set[tuple[str, str]]:
        """Name and service of every alert that is."""
        alerts = self._ask("alerts")["alerts"]
        return {(a["labels"]["alertname"], a["labels"]["service"]) for a in alerts if a["state"] == "firing"}


class Gateway:
    """Keeps the last text that was put at each path and shows all of them, as a Pushgateway does."""

    def __init__(self) -> None:
        kept: dict[str, bytes] = {}
        self.kept = kept
        self.refuses = False
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                kept[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(500 if gateway.refuses else 200)
                self.end_headers()

            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"".join(kept.values()))

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_port}"
        Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()

    def end(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="session")
def wait_until() -> Callable[[Callable[[], object], str], None]:
    return _wait_until


@pytest.fixture(scope="session")
def prometheus(not_checked_here, free_port, new_folder) -> Iterator[Prometheus]:
    """Not yet begun: `prometheus.begin(targets, rules)`."""
    program = shutil.which("prometheus") or not_checked_here("prometheus is missing")
    server = Prometheus(program, free_port(), new_folder("prometheus"))
    yield server
    server.end()


@pytest.fixture(scope="session")
def gateway() -> Iterator[Gateway]:
    server = Gateway()
    yield server
    server.end()


@pytest.fixture(scope="session")
def promtool(not_checked_here) -> Callable[..., str]:
    """What promtool says to a call that succeeds."""
    program = shutil.which("promtool") or not_checked_here("promtool is missing")

    def run(*words: str, stdin: str | None = None) -> str:
        done = subprocess.run([program, *words], input=stdin, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


@pytest.fixture(scope="session")
def slo() -> Callable[..., str]:
    """What `perfspec slo ...` prints; it must succeed."""

    def run(*words: str) -> str:
        command = [sys.executable, "-m", "perfspec", "slo", *words]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="session")
def shipped_rules(slo, tmp_path_factory) -> Path:
    """The rules of the specs that ship."""
    path = tmp_path_factory.mktemp("rules") / "slo.yml"
    path.write_text(slo("rules", "specs"))
    return path
