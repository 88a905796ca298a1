"""The contracts of the load path: what a step may ask of a lane, and what an engine must supply. No I/O, no clock.

Every time is an int of nanoseconds on the driver's monotonic clock, and 0 means "none" in every stamp, so no clock may
start at 0. A program asks its lane for exactly one thing (a request, a pause, a fork) and then does a bare `yield`,
which returns the Outcome of a request, None after a pause, and after a fork None or the kind that ended a branch.
Nesting is `yield from`. Nothing here is ever awaited.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, TypeAlias

from perfspec.base import random
from perfspec.base.errors import UsedUp

if TYPE_CHECKING:
    from perfspec.steps.kinds import Check, Request, Step

__all__ = [
    "CUT_OFF",
    "ON_PURPOSE",
    "STOPPED",
    "STOP_ROUND",
    "STOP_USER",
    "UNFINISHED",
    "USED_UP",
    "Build",
    "Call",
    "Cookies",
    "EndRound",
    "Head",
    "Keeper",
    "Lane",
    "Origin",
    "Outcome",
    "Patience",
    "Program",
    "Recorder",
    "Run",
    "Streamed",
    "Tags",
    "Vars",
]

Run: TypeAlias = Generator[None, "Outcome | str | None", None]
Program: TypeAlias = "Callable[[Lane], Run]"
Tags: TypeAlias = tuple[tuple[str, str], ...]


STOPPED = "stopped"
"""The kind of EndRound that ends a round with the load; counted nowhere."""
UNFINISHED = "unfinished"
"""The same for a wait that was not over: told at the end, for a slow job must not vanish there."""
USED_UP = "used up"
"""The same for data that is dealt out and has nothing left: the user leaves."""
CUT_OFF = frozenset({STOPPED, UNFINISHED, USED_UP})
STOP_ROUND, STOP_USER = "stop round", "stop user"
"""The kinds by which `stop` ends a round, or the round and its user. Neither is a failure."""
ON_PURPOSE = frozenset({STOP_ROUND, STOP_USER})


class EndRound(Exception):
    """Raised by a program: the rest of this round makes no sense (no answer, a capture is missing, a wait gave up).

    It ends the round, not the user. `kind` is the error kind that the request was counted under.
    """

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class Head(Protocol):
    """A response head. Shared between equal responses: read only."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """Names in lower case."""
        ...

    @property
    def coding(self) -> bytes:
        """What the body is encoded with, in lower case: `gzip`; empty if it stands as it is."""
        ...


class Outcome:
    """How one request ended. One per lane, overwritten by its next request: read it before the next `yield`."""

    __slots__ = ("body", "dropped", "due", "error", "first", "head", "last", "missed", "sent", "status")

    def __init__(self) -> None:
        self.due = 0
        """When it was due: the planned arrival or the end of a pause, set by the lane; else the moment it was sent."""
        self.sent = 0
        """Handed to the kernel; where it could not be sent, the moment the attempt began."""
        self.first = 0
        """The first byte of the answer was read."""
        self.last = 0
        """The last byte was read, or the request failed."""
        self.status = 0
        """0 without an answer."""
        self.head: Head | None = None
        self.body = b""
        """As received; decoded once something has read it."""
        self.dropped = 0
        """`len(body) + dropped` came over the wire: what nothing reads is not kept beyond its beginning."""
        self.error: str | None = None
        """refused, reset, closed, timeout, dns, tls, protocol, unsendable; None when a whole answer came."""
        self.missed = False
        """A request of this lane failed or took too long since the round began. Set by series, reset by the pool."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where requests go. `address` is what the name resolved to before the load began: the load path never asks DNS."""

    host: str
    port: int
    address: str
    tls: bool = False


class Streamed(Protocol):
    """A message whose body comes from files: never held as a whole."""

    @property
    def head(self) -> bytes: ...
    def with_head(self, head: bytes) -> "Streamed": ...
    def pieces(self) -> Iterator[bytes]:
        """The message from its beginning, never empty ones. Raises OSError if a file cannot be read any longer."""
        ...


def _as_it_is(text: str, _names: object) -> str:
    return text


@dataclass(eq=False, slots=True)
class Call:
    """A bound request: all a transport needs, nothing about checks or metrics."""

    name: str
    origin: Origin
    timeout_ns: int
    """From the beginning of the attempt, connecting included, to the last byte."""
    no_body: bool
    """The answer has no body whatever its head says (HEAD)."""
    idempotent: bool
    """May be sent again when a reused connection turns out to be dead."""
    render: "Callable[[Vars], bytes | Streamed]"
    """The whole HTTP/1.1 message. Every transport gets the same one; some take it apart again."""
    whole: bool = True
    """Something reads the body, so all of it is kept; else only its beginning."""
    timer: "Callable[[str], Recorder] | None" = None
    """Series for parts of the request: `connect`, `tls`, `redirect`, the first byte of what comes in several reads."""
    follows: bool = False
    """Redirects are followed, so that the outcome is that of the last answer."""
    where: str = ""
    """FILE:LINE of its step."""
    conceal: "Callable[[str, Vars], str]" = _as_it_is
    """A text about it without the secrets of the run and of the round with these names."""


class Cookies(Protocol):
    def keep(self, headers: Iterable[tuple[bytes, bytes]], origin: Origin, target: bytes, now_ns: int) -> None: ...
    def header(self, origin: Origin, target: bytes, now_ns: int) -> bytes: ...
    def value(self, name: str) -> str | None:
        """What the service has set under this name, unless it has expired."""
        ...


class Vars(dict[str, object]):
    """The names of one round. Captures are stored; a generator's name is drawn on first use, by site, never by
    order.

    Branches and fragments have a layer of their own: what they bind stands there, all else is asked of `outer`. So a
    branch never sees what another one does at the same time, whichever is faster.
    """

    __slots__ = ("base", "cookies", "draws", "generators", "outer", "step")

    base: int
    """`random.base` of the round."""
    generators: "Mapping[str, Callable[[Vars], object]]"
    """Names of the round -> value."""
    draws: dict[str, int]
    """Data dealt out in turn -> how often the user has drawn it, in all rounds."""
    step: int
    """Which pass of the loops around us; read by `fresh` and by pauses."""
    cookies: "Cookies | None"
    """Of the user or arrival whose names these are; None until a first one is set."""

    def __init__(self, names: "Mapping[str, object]" = MappingProxyType({}), outer: "Vars | None" = None) -> None:
        super().__init__(names)
        self.outer = outer
        self.cookies = None if outer is None else outer.cookies
        self.draws = {} if outer is None else outer.draws
        if outer is not None:
            self.base, self.generators, self.step = outer.base, outer.generators, outer.step

    def __missing__(self, name: str) -> object:
        if self.outer is not None:
            return self.outer[name]
        try:
            self[name] = value = self.generators[name](self)
        except UsedUp as error:
            raise EndRound(USED_UP) from error
        return value

    def again(self, name: str, site: int, turn: int) -> object:
        """`fresh(name)` at a place, in a pass of the loops around it: drawn again with all data that it reads."""
        apart = _Apart(outer=self)
        apart.base, apart.step = random.mix(self.base, site + turn * random.PASS_STRIDE), 0
        try:
            return self.generators[name](apart)
        except UsedUp as error:
            raise EndRound(USED_UP) from error

    def share_cookies(self, cookies: "Cookies") -> None:
        """There are some now, here and in all that is around."""
        names: Vars | None = self
        while names is not None:
            names.cookies = cookies
            names = names.outer

    @property
    def whole(self) -> "Vars":
        """The names of the round itself, outside of all branches and fragments."""
        names = self
        while names.outer is not None:
            names = names.outer
        return names


class _Apart(Vars):
    """The names as one draw of `fresh` sees them: data is its own, all else is that of the round."""

    __slots__ = ()

    def __missing__(self, name: str) -> object:
        if name not in self.generators:
            return Vars.__missing__(self, name)
        try:
            self[name] = value = self.generators[name](self)
        except UsedUp as error:
            raise EndRound(USED_UP) from error
        return value


class Patience(Protocol):
    """How long the answer in flight is waited for, beside its time-out. May change while it comes."""

    def until_ns(self, now_ns: int) -> int:
        """As things stand now, on the driver's clock; 0: not limited."""
        ...

    kind: str | None
    """How the request ends then: an error kind, or None for a whole answer whose connection is merely kept open."""
    over: bool
    """The answer has come: nothing is waited for any more."""


class Lane(Protocol):
    """A running generator with its connections, as its program sees it."""

    vars: Vars
    outcome: Outcome
    due: int
    """When the next request is due: a planned arrival, the end of a pause; 0: when it is asked for."""
    paused_ns: int
    """How long its programs have paused, in all."""
    failures: int
    """How many requests have failed, in all."""
    failure: str
    """The error kind of the last of them."""

    def now(self) -> int: ...
    def request(self, call: Call) -> None:
        """Render and send; resumed with the Outcome. Data that makes no request is an outcome, too: `unsendable`."""
        ...

    def stream(self, call: Call, chunk: "Callable[[bytes, int], None]") -> None:
        """Like `request`; the body goes to `chunk` part by part, each with the instant at which it was read."""
        ...

    def watch(self, patience: Patience) -> None:
        """The request in flight ends where this patience does."""
        ...

    def pause(self, ns: int) -> None:
        """Resumed at now + ns; the request asked for next is due then."""
        ...

    def fork(self, programs: tuple[Program, ...]) -> None:
        """Run all at once on child lanes; resumed when the last has ended. Each knows the names known now; what they
        bind is known afterwards, in the order of the branches.
        """
        ...


class Recorder(Protocol):
    """Where the numbers of one series go."""

    @property
    def limits(self) -> tuple[int, ...]:
        """The longest good durations in ns, the shortest first."""
        ...

    @property
    def held_to(self) -> int:
        """The limit in ns that a single one has to meet for its round to be a good one."""
        ...

    @property
    def is_held(self) -> bool:
        """Is there such a limit?"""
        ...

    def record(self, outcome: Outcome, kind: str | None) -> None:
        """One request; `kind` is its one error kind, None if it was as expected."""
        ...

    def value(self, due_ns: int, ns: int, kind: str | None = None) -> bool:
        """A timer that is no request: a group, a round, a connection. `kind`: why it failed.

        Was it missed: did it fail, or take longer than a single one should?
        """
        ...


class Keeper(Protocol):
    """Keeps some requests to look at: the first that failed, and the slowest."""

    slower_than: int
    """What took longer than that many ns is one of the slowest so far."""

    def keep(self, call: Call, names: Vars, outcome: Outcome, kind: str | None) -> None:
        """To be called for every failure, and for what is slower than `slower_than`."""
        ...


class Build(Protocol):
    """What binding a step may ask for; one per worker."""

    constants: Mapping[str, object]
    """Names whose value stands for the whole run: run.*, values.*, secret.*"""

    def call(self, step: "Request", until: "tuple[Check, ...]" = ()) -> Call:
        """`until`: what is asked of its answers beside what the request itself says."""
        ...

    def recorder(self, name: str, tags: Tags, timer: str = "") -> "Recorder | Callable[[Vars], Recorder]":
        """The series of a request, or of a timer (`wait`, `poll`, `group`). A function only if a tag is drawn."""
        ...

    def keeper(self, step: "Request", timer: str = "") -> Keeper: ...
    def wants(self, name: str, timer: str) -> bool:
        """Is a limit about this timer of a request? What nobody asks for need not be measured."""
        ...

    def program(self, step: "Step") -> Program: ...
