"""`perfspec serve`, with a count of the requests that came in: GET /counts says {"GET suggest": 12, ...}, GET /heard
says how often each request came: {"GET /v1/suggest?q=we ": 3, "POST /v1/index {...}": 1}, and GET /times when, in
seconds of a clock of its own: {"GET /v1/suggest?q=we ": [12.25, 12.5, 13.1]}.

Not a test: a program that the tests start.
"""

from collections import Counter, defaultdict
from dataclasses import replace
from time import monotonic

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from perfspec.cli.serve import serve
from perfspec.reference import catalogue

plain_load = catalogue.load
counts: Counter[str] = Counter()
times: defaultdict[str, list[float]] = defaultdict(list)


class Counting:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        words = scope.get("path", "").split("/")
        if words[1:2] in (["counts"], ["heard"], ["times"]):
            await _told(words[1])(scope, receive, send)
            return
        if words[1:2] == ["v1"]:
            counts[f"{Request(scope).method} {' '.join(words[2:4])}".rstrip()] += 1
            receive = await _overheard(scope, receive)
        await self._app(scope, receive, send)


def _told(word: str) -> Response:
    if word == "heard":
        return JSONResponse({request: len(came) for request, came in times.items()})
    return JSONResponse(counts if word == "counts" else times)


async def _overheard(scope: Scope, receive: Receive) -> Receive:
    """Notes the request; what gives its body to the service."""
    messages = [await receive()]
    while messages[-1].get("more_body"):
        messages.append(await receive())
    body = b"".join(message.get("body", b"") for message in messages).decode()
    path, query = scope["path"], scope["query_string"].decode()
    times[f"{scope['method']} {path}{'?' + query if query else ''} {body}"].append(monotonic())

    async def again() -> Message:
        return messages.pop(0) if messages else await receive()

    return again


def counted(build):
    def build_counted(*arguments):
        app = build(*arguments)
        app.add_middleware(Counting)
        return app

    return build_counted


def load_counted(service):
    offer = plain_load(service)
    return replace(offer, build=counted(offer.build))


if __name__ == "__main__":
    catalogue.load = load_counted
    serve()
