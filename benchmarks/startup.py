"""What it costs to begin: CPU from `perfspec run` to the first request of a spec with one request.

A listener in this process takes the first byte that a run sends, and reads at that instant how long all threads of the
run have been on a core (/proc/PID/task/*/schedstat). A bare interpreter is measured the same way beside each run. What
Python compiles is kept, as it is wherever perfspec is installed; the first run, which compiles, is not counted.
"""

import argparse
import os
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from reactor_floor import line

GOAL_MS, DREAM_MS = 500, 350
SPEC = """
perfspec: 1
service: first
environments:
  here: {{url: http://127.0.0.1:{port}}}
flows:
  first:
    weight: 100
    steps: [{{get: /, name: first}}]
stages:
  smoke:
    phases: [{{name: steady, for: 1s, users: 1}}]
thresholds:
  first: {{p95: at most 500ms}}
"""
BARE = "import socket; s = socket.create_connection(('127.0.0.1', {port})); s.sendall(b'GET'); s.recv(1)"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


def first_that_asks(listener: socket.socket) -> socket.socket:
    """The first connection that sends something; a run looks whether anybody listens before it does."""
    while True:
        connection = listener.accept()[0]
        if connection.recv(1):
            return connection
        connection.close()


def forget_the_rest(listener: socket.socket) -> None:
    """What a program that is gone has still asked must not be taken for the first request of the next one."""
    listener.setblocking(False)
    with suppress(BlockingIOError):
        while True:
            listener.accept()[0].close()


def cpu_until_first_request(argv: list[str], listener: socket.socket, folder: str) -> float:
    """CPU time in ms of all threads of a program until its first byte is here; the program is ended."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(Path(folder, "compiled"))
    with (
        Path(folder, "out.txt").open("w") as out,
        subprocess.Popen(argv, cwd=folder, env=environment, stdout=out, stderr=subprocess.STDOUT) as program,
    ):
        listener.settimeout(30)
        with first_that_asks(listener) as connection:
            on_core_ns = [
                int(path.read_text().split()[0]) for path in Path(f"/proc/{program.pid}/task").glob("*/schedstat")
            ]
            connection.sendall(ANSWER)
        program.terminate()
    forget_the_rest(listener)
    return sum(on_core_ns) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    if not Path("/proc/self/schedstat").exists():
        print("not checked here: no /proc/PID/schedstat on this system")
        return
    bare, own = [], []
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        Path(folder, "first.yaml").write_text(SPEC.format(port=port))
        run = [sys.executable, "-m", "perfspec", "run", "first.yaml", "--quiet"]
        cpu_until_first_request(run, listener, folder)
        for _ in range(options.rounds):
            bare.append(cpu_until_first_request([sys.executable, "-c", BARE.format(port=port)], listener, folder))
            own.append(cpu_until_first_request(run, listener, folder))
    print(line("bare Python", bare, "ms CPU"))
    print(line("perfspec run", own, f"ms CPU (goal {GOAL_MS}, dream {DREAM_MS})"))


if __name__ == "__main__":
    main()
