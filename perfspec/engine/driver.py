"""What a load path runs on: a clock with timers, and a transport. The reactor and the simulation both implement it.

Times are int nanoseconds of the driver's own monotonic clock, and 0 means "none". Everything is a callback: nothing
here is awaited, and no callback is made from inside the call that asked for it. A lane is resumed by its transport or
by a timer, never while its generator is running.
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias, TypeVar

from perfspec.steps.runtime import Call, Origin, Outcome, Streamed

__all__ = ["Chunk", "Driver", "LaneState", "Transport"]

A = TypeVar("A")

Chunk: TypeAlias = Callable[[bytes, int], None]
"""A part of a body, freed of its framing, and the instant at which it was read."""


class LaneState(Protocol):
    """What a transport sees of a lane."""

    outcome: Outcome
    call: Call
    """The request in flight, or the one before; there is none before the first."""
    conn: Any
    """The transport's: the connection used last, None before the first."""

    @property
    def parent(self) -> "LaneState | None":
        """The lane that this one is a branch of."""
        ...

    conns: dict[Origin, Any] | None
    """The transport's: all connections by origin, None until a second origin is used."""

    def resume(self, value: Outcome | str | None) -> None: ...
    def answered(self, outcome: Outcome, sent: bytes | Streamed) -> None:
        """In place of `resume`, for an answer whose head may ask for more: to keep a cookie, to go elsewhere.

        `sent`: the message that it answers.
        """
        ...


class Transport(Protocol):
    """Sends one request per lane at a time, fills the lane's outcome in place, then resumes the lane with it.

    An instant failure is told through `call_soon`: a lane is never resumed from inside `start`.
    """

    def start(self, lane: LaneState, call: Call, data: bytes | Streamed) -> None: ...
    def listen(self, lane: LaneState, chunk: Chunk) -> None:
        """The body of the request just started goes to `chunk` part by part, as it is read, and not into the outcome.

        Nothing happens if no request is in flight.
        """
        ...

    def cut(self, lane: LaneState, kind: str | None) -> None:
        """End the request in flight, if there is one, with this error kind, or None: what came is a whole answer."""
        ...

    def cancel(self, lane: LaneState) -> None:
        """Forget the request in flight, if there is one; nothing is called back (end of grace time, abort)."""
        ...

    def release(self, lane: LaneState) -> None:
        """The lane is given up: close all its connections."""
        ...


class Driver(Protocol):
    first_errors: dict[str, str]
    """For each error kind the first texts that say more than the kind does (`unsendable`, `protocol`, ...), by keys of
    unsendable.py.
    """

    @property
    def tick_ns(self) -> int:
        """The clock at the start of the current batch of timers: a lane that was woken by one of them is due then."""
        ...

    @property
    def now_ns(self) -> Callable[[], int]:
        """The bare clock function: it is called for every request."""
        ...

    @property
    def transport(self) -> Transport: ...

    def call_at(self, due_ns: int, fn: Callable[[A], None], arg: A) -> None:
        """Never early. Cannot be cancelled: whoever asks must know a stale call when it comes."""
        ...

    def call_soon(self, fn: Callable[[A], None], arg: A) -> None:
        """After the current callback has returned."""
        ...

    def drain_lateness(self) -> dict[int, int]:
        """How late timers were called since the last drain: microseconds -> number of timers."""
        ...
