"""What the reference services have in common: JSON answers, a bearer key, and answers that come when they are due.

The order of one request: the key is checked at once (401); then the endpoint's index is taken and the fault and the
latency that belong to it are drawn; the work is done right away and the answer is held until its latency, counted from
the start, is over. Own computing time is therefore part of the latency, not added to it. A stall moves the due time.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hmac import compare_digest
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from perfspec.base.clock import SECOND
from perfspec.reference.faults import Faults
from perfspec.reference.latency import Latency, stream

__all__ = ["ERROR_HANDLERS", "BearerKey", "Handler", "Pace", "Surroundings", "answer", "refuse"]

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Time, as the services know it; tests put their own here."""

    now_ns: Callable[[], int]
    sleep: Callable[[float], Awaitable[object]]


def answer(body: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")


def refuse(message: str, status: int = 400) -> HTTPException:
    """An error to raise: it is answered as `{"error": message}`."""
    return HTTPException(status, message)


def _refusal(error: HTTPException) -> Response:
    response = answer({"error": error.detail}, error.status_code)
    response.headers.update(error.headers or {})
    return response


async def _answer_refusal(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _refusal(error)


async def _answer_bug(_: Request, __: Exception) -> Response:
    return answer({"error": "internal error"}, 500)


ERROR_HANDLERS = {HTTPException: _answer_refusal, Exception: _answer_bug}
"""For Starlette: unknown paths, wrong methods and our own bugs are answered in JSON too."""


class BearerKey:
    """Lets requests below `/v1` pass only with the key; answers 401 without waiting, as a gate in front would."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        self._app = app
        self._key = key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not f"{scope['path']}/".startswith("/v1/") or self._admits(scope):
            await self._app(scope, receive, send)
            return
        refused = answer({"error": "a valid bearer key is needed"}, 401)
        refused.headers["WWW-Authenticate"] = "Bearer"
        await refused(scope, receive, send)

    def _admits(self, scope: Scope) -> bool:
        for name, value in scope["headers"]:
            if name == b"authorization":
                scheme, _, key = value.partition(b" ")
                return scheme.lower() == b"bearer" and compare_digest(key.strip(), self._key)
        return False


class Pace:
    """Answers each endpoint's requests with the latency and the faults that belong to their index."""

    def __init__(self, seed: int, faults: Faults, surroundings: Surroundings) -> None:
        self._seed = seed
        self._faults = faults
        self._now_ns = surroundings.now_ns
        self._sleep = surroundings.sleep
        self._served: Counter[str] = Counter()
        self._started_ns = surroundings.now_ns()

    def start(self) -> None:
        """Stalls are counted from now."""
        self._started_ns = self._now_ns()

    @property
    def stalled(self) -> bool:
        return self._faults.stall.covers(self._now_ns() - self._started_ns)

    def paced(self, endpoint: str, latency: Latency, work: Handler) -> Handler:
        """`work`, answered in time; `endpoint` is the name that draws and faults go by."""
        latencies = stream(self._seed, f"{endpoint} latency")
        errors = stream(self._seed, f"{endpoint} errors")

        async def respond(request: Request) -> Response:
            start_ns = self._now_ns()
            index = self._served[endpoint]
            self._served[endpoint] += 1
            try:
                if self._faults.breaks(endpoint, errors, index):
                    raise refuse("failed on request, by --errors", 500)
                response = await work(request)
            except HTTPException as error:
                response = _refusal(error)
            await self._hold(start_ns, latency.draw_ns(latencies, index))
            return response

        return respond

    async def _hold(self, start_ns: int, latency_ns: int) -> None:
        due_ns = self._started_ns + self._faults.stall.end_of_work_ns(start_ns - self._started_ns, latency_ns)
        left_ns = due_ns - self._now_ns()
        if left_ns > 0:
            await self._sleep(left_ns / SECOND)
