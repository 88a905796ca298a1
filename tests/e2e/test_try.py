"""`perfspec new`, then `perfspec try`, against the reference service: everything is printed, and no secret is."""

import re
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

PROGRAM = Path(sys.executable).with_name("perfspec")
SPEC = """perfspec: 1
service: search
environments:
  local: {{url: "{url}"}}
  guarded: {{url: "{url}", confirm: it is in use, stages: []}}
  nowhere: {{url: "http://127.0.0.1:9"}}
  unknown: {{url: "http://shop.invalid", ready: {{get: /ready, within: 50s}}}}
secrets: {{api_key: {{from_env: TRY_KEY, when_local: perf-local-key}}}}
defaults: {{auth: "bearer ${{secret.api_key}}"}}
flows:
  look:
    weight: 0
    steps:
      - get: /v1/suggest?q=we
        name: suggest
        expect: {{status: 200, $.suggestions: not empty}}
        capture: {{language: secret $.language, first: "$.suggestions[0]"}}
      - pause: 1h
      - get: /v1/query?q=${{first}}
        name: query
  wrong:
    steps:
      - parallel: both
        steps:
          - get: /v1/suggest?q=we
            name: suggest
            expect: {{$.suggestions: empty, $.language: present}}
          - {{get: /nothing, name: nothing}}
  index:
    steps:
      - {{post: /v1/index, name: index, json: {{title: a, body: b, source: c}}, capture: {{job: $.job_id}}}}
      - {{get: "/v1/index/jobs/${{job}}", name: job, until: {{$.state: indexed}}, every: 100ms, give_up_after: 9s}}
thresholds: {{all: {{errors: under 1%}}}}
"""
STREAMED = """perfspec: 1
service: gateway
environments:
  local:
    url: http://127.0.0.1:PORT
    start: {command: PROGRAM serve gateway --port PORT, ready: /health, within: 30s}
secrets: {api_key: {from_env: TRY_GATEWAY_KEY, when_local: perf-local-key}}
defaults: {auth: "bearer ${secret.api_key}"}
flows:
  streamed:
    steps:
      - post: /v1/generate
        name: generate-stream
        json: {model: gpt-4, prompt: hello, stream: true}
        stream: {ends_with: "[DONE]"}
        expect: {status: 200, events: at least 2}
  too-short:
    steps:
      - post: /v1/generate
        name: too-short
        json: {model: gpt-4, prompt: hello, stream: true}
        stream: {ends_with: "[OVER]"}
        expect: {events: at least 1000}
thresholds: {all: {errors: under 1%}}
"""


@pytest.fixture(scope="module")
def tried(service, tmp_path_factory):
    """A call of `perfspec try` with a spec of three flows."""
    folder = tmp_path_factory.mktemp("try")
    with service() as search:
        (folder / "a.yaml").write_text(SPEC.format(url=search.url))

        def run(*arguments: str) -> subprocess.CompletedProcess[str]:
            command = [PROGRAM, "try", "a.yaml", *arguments]
            return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)

        run.url, run.folder = search.url, folder  # type: ignore[attr-defined]
        yield run


def test_a_round_is_printed_with_all_that_is_sent_answered_and_looked_at(tried):
    ended = tried("--only", "look")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    out = ended.stdout
    assert "=== flow look\n" in out
    assert out.endswith("=== flow look: ok\n\nPASS  all as expected: flow look\n")
    assert "> GET /v1/suggest?q=we HTTP/1.1\n" in out
    assert "< 200 after " in out
    assert "  ok    expect status 200\n  ok    expect $.suggestions not empty\n" in out
    assert '  ok    capture first = "' in out
    assert out.index("--- suggest") < out.index("--- query")


def test_secrets_are_masked_also_those_that_were_captured(tried):
    out = tried("--only", "look").stdout
    assert "perf-local-key" not in out
    assert "> Authorization: Bearer ***\n" in out
    assert '  ok    capture language = "***"\n' in out


def test_everything_that_is_wrong_is_said(tried):
    ended = tried("--only", "wrong")
    assert ended.returncode == 1
    assert "  FAIL  expect $.suggestions empty\n" in ended.stdout
    assert "  ok    expect $.language present\n" in ended.stdout
    assert "< 404 after " in ended.stdout
    assert "  FAIL  expect status below 400\n" in ended.stdout
    assert "=== flow wrong: ok" not in ended.stdout
    assert ended.stdout.splitlines()[-1].startswith("FAIL  1 of 1 not as expected: flow wrong: ")


def test_a_wait_shows_every_poll(tried):
    ended = tried("--only", "index")
    assert ended.returncode == 0, ended.stdout
    assert '> {\n>   "title": "a",\n>   "body": "b",\n>   "source": "c"\n> }\n' in ended.stdout
    assert ended.stdout.count("  ok    until $.state indexed\n") == 1


def test_all_flows_are_tried_whatever_their_weight(tried):
    ended = tried()
    assert [f"=== flow {name}\n" in ended.stdout for name in ("look", "wrong", "index")] == [True] * 3
    assert ended.returncode == 1


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--only", "lok"), 2, "has no flow `lok`"),
        (("--env", "nowhere"), 4, "nothing answers at"),
        (("--env", "guarded"), 4, "has to be confirmed"),
        (("--env", "none"), 2, "no environment `none`"),
    ],
)
def test_what_cannot_be_tried_is_said(tried, arguments, code, said):
    ended = tried(*arguments)
    assert (ended.returncode, said in ended.stdout + ended.stderr) == (code, True), ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_unknown_host_is_not_waited_for(tried, monkeypatch):
    monkeypatch.setenv("TRY_KEY", "perf-local-key")
    ended = tried("--env", "unknown")  # it would be asked for 50 seconds
    assert (ended.returncode, ended.stdout) == (4, "")
    assert "the name `shop.invalid` has no address" in ended.stderr


def test_a_guarded_environment_is_tried_once_it_is_confirmed(tried):
    assert tried("--env", "guarded", "--yes", "--only", "look").returncode == 0


def test_a_new_spec_can_be_tried_at_once(tried):
    command = [PROGRAM, "new", tried.url, "--get", "/health", "--out", "new.yaml"]
    subprocess.run(command, cwd=tried.folder, capture_output=True, check=True)
    command = [PROGRAM, "try", "new.yaml"]
    ended = subprocess.run(command, cwd=tried.folder, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "  ok    expect status 200\n" in ended.stdout


def test_a_stream_is_printed_as_it_came(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "a.yaml").write_text(STREAMED.replace("PORT", str(port)).replace("PROGRAM", str(PROGRAM)))
    command = [PROGRAM, "try", "a.yaml"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert '< data: {"id":' in ended.stdout
    whole, cut = ended.stdout.split("=== flow too-short\n")
    assert "  ok    expect status 200\n" in whole
    assert "  ok    expect a whole stream\n" in whole
    assert re.search(r"  ok    expect events at least 2 \(\d+ came\)\n", whole)
    assert "  FAIL  expect a whole stream: cut off\n" in cut
    assert re.search(r"  FAIL  expect events at least 1000 \(\d+ came\)\n", cut)


REASONS = """perfspec: 1
service: search
environments:
  local: {{url: "{url}"}}
  away: {{url: "http://127.0.0.1:{port}", ready: {{get: /ready, within: 2s}}}}
secrets: {{api_key: {{from_env: TRY_KEY, when_local: perf-local-key}}}}
defaults: {{auth: "bearer ${{secret.api_key}}"}}
{first}
flows:
  sum:
    steps:
      - {{set: {{note: "a ${{user.number}}"}}}}
      - {{get: "/v1/suggest?q=${{1 + note}}", name: sum}}
  streamed:
    steps:
      - {{get: /health, name: page, stream: {{silence: 5s}}}}
  job:
    steps:
      - get: /v1/index/jobs/none
        name: job
        until: {{$.state: indexed}}
        every: 100ms
        give_up_after: 300ms
        capture: {{next: $.next, place: header Location}}
      - {{get: "/health?a=${{next}}&b=${{place}}", name: then}}
  calm:
    steps: [{{get: /health, name: calm}}]
thresholds: {{all: {{errors: under 1%}}}}
"""


@pytest.fixture
def reasons(tried):
    def run(*arguments: str, first: str = "", port: int = 9) -> subprocess.CompletedProcess[str]:
        (tried.folder / "why.yaml").write_text(REASONS.format(url=tried.url, port=port, first=first))
        command = [PROGRAM, "try", "why.yaml", *arguments]
        return subprocess.run(command, cwd=tried.folder, capture_output=True, text=True, timeout=60, check=False)

    return run


def test_why_something_failed_is_said_where_it_failed_and_all_of_it_at_the_end(reasons):
    ended = reasons()
    out = ended.stdout
    assert "< no answer: unsendable: (why.yaml:13): a number is needed here, not a text\n" in out
    assert (
        "  FAIL  expect a whole stream: no stream, the answer is `application/json`, not `text/event-stream`\n" in out
    )
    assert "=== flow job: gave up on `job`: status 404 at last, and not `$.state indexed`\n" in out
    assert out.count("  FAIL  expect status below 400\n  again until $.state indexed\n") >= 2  # as a run counts a poll
    assert "  FAIL  capture next: nothing at `$.next`\n  FAIL  capture place: nothing at `header Location`\n" in out
    assert "=== flow calm: ok\n" in out
    last = out.splitlines()[-1]
    assert last.startswith(
        "FAIL  3 of 4 not as expected: flow sum: unsendable; flow streamed: no stream; flow job: gave up"
    )
    assert ended.returncode == 1


def test_flows_that_were_not_tried_are_said(reasons):
    first = "each_user: {first: [{get: /nothing, name: login, capture: {x: $.x}}]}"
    ended = reasons(first=first)
    assert "=== flow calm: not tried: `first, once for each user` has to go as expected before\n" in ended.stdout
    assert ended.stdout.splitlines()[-1].endswith("; not tried: flow sum, flow streamed, flow job, flow calm")
    assert ended.returncode == 1


def test_where_nothing_listens_is_said_at_once_and_once(reasons):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ended = reasons("--env", "away", port=port)
    assert ended.returncode == 4
    assert ended.stdout.count("was refused: nothing listens there; is the service running, and the port right?") == 1
    assert f"not ready within 2s: GET http://127.0.0.1:{port}/ready was refused: nothing listens there" in ended.stderr
    assert "correct the port" in ended.stderr


class Redirecting(BaseHTTPRequestHandler):
    """`/login` sends on to `/me` with a cookie."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/me" else 302)
        if self.path != "/me":
            self.send_header("Location", "/me")
            self.send_header("Set-Cookie", "who=tea")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


def test_every_request_of_a_redirect_is_printed_and_the_time_of_all(tmp_path):
    with ThreadingHTTPServer(("127.0.0.1", 0), Redirecting) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        (tmp_path / "a.yaml").write_text(
            "perfspec: 1\nservice: shop\n"
            f"environments: {{local: {{url: 'http://127.0.0.1:{server.server_port}'}}}}\n"
            "flows: {buy: {steps: [{post: /login, name: login, expect: {status: 200}}]}}\n"
            "thresholds: {login: {errors: under 1%}}\n"
        )
        command = [PROGRAM, "try", "a.yaml"]
        ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
        server.shutdown()
    assert ended.returncode == 0, ended.stdout + ended.stderr
    first, second = ended.stdout.split("--- login\n")[1:]
    assert first.startswith("> POST /login HTTP/1.1\n")
    assert re.search(r"< 302 after \S+\n", first)
    assert "< Set-Cookie: who=tea\n" in first or "< set-cookie: who=tea\n" in first
    assert "expect" not in first
    assert second.startswith("> GET /me HTTP/1.1\n")
    assert "Cookie: who=tea\n" in second
    assert re.search(r"< 200 after \S+ \(\S+ with the redirect\)\n", second)
    assert "  ok    expect status 200\n" in second
