"""`perfspec serve`, with a count of the requests that came in: GET /counts says {"GET suggest": 12, ...}.

Not a test: a program that the tests start.
"""

from collections import Counter
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from perfspec.cli.serve import serve
from perfspec.reference import catalogue

plain_load = catalogue.load
counts: Counter[str] = Counter()


class Counting:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        words = scope.get("path", "").split("/")
        if words[1:2] == ["counts"]:
            response: Response = JSONResponse(counts)
            await response(scope, receive, send)
            return
        if words[1:2] == ["v1"]:
            counts[f"{Request(scope).method} {' '.join(words[2:4])}".rstrip()] += 1
        await self._app(scope, receive, send)


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
