"""`/metrics` while a run lasts, from a thread of its own: whoever asks waits for it, never the load."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Empty, SimpleQueue
from socket import AF_INET, AF_INET6
from threading import Thread

from perfspec.base.errors import EnvironmentFailure, UsageFailure
from perfspec.engine.load import Listener
from perfspec.engine.slicelog import LoggedSecond
from perfspec.plan.model import Plan
from perfspec.report.live_metrics import LiveMetrics
from perfspec.report.prometheus import many_to_prometheus
from perfspec.report.result import Result

__all__ = ["address_of", "push", "served"]

TYPE = "text/plain; version=0.0.4; charset=utf-8"
PATIENCE_S = 5.0
"""For one who asks and then does not listen."""
LOOK_S = 0.5


class _Server(HTTPServer):
    """Takes in what was measured between two questions, too, so that nothing heaps up while nobody asks."""

    def __init__(self, address: tuple[str, int], plan: Plan) -> None:
        self.address_family = AF_INET6 if ":" in address[0] else AF_INET
        super().__init__(address, _Handler)
        self.queue: SimpleQueue[LoggedSecond] = SimpleQueue()
        self._metrics = LiveMetrics(plan)

    def service_actions(self) -> None:
        while True:
            try:
                self._metrics.add(self.queue.get_nowait())
            except Empty:
                return

    def text(self) -> bytes:
        self.service_actions()
        return self._metrics.exposition()

    def handle_error(self, request: object, client_address: object) -> None:
        """Who has gone is nobody's problem; what is ours is told by its end: no answer, and the scrape fails."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = PATIENCE_S

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != "/metrics":
            self.send_error(404, "ask for /metrics")
            return
        text = self.server.text()
        self.send_response(200)
        self.send_header("Content-Type", TYPE)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Nothing is logged: the terminal belongs to the run."""


@contextmanager
def served(plan: Plan, where: str | None, tell: Callable[[str], None]) -> Iterator[list[Listener]]:
    """The listener of a run, while its numbers can be asked for at [HOST:]PORT; none where no port is wanted.

    Raises EnvironmentFailure where nobody can listen there.
    """
    if where is None:
        yield []
        return
    address = address_of(where)
    try:
        server = _Server(address, plan)
    except OSError as error:
        message = f"metrics cannot be served at {address[0]}:{address[1]}: {error.strerror}"
        raise EnvironmentFailure(message, "choose another --metrics PORT, or 0 for any free one") from error
    thread = Thread(target=server.serve_forever, args=(LOOK_S,), name="metrics", daemon=True)
    thread.start()
    tell(f"metrics: http://{address[0]}:{server.server_port}/metrics")
    try:
        yield [server.queue.put]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=PATIENCE_S)


def address_of(where: str) -> tuple[str, int]:
    """Host and port. Raises UsageFailure for something else."""
    host, _, port = where.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not port.isdigit() or int(port) > 65535:
        raise UsageFailure(f"--metrics cannot be `{where}`", "write a port, such as 9464, or 0.0.0.0:9464")
    return host or "127.0.0.1", int(port)


def push(result: Result, gateway: str) -> str:
    """Put a finished run into a Pushgateway, in place of the last one of this service and environment.

    What went wrong, in a sentence; empty if nothing did. A run is what it is, whoever hears of it.
    """
    import httpx  # noqa: PLC0415 - a tenth of a second that most runs need not pay

    try:
        url = httpx.URL(gateway.rstrip("/"))
        path = "/metrics/job/perfspec/" + "/".join(
            f"{name}/{value}" for name, value in (("service", result.service), ("environment", result.environment))
        )
        answer = httpx.put(f"{url}{path}", content=many_to_prometheus([result]), headers={"Content-Type": TYPE})
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return f"the metrics could not be pushed: {error}"
    return "" if answer.is_success else f"the metrics could not be pushed: the gateway answered {answer.status_code}"
