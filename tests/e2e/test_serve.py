"""`perfspec serve` as a real process: it says when it listens, answers, and goes when told to."""

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
VARIABLES = ("SEARCH_API_KEY", "GATEWAY_API_KEY", "ASSESSMENT_TEST_PASSWORD", "DATABASE_URL", "REDIS_URL", "SEARCH_URL")
KEY = {"Authorization": "Bearer perf-local-key"}
# What the command line's main does with an error that is meant for the user.
PROGRAM = """
import sys
from perfspec.base.errors import PerfspecError
from perfspec.cli.serve import serve
try:
    serve()
except PerfspecError as error:
    print(error.message, file=sys.stderr)
    sys.exit(error.exit_code)
"""
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start() -> Iterator[Start]:
    processes = []

    def begin(*arguments: str, **more: str) -> subprocess.Popen[str]:
        environment = more | {name: value for name, value in os.environ.items() if name not in VARIABLES}
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *arguments],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield begin
    for process in processes:
        process.kill()
        process.communicate()


def address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    assert process.stderr is not None
    line = process.stdout.readline()
    match = re.fullmatch(r"\w+ is listening on (http://127\.0\.0\.1:\d+) \(seed 7\)\n", line)
    assert match, line or process.stderr.read()
    return match[1]


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_the_service_says_where_it_listens_answers_and_stops_quietly(start: Start, signal_number: int) -> None:
    process = start("search", "--port", "0", "--seed", "7")
    url = address(process)
    with httpx.Client(base_url=url, trust_env=False) as client:
        assert client.get("/health").json() == {"status": "ok", "service": "search"}
        assert client.get("/ready").status_code == 200
        assert client.get("/v1/query?q=m%C3%A9t%C3%A9o+demain", headers=KEY).json()["total"] > 0
        assert client.get("/v1/query?q=tea").status_code == 401
        process.send_signal(signal_number)  # with a connection still open
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (0, "", "")


def test_a_stalled_service_stops_as_quietly(start: Start) -> None:
    process = start("search", "--port", "0", "--seed", "7", "--stall", "0s:1h")
    url = address(process)
    with httpx.Client(base_url=url, trust_env=False, timeout=0.3) as client:
        assert client.get("/ready").status_code == 503
        with pytest.raises(httpx.ReadTimeout):
            client.get("/v1/suggest?q=we", headers=KEY)
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as waiting:
        waiting.sendall(b"GET /v1/suggest?q=we HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer perf-local-key\r\n\r\n")
        assert httpx.get(f"{url}/health", trust_env=False).status_code == 200
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (0, "", "")


def test_a_port_in_use_is_one_sentence_and_exit_code_4(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        process = start("search", "--port", str(port))
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (4, "", f"port {port} on 127.0.0.1 is already in use\n")


def test_all_of_them_are_served_by_one_process(start: Start) -> None:
    process = start("all", "--port", "0", "--seed", "7")
    urls = [address(process) for _ in range(3)]
    for url, service in zip(urls, ("gateway", "assessment", "search"), strict=True):
        assert httpx.get(f"{url}/health", trust_env=False).json() == {"status": "ok", "service": service}
        assert httpx.get(f"{url}/ready", trust_env=False).status_code == 200
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (0, "", "")


def test_a_connection_is_broken_on_request(start: Start) -> None:
    process = start("search", "--port", "0", "--seed", "7", "--resets", "100%", "--log")
    url = address(process)
    with pytest.raises(httpx.ReadError, match="reset by peer"):
        httpx.get(f"{url}/v1/suggest?q=we", headers=KEY, trust_env=False)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (0, "")
    assert '"code":"reset"' in out


def test_a_service_that_cannot_start_says_why(start: Start, tmp_path: Path) -> None:
    newer = tmp_path / "newer.db"
    with sqlite3.connect(newer) as connection:
        connection.executescript("CREATE TABLE schema_version (step INTEGER); INSERT INTO schema_version VALUES (99)")
    process = start("all", "--port", "0", DATABASE_URL=f"sqlite:///{newer}")
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out) == (4, "")
    assert err == "the database is at step 99 of its tables; this version knows 2\n"


def test_a_stream_comes_piece_by_piece(start: Start) -> None:
    url = address(start("gateway", "--port", "0", "--seed", "7", "--slow-bodies", "generate=500ms"))
    asked = {"model": "gpt-3.5", "prompt": "tell me more", "stream": True}
    chunks, times = [], []
    with httpx.stream("POST", f"{url}/v1/generate", headers=KEY, json=asked, trust_env=False) as answer:
        for chunk in answer.iter_text():
            chunks.append(chunk)
            times.append(time.monotonic())
    assert chunks[-1].endswith("data: [DONE]\n\n")
    assert len(times) > 5
    assert times[-1] - times[0] > 0.4
