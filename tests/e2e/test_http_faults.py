"""A service that does everything wrong, one path at a time, under one run: each fault is counted by its kind under the
name and the line of its step, memory stays bounded, the run goes on, and what is well stays well.
"""

import contextlib
import gzip
import re
import resource
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from perfspec.engine.http1 import MAX_BODY_BYTES

SPEC = "specs/search.yaml"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
Talk = Callable[[socket.socket], None]
USERS = 24
MOST_MEMORY_KB = USERS * (MAX_BODY_BYTES >> 10) + 130_000
"""What all users may hold at once, if all of them read an endless body, and the program itself."""


def says(*pieces: bytes, reset: bool = False, stay: bool = False) -> Talk:
    def talk(peer: socket.socket) -> None:
        for piece in pieces:
            peer.sendall(piece)
        if reset:
            time.sleep(0.02)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif stay:
            peer.recv(1)

    return talk


def forever(head: bytes, piece: bytes, pause: float = 0.0) -> Talk:
    def talk(peer: socket.socket) -> None:
        peer.sendall(head)
        while True:
            peer.sendall(piece)
            time.sleep(pause)

    return talk


def head(*lines: str) -> bytes:
    return "\r\n".join(["HTTP/1.1 200 OK", *lines, "", ""]).encode()


CHUNKED = head("Transfer-Encoding: chunked")
BOMB = gzip.compress(bytes(50_000_000))
FAULTS: dict[str, tuple[Talk, str]] = {
    "reset-before": (says(reset=True), "reset"),
    "reset-head": (says(OK[:20], reset=True), "reset"),
    "reset-body": (says(OK[:-1], reset=True), "reset"),
    "cut-before": (says(), "closed"),
    "cut-head": (says(OK[:20]), "closed"),
    "cut-body": (says(OK[:-1]), "closed"),
    "cut-chunks": (says(head("Transfer-Encoding: chunked"), b"5\r\nab"), "closed"),
    "too-short": (says(head("Content-Length: 1"), b"{}", stay=True), "protocol"),
    "too-long": (says(head("Content-Length: 9"), b"{}", stay=True), "timeout"),
    "no-number": (says(head("Content-Length: two"), b"{}", stay=True), "protocol"),
    "negative": (says(head("Content-Length: -2"), b"{}", stay=True), "protocol"),
    "beyond-all": (says(head("Content-Length: 99999999999999999999"), b"{}", stay=True), "protocol"),
    "both-framings": (says(head("Content-Length: 1", "Transfer-Encoding: chunked"), stay=True), "protocol"),
    "two-lengths": (says(head("Content-Length: 1", "Content-Length: 2"), stay=True), "protocol"),
    "giant-head": (says(head("X: " + "a" * 1_000_000), stay=True), "protocol"),
    "endless-head": (forever(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 1000), "protocol"),
    "endless-status": (forever(b"HTTP/1.1 200 ", b"O" * 1000), "protocol"),
    "endless-trailers": (forever(CHUNKED + b"1\r\nx\r\n0\r\n", b"X: y\r\n" * 1000), "protocol"),
    "endless-trailer": (forever(CHUNKED + b"1\r\nx\r\n0\r\nX: ", b"y" * 100_000), "protocol"),
    "endless-extension": (forever(CHUNKED + b"1;", b"y" * 100_000), "protocol"),
    "endless-chunks": (forever(CHUNKED, b"1\r\nx\r\n" * 10_000), "timeout"),
    "endless-body": (forever(head("X: y"), bytes(1 << 18)), "timeout"),
    "endless-read": (forever(head("X: y"), bytes(1 << 18)), "too large"),
    "drip": (forever(head("Content-Length: 100000"), b"x", 0.02), "timeout"),
    "silence": (says(stay=True), "timeout"),
    "garbage": (says(bytes(range(256)) * 10, stay=True), "protocol"),
    "http-0.9": (says(b"<html>hello</html>"), "protocol"),
    "interim-only": (says(b"HTTP/1.1 100 Continue\r\n\r\n" * 50), "closed"),
    "endless-interim": (forever(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100, 0.001), "timeout"),
    "upgrade": (says(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"), "status 101"),
    "loop": (says(head("Location: /loop", "Content-Length: 0").replace(b"200 OK", b"302 Found")), "redirect loop"),
    "bomb": (
        says(head("Content-Encoding: gzip", f"Content-Length: {len(BOMB)}", "Connection: close"), BOMB),
        "undecodable",
    ),
    "cookies": (says(b"HTTP/1.1 200 OK\r\n", b"Set-Cookie: a=b\r\n" * 100_000, b"\r\n"), "protocol"),
}
FINE = (says(OK), "")
WELL = {
    "closing": says(head("Connection: close", "Content-Length: 2"), b"{}"),
    "early-hints": says(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 3, OK),
}
"""What is odd and no fault."""
FLOWS_FROM = 8
"""The line of the first flow; each has one."""
READ = ("endless-read", "bomb")
"""Whose bodies are looked into."""


class Villain:
    """One thread per connection, one fault per path; `/fine` is well."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self._tls = tls
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._listener.getsockname()[1]}"
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
        with contextlib.suppress(OSError), peer:
            if self._tls is not None:
                peer = self._tls.wrap_socket(peer, server_side=True)
            with peer:
                while True:
                    data = b""
                    while b"\r\n\r\n" not in data:
                        more = peer.recv(4096)
                        if not more:
                            return
                        data += more
                    name = data.split(b" ")[1].decode()[1:]
                    WELL.get(name, FAULTS.get(name, FINE)[0])(peer)
                    if name in FAULTS and name != "loop":
                        return


@pytest.fixture
def villain() -> Iterator[Villain]:
    made = Villain()
    yield made
    made.close()


def step(name: str) -> str:
    patience = "400ms" if FAULTS.get(name, FINE)[1] == "timeout" else "10s"
    looks = ", expect: {$.x: absent}" if name in READ else ""
    return f"{{get: /{name}, name: {name}, timeout: {patience}{looks}}}"


def end_and_peak(begun) -> tuple[Any, int]:
    """The run's end, and the most memory that it had until then, in kB."""
    peak = 0
    while begun.process.poll() is None:
        with contextlib.suppress(OSError, StopIteration):
            status = Path(f"/proc/{begun.process.pid}/status").read_text().splitlines()
            peak = max(peak, int(next(line for line in status if line.startswith("VmHWM")).split()[1]))
        if begun.folder.joinpath("result.json").exists():
            break
        time.sleep(0.05)
    return begun.end(), peak


@pytest.mark.parametrize("wanted", ["", "{$.database: up}"])
def test_a_service_that_talks_without_an_end_when_asked_whether_it_is_ready(
    tmp_path, perfspec, small_spec, villain, wanted: str
) -> None:
    folder = small_spec(tmp_path / "x", villain.url, ONE)
    path = folder / SPEC
    asked = f"{{get: /endless-read, until: {wanted}, within: 1s}}" if wanted else "/endless-read"
    path.write_text(path.read_text().replace("}}\nsecrets", f", ready: {asked}}}}}\nsecrets"))
    ended, peak = end_and_peak(perfspec.begin(folder, "--stage", "smoke"))
    assert ended.code == (4 if wanted else 0), ended.out + ended.err
    assert 0 < peak < 130_000


def test_every_fault_is_counted_by_its_kind_under_its_step(new_folder, perfspec, small_spec, villain) -> None:
    flows = "".join(f"  {name}: {{steps: [{step(name)}]}}\n" for name in (*FAULTS, *WELL, "fine"))
    body = f"flows:\n{flows}stages: {{smoke: {{phases: [{{for: 6s, users: {USERS}}}]}}}}\n"
    body += "thresholds: {fine: {errors: under 5%}}\n"
    begun = perfspec.begin(small_spec(new_folder("faults"), villain.url, body), "--stage", "smoke")
    ended, peak = end_and_peak(begun)
    found: dict[str, dict[str, int]] = {}
    for piece in ended.slices():
        if not piece["key"][1]:
            for kind, n in piece.get("errors", {}).items():
                kinds = found.setdefault(piece["key"][0], {})
                kinds[kind] = kinds.get(kind, 0) + n
    assert {name: set(kinds) for name, kinds in found.items()} == {name: {kind} for name, (_, kind) in FAULTS.items()}
    assert all(ended.summary(name)["n"] > 0 for name in (*WELL, "fine"))
    for line, name in enumerate((*FAULTS, *WELL, "fine"), FLOWS_FROM):
        assert ended.summary(name)["where"] == [f"{SPEC}:{line}"]
    told = " ".join(ended.out.split())
    assert re.search(rf"drip: \d+ x timeout \({SPEC}:{FLOWS_FROM + list(FAULTS).index('drip')}\)", told)
    notes = [note for note in ended.log[-1]["notes"] if note.startswith("protocol: ")]
    steps = [re.match(rf"protocol: ([a-z0-9-]+) \({SPEC}:\d+\): ", note)[1] for note in notes]
    assert len(set(steps)) == len(steps) == 3
    assert ended.code == 0, ended.out + ended.err
    assert ended.log[-1]["reason"] == "finished"
    assert 0 < peak < MOST_MEMORY_KB


ONE = """flows: {one: {steps: [{get: /fine, name: fine}]}}
stages: {smoke: {phases: [{for: 2s, users: 3}]}}
thresholds: {all: {errors: under 1%}}
"""


def certificate(name: str, authority: trustme.CA, *, expired: bool = False) -> ssl.SSLContext:
    until = datetime.now(UTC) - timedelta(days=1) if expired else None
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name, not_after=until).configure_cert(made)
    return made


@pytest.mark.parametrize(
    ("name", "expired", "known", "says"),
    [
        ("127.0.0.1", True, True, "tls: fine (specs/search.yaml:7): certificate has expired"),
        ("other.test", False, True, "tls: fine (specs/search.yaml:7): IP address mismatch"),
        ("127.0.0.1", False, False, "tls: fine (specs/search.yaml:7): unable to get local issuer certificate"),
    ],
    ids=["expired", "wrong name", "unknown authority"],
)
def test_certificates_that_are_refused(
    tmp_path, perfspec, small_spec, name: str, expired: bool, known: bool, says: str
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    service = Villain(certificate(name, authority, expired=expired))
    folder = small_spec(tmp_path / "x", service.url, ONE)
    if known:
        path = folder / SPEC
        path.write_text(path.read_text().replace("}}\nsecrets", f", tls: {{ca: {tmp_path}/ca.pem}}}}}}\nsecrets"))
    ended = perfspec(folder, "--stage", "smoke")
    service.close()
    assert set(ended.errors()) == {"tls"}
    assert ended.code == 1
    assert 0 < ended.result["waits"] < 40  # who is turned away does not try again at once
    assert any(note.startswith(says) for note in ended.log[-1]["notes"]), ended.log[-1]["notes"]
    connects = [piece for piece in ended.slices() if piece["key"][1] == "tls"]
    assert connects
    assert all(set(piece["errors"]) == {"tls"} for piece in connects)


@pytest.mark.parametrize("shown", ["", "other", "known"])
def test_a_service_that_asks_who_we_are(tmp_path, perfspec, small_spec, shown: str) -> None:
    """It says so behind the handshake, while the first request is on its way."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    asks = certificate("127.0.0.1", authority)
    asks.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(asks)
    tls = f"ca: {tmp_path}/ca.pem"
    if shown:
        issued = (authority if shown == "known" else trustme.CA()).issue_cert("perf@site.test")
        issued.private_key_pem.write_to_path(str(tmp_path / "own.key"))
        issued.cert_chain_pems[0].write_to_path(str(tmp_path / "own.pem"))
        tls += f", cert: {tmp_path}/own.pem, key: {tmp_path}/own.key"
    service = Villain(asks)
    folder = small_spec(tmp_path / "x", service.url, ONE)
    path = folder / SPEC
    path.write_text(path.read_text().replace("}}\nsecrets", f", tls: {{{tls}}}}}}}\nsecrets"))
    ended = perfspec(folder, "--stage", "smoke")
    service.close()
    if shown == "known":
        assert (ended.code, ended.errors()) == (0, {}), ended.out
        return
    assert (ended.code, set(ended.errors())) == (1, {"tls"}), ended.out
    why = "unknown ca" if shown else "certificate required"
    assert any(note.startswith("tls: fine (specs/search.yaml:7): ") and why in note for note in ended.result["notes"])


SHORT = """flows: {one: {steps: [{get: /closing, name: closing}, {pause: 20ms}]}}
stages: {smoke: {phases: [{for: 6s, users: 3}]}}
thresholds: {all: {errors: under 1%}}
"""


def test_descriptors_that_are_used_up_in_mid_run_are_nobody_elses_fault(
    new_folder, perfspec, small_spec, villain
) -> None:
    """Every request needs a connection of its own; for two seconds there are none to be had."""
    begun = perfspec.begin(small_spec(new_folder("descriptors"), villain.url, SHORT), "--stage", "smoke")
    begun.wait_for_seconds(2)
    pid, limits = begun.process.pid, resource.prlimit(begun.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, limits[1]))
    time.sleep(1.5)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
    ended = begun.end()
    assert set(ended.errors()) == {"no descriptors"}
    assert ended.log[-1]["reason"] == "finished"
    (verdict,) = ended.result["verdicts"]
    assert (verdict["outcome"], ended.code) == ("INCONCLUSIVE", 3), ended.out
    assert "this machine's (no descriptors)" in verdict["reason"]
    last = [piece for piece in ended.slices() if piece["key"][1] == "" and piece["second"] == 5]
    assert sum(piece["n"] for piece in last) > 10
    assert not any(piece.get("errors") for piece in last)
