"""`perfspec serve search` as a real process: it says when it listens, answers, and goes when told to."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
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

    def begin(*arguments: str) -> subprocess.Popen[str]:
        environment = {name: value for name, value in os.environ.items() if name != "SEARCH_API_KEY"}
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, "search", *arguments],
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
    match = re.fullmatch(r"search is listening on (http://127\.0\.0\.1:\d+) \(seed 7\)\n", line)
    assert match, line or process.stderr.read()
    return match[1]


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_the_service_says_where_it_listens_answers_and_stops_quietly(start: Start, signal_number: int) -> None:
    process = start("--port", "0", "--seed", "7")
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
    process = start("--port", "0", "--seed", "7", "--stall", "0s:1h")
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
        process = start("--port", str(port))
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (4, "", f"port {port} on 127.0.0.1 is already in use\n")
