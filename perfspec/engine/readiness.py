"""Asking a service whether it is there and ready, and what it says of the things it depends on.

A body such as `{"dependencies": {"redis": "down"}}` is understood, whatever the status; any other body says nothing
about dependencies.
"""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio
import orjson

from perfspec.engine.http1 import Head
from perfspec.engine.wire import rendered
from perfspec.spec.model import Access
from perfspec.steps.answers import judge
from perfspec.steps.kinds import Check
from perfspec.steps.runtime import Outcome, Vars

if TYPE_CHECKING:
    import httpx

__all__ = ["REFUSED", "Asking", "accepts", "asking_client", "listens", "port_of"]

ASK_TIMEOUT_S = 5.0
REFUSED = "was refused: nothing listens there"
_UP = ("up", "ok", "ready", "healthy", "pass", "green", "true")
"""How services say that a dependency is there."""
_LONGEST_WORD = 60
_MOST_BYTES = 1 << 20


def port_of(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)


async def listens(url: str) -> bool:
    return await accepts(urlsplit(url).hostname or "", port_of(url))


async def accepts(host: str, port: int) -> bool:
    """Is there somebody to connect to?"""
    try:
        with anyio.fail_after(ASK_TIMEOUT_S):
            stream = await anyio.connect_tcp(host, port)
            await stream.aclose()
    except (OSError, TimeoutError):
        return False
    return True


@asynccontextmanager
async def asking_client(
    access: Access, constants: Mapping[str, object], tls: ssl.SSLContext | None
) -> "AsyncIterator[httpx.AsyncClient]":
    """Readiness is asked as the load will ask: a certificate that is refused then is refused now."""
    import httpx  # noqa: PLC0415 - a fifth of a second that lint and plan need not pay

    headers = {name: rendered(text, constants) for name, text in access.headers}
    proxy = None if access.proxy is None else rendered(access.proxy, constants)
    async with httpx.AsyncClient(
        trust_env=False, timeout=ASK_TIMEOUT_S, verify=tls or False, headers=headers, proxy=proxy
    ) as client:
        yield client


class Asking:
    """One question to the target: is the answer as wanted?"""

    def __init__(
        self,
        client: "httpx.AsyncClient",
        url: str,
        until: tuple[Check, ...] = (),
        constants: Mapping[str, object] | None = None,
    ) -> None:
        self.url = url
        self.wanted = " and ".join(str(check) for check in until) or "answers with success"
        self._client = client
        self._until = until
        self._judge = judge(until, (), constants or {})
        self.dependencies: tuple[tuple[str, str], ...] = ()
        """What the last answer said of them: name and state."""

    async def said(self) -> str:
        """Empty if the answer is as wanted; else what came instead, with the dependencies that are down."""
        import httpx  # noqa: PLC0415

        self.dependencies = ()
        try:
            with anyio.fail_after(ASK_TIMEOUT_S):  # httpx counts from byte to byte
                async with self._client.stream("GET", self.url) as response:
                    body = await _beginning(response)
        except (httpx.TimeoutException, TimeoutError):
            return f"gave no answer in {ASK_TIMEOUT_S:g} s"
        except (httpx.TransportError, httpx.InvalidURL, httpx.DecodingError) as error:
            return REFUSED if _is_refused(error) else f"failed ({str(error) or type(error).__name__})"
        self.dependencies = _dependencies(body)
        missed = self._missed(response, body)
        return f"{missed}{self._down()}" if missed else ""

    def _missed(self, response: "httpx.Response", body: bytes) -> str:
        if not self._until:
            return "" if response.is_success else f"answered {response.status_code}"
        outcome = Outcome()
        raw = tuple((name.lower(), value) for name, value in response.headers.raw)
        plain = tuple(pair for pair in raw if pair[0] != b"content-encoding")  # httpx has decoded it
        outcome.status, outcome.body = response.status_code, body
        outcome.head = Head(response.status_code, plain, len(outcome.body), keep=True)
        if self._judge(outcome, Vars()) is None:
            return ""
        return f"answered {response.status_code}, which is not `{self.wanted}`"

    def _down(self) -> str:
        down = [name for name, state in self.dependencies if state.casefold() not in _UP]
        return f" ({', '.join(down)} {'is' if len(down) == 1 else 'are'} down)" if down else ""


async def _beginning(response: "httpx.Response") -> bytes:
    """Of the body, as much as a word on being ready could need: another one may have no end."""
    body = b""
    async for part in response.aiter_bytes():
        body += part
        if len(body) > _MOST_BYTES:
            break
    return body


def _is_refused(error: BaseException) -> bool:
    """Whoever asks wraps what the system said; of several addresses each has said it."""
    causes = error.exceptions if isinstance(error, BaseExceptionGroup) else (error.__cause__, error.__context__)
    if isinstance(error, ConnectionRefusedError):
        return True
    return any(_is_refused(cause) for cause in causes if cause is not None)


def _dependencies(body: bytes) -> tuple[tuple[str, str], ...]:
    try:
        said: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ()
    named = said.get("dependencies") if isinstance(said, Mapping) else None
    if not isinstance(named, Mapping):
        return ()
    return tuple((name[:_LONGEST_WORD], _state(state)) for name, state in named.items())


def _state(state: Any) -> str:
    """`up`, `true`, or an object that says so in its `status`."""
    if isinstance(state, Mapping):
        state = state.get("status", "unknown")
    return (str(state).lower() if isinstance(state, bool) else str(state))[:_LONGEST_WORD]
