"""Services without sockets and without waiting: its clock moves only when somebody sleeps."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from perfspec.reference.application import Settings
from perfspec.reference.assessment import assessment_app
from perfspec.reference.faults import NO_FAULTS
from perfspec.reference.gateway import gateway_app
from perfspec.reference.search import DEFAULT_API_KEY, search_app
from perfspec.reference.service import Surroundings


class Clock:
    def __init__(self) -> None:
        self.instant_ns = 1_000

    def now_ns(self) -> int:
        return self.instant_ns

    async def sleep(self, seconds: float) -> None:
        self.instant_ns += round(seconds * 1e9)

    def utc_now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=self.instant_ns // 1000)


class Visitor:
    """Calls an application in its own process, with the key unless told otherwise."""

    def __init__(self, runner: asyncio.Runner, app: Any, clock: Clock) -> None:
        self._runner = runner
        self._app = app
        self.clock = clock
        self.headers = {"Authorization": f"Bearer {DEFAULT_API_KEY}"}
        self.sees_bugs = True
        """Whether an exception that escapes from the application is raised here, too."""

    def __call__(self, method: str, path: str, **options: Any) -> httpx.Response:
        options.setdefault("headers", self.headers)
        return self._runner.run(self._send(method, path, options))

    def get(self, path: str, **query: str | int) -> httpx.Response:
        return self("GET", path, params=query)

    def timed_ns(self, path: str, **query: str | int) -> int:
        """What the answer took on the visitor's clock."""
        start_ns = self.clock.instant_ns
        self.get(path, **query)
        return self.clock.instant_ns - start_ns

    async def _send(self, method: str, path: str, options: dict[str, Any]) -> httpx.Response:
        transport = httpx.ASGITransport(app=self._app, raise_app_exceptions=self.sees_bugs)
        async with httpx.AsyncClient(transport=transport, base_url="http://service.test") as client:
            return await client.request(method, path, **options)


class Visits:
    """Opens applications and closes them again at the end."""

    def __init__(self, runner: asyncio.Runner, build: Callable[..., Any]) -> None:
        self._runner = runner
        self._build = build
        self._open: list[Any] = []

    def __call__(self, *, seed: int = 1, faults: Any = NO_FAULTS, log: Any = None, **options: Any) -> Visitor:
        clock = Clock()
        settings = Settings(seed, faults, Surroundings(clock.now_ns, clock.sleep, clock.utc_now), log)
        app = self._build(settings, **options)
        lifespan = app.router.lifespan_context(app)
        self._runner.run(lifespan.__aenter__())
        self._open.append(lifespan)
        return Visitor(self._runner, app, clock)

    def close(self) -> None:
        for lifespan in self._open:
            self._runner.run(lifespan.__aexit__(None, None, None))


@pytest.fixture(scope="session")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def visit(runner: asyncio.Runner) -> Iterator[Visits]:
    """Opens search services with options of one's own; give `documents` a small number if the content is no matter."""
    visits = Visits(runner, search_app)
    yield visits
    visits.close()


@pytest.fixture
def visit_gateway(runner: asyncio.Runner) -> Iterator[Visits]:
    visits = Visits(runner, gateway_app)
    yield visits
    visits.close()


@pytest.fixture
def visit_assessment(runner: asyncio.Runner) -> Iterator[Visits]:
    visits = Visits(runner, assessment_app)
    yield visits
    visits.close()


@pytest.fixture(scope="session")
def search(runner: asyncio.Runner) -> Iterator[Visitor]:
    """The service as it ships, for tests that change nothing in it."""
    visits = Visits(runner, search_app)
    yield visits()
    visits.close()
