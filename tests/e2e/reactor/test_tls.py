"""HTTPS over real sockets: what is verified, what a refusal is called, and what its handshake is counted as."""

import asyncio
import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from perfspec.base.clock import MILLISECOND as MS
from perfspec.base.errors import EnvironmentFailure
from perfspec.engine.connection import LONG_IDLE_NS
from perfspec.engine.lanes import Lane
from perfspec.engine.tls import context
from perfspec.language.timers import FIRST_OF_SEVERAL
from perfspec.spec.model import Tls
from perfspec.steps.runtime import Origin, Run

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Authority:
    """A certificate authority with its files."""

    def __init__(self, folder: Path) -> None:
        self.own = trustme.CA()
        self.folder = folder
        self.ca = str(folder / "ca.pem")
        self.own.cert_pem.write_to_path(self.ca)

    def server(self, *names: str, expired: bool = False, asks: bool = False) -> ssl.SSLContext:
        until = datetime.now(UTC) - timedelta(days=1) if expired else None
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.own.issue_cert(*(names or ("site.test",)), not_after=until).configure_cert(made)
        if asks:
            made.verify_mode = ssl.CERT_REQUIRED
            self.own.configure_trust(made)
        return made

    def client(self) -> Tls:
        issued = self.own.issue_cert("perfspec@site.test")
        issued.private_key_pem.write_to_path(str(self.folder / "client.key"))
        issued.cert_chain_pems[0].write_to_path(str(self.folder / "client.pem"))
        return Tls(self.ca, str(self.folder / "client.pem"), str(self.folder / "client.key"))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def secure(site_with, authority: Authority) -> Iterator[object]:
    """A site that trusts the authority."""
    with site_with(context(Tls(authority.ca))) as site:
        yield site


def failure(site, tls: ssl.SSLContext) -> tuple[str | None, str]:
    site.run(site.get(site.call(site.answering(OK, tls=tls))))
    (seen,) = site.seen
    assert (seen.status, seen.body, seen.first) == (0, b"", 0)
    assert not site.driver.transport.connections
    return seen.error, site.driver.first_errors.get(seen.error or "", "")


def test_one_handshake_serves_a_lane_for_all_its_requests(secure, authority) -> None:
    secure.run(secure.get(secure.call(secure.answering(OK, tls=authority.server())), times=5))
    assert [(seen.status, seen.body, seen.error) for seen in secure.seen] == [(200, b"ok", None)] * 5
    assert secure.accepted == 1
    ((connect_due, connect_ns, _),) = secure.timings.told["connect"]
    ((tls_due, tls_ns, kind),) = secure.timings.told["tls"]
    first = secure.seen[0]
    assert kind is None
    assert first.due <= connect_due < connect_due + connect_ns <= tls_due < tls_due + tls_ns <= first.sent
    assert FIRST_OF_SEVERAL not in secure.timings.told


def test_what_openssl_keeps_is_read_too_however_large_the_answer(secure, authority) -> None:
    body = bytes(range(256)) * 4000
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    plain = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    origin = secure.answering(plain, chunked, plain, tls=authority.server())
    secure.run(secure.get(secure.call(origin), times=3))
    assert [seen.body == body for seen in secure.seen] == [True] * 3
    assert len(secure.timings.told[FIRST_OF_SEVERAL]) == 3


def test_a_large_request_waits_for_the_kernel_and_goes_out_whole(secure, authority) -> None:
    body = b"x" * 3_000_000
    secure.run(secure.get(secure.call(secure.answering(OK, tls=authority.server()), "POST", body), times=2))
    assert [seen.status for seen in secure.seen] == [200, 200]
    assert [len(request.partition(b"|")[2]) for request in secure.requests] == [len(body)] * 2


def test_an_address_can_be_the_name(secure, authority) -> None:
    async def script(peer) -> None:
        await peer.request()
        await peer.send(OK)

    origin = secure.serve(script, tls=authority.server("127.0.0.1"), name="127.0.0.1")
    secure.run(secure.get(secure.call(origin)))
    assert secure.seen[0].status == 200


def test_the_name_of_the_host_is_said_in_the_handshake(secure, authority) -> None:
    names: list[str | None] = []
    server = authority.server()
    server.sni_callback = lambda _socket, name, _context: names.append(name)
    secure.run(secure.get(secure.call(secure.answering(OK, tls=server))))
    assert names == ["site.test"]


def test_another_name_is_refused(secure, authority) -> None:
    kind, text = failure(secure, authority.server("other.test"))
    assert kind == "tls"
    assert "Hostname mismatch" in text
    assert "site.test" in text
    ((_, ns, why),) = secure.timings.told["tls"]
    assert (ns, why) == (0, "tls")
    assert secure.timings.told["connect"][0][2] is None


def test_an_expired_certificate_is_refused(secure, authority) -> None:
    assert failure(secure, authority.server(expired=True)) == ("tls", "get: certificate has expired")


def test_an_unknown_authority_is_refused(site, authority) -> None:
    kind, text = failure(site, authority.server())
    assert kind == "tls"
    assert "unable to get local issuer certificate" in text


def test_a_service_that_speaks_no_tls_is_refused(secure) -> None:
    async def script(peer) -> None:
        await peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await peer.reader.read()

    origin = secure.serve(script)
    secure.run(secure.get(secure.call(Origin(origin.host, origin.port, origin.address, tls=True))))
    assert secure.seen[0].error == "tls"
    assert "wrong version number" in secure.driver.first_errors["tls"]


@pytest.mark.parametrize("reset", [False, True])
def test_a_handshake_that_is_cut(secure, reset: bool) -> None:
    async def script(peer) -> None:
        await peer.reader.readexactly(5)
        if reset:
            peer.reset()

    origin = secure.serve(script)
    secure.run(secure.get(secure.call(Origin(origin.host, origin.port, origin.address, tls=True))))
    assert secure.seen[0].error in ({"reset"} if reset else {"tls", "reset"})  # unread bytes make a close a reset


def test_a_handshake_that_never_ends_is_a_time_out(secure) -> None:
    async def script(peer) -> None:
        await peer.reader.read()

    origin = secure.serve(script)
    secure.run(secure.get(secure.call(Origin(origin.host, origin.port, origin.address, tls=True), timeout_ns=30 * MS)))
    assert secure.seen[0].error == "timeout"
    assert secure.timings.told["tls"][0][2] == "timeout"


def test_a_certificate_of_our_own_is_shown_where_it_is_asked_for(site_with, authority) -> None:
    with site_with(context(authority.client())) as site:
        site.run(site.get(site.call(site.answering(OK, tls=authority.server(asks=True)))))
        assert site.seen[0].status == 200
    with site_with(context(Tls(authority.ca))) as site:
        site.run(site.get(site.call(site.answering(OK, tls=authority.server(asks=True)))))
        assert site.seen[0].error in ("tls", "reset", "closed")  # this service says nothing when it turns us away


def test_a_service_that_says_why_it_turns_us_away_is_quoted(secure, authority) -> None:
    """After the handshake, when the request is on its way."""
    context = authority.server(asks=True)

    def serve(listener: socket.socket) -> None:
        for _ in range(3):
            with listener.accept()[0] as plain, contextlib.suppress(ssl.SSLError):
                context.wrap_socket(plain, server_side=True)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        origin = Origin("site.test", listener.getsockname()[1], "127.0.0.1", tls=True)
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        secure.run(secure.get(secure.call(origin), times=3))
    assert [seen.error for seen in secure.seen] == ["tls"] * 3
    assert "certificate required" in secure.driver.first_errors["tls"]


@pytest.mark.parametrize("reset", [False, True])
def test_a_write_to_a_connection_that_was_hung_up_is_a_race(secure, authority, reset: bool) -> None:
    """While the client was busy elsewhere, so that nothing but the write tells."""
    answered, hung_up = threading.Event(), threading.Event()
    context = authority.server()

    def serve(listener: socket.socket) -> None:
        for last in (False, True):
            with listener.accept()[0] as plain, context.wrap_socket(plain, server_side=True) as peer:
                peer.recv(1000)
                peer.sendall(OK)
                if last:
                    peer.recv(1000)
                    return
                answered.wait(20)
                if reset:
                    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            hung_up.set()

    def program(lane: Lane) -> Run:
        yield from get(lane)
        answered.set()
        hung_up.wait(20)
        yield from get(lane)
        secure.driver.transport.release(lane)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        origin = Origin("site.test", listener.getsockname()[1], "127.0.0.1", tls=True)
        get = secure.get(secure.call(origin), idle_ns=LONG_IDLE_NS)
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        secure.run(program)
        thread.join(20)
    assert [seen.error for seen in secure.seen] == [None, None]
    assert secure.driver.transport.sent_again == 1


def test_an_idle_connection_that_closes_is_replaced_and_a_race_is_sent_again(secure, authority) -> None:
    async def script(peer) -> None:
        await peer.request()
        await peer.send(OK)
        if peer.number == 2:
            await peer.request()

    call = secure.call(secure.serve(script, tls=authority.server()))
    secure.run(secure.get(call, times=3, pause_ns=20 * MS, idle_ns=LONG_IDLE_NS))
    assert [seen.status for seen in secure.seen] == [200] * 3
    assert secure.accepted == 3
    assert secure.driver.transport.unsolicited == 0  # a farewell, session tickets: nothing of it is an answer


def test_an_answer_without_a_length_ends_with_the_connection(secure, authority) -> None:
    async def script(peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\nall ")
        await asyncio.sleep(0.005)
        await peer.send(b"of it")

    secure.run(secure.get(secure.call(secure.serve(script, tls=authority.server()))))
    assert [(seen.error, seen.body) for seen in secure.seen] == [(None, b"all of it")]


def test_many_handshakes_at_once(secure, authority) -> None:
    origin = secure.answering(OK, tls=authority.server())
    secure.run(*(secure.get(secure.call(origin), times=3) for _ in range(40)))
    assert [seen.status for seen in secure.seen] == [200] * 120
    assert secure.accepted == 40


def test_the_lane_may_be_given_up_in_the_handshake(secure) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    origin = Origin("site.test", listener.getsockname()[1], "127.0.0.1", tls=True)

    def program(lane: Lane) -> Run:
        lane.request(secure.call(origin))
        yield

    lane = Lane(secure.driver, 0)
    secure.driver.call_soon(lambda _: lane.run(program(lane), lambda *_: None), None)
    secure.until(lambda: any(each.phase == "tls" for each in secure.driver.transport.connections.values()))
    lane.kill()
    assert not secure.driver.transport.connections
    listener.close()


@pytest.mark.parametrize(
    ("tls", "says"),
    [
        (Tls(ca="nowhere.pem"), "`tls.ca`: there is no file nowhere.pem"),
        (Tls(cert="nowhere.pem"), "`tls.cert`: there is no file nowhere.pem"),
    ],
)
def test_files_that_are_not_there_are_told_before_any_load(tls: Tls, says: str) -> None:
    with pytest.raises(EnvironmentFailure) as caught:
        context(tls)
    assert caught.value.message == says


def test_a_key_that_does_not_fit_is_told_as_such(tmp_path, authority) -> None:
    mine, another = authority.client(), trustme.CA().issue_cert("me@site.test")
    another.private_key_pem.write_to_path(str(tmp_path / "other.key"))
    locked = tmp_path / "locked.key"
    locked.write_text("-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
    for key, says in (
        (str(tmp_path / "other.key"), "is not the key of"),
        ("", "there is no private key in"),
        (str(locked), "is locked by a password"),
    ):
        with pytest.raises(EnvironmentFailure, match=says):
            context(Tls(mine.ca, mine.cert, key))


def test_a_file_that_is_no_certificate_is_told(tmp_path) -> None:
    (tmp_path / "x.pem").write_text("hello")
    for tls in (Tls(ca=str(tmp_path / "x.pem")), Tls(cert=str(tmp_path / "x.pem"))):
        with pytest.raises(EnvironmentFailure, match="cannot be used"):
            context(tls)
