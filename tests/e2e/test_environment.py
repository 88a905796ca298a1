"""The target before the load: started, found ready, or refused with exit code 4 and one sentence, without any load.

Where there is a run folder already, its files say so as well. A signal meanwhile ends it as it would end a run.
"""

import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

BODY = """
flows:
  look:
    steps:
      - get: /v1/suggest?q=we
        name: suggest
stages:
  smoke:
    phases: [{name: steady, for: 2s, users: 2}]
  load:
    phases: [{name: steady, for: 2s, users: 2}]
thresholds:
  suggest: {errors: under 5%}
"""
# A service with children: one that is told to end and does, one that does not listen.
FAMILY = """
import subprocess, sys
words = "import signal, time; signal.signal(signal.SIGTERM, signal.{}); time.sleep(300)"
for answer in ("SIG_DFL", "SIG_IGN"):
    subprocess.Popen([sys.executable, "-c", words.format(answer)])
subprocess.run([sys.executable, "-m", "perfspec", "serve", "search", "--port", sys.argv[1]])
"""
# A service that is never ready, with a child that does not listen; `stubborn`: nor does itself.
NEVER_READY = """
import signal, subprocess, sys, time
if sys.argv[1] == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
words = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(300)"
subprocess.Popen([sys.executable, "-c", words])
time.sleep(300)
"""
SETUP = "setup:\n  - get: /v1/index/jobs/nobody-has-made-this\nflows:"
COMPLAINS = "import sys; print('hello'); sys.exit('no database at db:5432')"


@contextmanager
def http_server(status: int) -> Iterator[tuple[int, list[str]]]:
    """A server that answers everything with one status: its port, and the paths it was asked for."""
    asked: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_address[1], asked
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def write(new_folder, small_spec) -> Any:
    """A folder with a spec whose only environment says this."""

    def make(name: str, environment: str, edit: tuple[str, str] = ("", "")) -> Any:
        folder = small_spec(new_folder(name), "URL", BODY)
        path = folder / "specs" / "search.yaml"
        path.write_text(path.read_text().replace("{local: {url: URL}}", environment).replace(*edit))
        return folder

    return make


@pytest.fixture(scope="module")
def runs(write, perfspec, healthy, free_port, together, all_gone) -> Any:
    def started() -> Any:
        port = free_port()
        (folder := write("started", local(port, f"{sys.executable} family.py {port}"))).joinpath(
            "family.py"
        ).write_text(FAMILY)
        begun = perfspec.begin(folder)
        begun.wait_for_seconds(1)
        children = begun.children()
        ended = begun.end()
        return ended, children, all_gone(children, port)

    def starts(command: str, within: str = "10s") -> Any:
        port = free_port()
        return perfspec(write("starts", local(port, command.format(port=port), within)))

    def silent() -> Any:
        with socket.create_server(("127.0.0.1", 0)) as server:
            return perfspec(write("silent", local(server.getsockname()[1], "perfspec serve search")))

    def stranger() -> Any:
        with http_server(404) as (port, asked):
            return perfspec(write("stranger", local(port, "perfspec serve search"))), asked

    def told_starting(kind: str, *numbers: signal.Signals) -> Any:
        """A signal while the service that was started is not ready yet; others while it is being stopped."""
        port = free_port()
        folder = write(kind, local(port, f"{sys.executable} never.py {kind}", "60s"))
        (folder / "never.py").write_text(NEVER_READY)
        begun = perfspec.begin(folder)
        output = begun.folder / "service.log"
        begun.wait_until(lambda: output.exists() and "up" in output.read_text(), "the child of the service")
        children = begun.children()
        for number in numbers:
            begun.send(number)
            time.sleep(0.5)
        return begun.end(), children, all_gone(children, port)

    def told_waiting(number: signal.Signals) -> Any:
        """A signal while a service that was there already is not ready."""
        with http_server(503) as (port, asked):
            begun = perfspec.begin(write("waiting", f"{{local: {{url: http://127.0.0.1:{port}, ready: /ready}}}}"))
            begun.wait_until(lambda: len(asked) > 1, "a second question")
            begun.send(number)
            return begun.end()

    def told_given_up() -> Any:
        """A signal while a service is being stopped that was given up."""
        port = free_port()
        folder = write("given-up", local(port, f"{sys.executable} never.py stubborn", "1s"))
        (folder / "never.py").write_text(NEVER_READY)
        begun = perfspec.begin(folder)
        output = begun.folder / "service.log"
        begun.wait_until(lambda: output.exists() and "up" in output.read_text(), "the child of the service")
        children = begun.children()
        time.sleep(3)
        assert begun.process.poll() is None, "the service that does not listen should have kept it"
        begun.send(signal.SIGINT)
        return begun.end(), children, all_gone(children, port)

    def failing_setup() -> Any:
        return perfspec(write("setup", f"{{local: {{url: {healthy.url}}}}}", ("flows:", SETUP)))

    return together(
        started=started,
        no_such_command=lambda: starts("no-such-command --port 1"),
        ends_at_once=lambda: starts(f'{sys.executable} -c "{COMPLAINS}"', "60s"),
        never_ready=lambda: starts("perfspec serve search --port {port} --stall 0s:1h", "2s"),
        silent=silent,
        stranger=stranger,
        interrupted=lambda: told_starting("gentle", signal.SIGINT),
        terminated=lambda: told_starting("gentle", signal.SIGTERM),
        told_twice=lambda: told_starting("stubborn", signal.SIGINT, signal.SIGTERM, signal.SIGINT),
        told_given_up=told_given_up,
        waiting_interrupted=lambda: told_waiting(signal.SIGINT),
        waiting_terminated=lambda: told_waiting(signal.SIGTERM),
        failing_setup=failing_setup,
    )


def local(port: int, command: str, within: str = "10s") -> str:
    start = f"start: {{command: '{command.replace(chr(39), chr(39) * 2)}', ready: /ready, within: {within}}}"
    return f"{{local: {{url: http://127.0.0.1:{port}, {start}}}}}"


def refused(ended: Any, code: int = 4) -> str:
    """The one sentence that a run says which was refused before there was a folder for it."""
    assert ended.code == code, ended.out + ended.err
    assert not ended.folder.exists()
    return said(ended)


def not_started(ended: Any) -> str:
    """The one sentence that a run says which was refused after that; asserts that all its files say it."""
    assert ended.code == 4, ended.out + ended.err
    sentence = said(ended)
    assert not ended.slices()
    result = ended.result
    assert (result["outcome"], result["ended"], result["exit_code"]) == ("NOT_STARTED", "not started", 4)
    assert (result["ended_ns"], result["windows"]) == (0, [])
    assert sentence in result["notes"]
    assert not any(verdict["outcome"] == "PASS" for verdict in result["verdicts"])
    (validity,) = [suite for suite in ended.junit if suite.get("name").endswith(" run validity")]
    assert validity.get("errors") == "1"
    (error,) = ended.case("the run went to its end").iter("error")
    assert error.get("type") == "not started"
    assert sentence in error.get("message")
    assert error.text == error.get("message")
    return sentence


def said(ended: Any) -> str:
    sentence, *hints = ended.err.splitlines()
    assert len(hints) <= 1, ended.err
    return sentence.removeprefix("specs/search.yaml: ")


@pytest.mark.usefixtures("runs")  # they go on meanwhile
def test_an_address_where_nobody_listens_is_named(write, perfspec, free_port) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert not_started(perfspec(write("unreachable", f"{{local: {{url: {url}}}}}"))) == f"nothing answers at {url}"


def test_a_name_that_nobody_knows_is_named(write, perfspec) -> None:
    folder = write("unknown", "{other: {url: http://no-such-host.invalid:8080, ready: /ready}}")
    ended = perfspec(folder, SEARCH_API_KEY="long-enough")
    assert not_started(ended).startswith("the name `no-such-host.invalid` has no address (")
    assert ended.seconds < 20  # a known one has 30 s to be ready


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (None, "the secret `api_key` is read from SEARCH_API_KEY, which is not set"),
        ("short", "the secret `api_key` is shorter than 6 characters and could not be masked"),
    ],
)
def test_a_secret_that_cannot_be_used_is_told_before_anything_is_asked(write, perfspec, value, sentence) -> None:
    folder = write("secret", "{other: {url: http://no-such-host.invalid:8080, ready: /ready}}")
    ended = perfspec(folder, **({} if value is None else {"SEARCH_API_KEY": value}))
    assert refused(ended) == sentence


def test_an_environment_to_confirm_is_refused_where_nobody_can_be_asked(write, perfspec, healthy) -> None:
    folder = write("confirm", f"{{local: {{url: {healthy.url}, confirm: this is production}}}}")
    before = healthy.counts()
    sentence = refused(perfspec(folder))
    assert "this is production" in sentence
    assert healthy.counts() == before
    assert perfspec(folder, "--yes").code == 0
    assert healthy.counts() != before


def test_a_stage_that_the_environment_does_not_allow_is_refused(write, perfspec) -> None:
    folder = write("allowed", "{local: {url: http://127.0.0.1:1, stages: [smoke]}}")
    ended = perfspec(folder, "--stage", "load")
    assert ended.code == 4
    assert "specs/search.yaml:4:58 error PS503: stage `load` must not run in environment `local`" in ended.err
    assert "allowed there: smoke" in ended.err
    assert not ended.folder.exists()


@pytest.mark.parametrize(
    ("option", "word", "sentence", "hint"),
    [
        ("--stage", "smok", "specs/search.yaml has no stage `smok`", "did you mean `smoke`?"),
        ("--env", "locale", "specs/search.yaml has no environment `locale`", "did you mean `local`?"),
        ("--stage", "x", "specs/search.yaml has no stage `x`", "there is smoke, load"),
    ],
)
def test_a_name_that_the_spec_does_not_have_is_a_usage_error(write, perfspec, option, word, sentence, hint) -> None:
    ended = perfspec(write("names", "{local: {url: http://127.0.0.1:1}}"), option, word)
    assert refused(ended, code=2) == sentence
    assert hint in ended.err


def test_what_was_started_serves_the_run_and_goes_with_its_children(runs) -> None:
    ended, children, gone = runs["started"]
    assert ended.code == 0, ended.out + ended.err
    assert ended.summary("suggest")["n"] > 0
    assert len(children) == 4
    assert gone


def test_the_output_of_what_was_started_is_kept(runs) -> None:
    ended, _, _ = runs["started"]
    assert "search is listening on http://127.0.0.1:" in (ended.folder / "service.log").read_text()


def test_a_command_that_does_not_exist_is_named(runs) -> None:
    ended = runs["no_such_command"]
    assert not_started(ended).startswith("`no-such-command --port 1` could not be started: ")


def test_a_service_that_ends_at_once_is_quoted(runs) -> None:
    ended = runs["ends_at_once"]
    assert not_started(ended) == "the service ended with exit status 1 before it was ready: no database at db:5432"
    assert "service.log" in ended.err
    assert "hello" in (ended.folder / "service.log").read_text()
    assert ended.seconds < 30  # it may take 60 s to be ready


def test_a_service_that_is_never_ready_is_given_up(runs) -> None:
    ended = runs["never_ready"]
    sentence = not_started(ended)
    assert sentence.startswith("not ready within 2s: GET http://127.0.0.1:")
    assert sentence.endswith("/ready answered 503 (service is down)")


def test_a_port_that_says_nothing_is_not_taken_for_the_service(runs) -> None:
    sentence = not_started(runs["silent"])
    assert sentence.startswith("something else answers at http://127.0.0.1:")
    assert sentence.endswith("GET /ready gave no answer in 5 s")


def test_a_port_held_by_another_server_is_not_taken_for_the_service(runs) -> None:
    ended, asked = runs["stranger"]
    sentence = not_started(ended)
    assert sentence.startswith("something else answers at http://127.0.0.1:")
    assert sentence.endswith("GET /ready answered 404")
    assert set(asked) == {"/ready"}


def test_a_setup_that_fails_is_told_and_no_load_is_sent(runs) -> None:
    assert not_started(runs["failing_setup"]) == "setup failed: status 404"


@pytest.mark.parametrize("how", ["ends_at_once", "no_such_command", "silent"])
def test_a_report_of_a_run_that_was_not_started_says_so_again(runs, perfspec, how) -> None:
    ended = runs[how]
    written = ended.result
    sentence = not_started(ended)
    again = perfspec.command(ended.folder.parent, "report", "out")
    assert (again.code, again.err) == (4, ""), again.out
    assert "search smoke on local: NOT STARTED, which is no pass" in again.out
    assert sentence in again.out
    assert again.result == written


def stopped(ended: Any, code: int) -> None:
    """Asserts that a signal before the load ended it, and that all files say so."""
    assert (ended.code, ended.err) == (code, ""), ended.out
    word = {130: "interrupted", 143: "terminated"}[code]
    result = ended.result
    assert (result["outcome"], result["ended"], result["exit_code"]) == ("INTERRUPTED", word, code)
    assert (result["ended_ns"], result["windows"]) == (0, [])
    assert "search smoke on local: INTERRUPTED" in ended.out
    assert not ended.slices()
    assert [line["type"] for line in ended.log].count("end") == 1
    (error,) = ended.case("the run went to its end").iter("error")
    assert error.get("type") == word


@pytest.mark.parametrize(("how", "code"), [("interrupted", 130), ("terminated", 143), ("told_twice", 130)])
def test_a_signal_while_the_service_is_started_leaves_nothing_behind(runs, how, code) -> None:
    """Only the first of several counts: the service that does not listen is stopped all the same."""
    ended, children, gone = runs[how]
    stopped(ended, code)
    assert len(children) == 2
    assert gone


@pytest.mark.parametrize(("how", "code"), [("waiting_interrupted", 130), ("waiting_terminated", 143)])
def test_a_signal_while_the_service_is_waited_for_ends_the_run(runs, how, code) -> None:
    stopped(runs[how], code)
    assert runs[how].seconds < 20  # it may take 30 s to be ready


def test_a_signal_while_a_service_is_stopped_that_was_given_up_loses_nothing(runs) -> None:
    ended, children, gone = runs["told_given_up"]
    assert not_started(ended).startswith("not ready within 1s: GET http://127.0.0.1:")
    assert len(children) == 2
    assert gone
