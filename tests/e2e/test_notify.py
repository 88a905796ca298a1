"""Who is told how a run went: once, briefly, without secrets, and without any say in the verdict."""

import json
import subprocess
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

SPEC = """\
perfspec: 1
service: shop
environments: {{local: {{url: '{url}', ready: {ready}}}}}
secrets: {{hook: SHOP_HOOK}}
flows:
  look: {{steps: [{{get: /health, name: look, expect: {{status: {status}}}}}, {{pause: 20ms}}]}}
stages:
  smoke: {{phases: [{{name: check, for: 1s, users: 2}}]}}
thresholds:
  look: {{errors: under 10%}}
notify: {{{kind}: "${{secret.hook}}", when: {when}}}
"""
PATH = "/services/T0000/B0000/very-secret-part"


class Chat(ThreadingHTTPServer):
    """Takes messages; first it answers with these statuses."""

    def __init__(self, *statuses: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.statuses = list(statuses)
        self.told: list[tuple[str, dict]] = []
        self.url = f"http://127.0.0.1:{self.server_port}{PATH}"
        Thread(target=self.serve_forever, args=(0.1,), daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    server: Chat

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers["Content-Length"]))
        assert self.headers["Content-Type"] == "application/json"
        self.server.told.append((self.path, json.loads(text)))
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def run(perfspec, healthy, new_folder):
    """`run("name", hook, when=..., status=...)` -> how the run ended; names of one folder share it."""
    folders = {}

    def call(name: str, hook: str, *, when="failed", status=200, kind="slack", ready="/ready", out="out", **more: str):
        folder = folders.setdefault(name, new_folder(name))
        text = SPEC.format(url=healthy.url, ready=ready, status=status, kind=kind, when=when)
        (folder / "shop.yaml").write_text(text)
        ci = {"GITHUB_RUN_ID": "", "CI_JOB_URL": "", "BUILD_URL": "", **more}
        begun = perfspec.begin_command(folder, "run", "shop.yaml", "--out", out, SHOP_HOOK=hook, **ci)
        begun.folder = folder / out
        return begun.end()

    return call


@pytest.fixture(scope="module")
def chats():
    made: list[Chat] = []

    def chat(*statuses: int) -> Chat:
        made.append(Chat(*statuses))
        return made[-1]

    yield chat
    for each in made:
        each.shutdown()
        each.server_close()


@pytest.fixture(scope="module")
def ended(run, chats, free_port, together):
    """All runs that do not depend on one another, side by side, each with its chat."""
    nobody = f"http://127.0.0.1:{free_port()}{PATH}"
    job = {"CI_JOB_URL": "https://ci.example.com/job/7"}
    asked = {
        "failing": (chats(500, 429), {"status": 418}),
        "passing": (chats(), {}),
        "always": (chats(), {"when": "always", "kind": "webhook", **job}),
        "refused": (chats(404), {"status": 418}),
        "deaf": (chats(500, 500, 500), {"status": 418}),
        "not_ready": (chats(), {"ready": "{get: /no, within: 100ms}"}),
    }
    runs = {name: (lambda n=name, c=chat, o=options: run(n, c.url, **o)) for name, (chat, options) in asked.items()}
    runs["nobody"] = lambda: run("nobody", nobody, status=418)
    recovering = chats()
    runs["recovering"] = lambda: _recovering(run, recovering)
    results = together(**runs)
    return {name: (results[name], asked[name][0] if name in asked else None) for name in runs}


def _recovering(run, chat) -> list[tuple[int, list[str]]]:
    """Four runs, one after another: exit code, and all that had been told by then."""
    seen = []
    for number, status in enumerate((200, 418, 200, 200), 1):
        done = run("recovering", chat.url, when="recovered", status=status, out=f"results/{number}")
        seen.append((done.code, [message["text"] for _, message in chat.told]))
    return seen


def test_a_broken_limit_is_told_with_the_folder_and_tried_again(ended) -> None:
    run, chat = ended["failing"]
    assert run.code == 1
    assert [path for path, _ in chat.told] == [PATH] * 3
    assert [message for _, message in chat.told] == [chat.told[0][1]] * 3
    first, limit, link = chat.told[0][1]["text"].splitlines()
    assert first == "FAIL: shop smoke on local"
    assert limit.startswith("- look errors under 10%: 100.0 % failed")
    assert link == "out"
    assert "could not be told" not in run.err


def test_a_pass_is_no_news(ended) -> None:
    run, chat = ended["passing"]
    assert (run.code, chat.told) == (0, [])


def test_programs_get_the_same_in_parts_and_a_link_to_the_job(ended) -> None:
    run, chat = ended["always"]
    ((_, told),) = chat.told
    assert run.code == 0
    assert (told["outcome"], told["exit_code"], told["broken"]) == ("PASS", 0, [])
    assert (told["service"], told["stage"], told["environment"]) == ("shop", "smoke", "local")
    assert told["link"] == "https://ci.example.com/job/7"
    assert told["run_id"] == run.result["run_id"]


def test_a_service_that_is_not_ready_is_told(ended) -> None:
    run, chat = ended["not_ready"]
    assert run.code == 4
    ((_, told),) = chat.told
    assert told["text"].startswith("NOT_STARTED: shop smoke on local\n- ")


@pytest.mark.parametrize(
    ("name", "tries", "said"),
    [
        ("refused", 1, "slack could not be told: it answered 404"),
        ("deaf", 3, "slack could not be told: it answered 500"),
        ("nobody", None, "slack could not be told: "),
    ],
)
def test_a_message_that_nobody_takes_changes_nothing_else(ended, name, tries, said) -> None:
    run, chat = ended[name]
    assert run.code == 1
    assert run.result["exit_code"] == 1
    assert said in run.err
    assert chat is None or len(chat.told) == tries


@pytest.mark.parametrize("name", ["failing", "always", "refused", "nobody", "not_ready"])
def test_the_address_is_nowhere_to_be_read(ended, name) -> None:
    run, _ = ended[name]
    found = subprocess.run(
        ["grep", "-rl", "very-secret-part", str(run.folder.parent)], capture_output=True, check=False
    )
    assert found.stdout == b""
    assert "very-secret-part" not in run.out + run.err


def test_a_recovery_is_told_once(ended) -> None:
    told = ["PASS, recovered: shop smoke on local\nresults/3"]
    assert ended["recovering"][0] == [(0, []), (1, []), (0, told), (0, told)]


def test_what_is_quoted_from_answers_is_masked(healthy, perfspec, new_folder, chats) -> None:
    """A limit whose text holds the secret, as a row with a tag can."""
    chat, folder = chats(), new_folder("masked")
    text = SPEC.format(url=healthy.url, ready="/ready", status=418, kind="slack", when="failed")
    text = text.replace("{hook: SHOP_HOOK}", "{hook: SHOP_HOOK, word: SHOP_WORD}")
    text = text.replace("name: look, ", "name: look, tags: {kind: secretive}, ")
    text = text.replace("  look: {errors", "  look where kind is secretive: {errors")
    (folder / "shop.yaml").write_text(text)
    done = perfspec.command(folder, "run", "shop.yaml", "--out", "out", SHOP_HOOK=chat.url, SHOP_WORD="secretive")
    assert done.code == 1, done.err
    ((_, told),) = chat.told
    assert "secretive" not in told["text"]
    assert "- look where kind is ***" in told["text"]
