"""`perfspec serve`, with a count of the requests that came in: GET /counts says {"GET suggest": 12, ...}, GET /heard
says how often each request came: {"GET /v1/suggest?q=we ": 3, "POST /v1/index {...}": 1}.

Not a test: a program that the tests start.
"""

from collections import Counter
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from perfspec.cli.serve import serve
from perfspec.reference import catalogue

plain_load = catalogue.load
counts: Counter[str] = Counter()
heard: Counter[str] = Counter()


class Counting:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        words = scope.get("path", "").split("/")
        if words[1:2] in (["counts"], ["heard"]):
            response: Response = JSONResponse(counts if words[1] == "counts" else heard)
            await response(scope, receive, send)
            return
        if words[1:2] == ["v1"]:
            counts[f"{Request(scope).method} {' '.join(words[2:4])}".rstrip()] += 1
            receive = await _overheard(scope, receive)
        await self._app(scope, receive, send)


async def _overheard(scope: Scope, receive: Receive) -> Receive:
    """Counts the request; what gives its body to the service."""
    messages = [await receive()]
    while messages[-1].get("more_body"):
        messages.append(await receive())
    body = b"".join(message.get("body", b"") for message in messages).decode()
    path, query = scope["path"], scope["query_string"].decode()
    heard[f"{scope['method']} {path}{'?' + query if query else ''} {body}"] += 1

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
