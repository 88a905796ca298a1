"""What a setup has made is taken down: also by a run whose setup failed, and by one that was told twice to end."""

import json
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

BODY = """
setup:
  - {{post: /things, name: make, capture: {{thing: $.id}}}}
  - {{get: {second}, name: look}}
teardown:
  - {{delete: '/things/${{thing}}', name: drop}}
flows:
  look: {{steps: [{{get: /slow, name: slow, timeout: 30s}}]}}
stages:
  smoke: {{phases: [{{for: 30s, users: 2}}]}}
thresholds:
  all: {{errors: at most 5%}}
"""


@pytest.fixture
def things() -> Any:
    """(url, what was asked for, an event that is set when the load has come)."""
    asked: list[str] = []
    loaded, over = threading.Event(), threading.Event()

    class Things(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.path == "/slow":
                loaded.set()
                over.wait(20)
            else:
                asked.append(f"{self.command} {self.path}")
            body = json.dumps({"id": "t-77"}).encode()
            try:
                self.send_response(500 if self.path == "/boom" else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:  # the one who asked is gone
                self.close_connection = True

        do_GET = do_POST = do_DELETE = answer  # noqa: N815 - http.server wants these names

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Things) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", asked, loaded
        over.set()
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("edit", "asked", "said"),
    [
        (("", ""), ["POST /things", "GET /boom", "DELETE /things/t-77"], "setup failed: status 500"),
        (
            ("/things/${thing}", "/boom"),
            ["POST /things", "GET /boom", "DELETE /boom"],
            "setup failed: status 500; teardown failed: status 500",
        ),
        (
            ("$.id", "$.nothing"),
            ["POST /things"],
            (
                "setup failed: capture specs/search.yaml:9 thing from $.nothing; "
                "teardown failed: unsendable: drop (specs/search.yaml:12): `thing` has no value here"
            ),
        ),
    ],
)
def test_what_a_failed_setup_has_made_is_taken_down(
    things, new_folder, small_spec, perfspec, edit, asked, said
) -> None:
    url, came, _ = things
    ended = perfspec(small_spec(new_folder("failed"), url, BODY.format(second="/boom").replace(*edit)))
    assert ended.code == 4, ended.out + ended.err
    assert said in ended.err
    assert ended.result["notes"] == [said]
    assert came == asked


def test_a_run_that_is_told_twice_to_end_is_taken_down_all_the_same(things, new_folder, small_spec, perfspec) -> None:
    """As a cancelled build is: SIGINT, and SIGTERM a while later, both during the load."""
    url, came, loaded = things
    begun = perfspec.begin(small_spec(new_folder("cancelled"), url, BODY.format(second="/ok")))
    assert loaded.wait(20)
    begun.wait_for_seconds(2)
    begun.send(signal.SIGINT)
    time.sleep(0.2)
    begun.send(signal.SIGTERM)
    ended = begun.end()
    assert (ended.code, ended.err) == (130, ""), ended.out
    assert came == ["POST /things", "GET /ok", "DELETE /things/t-77"]
    assert ended.summary("drop", part="teardown")["n"] == 1
