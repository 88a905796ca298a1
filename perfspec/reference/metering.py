"""Counts and times every request below `/v1`, for Prometheus and, when wanted, as one log line each.

    http_requests_total{service,endpoint,method,code}
    http_request_duration_seconds{service,endpoint}      buckets at the limits that specs promise

What asks whether the service is up (/health, /ready, /metrics) is not counted: it would thin out the errors. `code` is
`reset` where the connection was broken instead of an answer. A time ends with the last byte of the body.
"""

from collections.abc import Callable, Sequence

import orjson
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from perfspec.base.clock import MILLISECOND, SECOND
from perfspec.reference.pace import KIND
from perfspec.reference.service import Surroundings

__all__ = ["BUCKETS", "Log", "Meter", "Metered"]

BUCKETS = (0.01, 0.025, 0.05, 0.075, 0.1, 0.12, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0)
"""In seconds. Every limit of the shipped specs is one of them, so that what Prometheus says about it is exact."""

Log = Callable[[str], None]
"""Takes one line of JSON."""


class Meter:
    """The metrics of one service, and its log."""

    def __init__(self, service: str, surroundings: Surroundings, log: Log | None) -> None:
        self._registry = CollectorRegistry()
        self._service = service
        self._utc_now = surroundings.utc_now
        self._log = log
        self.now_ns = surroundings.now_ns
        self._requests = Counter(
            "http_requests", "Answered requests", ["service", "endpoint", "method", "code"], registry=self._registry
        )
        self._durations = Histogram(
            "http_request_duration_seconds",
            "From the first byte of a request to the last one of its answer",
            ["service", "endpoint"],
            buckets=BUCKETS,
            registry=self._registry,
        )

    def exposition(self) -> bytes:
        """Prometheus' text format."""
        return generate_latest(self._registry)

    def note(self, scope: Scope, endpoint: str, code: str, duration_ns: int) -> None:
        self._requests.labels(self._service, endpoint, scope["method"], code).inc()
        self._durations.labels(self._service, endpoint).observe(duration_ns / SECOND)
        if self._log is not None:
            line = {
                "time": self._utc_now().isoformat(timespec="milliseconds"),
                "service": self._service,
                "endpoint": endpoint,
                "method": scope["method"],
                "path": scope["path"],
                "code": code,
                "duration_ms": round(duration_ns / MILLISECOND, 2),
            }
            self._log(orjson.dumps(line).decode())


class Metered:
    """The application around which a meter is put."""

    def __init__(self, app: ASGIApp, meter: Meter, routes: Sequence[Route]) -> None:
        self._app = app
        self._meter = meter
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/v1"):
            await self._app(scope, receive, send)
            return
        start_ns = self._meter.now_ns()
        code = "reset"

        async def observe(message: Message) -> None:
            nonlocal code
            if message["type"] == "http.response.start":
                code = str(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, observe)
        except ConnectionResetError:
            raise
        except Exception:
            code = "500"
            raise
        finally:
            endpoint = scope.get(KIND) or self._endpoint(scope)
            self._meter.note(scope, endpoint, code, self._meter.now_ns() - start_ns)

    def _endpoint(self, scope: Scope) -> str:
        """Where a request was going that did not get there, because the gate refused it."""
        for route in self._routes:
            if route.matches(scope)[0] is Match.FULL:
                return route.name
        return "other"
