"""Every shell command of the README and the guide is run as it is written, page by page, as a reader would.

What sends load for half a minute is shortened in `make test` (`--time-scale 0.05`), and as it is written in `make
test-long`. What needs something that is not here stands in FOREIGN, with the reason, which is printed.
"""

import re
import shutil
from pathlib import Path

import click
import pytest

from perfspec.cli import perfspec as cli

ROOT = Path(__file__).parents[3]
COMPOSE = "needs containers and their images; `make compose-run` does it where podman or Docker can"
FOREIGN = {
    "README.md": {
        "make run ": "makes the very installation that this test runs in; every job of CI does it first",
        "make test ": "is what runs this test",
    },
    "docs/guide/ci.md": {
        "pip install perfspec": "takes perfspec from an index; a wheel is installed by test_wheel.py",
    },
    "docs/guide/editor.md": {
        "_PERFSPEC_COMPLETE=fish": "is for the shell fish; test_completion.py asks its script for words",
        'eval "$(_PERFSPEC_COMPLETE=zsh': "is for the shell zsh; test_completion.py asks its script for words",
    },
    "docs/guide/metrics.md": {
        "perfspec run specs/search.yaml --push": "needs a Pushgateway of that name; other tests push to a stand-in",
    },
    "docs/guide/test-environment.md": {"docker compose": COMPOSE, "perfspec ready": COMPOSE, "perfspec run": COMPOSE},
}
"""Page -> how a command begins -> why it is not run."""
FOLLOWED = {
    "README.md",
    "docs/guide/ci.md",
    "docs/guide/editor.md",
    "docs/guide/first-spec.md",
    "docs/guide/metrics.md",
    "docs/slo.md",
}
PAGES = sorted(
    str(path.relative_to(ROOT))
    for path in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md"))
    if "decisions" not in path.parts and "diagnostics" not in path.parts
)
SHOP = """
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Shop(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = json.dumps({"items": [{"id": "t1"}]}).encode()
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

ThreadingHTTPServer(("127.0.0.1", 8080), Shop).serve_forever()
"""


@pytest.fixture
def foreign() -> dict[str, dict[str, str]]:
    return FOREIGN


def with_specs(folder: Path) -> None:
    for name in ("specs", "fixtures", "schema"):
        shutil.copytree(ROOT / name, folder / name)


def test_every_page_with_commands_is_followed(commands_of, capsys):
    shown = {page: commands_of(page) for page in PAGES}
    assert {page for page, found in shown.items() if found} == FOLLOWED | set(FOREIGN)
    with capsys.disabled():
        print()
        for page, table in FOREIGN.items():
            for begins, reason in table.items():
                (command,) = (command for command in shown[page] if command.startswith(begins))
                print(f"not run: {page}: `{command.partition(' #')[0].strip()}` {reason}")


def test_the_readme(follow):
    page = follow("README.md")
    spec = re.search(r"```yaml\n(perfspec: 1\nservice: shop.*?)```", page.text, re.DOTALL)
    assert spec is not None
    (page.folder / "shop.yaml").write_text(spec[1])
    (page.folder / "shop.py").write_text(SHOP)
    page.terminal.begin("python shop.py", 8080)
    assert "without errors" in page("perfspec lint shop.yaml")
    assert "order p95 at most 500ms" in page("perfspec plan shop.yaml")
    assert "shop smoke on local" in page.load("perfspec run shop.yaml")


def adjusted(spec: str, block: str) -> str:
    """A spec whose keys at the left edge are those of a block, where it has them."""
    for part in re.split(r"^(?=\w)", block, flags=re.MULTILINE):
        key = part.partition(":")[0]
        spec, found = re.subn(rf"^{key}:.*?(?=^\w|\Z)", lambda _, part=part: part, spec, flags=re.MULTILINE | re.DOTALL)
        spec += "" if found else part
    return spec


def test_your_first_spec(follow):
    page = follow("docs/guide/first-spec.md")
    page.begin("perfspec serve search", 8083)
    page("perfspec new http://127.0.0.1:8083")
    page("perfspec lint specs/search.yaml")
    tried = page("perfspec try specs/search.yaml", code=1)
    assert "< 401 after" in tried
    spec = page.folder / "specs/search.yaml"
    blocks = re.findall(r"```yaml\n(.*?)```", page.text, re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        spec.write_text(adjusted(spec.read_text(), block))
        again = page.terminal.run("perfspec try specs/search.yaml")
        assert again.code == 0, again.out
    assert "suggest p95 at most 120ms" in page("perfspec plan specs/search.yaml")
    assert "search smoke on local" in page.load("perfspec run specs/search.yaml")
    assert list((page.folder / "results").rglob("report.html"))


def test_continuous_integration(follow):
    page = follow("docs/guide/ci.md")
    with_specs(page.folder)
    git = "git -c user.name=perf -c user.email=perf@example.com"
    begun = page.terminal.run(
        f"git init -q && git add . && {git} commit -qm x && git update-ref refs/remotes/origin/main HEAD"
    )
    assert begun.code == 0, begun.out
    spec = page.folder / "specs/search.yaml"
    spec.write_text(spec.read_text().replace("{p95: at most 120ms}", "{p95: at most 300ms}"))
    assert "specs/search.yaml" in page("perfspec affected --base origin/main  ")
    assert '"specs/search.yaml"' in page("perfspec affected --base origin/main --format matrix")
    assert "suggest p95 loosened: at most 120ms → at most 300ms" in page("perfspec diff origin/main  ")
    page("perfspec diff origin/main --no-loosening", code=1)
    page.load("perfspec run specs/search.yaml --stage smoke --out out --junit-file-attr")
    assert 'file="specs/search.yaml"' in (page.folder / "out/junit.xml").read_text()
    shutil.rmtree(page.folder / "out")
    page.load("perfspec run specs/search.yaml --stage smoke --out out")
    assert (page.folder / "out/junit.xml").is_file()


def test_an_editor(follow):
    page = follow("docs/guide/editor.md")
    (page.folder / "specs").mkdir()
    page("perfspec schema > specs/perfspec-1.schema.json")
    assert (page.folder / "specs/perfspec-1.schema.json").read_text() == (
        ROOT / "schema/perfspec-1.schema.json"
    ).read_text()
    page('eval "$(_PERFSPEC_COMPLETE=bash_source perfspec)"')


def test_the_metrics_of_a_run(follow):
    page = follow("docs/guide/metrics.md")
    with_specs(page.folder)
    assert ":9464/metrics" in page.load("perfspec run specs/search.yaml --metrics 9464 ")
    page.load("perfspec run specs/search.yaml --metrics 0.0.0.0:9464")
    (run, *_) = sorted(path.parent for path in page.folder.rglob("result.json"))
    (page.folder / "results/RUN").symlink_to(run)
    page.judged("perfspec report results/RUN")
    assert "perfspec_run_outcome" in (page.folder / "run.prom").read_text()


def test_promises_and_alerts(follow, not_checked_here):
    if shutil.which("prometheus") is None:
        not_checked_here("prometheus is missing")
    page = follow("docs/slo.md")
    with_specs(page.folder)
    page.begin("perfspec serve all", 8083)
    page("perfspec slo rules specs")
    page("cat > prometheus.yml")
    page.begin("prometheus --config.file=prometheus.yml", 9090)
    page.load("perfspec run specs --stage smoke --metrics 9464")
    for _ in range(2):
        page("perfspec slo status specs")
    page("perfspec slo dashboards specs --out dashboards")
    assert list((page.folder / "dashboards").iterdir())


def mentioned() -> list[tuple[str, str]]:
    """Commands inside sentences: `perfspec run --baseline main`."""
    spans = ((page, span) for page in PAGES for span in re.findall(r"`(perfspec [^`\n]+)`", (ROOT / page).read_text()))
    return sorted(set(spans))


def test_commands_in_sentences_have_the_options_that_are_named():
    found = mentioned()
    assert len(found) > 50
    for page, span in found:
        command, words = cli, span.replace("\\|", "|").split()[1:]
        while words and isinstance(command, click.Group) and re.fullmatch(r"[a-z]+(\|[a-z]+)*", words[0]):
            known = [command.get_command(click.Context(command), name) for name in words.pop(0).split("|")]
            assert None not in known, f"{page}: {span}"
            command = known[0]
        options = {option for parameter in command.params for option in parameter.opts}
        named = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert named <= options | {"--help"}, f"{page}: {span}"
