"""A reference service as an ASGI application: its endpoints, and what all of them have.

    GET /health         200 as long as the process lives
    GET /ready          200, or 503 while a dependency is down; each is named
    GET /metrics        for Prometheus
    GET /openapi.json   the description of the endpoints

These four need no key, are answered at once, and are spared by faults; only a stall makes /ready answer 503.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from perfspec.reference.faults import NO_FAULTS, Faults
from perfspec.reference.metering import Log, Meter, Metered
from perfspec.reference.openapi import Endpoint, describe
from perfspec.reference.pace import Pace
from perfspec.reference.service import ERROR_HANDLERS, Gate, Surroundings, answer

__all__ = ["Service", "Settings", "application"]


@dataclass(frozen=True, slots=True)
class Settings:
    """What all services can be told."""

    seed: int = 1
    faults: Faults = NO_FAULTS
    surroundings: Surroundings = field(default_factory=Surroundings)
    log: Log | None = None


class Service(Protocol):
    """What a service brings."""

    name: str
    about: str
    needed: str
    """What callers must send, in words."""

    def endpoints(self) -> Sequence[Endpoint]: ...
    def admit(self, token: str) -> object | None:
        """Who a bearer token belongs to; may refuse by itself."""

    async def open(self) -> None:
        """Get hold of the stores; called once, before the first request."""

    async def close(self) -> None: ...
    async def dependencies(self) -> dict[str, bool]:
        """Which of them are up now."""


def application(service: Service, settings: Settings) -> Starlette:
    pace = Pace(settings.seed, settings.faults, settings.surroundings)
    meter = Meter(service.name, settings.surroundings, settings.log)
    endpoints = service.endpoints()
    routes = [
        Route(row.path, pace.paced(row.name, row.latency, row.work), methods=[row.method], name=row.name)
        for row in endpoints
    ]

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        try:
            await service.open()
        except Exception as failure:
            app.state.failure = failure
            raise
        pace.start()
        yield
        await service.close()

    gate = Middleware(
        Gate, admit=service.admit, needed=service.needed, unguarded=[row.path for row in endpoints if row.open]
    )
    return Starlette(
        routes=[*_common(service, pace, meter, endpoints), *routes],
        middleware=[Middleware(Metered, meter=meter, routes=routes), gate],
        exception_handlers=ERROR_HANDLERS,
        lifespan=lifespan,
    )


def _common(service: Service, pace: Pace, meter: Meter, endpoints: Sequence[Endpoint]) -> list[Route]:
    description = describe(service.name, service.about, endpoints)

    async def health(_: Request) -> Response:
        return answer({"status": "ok", "service": service.name}).response()

    async def ready(_: Request) -> Response:
        up = {} if pace.stalled else await service.dependencies()
        states = {"service": "stalled"} if pace.stalled else {name: "up" if it else "down" for name, it in up.items()}
        is_ready = not pace.stalled and all(up.values())
        body = {"status": "ready" if is_ready else "unavailable", "dependencies": states}
        return answer(body, 200 if is_ready else 503).response()

    async def metrics(_: Request) -> Response:
        return Response(meter.exposition(), media_type=CONTENT_TYPE_LATEST)

    async def openapi(_: Request) -> Response:
        return answer(description).response()

    return [
        Route("/health", health),
        Route("/ready", ready),
        Route("/metrics", metrics),
        Route("/openapi.json", openapi),
    ]
