"""A service that answers with pages: what is captured of them is sent, and what is measured of them is compared."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

TOKEN = "c5rf-7oken-of-a-form"
PAGE = f"""<!doctype html><title>Tea &amp; more</title>
<form><input type=hidden name=csrf value="{TOKEN}"></form>
<ul class="items"><li><a href="/p/1">One</a><li><a href="/p/2">Two <b>bold</b></a></ul>
"""
SPEC = """
flows:
  buy:
    steps:
      - get: /page
        name: page
        capture:
          title: css title
          csrf: secret css input[name=csrf] @value
          links: all css ul.items a @href
          count: count css li
          none: css .none or nothing
      - for_each: ${links}
        as: link
        steps:
          - get: ${link}
            name: item
            record: {price: $.price}
      - post: /order
        name: order
        form: {csrf: "${csrf}", title: "${title}", count: "${count}", none: "${none}"}
      - get: /page
        name: lost
        capture: {next: css a.next @href}
      - {get: /never, name: never, query: {n: "${next}"}}
stages: {smoke: {phases: [{for: 3s, users: 1, round_every: 200ms}]}}
thresholds:
  page: {errors: under 1%, size p95: under 1kB}
  order: {errors: under 1%}
  rules:
    - price max(item) < 2 * price mean(item)
    - size p95(page) > 2 * size p95(item) + 100B
    - size mean(order) > 1kB
"""


class Shop(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.orders: list[dict[str, list[str]]] = []
        self.targets: list[str] = []


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536  # head and body in one piece
    server: Shop

    def do_GET(self) -> None:
        self.server.targets.append(self.path)
        if urlsplit(self.path).path == "/page":
            self.answer(PAGE.encode(), "text/html")
        else:
            self.answer(json.dumps({"price": 2 if self.path.endswith("1") else 3}).encode(), "application/json")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.orders.append(parse_qs(body.decode()))
        self.answer(b"{}", "application/json")

    def answer(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def shop(serving) -> Iterator[Shop]:
    server = Shop()
    with serving(server):
        yield server


@pytest.fixture(scope="module")
def ended(new_folder, perfspec, small_spec, shop) -> Any:
    folder = small_spec(new_folder("pages") / "spec", f"http://127.0.0.1:{shop.server_address[1]}", SPEC)
    return perfspec(folder)


def test_what_is_captured_of_a_page_is_sent_by_the_steps_below(ended, shop) -> None:
    assert len(shop.orders) >= 5, ended.out
    wanted = {"csrf": [TOKEN], "title": ["Tea & more"], "count": ["2"], "none": ["nothing"]}
    assert all(order == wanted for order in shop.orders)
    rounds = shop.targets.count("/p/1")  # the end of the load may cut the last one off
    assert len(shop.orders) <= shop.targets.count("/p/2") <= rounds <= len(shop.orders) + 1


def test_a_page_without_it_is_a_failed_request_that_names_the_selector(ended, shop) -> None:
    lost = ended.summary("lost")
    (kind,) = lost["errors"]
    assert kind.startswith("capture specs/search.yaml:")
    assert kind.endswith(" next from css a.next @href")
    assert lost["failed"] == lost["n"] > 0
    assert not any(target.startswith("/never") for target in shop.targets)


def test_sizes_and_numbers_are_compared_as_what_they_are(ended) -> None:
    verdicts = {v["threshold"]: v for v in ended.result["verdicts"]}
    size = len(PAGE.encode())
    found = {
        name: (verdict["outcome"], [(m["text"], m["unit"]) for m in verdict["measured"]])
        for name, verdict in verdicts.items()
        if verdict["row"] == "rules"
    }
    assert found == {
        "price max(item) < 2 * price mean(item)": (
            "PASS",
            [("price max(item)", "number"), ("price mean(item)", "number")],
        ),
        "size p95(page) > 2 * size p95(item) + 100B": (
            "PASS",
            [("size p95(page)", "size"), ("size p95(item)", "size")],
        ),
        "size mean(order) > 1kB": ("FAIL", [("size mean(order)", "size")]),
    }
    assert f"size p95(page) {size} B, size p95(item) 12 B" in ended.out
    assert "price max(item) 3, price mean(item) 2.5" in ended.out
    assert (ended.code, ended.result["outcome"]) == (1, "FAIL")


def test_a_secret_of_a_page_is_in_no_file_of_the_run(ended) -> None:
    files = [file for file in ended.folder.iterdir() if file.is_file()]
    assert {"result.json", "junit.xml", "slices.jsonl", "report.html"} <= {file.name for file in files}
    assert [file.name for file in files if TOKEN.encode() in file.read_bytes()] == []
    assert any(each["key"][0] == "lost" and "***" in each["answer"] for each in ended.result["exemplars"])
