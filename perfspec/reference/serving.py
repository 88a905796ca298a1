"""Serves reference services, each on a socket of its own, until SIGTERM or SIGINT, quietly.

The sockets are bound and listen before anything is built: a port in use is told at once, and whoever connects early
waits in the queue instead of being refused. An answer that is still held one second after the signal is dropped.
"""

import asyncio
import contextlib
import errno
import gc
import logging
import signal
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import uvicorn
from starlette.applications import Starlette
from uvicorn.lifespan.on import LifespanOn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from perfspec.base.errors import EnvironmentFailure
from perfspec.reference.pace import RESET

__all__ = ["serve_apps"]


def serve_apps(apps: Sequence[tuple[Starlette, int]], host: str, on_listening: Callable[[Sequence[str]], None]) -> None:
    """Serve applications at their ports until told to stop; `on_listening` gets the addresses.

    Raises EnvironmentFailure if one cannot listen, and whatever keeps an application from starting.
    """
    with ExitStack() as stack:
        listeners = [stack.enter_context(_listen(host, port)) for _, port in apps]
        name = f"[{host}]" if ":" in host else host
        addresses = [f"http://{name}:{listener.getsockname()[1]}" for listener in listeners]
        servers = _Servers([app for app, _ in apps], lambda: on_listening(addresses))
        asyncio.run(servers.serve(listeners))
    if servers.failure is not None:
        raise servers.failure


class _Servers:
    """They start together, and one signal, or one that cannot start, stops them all."""

    def __init__(self, apps: Sequence[Starlette], on_listening: Callable[[], None]) -> None:
        self.failure: Exception | None = None
        self._servers = [_Server(app, self) for app in apps]
        self._on_listening = on_listening

    async def serve(self, listeners: Sequence[socket.socket]) -> None:
        loop = asyncio.get_running_loop()
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signal_number, self.stop)
        # Until all are up, nothing that a server logs is news: what went wrong is raised.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        async with asyncio.TaskGroup() as group:
            for server, listener in zip(self._servers, listeners, strict=True):
                group.create_task(server.serve([listener]))

    def started(self) -> None:
        if all(server.started for server in self._servers):
            logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
            # What is there now stays for good: collecting it again and again would only show up as latency.
            gc.collect()
            gc.freeze()
            self._on_listening()

    def stop(self, failure: Exception | None = None) -> None:
        # Answers that are cut off from now on are no errors worth a line.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        self.failure = self.failure or failure
        for server in self._servers:
            server.should_exit = True


class _Server(uvicorn.Server):
    def __init__(self, app: Starlette, all_of_them: _Servers) -> None:
        config = uvicorn.Config(
            app,
            http=_Protocol,
            ws="none",
            lifespan="on",
            access_log=False,
            log_config=None,
            log_level="critical",
            server_header=False,
            proxy_headers=False,
            # Longer than any think time: a connection that the server closes between two requests fails the second one.
            timeout_keep_alive=120,
            timeout_graceful_shutdown=1,
        )
        config.load()
        config.lifespan_class = _Lifespan
        super().__init__(config)
        self._app = app
        self._all = all_of_them

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except _NotStartedError:
            self._all.stop(self._app.state.failure)
        else:
            self._all.started()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Being told to stop is a normal end (exit code 0); uvicorn itself would raise the signal again afterwards."""
        yield


class _NotStartedError(Exception):
    """The application has kept the reason."""


class _Lifespan(LifespanOn):
    async def startup(self) -> None:
        await super().startup()
        if self.should_exit:
            # uvicorn would end the process here.
            raise _NotStartedError


class _Protocol(HttpToolsProtocol):
    """Gives applications the means to break a connection."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        # The types allow for data only; an application in the same process may be given a function as well.
        self.scope["extensions"] = {RESET: self._reset}  # type: ignore[dict-item]

    def _reset(self) -> None:
        connection: Any = self.transport.get_extra_info("socket")
        # Closed with a lingering time of zero, a connection ends with RST instead of FIN.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as failure:
        if failure.errno == errno.EADDRINUSE:
            message = f"port {port} on {host} is already in use"
            raise EnvironmentFailure(message, "stop what listens there, or choose another --port") from failure
        message = f"cannot listen on {host}, port {port}: {failure.strerror or failure}"
        raise EnvironmentFailure(message) from failure
    # Inherited by every connection. asyncio would set it only on sockets made with an explicit protocol number; without
    # it, head and body of an answer are two small packets, and the second waits 40 ms for the client's acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
