"""What an editor shows: the real yaml-language-server, spoken to as an editor does, with the schema that the modeline
of a spec names.
"""

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache/editor"
PACKAGE = "yaml-language-server@1.18.0"
PATIENCE_S = 60
SPEC = """# yaml-language-server: $schema=perfspec-1.schema.json
perfspec: 1
service: shop
environments:
  local: {url: http://127.0.0.1:8080}
flows:
  look:
    wieght: 60
    steps:
      - {get: /products, name: products}
thresholds:
  products:
    p95: at most 200ms
    \n"""


class Editor:
    """An editor as the language server sees it: JSON-RPC over its standard streams."""

    def __init__(self, server: subprocess.Popen[bytes]) -> None:
        self.server = server
        self.answers: Queue[dict[str, Any]] = Queue()
        self.findings: Queue[list[dict[str, Any]]] = Queue()
        self._asked = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.server.stdin is not None
        self.server.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self.server.stdin.flush()

    def tell(self, method: str, **params: Any) -> None:
        self._send({"method": method, "params": params})

    def ask(self, method: str, **params: Any) -> Any:
        self._asked += 1
        self._send({"id": self._asked, "method": method, "params": params})
        answer = self.answers.get(timeout=PATIENCE_S)
        assert answer["id"] == self._asked
        assert "error" not in answer, answer
        return answer["result"]

    def _listen(self) -> None:
        assert self.server.stdout is not None
        while header := self.server.stdout.readline():
            length = int(header.split(b":")[1])
            while self.server.stdout.readline().strip():
                pass
            message = json.loads(self.server.stdout.read(length))
            if "method" not in message:
                self.answers.put(message)
            elif message["method"] == "textDocument/publishDiagnostics":
                self.findings.put(message["params"]["diagnostics"])
            elif "id" in message:
                self._send({"id": message["id"], "result": self._setting(message)})

    def _setting(self, message: dict[str, Any]) -> Any:
        """The server asks for settings section by section; only its own are set."""
        if message["method"] != "workspace/configuration":
            return None
        yaml = {"validate": True, "completion": True, "hover": True, "schemaStore": {"enable": False}}
        return [yaml if item.get("section") == "yaml" else None for item in message["params"]["items"]]


@pytest.fixture(scope="module")
def server(not_checked_here) -> Path:
    """The program, installed once into the checkout's own cache."""
    program = CACHE / "node_modules/.bin/yaml-language-server"
    if shutil.which("npm") is None or shutil.which("node") is None:
        not_checked_here("npm is missing")
    if not program.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        install = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(CACHE), PACKAGE]
        done = subprocess.run(install, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode:
            not_checked_here(f"npm could not install {PACKAGE}")
    return program


@pytest.fixture(scope="module")
def editor(server, tmp_path_factory) -> Iterator[Editor]:
    """An editor with SPEC open."""
    folder = tmp_path_factory.mktemp("editor")
    shutil.copy(ROOT / "schema/perfspec-1.schema.json", folder)
    path = folder / "shop.yaml"
    path.write_text(SPEC)
    with subprocess.Popen([server, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            editor = Editor(process)
            can = {"textDocument": {"publishDiagnostics": {}}, "workspace": {"configuration": True}}
            home = folder.as_uri()
            folders = [{"uri": home, "name": "shop"}]
            editor.ask("initialize", processId=None, rootUri=home, capabilities=can, workspaceFolders=folders)
            editor.tell("initialized")
            document = {"uri": path.as_uri(), "languageId": "yaml", "version": 1, "text": SPEC}
            editor.tell("textDocument/didOpen", textDocument=document)
            editor.uri = path.as_uri()  # type: ignore[attr-defined]
            yield editor
        finally:
            process.kill()


def at(line: str, column: int | None = None) -> dict[str, int]:
    """The place of a line of SPEC that begins so."""
    number = next(n for n, text in enumerate(SPEC.splitlines()) if text.startswith(line))
    return {"line": number, "character": len(line) if column is None else column}


def test_an_unknown_key_is_marked_on_its_line(editor):
    found: list[dict[str, Any]] = []
    while not found:
        found = editor.findings.get(timeout=PATIENCE_S)
    (unknown,) = [each for each in found if "wieght" in each["message"]]
    assert unknown["range"]["start"] == at("    wieght", 4)
    assert len(found) == 1


def test_the_cells_of_a_threshold_are_offered(editor):
    last = {"line": len(SPEC.splitlines()) - 1, "character": 4}
    offered = editor.ask("textDocument/completion", textDocument={"uri": editor.uri}, position=last)
    labels = {item["label"] for item in offered["items"]}
    assert {"p50", "p90", "p99", "p99.9", "mean", "max", "errors", "availability", "throughput", "wait p95"} <= labels
    (errors,) = [item for item in offered["items"] if item["label"] == "errors"]
    assert "share that failed" in json.dumps(errors["documentation"])


def test_a_key_is_explained_under_the_pointer(editor):
    said = editor.ask("textDocument/hover", textDocument={"uri": editor.uri}, position=at("service", 3))
    assert "service under test" in json.dumps(said["contents"])
