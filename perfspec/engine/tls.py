"""HTTPS: the context that a run verifies with, and a connection that makes its handshake without blocking.

Rules:
1. Verification is always on: against the system's authorities, or those of the environment's `tls.ca`.
2. The handshake is a phase of connecting with a timer of its own (`tls`), never part of a request's service time.
3. OpenSSL keeps what it has read beyond the asked size, and no event tells of it: a read goes on while any is left.
4. What TLS says to itself on an idle connection (session tickets, new keys) is nothing to read.
5. A service that wants another certificate says so after the handshake, when the request is on its way already: what it
   said is why, not that it hung up. Where it said nothing, a write that fails is a connection that was closed.
"""

import errno
import os
import select
import ssl
from pathlib import Path

from perfspec.base.clock import monotonic_ns
from perfspec.base.errors import EnvironmentFailure
from perfspec.engine.connection import Connection
from perfspec.spec.model import Tls

__all__ = ["SecureConnection", "context"]

_EITHER = (ssl.SSLWantReadError, ssl.SSLWantWriteError)


def context(planned: Tls | None) -> ssl.SSLContext:
    """One for a whole run: loading authorities takes longer than many requests. Raises EnvironmentFailure."""
    ca = planned.ca if planned else ""
    try:
        made = ssl.create_default_context(cafile=ca or None)
    except OSError as error:
        raise _unusable("ca", ca, error) from error
    made.set_alpn_protocols(["http/1.1"])
    if planned is not None and planned.cert:
        try:
            made.load_cert_chain(planned.cert, planned.key or None, password=lambda: b"")
        except OSError as error:
            raise _misfit(planned, error) or _unusable("cert", planned.cert, error, planned.key) from error
    return made


def _unusable(key: str, path: str, error: OSError, beside: str = "") -> EnvironmentFailure:
    missing = next((each for each in (path, beside) if each and not Path(each).is_file()), "")
    if missing:
        return EnvironmentFailure(f"`tls.{key}`: there is no file {missing}", "paths are relative to the spec")
    detail = (error.reason or str(error)).lower().replace("_", " ") if isinstance(error, ssl.SSLError) else str(error)
    return EnvironmentFailure(f"`tls.{key}`: {path} cannot be used: {detail}", "it has to be in PEM format")


def _misfit(planned: Tls, error: OSError) -> EnvironmentFailure | None:
    """A certificate and a key that are well by themselves, or would be: OpenSSL has few words for them."""
    if isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
        return EnvironmentFailure(f"`tls.key`: {planned.key or planned.cert} is not the key of {planned.cert}")
    path = Path(planned.key or planned.cert)
    text = path.read_bytes() if path.is_file() else b"PRIVATE KEY"
    if b"PRIVATE KEY" not in text and (planned.key or b"BEGIN CERTIFICATE" in text):
        return EnvironmentFailure(
            f"`tls.key`: there is no private key in {path}", "`key:` names the file that holds it"
        )
    if b"ENCRYPTED" in text:
        return EnvironmentFailure(f"`tls.key`: {path} is locked by a password", "nobody asks for it: unlock it before")
    return None


class SecureConnection(Connection):
    __slots__ = ("secure",)

    secure: ssl.SSLSocket

    def reached(self) -> None:
        assert self.sock is not None
        self.phase, self.began = "tls", monotonic_ns()
        try:
            self.secure = self.reactor.tls.wrap_socket(
                self.sock, server_hostname=self.origin.host, do_handshake_on_connect=False
            )
        except OSError as error:
            self.fail_with(error)
            return
        self.sock = self.secure  # the number of the descriptor stays
        self.recv = _nothing_yet
        self._shake_hands()

    def writable(self) -> None:
        if self.phase == "tls":
            self._shake_hands()
        else:
            super().writable()

    def _shake_hands(self) -> None:
        try:
            self.secure.do_handshake()
        except ssl.SSLWantReadError:
            self.reactor.epoll.modify(self.fd, select.EPOLLIN)
        except ssl.SSLWantWriteError:
            self.reactor.epoll.modify(self.fd, select.EPOLLIN | select.EPOLLOUT)
        except OSError as error:
            self.fail_with(error)
        else:
            self._timed("tls", self.began, monotonic_ns())
            self.recv, self.send = self._read, self._write
            self.usable()

    def _read(self, size: int) -> bytes:
        try:
            data = self.secure.recv(size)
            while left := self.secure.pending():
                data += self.secure.recv(left)
        except _EITHER:
            raise BlockingIOError from None
        return data

    def _write(self, data: bytes | memoryview) -> int:
        try:
            return self.secure.send(data)
        except _EITHER:
            raise BlockingIOError from None
        except (ssl.SSLEOFError, ConnectionError) as error:
            raise self._last_word() from error

    def _last_word(self) -> OSError:
        """Of a peer that has hung up."""
        try:
            self.secure.recv(1)
        except (ssl.SSLEOFError, *_EITHER):
            pass
        except OSError as said:
            return said
        return BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def _nothing_yet(_size: int) -> bytes:
    """While hands are shaken, whatever comes is for `writable`: not in the phase in which times are stamped."""
    raise BlockingIOError
