"""One of several processes that carry a load out: told its part on its standard input, tells each second there, too.

It lives as long as that channel: when the coordinator is gone, however that came, the worker ends at once and sends
nothing more. Signals are the coordinator's business; they are blocked here from before the first line of Python.
"""

import asyncio
import socket
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import cast

import anyio

from perfspec.base.codec import pack, unpack
from perfspec.base.errors import EnvironmentFailure
from perfspec.engine.binding import constants, generators
from perfspec.engine.channel import Channel, joined
from perfspec.engine.fine_loop import run_on_fine_loop
from perfspec.engine.health import watched
from perfspec.engine.messages import (
    Asks,
    Assignment,
    Change,
    Crashed,
    Decide,
    Done,
    Go,
    Order,
    Ready,
    Refused,
    Stop,
    Word,
)
from perfspec.engine.part import CRASHED_WITHIN_S, Part
from perfspec.engine.places import Board, Places
from perfspec.engine.pool import Ending
from perfspec.engine.reactor import RealDriver
from perfspec.engine.transports import opened, tls_of
from perfspec.metrics.vitals import Vitals

__all__ = ["main"]


class _Worker:
    def __init__(self) -> None:
        self._channel: Channel | None = None
        self._assigned = anyio.Event()
        self._over = anyio.Event()
        """The coordinator is gone."""
        self._assignment: Assignment | None = None
        self._driver: RealDriver | None = None
        self._part: Part | None = None
        self._look: Callable[[], Vitals] | None = None
        self._watched = ExitStack()
        self._is_done = False

    async def work(self, end: socket.socket) -> None:
        """Until the coordinator closes the channel."""
        self._channel = await joined(end, self._heard, self._gone)
        await self._assigned.wait()
        if self._assignment is not None:
            try:
                with self._watched:
                    await self._carry_out(self._assignment)
            except EnvironmentFailure as failure:
                self._say(Refused(failure.message, failure.hint))
            except Exception as error:  # noqa: BLE001 - told in a sentence, by the one process that talks to people
                self._say(Refused(f"{type(error).__name__}: {error}", is_bug=True))
        await self._over.wait()

    async def _carry_out(self, assigned: Assignment) -> None:
        plan, inputs = assigned.plan, assigned.inputs
        names = constants(plan, inputs.run_id, inputs.secrets)
        drawn = generators(plan, inputs.rows, names)
        async with opened(plan.target, names, tls_of(plan.target), by_the_clock=plan.is_by_the_clock) as driver:
            driver.on_crash = self._crashed
            self._driver = driver
            self._part = Part(
                plan, driver, assigned.origin, inputs, assigned.segment, self._say, self._ask, self._end,
                assigned.shared, drawn, self._vitals, _places(assigned),
            )  # fmt: skip
            driver.settle()
            self._say(Ready())
            await self._over.wait()

    def _gone(self) -> None:
        self._assigned.set()
        self._over.set()

    def _say(self, word: Word) -> None:
        if self._channel is not None:
            self._channel.send(pack(word))

    def _heard(self, message: bytes | bytearray) -> None:
        order = unpack(message, cast("type[Order]", Order))
        if isinstance(order, Assignment):
            self._assignment = order
            self._assigned.set()
            return
        if self._part is None:  # it was refused; nothing is left to be ordered
            return
        try:
            self._obey(self._part, order)
        except EnvironmentFailure as failure:
            self._say(Refused(failure.message, failure.hint))
            self._send_nothing_more(self._part)
        except Exception as error:  # noqa: BLE001 - as above
            self._say(Crashed(f"{type(error).__name__}: {error}"))
            self._send_nothing_more(self._part)
            self._end(Ending("crashed", 0, 0, 0))

    def _send_nothing_more(self, part: Part) -> None:
        """Load that nobody leads is load that nobody asked for."""
        for _ in range(2):  # nothing new; and now
            with suppress(Exception):  # the bug may be in there
                part.stop("crashed")

    def _obey(self, part: Part, order: Order) -> None:
        match order:
            case Go():
                part.start(order.start_ns)
                self._look = self._watched.enter_context(watched(asyncio.get_running_loop()))
            case Stop():
                part.stop(order.reason)
            case Change():
                part.change(order.shape, order.at_ns)
            case Decide():
                part.decide(extend=order.extend)

    def _vitals(self) -> Vitals | None:
        return None if self._look is None else self._look()

    def _ask(self) -> None:
        """The answer comes as an order."""
        self._say(Asks())

    def _crashed(self, error: Exception) -> None:
        assert self._driver is not None
        assert self._part is not None
        driver = self._driver
        self._say(Crashed(f"{type(error).__name__}: {error}"))
        driver.loop.call_later(CRASHED_WITHIN_S, self._end, Ending("crashed", 0, 0, 0))
        self._part.stop("crashed")

    def _end(self, ending: Ending) -> None:
        if self._is_done:
            return
        self._is_done = True
        assert self._driver is not None
        self._say(Done(ending, dict(self._driver.first_errors), self._driver.transport.sent_again))


def _places(assigned: Assignment) -> Places:
    segment = assigned.segment
    if assigned.board is None:
        return Places.of_one()
    return Board(len(segment.weights), assigned.board).places(segment.index)


def main() -> None:
    """The standard input is one end of a pair of sockets."""
    with socket.socket(fileno=0) as end:
        run_on_fine_loop(_Worker().work, end)


if __name__ == "__main__":
    main()
