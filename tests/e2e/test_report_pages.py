"""Reports as their readers get them: pages in a real browser, metrics for promtool, a page while a run lasts."""

import http.server
import json
import re
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = """
--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --hide-scrollbars
--disable-component-update --disable-sync
""".split()  # noqa: SIM905 - as one would type them
EVIL = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
SPEC = """perfspec: 1
service: shop
environments: {{local: {{url: "{url}"}}}}
flows:
  buy:
    steps:
      - get: /first
        name: first
        capture: {{what: $.text}}
      - get: /answer
        name: '{name}'
        tags: {{kind: "${{what}}"}}
        expect: {{status: 200, $.text: exactly good}}
      - pause: 20ms
stages:
  smoke: {{phases: [{{for: {seconds}s, users: 3}}]}}
thresholds:
  all: {{errors: under 1%}}
  '{name}': {{p95: at most 2s}}
"""


class Hostile(http.server.BaseHTTPRequestHandler):
    """Every answer holds markup in its body, its headers and its reason."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = json.dumps({"text": EVIL}).encode()
        self.send_response(200, "<b>fine</b>")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Evil", EVIL)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def hostile_url() -> Any:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hostile)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def ended(new_folder, perfspec, hostile_url) -> Any:
    folder = new_folder("hostile")
    (folder / "specs").mkdir()
    (folder / "specs/search.yaml").write_text(SPEC.format(url=hostile_url, name="the <b>answer</b>", seconds=4))
    return perfspec(folder)


@pytest.fixture(scope="session")
def browser(not_checked_here) -> str:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    return found or not_checked_here("chromium is missing")


@pytest.fixture(scope="module")
def opened(browser, tmp_path_factory) -> Any:
    def run(page: Path, *options: str) -> str:
        profile = tmp_path_factory.mktemp("profile")
        command = [browser, *FLAGS, f"--user-data-dir={profile}", *options, page.resolve().as_uri()]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout

    return run


def test_a_hostile_answer_is_inert_in_a_real_browser(ended, opened) -> None:
    assert ended.code == 1, ended.out + ended.err
    page = ended.folder / "report.html"
    assert "owned" in page.read_text()  # it is there, as text
    dom = opened(page, "--dump-dom")
    assert "<title>shop smoke on local: FAIL</title>" in dom
    assert re.search(r"<(script|img|b)\b", dom) is None


def test_the_page_has_a_picture(ended, opened, tmp_path) -> None:
    picture = tmp_path / "page.png"
    opened(ended.folder / "report.html", f"--screenshot={picture}", "--window-size=1200,1600")
    data = picture.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert len(data) > 20_000  # an empty page of that size takes a few kB


def test_reports_are_made_later_from_the_document_alone(ended, perfspec, tmp_path) -> None:
    document = tmp_path / "elsewhere.json"
    document.write_bytes((ended.folder / "result.json").read_bytes())
    for form, name in (("html", "report.html"), ("junit", "junit.xml"), ("json", "result.json")):
        again = perfspec.command(tmp_path, "report", str(document), "--format", form, "--out", "again")
        assert again.code == ended.code
        assert (tmp_path / "again").read_bytes() == (ended.folder / name).read_bytes()


def test_a_run_is_judged_again_by_other_limits(ended, perfspec, tmp_path, hostile_url) -> None:
    other = SPEC.format(url=hostile_url, name="the <b>answer</b>", seconds=4).replace("under 1%", "at most 100%")
    (tmp_path / "other.yaml").write_text(other.replace("p95: at most 2s", "count: at least 1"))
    judged = perfspec.command(tmp_path, "judge", str(ended.folder), "--spec", "other.yaml")
    assert judged.code == 0, judged.out + judged.err
    assert "PASS  all errors at most 100%" in judged.out
    assert (ended.folder / "result.json").read_text().count('"FAIL"')  # the run itself stays as it was judged
    (tmp_path / "mean.yaml").write_text(other.replace("p95: at most 2s", "mean: at most 2s"))
    judged = perfspec.command(tmp_path, "judge", str(ended.folder), "--spec", "mean.yaml")
    assert judged.code == 3, judged.out + judged.err  # every answer was an error page, and fast
    assert "requests failed and have no time that counts" in judged.out


def test_several_runs_become_one_report(ended, perfspec, tmp_path) -> None:
    both = perfspec.command(tmp_path, "report", str(ended.folder), str(ended.folder / "result.json"))
    assert both.code == 1
    assert len(re.findall(r"^FAIL +shop smoke on local +0 of 2 limits held$", both.out, re.MULTILINE)) == 2


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("report", "nowhere"), 2, "nowhere holds no result"),
        (("report", "notes.txt", "--format", "html"), 2, "notes.txt holds no run"),
        (("report", "notes.txt", "--out", "x"), 2, "--out needs a --format"),
        (("judge", "notes.txt", "--spec", "other.yaml"), 2, "notes.txt is no result of version 1"),
    ],
)
def test_what_is_no_run_is_said_to_be_none(perfspec, tmp_path, words, code, said) -> None:
    (tmp_path / "notes.txt").write_text("[1, 2]")
    ended = perfspec.command(tmp_path, *words)
    assert (ended.code, said in ended.err) == (code, True), ended.err


def test_metrics_of_a_run_are_what_promtool_expects(ended, perfspec, tmp_path, not_checked_here) -> None:
    if shutil.which("promtool") is None:
        not_checked_here("promtool is missing")
    written = perfspec.command(tmp_path, "report", str(ended.folder), "--format", "prometheus", "--out", "run.prom")
    assert written.code == 1
    text = (tmp_path / "run.prom").read_bytes()
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")


def test_the_page_can_be_opened_while_the_run_lasts(new_folder, perfspec, hostile_url) -> None:
    folder = new_folder("lasting")
    (folder / "specs").mkdir()
    (folder / "specs/search.yaml").write_text(SPEC.format(url=hostile_url, name="answer", seconds=7))
    begun = perfspec.begin(folder)
    page = begun.folder / "report.html"
    begun.wait_until(lambda: page.exists() and "shop smoke on local: running" in page.read_text(), "a running page")
    ended = begun.end()
    assert "shop smoke on local: FAIL" in (ended.folder / "report.html").read_text()
    assert not list(ended.folder.glob("*.part"))
