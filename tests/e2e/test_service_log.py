"""What a service that was started says is in the run folder, and never with a secret: neither while it runs nor after a
death that nobody could do anything about.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

KEY, TOKEN = "key-of-the-shop", "token-of-setup"
SERVICE = f"""
import os, signal, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

key = os.environ["SHOP_KEY"]

class Shop(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = b'{{"token": "{TOKEN}"}}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        print(self.path, key, "{TOKEN}" if self.path != "/health" else "", flush=True)

    def log_message(self, *_):
        pass

def end(*_):
    print("ends", key, "{TOKEN}", end="", flush=True)
    os._exit(0)

signal.signal(signal.SIGTERM, end)
print("begins", key, flush=True)
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Shop).serve_forever()
"""
SPEC = """perfspec: 1
service: shop
environments:
  local:
    url: http://127.0.0.1:{port}
    start: {{command: '"{python}" service.py {port}', ready: /health, within: 30s}}
secrets: {{key: SHOP_KEY}}
defaults: {{headers: {{X-Key: "${{secret.key}}"}}}}
setup: [{{get: /login, capture: {{token: secret $.token}}}}]
flows: {{look: {{steps: [{{get: /, name: home, headers: {{X-Token: "${{token}}"}}}}, {{pause: 100ms}}]}}}}
stages: {{smoke: {{phases: [{{for: 3s, users: 1}}]}}}}
thresholds: {{home: {{errors: under 1%}}}}
"""


@pytest.fixture
def begun(tmp_path, free_port) -> Iterator[subprocess.Popen[str]]:
    """A run whose load has begun."""
    (tmp_path / "service.py").write_text(SERVICE)
    (tmp_path / "shop.yaml").write_text(SPEC.format(port=free_port(), python=sys.executable))
    argv = [sys.executable, "-m", "perfspec", "run", "shop.yaml", "--out", "out"]
    with subprocess.Popen(
        argv,
        cwd=tmp_path,
        env={**os.environ, "SHOP_KEY": KEY},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        log = tmp_path / "out" / "slices.jsonl"
        until = time.monotonic() + 30
        while not log.is_file() or log.read_bytes().count(b"\n") < 3:
            assert process.poll() is None, process.stdout.read() if process.stdout else ""
            assert time.monotonic() < until
            time.sleep(0.05)
        yield process
        process.kill()


def holding(folder: Path, text: str) -> list[str]:
    return [path.name for path in folder.iterdir() if text.encode() in path.read_bytes()]


def test_a_service_says_everything_but_its_secrets(tmp_path, begun) -> None:
    out, _ = begun.communicate(timeout=60)
    assert begun.returncode == 0, out
    said = (tmp_path / "out" / "service.log").read_text().splitlines()
    assert said[0] == "begins ***"
    assert "/login *** ***" in said
    assert said.count("/ *** ***") > 10
    assert said[-1] == "ends *** ***"
    assert holding(tmp_path / "out", KEY) == holding(tmp_path / "out", TOKEN) == []


def test_a_death_leaves_no_secret_behind(tmp_path, begun) -> None:
    assert holding(tmp_path / "out", KEY) == []
    begun.send_signal(signal.SIGKILL)
    begun.wait(30)
    assert holding(tmp_path / "out", KEY) == holding(tmp_path / "out", TOKEN) == []
    assert (tmp_path / "out" / "service.log").read_text().startswith("begins ***\n/health ***")
