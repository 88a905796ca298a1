"""What a service told in confidence, in setup or in a round, is in no file and on no screen, whatever fails with it."""

import itertools
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

TOKEN = "cookie-jar"
SIGN_IN = "{get: /login, name: login, capture: {token: secret $.token}}"
STAGE = "stages: {smoke: {phases: [{for: 2s, users: 2}]}}\nthresholds: {all: {count: at least 1}}\n"
FAILS = f"""flows:
  elsewhere: {{steps: [{SIGN_IN}, {{get: "${{token}}", name: no-path}}, {{pause: 50ms}}]}}
  around: {{steps: [{SIGN_IN}, {{get: "/loop?at=${{token}}", name: loop}}, {{pause: 50ms}}]}}
  broken: {{steps: [{SIGN_IN}, {{get: /, name: look, expect: {{$.x: "${{token}}"}}}}, {{pause: 50ms}}]}}
{STAGE}"""
SETUP = f"""setup: [{SIGN_IN}, {{get: "${{token}}", name: no-path}}]
flows: {{one: {{steps: [{{get: /, name: look}}]}}}}
{STAGE}"""
NAMED = f"""setup: [{SIGN_IN}]
flows: {{one: {{steps: [{{get: "${{token}}", name: no-path}}, {{pause: 50ms}}]}}}}
{STAGE}"""


class Service(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    numbers = itertools.count(1)

    def do_GET(self) -> None:
        body = b"{}"
        if self.path == "/login":
            body = f'{{"token": "{TOKEN}-{next(self.numbers)}"}}'.encode()
        self.send_response(302 if self.path.startswith("/loop") else 200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Location", self.path)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def url(serving) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    with serving(server):
        yield f"http://127.0.0.1:{server.server_port}"


def assert_kept(ended) -> None:
    assert TOKEN not in ended.out + ended.err
    files = [path for path in ended.folder.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"slices.jsonl"}
    assert [path.name for path in files if TOKEN in path.read_text()] == []


@pytest.mark.parametrize("workers", ["1", "2"])
def test_what_a_round_was_told_stays_in_its_requests(new_folder, perfspec, small_spec, url, workers: str) -> None:
    ended = perfspec(small_spec(new_folder("rounds"), url, FAILS), "--workers", workers)
    assert {"no path", "redirect loop"} < set(ended.errors())
    notes = " ".join(ended.result["notes"])
    assert "no path: no-path (specs/search.yaml:8): `***` is no path" in notes
    assert "then one to /loop?at=***" in notes
    assert_kept(ended)


def test_what_setup_was_told_stays_in_its_requests(new_folder, perfspec, small_spec, url) -> None:
    ended = perfspec(small_spec(new_folder("named"), url, NAMED))
    assert "no path: no-path (specs/search.yaml:8): `***` is no path" in " ".join(ended.result["notes"])
    assert_kept(ended)


def test_a_setup_that_fails_says_why_and_not_with_what(new_folder, perfspec, small_spec, url) -> None:
    ended = perfspec(small_spec(new_folder("setup"), url, SETUP))
    assert ended.code == 4
    assert "setup failed: no path: no-path (specs/search.yaml:7): `***` is no path" in " ".join(ended.err.split())
    assert_kept(ended)
