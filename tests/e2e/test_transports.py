"""The same spec over our own sockets and over httpx: the same requests, answers, captures and errors. And what only
httpx can do: HTTP/2 and proxies.
"""

import contextlib
import importlib.util
import select
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

SPEC = "specs/search.yaml"
HEAD = """perfspec: 1
service: web
random_seed: 11
secrets: {{password: {{from_env: WEB_PASSWORD, when_local: opensesame}}}}
environments:
  local:
    url: {url}
    {access}
    headers: {{X-Team: "perf ${{run.environment}}"}}
    ready: {{get: /ready, until: {{$.database: up}}, within: 5s}}
defaults: {{timeout: 3s}}
data: {{word: {{choice: [tea, coffee, milk]}}, size: {{number: 1 to 9}}}}
"""
EVERYTHING = """
flows:
  all:
    steps:
      - {post: /login, name: login, form: {user: "${word} & co"}, capture: {who: $.user, sid: cookie sid}}
      - {get: /home, name: home, expect: {$.user: perf}}
      - {get: "/echo?sid=${sid}&who=${who}", name: captured, expect: {status: 201}}
      - {post: /again, name: again, json: {word: "${word}", size: "${size}"}, auth: "basic perf:${secret.password}",
         expect: {status: 201, $.method: POST, $.auth: Basic cGVyZjpvcGVuc2VzYW1l}, capture: {hash: $.hash}}
      - {put: "/echo?hash=${hash}", name: upload,
         form: {title: "${word}", all: {file: large.bin}, one: {file: small.txt}},
         capture: {hash: $.hash, bytes: $.size}}
      - {delete: "/echo?hash=${hash}&bytes=${bytes}", name: hashes, expect: {status: 201}}
      - {get: /gzip, name: gzip, expect: {"$.items[1999]": 1999}, capture: {id: $.id}}
      - {get: "/deflate?${id}", name: deflate, expect: {$.id: packed}}
      - {get: /chunks, name: chunks, expect: {"header X-Kind": chunks, "$.a[2]": 3}}
      - {get: /closing, name: closing, expect: {$.until: the end}}
      - {head: /head, name: head, expect: {"header X-Length": 5}}
      - {get: /none, name: none, expect: {status: 204}}
      - {get: /interim, name: interim, expect: {status: 200}}
      - {get: /large, name: large}
      - {get: /nothing, name: nothing}
      - {get: /login, name: kept, expect: {status: 302, header Location: /home}}
      - {get: /bomb, name: bomb, expect: {$.x: absent}}
      - {get: /loop, name: loop}
stages:
  smoke: {phases: [{name: one, for: 3s, users: 1}]}
thresholds: {all: {count: at least 10}}
"""
FAILED = {"nothing": "status 404", "bomb": "undecodable", "loop": "redirect loop"}
LARGE = bytes(range(256)) * 2000


def load_web():
    """`web_service.py` beside this file: tests are no package."""
    path = Path(__file__).with_name("web_service.py")
    spec = importlib.util.spec_from_file_location("web_service", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["web_service"] = module
    spec.loader.exec_module(module)
    return module.web


web = load_web()


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> tuple[trustme.CA, str]:
    made = trustme.CA()
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    made.cert_pem.write_to_path(str(path))
    return made, str(path)


def tls_of(authority: tuple[trustme.CA, str]) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority[0].issue_cert("127.0.0.1").configure_cert(made)
    return made


def written(folder: Path, url: str, body: str, access: str = "") -> Path:
    path = folder / SPEC
    path.parent.mkdir(parents=True)
    path.write_text(HEAD.format(url=url, access=access) + body)
    (path.parent / "large.bin").write_bytes(LARGE)
    (path.parent / "small.txt").write_text("100 % small")
    return folder


def requests_of(seen: list[tuple[str, str, bytes]]) -> list[tuple[str, str, bytes]]:
    return [each for each in seen if not each[0].startswith("GET /ready")]


def errors_of(ended) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for piece in ended.slices():
        if piece["key"][1] == "" and piece.get("errors"):
            found.setdefault(piece["key"][0], set()).update(piece["errors"])
    return found


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_both_transports_send_and_understand_the_same(tmp_path, perfspec, authority, secure: bool) -> None:
    access = f"tls: {{ca: {authority[1]}}}" if secure else ""
    sent, failed, timers = [], [], []
    for transport in ("fast", "httpx"):
        with web(tls_of(authority) if secure else None) as service:
            folder = written(tmp_path / transport, service.url, EVERYTHING, access)
            ended = perfspec(folder, "--stage", "smoke", "--transport", transport)
        assert ended.code == 0, ended.out + ended.err
        sent.append(requests_of(service.seen))
        failed.append(errors_of(ended))
        timers.append({piece["key"][1] for piece in ended.slices()} - {"round"})
    assert failed == [{name: {kind} for name, kind in FAILED.items()}] * 2
    both = min(len(each) for each in sent)
    assert both >= 2 * 30, "less than two rounds: look at why"
    for one, other in zip(*(each[:both] for each in sent), strict=True):
        assert one == other
    wanted = {"", "connect", "redirect", *(["tls"] if secure else [])}
    assert wanted <= timers[0]
    assert wanted <= timers[1]


def test_the_plan_says_what_carries_the_requests(tmp_path, perfspec) -> None:
    body = EVERYTHING
    plain = written(tmp_path / "plain", "http://127.0.0.1:1", body)
    assert "sends    HTTP/1.1, by a client of its own" in perfspec.command(plain, "plan", SPEC).out
    asked = perfspec.command(plain, "plan", SPEC, "--transport", "httpx").out
    assert "sends    HTTP/1.1 by httpx" in asked
    access = "http: 2\n    proxy: http://me:${secret.password}@127.0.0.1:3128"
    far = written(tmp_path / "far", "http://127.0.0.1:1", body, access)
    shown = perfspec.command(far, "plan", SPEC).out
    assert "sends    HTTP/2 by httpx, through the proxy http://me:${secret.password}@127.0.0.1:3128" in shown
    refused = perfspec.command(far, "plan", SPEC, "--transport", "fast")
    assert refused.code == 2
    assert "which only httpx can do" in refused.err


ONE = """
flows:
  one: {steps: [{get: "/echo?${word}", name: echo, expect: {status: 201}}, {pause: 20ms}]}
stages:
  smoke: {phases: [{name: one, for: 2s, users: 3}]}
thresholds: {all: {errors: under 90%}}
"""


class Proxy:
    """Passes on what it is given, tunnels included, and notes the first lines and who asked."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.shown: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self._listener.accept()
                threading.Thread(target=self._talk, args=(peer,), daemon=True).start()

    def _talk(self, peer: socket.socket) -> None:
        with peer, contextlib.suppress(OSError):
            data = b""
            while b"\r\n\r\n" not in data:
                data += peer.recv(4096)
            line = data.split(b"\r\n")[0].decode()
            self.lines.append(line)
            self.shown += [each for each in data.decode().split("\r\n") if each.lower().startswith("proxy-auth")]
            method, target, _ = line.split(" ")
            where = target if method == "CONNECT" else target.split("/")[2]
            host, _, port = where.partition(":")
            with socket.create_connection((host, int(port))) as there:
                if method == "CONNECT":
                    peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                else:
                    there.sendall(data)
                self._pass_on(peer, there)

    def _pass_on(self, one: socket.socket, other: socket.socket) -> None:
        while True:
            for ready in select.select([one, other], [], [])[0]:
                data = ready.recv(65536)
                if not data:
                    return
                (other if ready is one else one).sendall(data)


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    made = Proxy()
    yield made
    made.close()


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_a_proxy_is_asked_and_shown_who_we_are(tmp_path, perfspec, authority, proxy, secure: bool) -> None:
    access = f"proxy: http://me:${{secret.password}}@127.0.0.1:{proxy.port}"
    if secure:
        access += f"\n    tls: {{ca: {authority[1]}}}"
    with web(tls_of(authority) if secure else None) as service:
        folder = written(tmp_path / "x", service.url, ONE, access)
        ended = perfspec(folder, "--stage", "smoke")
        before = len(proxy.lines)
        tried = perfspec.command(folder, "try", SPEC)
    assert ended.code == tried.code == 0, ended.out + ended.err + tried.out + tried.err
    assert not ended.errors()
    assert len(proxy.lines) >= before + 2, "to see that it is ready, and the round"
    wanted = f"CONNECT {service.url[8:]} HTTP/1.1" if secure else f"GET {service.url}/"
    assert [line for line in proxy.lines if not line.startswith(wanted)] == []
    assert set(proxy.shown) == {"Proxy-Authorization: Basic bWU6b3BlbnNlc2FtZQ=="}
    assert "opensesame" not in ended.out + ended.err + (ended.folder / "result.json").read_text()


def test_a_proxy_that_is_not_there_is_not_the_service(tmp_path, perfspec, free_port) -> None:
    """Nobody here knows the name of the service: that is the proxy's business."""
    access = f"stages: [smoke]\n    proxy: http://127.0.0.1:{free_port()}"
    folder = written(tmp_path / "x", "http://shop.invalid", ONE, access)
    spec = folder / SPEC
    spec.write_text(spec.read_text().replace("    ready: {get: /ready, until: {$.database: up}, within: 5s}\n", ""))
    ended = perfspec(folder, "--stage", "smoke", "--yes", WEB_PASSWORD="opensesame")
    assert set(ended.errors()) == {"proxy"}, ended.err
    assert any("refused: the proxy cannot be reached" in note for note in ended.result["notes"])


NGINX = """
daemon off; master_process off; pid nginx.pid; error_log error.log warn; worker_processes 1;
events {{ worker_connections 64; }}
http {{ access_log access.log; keepalive_requests 7; default_type application/json;
  log_format proto '$server_protocol $connection';
  client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
  access_log protocols.log proto;
  server {{ listen 127.0.0.1:{port} ssl http2; ssl_certificate cert.pem; ssl_certificate_key key.pem;
    location = /ready {{ return 200 '{{"database": "up"}}'; }}
    location / {{ return 201 '{{}}'; }} }} }}
"""


@pytest.fixture
def nginx(tmp_path, authority, free_port, not_checked_here) -> Iterator[tuple[str, Path]]:
    if shutil.which("nginx") is None:
        not_checked_here("nginx is missing")
    folder = tmp_path / "nginx"
    folder.mkdir()
    issued = authority[0].issue_cert("127.0.0.1")
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    issued.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    port = free_port()
    (folder / "nginx.conf").write_text(NGINX.format(port=port))
    process = subprocess.Popen(["nginx", "-p", str(folder), "-c", "nginx.conf", "-e", "error.log"])
    try:
        for _ in range(500):
            with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
                break
            assert process.poll() is None
            select.select([], [], [], 0.01)
        yield f"https://127.0.0.1:{port}", folder / "protocols.log"
    finally:
        process.terminate()
        process.wait(10)


def test_http_2_over_one_connection_per_user_until_the_service_ends_it(tmp_path, perfspec, authority, nginx) -> None:
    url, log = nginx
    access = f"http: 2\n    tls: {{ca: {authority[1]}}}"
    ended = perfspec(written(tmp_path / "x", url, ONE, access), "--stage", "smoke")
    assert ended.code == 0, ended.out + ended.err
    assert not ended.errors()
    lines = Counter(log.read_text().splitlines())
    spoken = [line for line in lines.elements() if line.startswith("HTTP/2.0")]
    assert len(spoken) > 20
    most = max(Counter(spoken).values())
    assert 3 <= len(set(spoken)) <= 3 * (len(spoken) // 7 + 1)
    assert most == 7, "the service says farewell after seven requests, and no answer is lost by that"


def test_a_service_without_http_2_is_told(tmp_path, perfspec, authority) -> None:
    access = f"http: 2\n    tls: {{ca: {authority[1]}}}"
    with web(tls_of(authority)) as service:
        ended = perfspec(written(tmp_path / "x", service.url, ONE, access), "--stage", "smoke")
    assert set(ended.errors()) <= {"protocol", "closed", "reset"}
    assert ended.errors().total() > 0
    assert ended.code == 1
