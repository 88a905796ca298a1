"""Steps that hold steps, over real sockets: what a server saw, and in which order."""

import re
import threading
from collections import defaultdict
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FLOW = """
setup:
  - set:
      site: shop-${run.stage}
flows:
  visit:
    steps:
      - group: shopping
        steps:
          - get: /look?user=${user.number}&site=${site}&token=${token}&round=${round.number}
            name: look
          - pause: 100ms
          - parallel: page
            steps:
              - get: /left?user=${user.number}&round=${round.number}
                name: left
              - get: /right?user=${user.number}&round=${round.number}
                name: right
          - repeat: 2 times
            steps:
              - use: buy
                with:
                  who: ${user.number}
                  times: ${1 + 1}
      - choose:
          - weight: 1
            steps: [{get: "/odd?user=${user.number}", name: odd}]
          - weight: 1
            steps: [{get: "/even?user=${user.number}", name: even}]
fragments:
  buy:
    needs: [who, times]
    steps:
      - post: /buy?user=${who}&times=${times}
        name: buy
each_user:
  first:
    - post: /sign-in?user=${user.number}
      name: sign-in
      capture: {token: $.token}
  last:
    - delete: /sign-out?user=${user.number}&token=${token}
      name: sign-out
stages:
  smoke: {phases: [{name: steady, for: 3s, users: 3}]}
thresholds:
  all: {errors: under 1%}
  sign-in: {errors: under 1%, count: between 3 and 3}
  sign-out: {count: between 3 and 3}
  group shopping: {p95: at most 2s, errors: under 1%}
  group page: {p95: at most 2s, count: at least 3}
"""
ROUND = r"/look (?:(?:/left /right|/right /left) /buy /buy (?:/odd|/even) )"
VISIT = re.compile(rf"/sign-in (?:{ROUND})*(?:/look )?(?:/left |/right )*(?:/buy )*(?:/odd |/even )?/sign-out ")


class Shop(ThreadingHTTPServer):
    """Writes down what it is asked. /left and /right are answered only once both have been asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Conversation)
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.lock = threading.Lock()
        self.halves: dict[str, threading.Barrier] = defaultdict(lambda: threading.Barrier(2))

    def pair(self, parameters: dict[str, str]) -> threading.Barrier:
        with self.lock:
            return self.halves[f"{parameters['user']} {parameters['round']}"]

    def handle_error(self, *_: object) -> None:
        """A client that leaves is none of our business."""


class Conversation(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536  # head and body in one piece
    server: Shop

    def answer(self) -> None:
        path, _, query = self.path.partition("?")
        parameters = dict(pair.split("=") for pair in query.split("&"))
        with self.server.lock:
            self.server.seen.append((path, parameters))
        status = 200
        if path in ("/left", "/right"):
            try:
                self.server.pair(parameters).wait(1.5)
            except threading.BrokenBarrierError:
                status = 503
        body = b'{"token": "t%b"}' % parameters["user"].encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_DELETE = answer  # noqa: N815 - the names of the library

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def shop(serving) -> Iterator[Shop]:
    server = Shop()
    with serving(server):
        yield server


@pytest.fixture(scope="module")
def visited(new_folder, perfspec, small_spec, shop) -> Any:
    return perfspec(small_spec(new_folder("flow") / "spec", f"http://127.0.0.1:{shop.server_address[1]}", FLOW))


def test_everything_is_judged_and_holds(visited) -> None:
    assert visited.code == 0, visited.out + visited.err
    assert {v["threshold"]: v["outcome"] for v in visited.result["verdicts"]} == dict.fromkeys(
        (v["threshold"] for v in visited.result["verdicts"]), "PASS"
    )


def test_every_user_does_its_steps_in_their_order(visited, shop) -> None:
    assert visited.result["outcome"] == "PASS"
    for user in "123":
        done = "".join(f"{path} " for path, parameters in shop.seen if parameters["user"] == user)
        assert VISIT.fullmatch(done), done
        assert len(re.findall(ROUND, done)) >= 2


def test_what_is_captured_first_and_given_to_a_fragment_arrives(visited, shop) -> None:
    assert visited.code == 0
    tokens = {(p["user"], p["token"]) for path, p in shop.seen if path in ("/look", "/sign-out")}
    assert tokens == {("1", "t1"), ("2", "t2"), ("3", "t3")}
    assert {p["site"] for path, p in shop.seen if path == "/look"} == {"shop-smoke"}
    assert {p["times"] for path, p in shop.seen if path == "/buy"} == {"2"}


def test_perfspec_counts_what_the_server_saw(visited, shop) -> None:
    names = ("look", "left", "right", "buy", "odd", "even")
    sent = {name: sum(piece["n"] for piece in visited.slices() if piece["key"][:2] == [name, ""]) for name in names}
    assert sent == {name: sum(path == f"/{name}" for path, _ in shop.seen) for name in names}
    groups = {kind: visited.summary("shopping", kind) for kind in ("group", "group with pauses")}
    assert groups["group"]["n"] == groups["group with pauses"]["n"] > 5
    assert groups["group with pauses"]["response"]["p50"] - groups["group"]["response"]["p50"] > 80_000_000


def test_the_plan_says_what_each_user_does(perfspec, small_spec, new_folder, shop) -> None:
    folder = small_spec(new_folder("plan") / "spec", f"http://127.0.0.1:{shop.server_address[1]}", FLOW)
    said = perfspec.command(folder, "plan", "specs/search.yaml", "--stage", "smoke")
    assert said.code == 0
    wanted = """each user, before its first round:|timed as `shopping`|at once, timed as `page`|repeat 2 times
use `buy`|choose one|50%|each user, after its last round:"""
    for line in re.split(r"[|\n]", wanted):
        assert line in said.out, line


@pytest.fixture(scope="module")
def assessed(new_folder, perfspec, free_port) -> Any:
    """The shipped spec of the assessment service, for six seconds, with wide limits."""
    folder, port = new_folder("assessment"), free_port()
    for name in ("specs", "fixtures"):
        copytree(ROOT / name, folder / name)
    path = folder / "specs/assessment.yaml"
    text = path.read_text().replace("8082", str(port))
    path.write_text(re.sub(r"p95: at most \d+ms\}\n", "p95: at most 2s}\n", text))
    suite = folder / "specs/shared/suite.yaml"
    suite.write_text(suite.read_text().replace("for: 30s, users", "for: 6s, users"))
    return perfspec.command(folder, "run", "specs/assessment.yaml", "--stage", "smoke", "--out", "out"), folder / "out"


def test_the_assessment_spec_passes_against_its_service(assessed) -> None:
    ended, _ = assessed
    assert ended.code == 0, ended.out + ended.err
    for row in ("create", "answer", "grade", "grade-result wait", "all"):
        assert re.search(rf"^PASS  {row} ", ended.out, re.MULTILINE), ended.out
    assert "whole-assessment (group without pauses)" in ended.out
    assert "results-page (group without pauses)" in ended.out
    assert re.search(r"^sign-in \(each_user\) +8 +0", ended.out, re.MULTILINE), ended.out


def test_the_token_of_a_user_is_in_no_file_of_the_run(assessed) -> None:
    _, folder = assessed
    for file in folder.iterdir():
        assert b"perf-local-password" not in file.read_bytes()
