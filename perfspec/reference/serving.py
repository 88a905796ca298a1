"""Serves one reference service on one socket until SIGTERM or SIGINT, quietly.

The socket is bound and listens before anything is built: a port in use is told at once, and whoever connects early
waits in the queue instead of being refused. An answer that is still held one second after the signal is dropped.
"""

import asyncio
import contextlib
import errno
import gc
import logging
import signal
import socket
from collections.abc import Callable, Iterator

import uvicorn
from starlette.applications import Starlette

from perfspec.base.errors import EnvironmentFailure

__all__ = ["serve_app"]


def serve_app(app: Starlette, host: str, port: int, on_listening: Callable[[str], None]) -> None:
    """Serve until told to stop; `on_listening` gets the address. Raises EnvironmentFailure if it cannot listen."""
    with _listen(host, port) as listener:
        address = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
        config = uvicorn.Config(
            app,
            http="httptools",
            ws="none",
            lifespan="on",
            access_log=False,
            log_config=None,
            log_level="error",
            server_header=False,
            # Longer than any think time: a connection that the server closes between two requests fails the second one.
            timeout_keep_alive=120,
            timeout_graceful_shutdown=1,
        )
        _Server(config, lambda: on_listening(address)).run(sockets=[listener])


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_listening = on_listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # What is there now stays for good: collecting it again and again would only show up as latency.
        gc.collect()
        gc.freeze()
        self._on_listening()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Being told to stop is a normal end (exit code 0); uvicorn itself would raise the signal again afterwards."""
        loop = asyncio.get_running_loop()
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signal_number, self._stop)
        yield

    def _stop(self) -> None:
        # Answers that are cut off from now on are no errors worth a line.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        self.should_exit = True


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
