"""What the reference services have in common: answers in JSON, refusals, and a gate that knows its callers.

A handler returns a `Reply` or raises `refuse(...)`. A reply is plain data, so that faults can change it and its pieces
can be sent when they are due (pace.py).
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hmac import compare_digest
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from perfspec.base.clock import monotonic_ns, utc_now
from perfspec.reference.latency import Latency

__all__ = [
    "ERROR_HANDLERS",
    "JSON",
    "Gate",
    "Handler",
    "Piece",
    "Reply",
    "Surroundings",
    "answer",
    "key_holder",
    "refusal",
    "refuse",
]

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Time, as the services know it; tests put their own here."""

    now_ns: Callable[[], int] = monotonic_ns
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    utc_now: Callable[[], datetime] = utc_now
    """What is stored and outlives the process is stamped with this."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a body, due so much after the head of the answer."""

    after_ns: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. Its head and `body` are due together, after the latency; `later` pieces follow one by one."""

    body: bytes
    status: int = 200
    media_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    later: Sequence[Piece] = ()
    latency: Latency | None = None
    """Instead of the endpoint's own."""
    kind: str = ""
    """Instead of the endpoint's name, where one address serves two kinds of answers that are measured apart."""

    @property
    def raw_headers(self) -> list[tuple[bytes, bytes]]:
        length = [] if self.later else [(b"content-length", str(len(self.body)).encode())]
        named = [(name.lower().encode(), value.encode("latin-1")) for name, value in self.headers.items()]
        return [(b"content-type", self.media_type.encode()), *length, *named]

    def response(self) -> Response:
        """To be sent at once."""
        return Response(self.body, self.status, dict(self.headers), self.media_type)


Handler = Callable[[Request], Awaitable[Reply]]


def answer(body: Any, status: int = 200, **more: Any) -> Reply:
    return Reply(orjson.dumps(body), status, **more)


def refuse(message: str, status: int = 400, **headers: str) -> HTTPException:
    """An error to raise: it is answered as `{"error": message}`. Headers are named with underscores."""
    return HTTPException(status, message, {name.replace("_", "-"): value for name, value in headers.items()})


def refusal(error: HTTPException) -> Reply:
    return answer({"error": error.detail}, error.status_code, headers=error.headers or {})


async def _answer_refusal(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return refusal(error).response()


async def _answer_bug(_: Request, __: Exception) -> Response:
    return answer({"error": "internal error"}, 500).response()


ERROR_HANDLERS = {HTTPException: _answer_refusal, Exception: _answer_bug}
"""For Starlette: unknown paths, wrong methods and our own bugs are answered in JSON too."""


class Gate:
    """Lets requests below `/v1` pass only with a bearer token that `admit` knows.

    Whoever is let in is `request.state.caller`. What the gate refuses is answered at once, without latency, as a gate
    in front would: no token that is known is 401, and `admit` itself may refuse with more.
    """

    def __init__(
        self, app: ASGIApp, admit: Callable[[str], object | None], needed: str, unguarded: Collection[str] = ()
    ) -> None:
        self._app = app
        self._admit = admit
        self._needed = needed
        self._unguarded = frozenset(unguarded)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._guards(scope["path"]):
            try:
                scope.setdefault("state", {})["caller"] = self._caller(scope)
            except HTTPException as error:
                await refusal(error).response()(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _guards(self, path: str) -> bool:
        return f"{path}/".startswith("/v1/") and path not in self._unguarded

    def _caller(self, scope: Scope) -> object:
        for name, value in scope["headers"]:
            if name == b"authorization":
                scheme, _, token = value.decode("latin-1").partition(" ")
                caller = self._admit(token.strip()) if scheme.lower() == "bearer" else None
                if caller is not None:
                    return caller
        raise refuse(f"{self._needed} is needed", 401, WWW_Authenticate="Bearer")


def key_holder(key: str) -> Callable[[str], str | None]:
    """For a gate with one key."""
    wanted = key.encode()
    return lambda token: "key holder" if compare_digest(token.encode(), wanted) else None
