"""Answers that come when they are due, with the faults that were asked for.

The order of one request: the endpoint's index is taken and the faults and the latency that belong to it are drawn; the
work is done right away and the answer is held until its latency, counted from the start, is over. Own computing time is
therefore part of the latency, not added to it. A stall moves the due time of everything.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from perfspec.base.clock import SECOND
from perfspec.base.random import unit
from perfspec.reference.faults import Faults
from perfspec.reference.latency import Latency, stream
from perfspec.reference.service import Handler, Piece, Reply, Surroundings, answer, refusal, refuse

__all__ = ["KIND", "RESET", "Pace"]

RESET = "perfspec.reset"
"""The ASGI extension by which our server lets an application break the connection (serving.py)."""
KIND = "perfspec.kind"
"""Where the scope of a request says what it is measured as (metering.py)."""
_DRAWS = ("latency", "slow", "errors", "resets", "wrong bodies", "slow bodies")
_SLOW_PIECES = 8


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

    def paced(self, endpoint: str, latency: Latency, work: Handler) -> Callable[[Request], Awaitable["Timed"]]:
        """`work`, answered in time; `endpoint` is the name that draws and faults go by."""
        chances = {what: stream(self._seed, f"{endpoint} {what}") for what in _DRAWS}
        faults = self._faults.of(endpoint)

        async def respond(request: Request) -> Timed:
            start_ns = self._now_ns()
            index = self._served[endpoint]
            self._served[endpoint] += 1
            fails, resets, is_wrong = (
                share > 0 and unit(chances[what], index) < share
                for what, share in (
                    ("errors", faults.errors),
                    ("resets", faults.resets),
                    ("wrong bodies", faults.wrong_bodies),
                )
            )
            try:
                if fails:
                    raise refuse("failed on request, by --errors", 500)
                reply = await work(request)
            except HTTPException as error:
                reply = refusal(error)
            request.scope[KIND] = reply.kind or endpoint
            latency_ns = (reply.latency or latency).draw_ns(chances["latency"], index)
            latency_ns += faults.slow.draw_ns(chances["slow"], index)
            body_ns = faults.slow_body.draw_ns(chances["slow bodies"], index)
            reply = _wrong(reply, index) if is_wrong else reply
            reply = _slow(reply, body_ns) if body_ns else reply
            return Timed(self, reply, start_ns, latency_ns, reset=resets)

        return respond

    async def hold(self, start_ns: int, work_ns: int) -> None:
        """Until work that began then and takes so much unstalled time is done."""
        due_ns = self._started_ns + self._faults.stall.end_of_work_ns(start_ns - self._started_ns, work_ns)
        left_ns = due_ns - self._now_ns()
        if left_ns > 0:
            await self._sleep(left_ns / SECOND)


class Timed:
    """A reply that sends itself when it is due."""

    def __init__(self, pace: Pace, reply: Reply, start_ns: int, latency_ns: int, *, reset: bool) -> None:
        self._pace = pace
        self._reply = reply
        self._start_ns = start_ns
        self._latency_ns = latency_ns
        self._reset = reset

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reply = self._reply
        await self._pace.hold(self._start_ns, self._latency_ns)
        if self._reset:
            await _break_off(scope, receive)
            return
        await send({"type": "http.response.start", "status": reply.status, "headers": reply.raw_headers})
        await send({"type": "http.response.body", "body": reply.body, "more_body": bool(reply.later)})
        for number, piece in enumerate(reply.later, 1):
            await self._pace.hold(self._start_ns, self._latency_ns + piece.after_ns)
            more = number < len(reply.later)
            await send({"type": "http.response.body", "body": piece.body, "more_body": more})


async def _break_off(scope: Scope, receive: Receive) -> None:
    reset = scope.get("extensions", {}).get(RESET)
    if reset is None:
        raise ConnectionResetError("reset on request, by --resets")
    reset()
    while (await receive())["type"] != "http.disconnect":
        pass


def _wrong(reply: Reply, index: int) -> Reply:
    """The right status, and a body that is cut off, says nothing, or is a page for people; in turn."""
    match index % 3:
        case 0:
            return replace(reply, body=reply.body[: len(reply.body) // 2], later=())
        case 1:
            return replace(answer({}, reply.status), kind=reply.kind)
        case _:
            return Reply(b"<html><body>Bad luck</body></html>", reply.status, "text/html", kind=reply.kind)


def _slow(reply: Reply, body_ns: int) -> Reply:
    """The same body in pieces, the last one `body_ns` after the head; a stream is stretched by as much."""
    if reply.later:
        last_ns = reply.later[-1].after_ns or 1
        later = [replace(piece, after_ns=piece.after_ns + body_ns * piece.after_ns // last_ns) for piece in reply.later]
        return replace(reply, later=later)
    size = -(-len(reply.body) // _SLOW_PIECES) or 1
    parts = [reply.body[at : at + size] for at in range(0, len(reply.body), size)] or [b""]
    rest = [Piece(body_ns * number // (len(parts) - 1), part) for number, part in enumerate(parts[1:], 1)]
    return replace(reply, body=parts[0], later=rest)
