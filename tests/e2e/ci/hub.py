"""A local server that speaks the part of GitHub's API that is used here: comments, runs of workflows, their artifacts.

A stand-in for GitHub, driven by our own client and by the real `gh`. A chat that takes messages is at /hook.
"""

import http.server
import io
import json
import re
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "right-token"
GITHUB = "http://api.github.localhost"
"""As `gh` knows us: it shows its token to no other host."""
COMMENTS = "/repos/o/r/issues/7/comments"


@dataclass
class Hub:
    """What the server knows, and how it answers. Its repository is `o/r`, its pull request number 7."""

    url: str = ""
    comments: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    troubles: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    """Answers to give first: status and headers."""
    may_write: bool = True
    lost: list[str] = field(default_factory=list)
    """Methods whose next request is carried out, and whose answer is lost."""
    refused: dict[int, int] = field(default_factory=dict)
    """Comments that cannot be changed, and the status that says so."""
    runs: list[dict[str, Any]] = field(default_factory=list)
    """Of all workflows, oldest first."""
    artifacts: dict[tuple[int, str], bytes] = field(default_factory=dict)
    """Run and name -> zip."""
    told: list[dict[str, Any]] = field(default_factory=list)

    def begin_run(self, workflow: str, branch: str, event: str) -> int:
        self.runs.append({"id": 101 + len(self.runs), "name": workflow, "head_branch": branch, "event": event})
        return int(self.runs[-1]["id"])

    def keep(self, run: int, name: str, folder: Path) -> None:
        """As actions/upload-artifact does: all files of a folder, and never two of one name."""
        assert (run, name) not in self.artifacts, f"two artifacts are called {name}"
        held = io.BytesIO()
        with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(folder.rglob("*")):
                archive.write(path, path.relative_to(folder))
        self.artifacts[run, name] = held.getvalue()

    def files_of(self, run: int, name: str) -> list[str]:
        with zipfile.ZipFile(io.BytesIO(self.artifacts[run, name])) as archive:
            return archive.namelist()


class Api(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def answer(self, status: int, document: Any, headers: dict[str, str] | None = None) -> None:
        if status < 300 and self.command in self.hub.lost:
            self.hub.lost.remove(self.command)
            self.close_connection = True
            return
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def is_refused(self) -> bool:
        self.hub.asked.append(f"{self.command} {urlsplit(self.path).path}")
        if self.hub.troubles:
            status, headers = self.hub.troubles.pop(0)
            self.answer(status, {"message": "not now"}, headers)
        elif self.headers.get("Authorization") not in (f"Bearer {TOKEN}", f"token {TOKEN}"):
            self.answer(401, {"message": "Bad credentials"})
        elif self.command != "GET" and not self.hub.may_write:
            self.answer(403, {"message": "Resource not accessible by integration"})
        else:
            return False
        return True

    def document(self) -> Any:
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def do_GET(self) -> None:
        if self.is_refused():
            return
        address = urlsplit(self.path)  # `gh` asks through a proxy, so the whole address is here
        asked = {name: values[0] for name, values in parse_qs(address.query).items()}
        for pattern, of in self.pages().items():
            if found := re.fullmatch(pattern, address.path):
                self.answer(200, of(asked, *found.groups()))
                return
        self.answer(404, {"message": "Not Found"})

    def pages(self) -> dict[str, Callable[..., Any]]:
        return {
            COMMENTS: self.comments,
            "/repos/o/r/actions/workflows": self.workflows,
            r"/repos/o/r/actions/workflows/(\d+)/runs": self.runs,
            r"/repos/o/r/actions/runs/(\d+)/artifacts": self.artifacts,
            r"/artifacts/(\d+)/([\w-]+)\.zip": lambda _, run, name: self.hub.artifacts[int(run), name],
        }

    def comments(self, asked: dict[str, str]) -> Any:
        page, size = int(asked["page"]), int(asked["per_page"])
        return self.hub.comments[(page - 1) * size : page * size]

    def workflows(self, _: dict[str, str]) -> Any:
        names = list(dict.fromkeys(run["name"] for run in self.hub.runs))
        found = [{"id": number, "name": name, "state": "active"} for number, name in enumerate(names, 1)]
        return {"total_count": len(found), "workflows": found}

    def runs(self, asked: dict[str, str], number: str) -> Any:
        names = list(dict.fromkeys(run["name"] for run in self.hub.runs))
        branch = asked.get("branch")
        found = [run for run in self.hub.runs if run["name"] == names[int(number) - 1]]
        found = [run for run in reversed(found) if branch in (None, run["head_branch"])]
        return {"total_count": len(found), "workflow_runs": found[: int(asked["per_page"])]}

    def artifacts(self, _: dict[str, str], run: str) -> Any:
        names = [name for number, name in self.hub.artifacts if number == int(run)]
        found = [
            {"name": name, "expired": False, "archive_download_url": f"{GITHUB}/artifacts/{run}/{name}.zip"}
            for name in names
        ]
        return {"total_count": len(found), "artifacts": found}

    def do_POST(self) -> None:
        sent = self.document()
        if urlsplit(self.path).path == "/hook":
            self.hub.told.append(sent)
            self.answer(200, b"ok")
            return
        if self.is_refused():
            return
        assert urlsplit(self.path).path == COMMENTS
        self.hub.comments.append({"id": len(self.hub.comments) + 1, "body": sent["body"]})
        self.answer(201, self.hub.comments[-1])

    def do_PATCH(self) -> None:
        sent = self.document()
        if self.is_refused():
            return
        (number,) = re.findall(r"^/repos/o/r/issues/comments/(\d+)$", self.path)
        if int(number) in self.hub.refused:
            self.answer(self.hub.refused[int(number)], {"message": "no"})
            return
        self.hub.comments[int(number) - 1]["body"] = sent["body"]
        self.answer(200, self.hub.comments[int(number) - 1])

    def log_message(self, *_: Any) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:
        """Whoever goes away in the middle of a request has its reasons."""


@contextmanager
def serving(handler: type[http.server.BaseHTTPRequestHandler]) -> Iterator[str]:
    server = Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@contextmanager
def listening() -> Iterator[Hub]:
    """A hub that is up."""
    hub = Hub()
    with serving(type("Handler", (Api,), {"hub": hub})) as hub.url:
        yield hub
