"""`perfspec slo status` against an answer of which every digit is known."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from urllib.parse import parse_qs

import pytest

SPEC = """\
perfspec: 1
service: {service}
environments: {{local: {{url: "http://h"}}}}
flows: {{f: {{steps: [{{get: /, name: look}}]}}}}
stages: {{smoke: {{phases: [{{name: a, for: 30s, users: 3}}]}}}}
thresholds: {{look: {{errors: under 1%}}}}
slo:
  availability: at least 99.9%
  when_budget_spent: {{50%: look, 80%: freeze, 100%: stop}}
"""
NAMES = "  prometheus: {total: all_requests, errors: bad_requests}\n"


@pytest.fixture
def prometheus():
    """Counts 1 000 000 requests, and as many bad ones as `bad` says; or answers with `document`."""

    class Server(HTTPServer):
        bad: str = "0"
        document: bytes | None = None
        status = 200

    class Handler(BaseHTTPRequestHandler):
        server: Server

        def do_POST(self) -> None:
            (query,) = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())["query"]
            value = self.server.bad if "bad_requests" in query else "1000000"
            result = [{"metric": {}, "value": [0, value]}] if value else []
            said = {"status": "success", "data": {"resultType": "vector", "result": result}}
            self.send_response(self.server.status)
            self.end_headers()
            self.wfile.write(self.server.document or json.dumps(said).encode())

        def log_message(self, *_: object) -> None:
            pass

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def status(call, prometheus, tmp_path):
    (tmp_path / "shop.yaml").write_text(SPEC.format(service="shop") + NAMES)
    url = f"http://127.0.0.1:{prometheus.server_port}/"
    return lambda *words: call("slo", "status", "shop.yaml", "--prometheus", url, *words)


@pytest.mark.parametrize(
    ("bad", "words", "code", "row"),
    [
        ("0", (), 0, "0%  43.2 minutes  nothing: the budget is there"),
        ("799", (), 0, "79.9%  8.6 minutes  look"),
        ("800", (), 0, "80%  8.6 minutes  freeze"),
        ("799", ("--freeze-at", "80%"), 0, "79.9%  8.6 minutes  look"),
        ("800", ("--freeze-at", "80%"), 1, "80%  8.6 minutes  freeze"),
        ("999.9", (), 0, "99.9%  0 minutes  freeze"),
        ("1000", (), 1, "100%  0 minutes  stop"),
        ("NaN", (), 3, "-  -  not known: its errors are not counted"),
        ("", (), 3, "-  -  not known: its errors are not counted"),
    ],
)
def test_the_gate(status, prometheus, bad, words, code, row) -> None:
    prometheus.bad = bad
    asked = status(*words)
    assert asked.exit_code == code
    line = " ".join(asked.output.splitlines()[1].split())
    assert line == " ".join(f"shop availability {row}".split())


@pytest.mark.parametrize(
    ("status_code", "document", "said"),
    [
        (503, b"down", "without JSON"),
        (200, b"[]", "answered 200"),
        (422, b'{"status": "error", "error": "too many samples"}', "answered 422: too many samples"),
        (200, b'{"status": "success", "data": {"result": [{}]}}', "something else than numbers"),
    ],
)
def test_what_is_no_answer_is_no_success(status, prometheus, status_code, document, said) -> None:
    prometheus.status, prometheus.document = status_code, document
    refused = status()
    assert refused.exception.exit_code == 4
    assert said in refused.exception.message


@pytest.mark.parametrize("share", ["0%", "101%", "80", "much"])
def test_a_gate_closes_between_nothing_and_all(status, share) -> None:
    refused = status("--freeze-at", share)
    assert refused.exception.exit_code == 2


@pytest.mark.parametrize("url", ["127.0.0.1:9090", "ftp://127.0.0.1", "http://", "http://h:x", "prometheus"])
def test_an_address_is_whole(call, tmp_path, url) -> None:
    (tmp_path / "shop.yaml").write_text(SPEC.format(service="shop") + NAMES)
    refused = call("slo", "status", "shop.yaml", "--prometheus", url)
    assert refused.exception.exit_code == 2


def test_what_cannot_be_asked_is_not_green(call, prometheus, tmp_path) -> None:
    (tmp_path / "a.yaml").write_text(SPEC.format(service="shop") + NAMES)
    (tmp_path / "b.yaml").write_text(SPEC.format(service="other"))
    url = f"http://127.0.0.1:{prometheus.server_port}"
    asked = call("slo", "status", "a.yaml", "b.yaml", "--prometheus", url)
    assert asked.exit_code == 3
    assert "other: availability cannot be computed" in asked.stderr
    (tmp_path / "c.yaml").write_text(SPEC.format(service="third").partition("slo:")[0])
    assert call("slo", "status", "a.yaml", "c.yaml", "--prometheus", url).exit_code == 3
