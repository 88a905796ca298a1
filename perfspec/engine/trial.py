"""One round of each flow by one user, with everything told: what was sent, what came, which checks held.

The same lanes, programs and transports as under load; only the lane looks on. What a step expects and captures is
looked at once more beside the program, since a program says the first thing that is wrong and a trial says everything.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio

from perfspec import steps as kinds
from perfspec.base import random
from perfspec.engine.binding import Binder, constants, environment_headers, generators
from perfspec.engine.ceiling import below
from perfspec.engine.driver import Chunk, Driver
from perfspec.engine.environment import addresses, prepared, resolve
from perfspec.engine.lanes import Lane
from perfspec.engine.load import Inputs
from perfspec.engine.looking import Looked, look
from perfspec.engine.reactor import RealDriver
from perfspec.engine.transports import opened, tls_of
from perfspec.metrics.series import Registry
from perfspec.plan.model import Plan
from perfspec.steps.kinds import Check, Request, Step
from perfspec.steps.runtime import CUT_OFF, ON_PURPOSE, Call, Cookies, Origin, Outcome, Patience, Streamed, Vars
from perfspec.steps.sequence import in_turn
from perfspec.steps.stream import Listener

__all__ = ["Exchange", "Round", "Tell", "trial"]

GAVE_UP = "gave up"
"""The kind of a wait that went on for too long."""
MOST_SHOWN = 16 * 1024
"""Bytes of a message from files; others are there as a whole."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer."""

    name: str
    sent: bytes
    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    error: str | None
    """refused, timeout, ...: why no whole answer came."""
    why: str
    """What is known of that beyond the word: what the system or the template said, with the line of the step."""
    ns: int
    """From sending to the last byte."""
    looked: tuple[Looked, ...]
    before_ns: int = 0
    """From sending the request of the step to sending this one, which a redirect asked for."""


@dataclass(frozen=True, slots=True)
class Round:
    """A part of the trial begins (`ended` is empty) or has ended."""

    title: str
    ended: str = ""
    """`ok`, or why the round ended."""
    skipped: bool = False
    """It was not tried at all; `ended` says why."""


Tell = Callable[[Exchange | Round], None]


async def trial(plan: Plan, inputs: Inputs, folder: Path, note: Callable[[str], None], tell: Tell) -> bool:
    """Setup, one round of every flow of the plan, teardown. Was everything as expected?

    `note` hears what is waited for. Raises EnvironmentFailure where nothing could be sent.
    """
    names = constants(plan, inputs.run_id, inputs.secrets)
    tls = tls_of(plan.target)
    if plan.target.start is None:
        await addresses(plan.target)
    async with prepared(plan.target, folder, note, names, tls), opened(plan.target, names, tls) as driver:
        return await _Trial(plan, inputs, driver, await resolve(plan.target), tell).all()


class _Trial:
    def __init__(self, plan: Plan, inputs: Inputs, driver: RealDriver, origin: Origin, tell: Tell) -> None:
        self._plan = plan
        self._driver = driver
        self._origin = origin
        self._told = tell
        self._last: Exchange | None = None
        """Of the part that is going on."""
        self._stuck = ""
        """The part after which nothing else makes sense."""
        self._names = constants(plan, inputs.run_id, inputs.secrets)
        self._drawn = generators(plan, inputs.rows, self._names)
        self._good = True
        self._cookies: Cookies | None = None

    async def all(self) -> bool:
        shared = await self._part("setup", self._plan.setup, {}, needed=True)
        user = self._plan.each_user
        shared = await self._part("first, once for each user", user.first, shared, needed=True)
        for flow in self._plan.flows:
            await self._part(f"flow {flow.name}", flow.steps, shared)
        await self._part("last, once for each user", user.last, shared)
        self._stuck = ""
        await self._part("teardown", self._plan.teardown, shared)
        return self._good

    def _tell(self, event: Exchange | Round) -> None:
        self._last = event if isinstance(event, Exchange) else self._last
        self._told(event)

    async def _part(
        self, title: str, steps: Sequence[Step], shared: dict[str, object], *, needed: bool = False
    ) -> dict[str, object]:
        """What is known afterwards. `needed`: without it nothing else is tried."""
        if not steps:
            return shared
        if self._stuck:
            self._tell(Round(title, f"not tried: `{self._stuck}` has to go as expected before", skipped=True))
            return shared
        registry = Registry(self._driver.now_ns(), self._plan.request_limits(), statuses=self._plan.statuses())
        headers = environment_headers(self._plan)
        binder = _Binder(self._plan.target.url, self._origin, self._names, registry, "trial", headers=headers)
        program = in_turn(tuple(steps), binder)
        lane = _Lane(below(self._driver, self._driver.now_ns(), self._plan.target.most_requests_per_s), 0)
        lane.binder, lane.tell = binder, self._tell
        lane.vars = scope = Vars(shared)
        scope["user.number"] = scope["round.number"] = 1
        scope.generators = self._drawn
        if self._cookies is not None:
            scope.share_cookies(self._cookies)
        scope.base, scope.step = random.base(random.person(self._plan.seed, 1), 1), 0
        ended = await self._carried_out(lane, lambda: program(lane), title)
        self._good = self._good and ended == "ok"
        self._stuck = title if needed and ended != "ok" else ""
        self._tell(Round(title, ended))
        self._cookies = scope.cookies
        bound = {n.name for n in kinds.names(tuple(steps)) if isinstance(n, kinds.Bind) and n.what != "loop"}
        return shared | {name: scope[name] for name in bound if name in scope}

    async def _carried_out(self, lane: "_Lane", begin: Callable[[], object], title: str) -> str:
        over = anyio.Event()
        kinds: list[str | None] = []

        def on_end(_lane: Lane, kind: str | None) -> None:
            kinds.append(kind)
            over.set()

        self._last = None
        self._tell(Round(title))
        self._driver.on_crash = lambda error: on_end(lane, f"bug in perfspec: {type(error).__name__}: {error}")
        self._driver.call_soon(lambda _: lane.run(begin(), on_end), None)  # type: ignore[arg-type]
        try:
            await over.wait()
        finally:
            if not kinds:
                lane.kill()
        lane.release()
        kind = kinds[0]
        if kind is not None and kind not in ON_PURPOSE and kind not in CUT_OFF:
            return self._gave_up() if kind == GAVE_UP else kind
        return lane.failure or "ok"

    def _gave_up(self) -> str:
        """With what came instead of what was waited for."""
        last = self._last
        if last is None:
            return GAVE_UP
        missed = ", ".join(f"`{looked.text}`" for looked in last.looked if not looked.holds and looked.what == "until")
        came = f"status {last.status}" if last.error is None else last.error
        return f"{GAVE_UP} on `{last.name}`: {came} at last" + (f", and not {missed}" if missed else "")


class _Binder(Binder):
    """Remembers which step stands behind a request, and keeps whole answers."""

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type]
        self.steps: dict[int, tuple[Request, tuple[Check, ...]]] = {}
        """By the id of the call, which lives as long as its program."""

    def call(self, step: Request, until: tuple[Check, ...] = ()) -> Call:
        call = super().call(step, until)
        call.whole = True
        self.steps[id(call)] = step, until
        return call


class _Lane(Lane):
    """Tells of every request and its answer."""

    __slots__ = ("binder", "listener", "message", "streamed", "tell")

    def __init__(self, driver: Driver, seat: int) -> None:
        super().__init__(driver, seat)
        self.binder: _Binder
        self.tell: Tell
        self.message: bytes = b""
        self.listener: Listener | None = None
        """Who hears the stream in flight."""
        self.streamed = b""
        """What came of a body that was handed out as it came."""
        self.start = self._start

    def another(self) -> Lane:
        lane = _Lane(self.driver, self.seat)
        lane.binder, lane.tell = self.binder, self.tell
        return lane

    def _start(self, lane: Lane, call: Call, data: bytes | Streamed) -> None:
        self.message = _beginning(data)
        self.driver.transport.start(lane, call, data)

    def _follow(self, call: Call, outcome: Outcome, sent: bytes | Streamed) -> bool:
        hop = self._exchange(call, outcome, "", ())
        if not super()._follow(call, outcome, sent) or self.chain is None:
            return False
        self.tell(hop)
        self.message = _beginning(self.chain.data)
        return True

    def _exchange(self, call: Call, outcome: Outcome, why: str, looked: tuple[Looked, ...]) -> Exchange:
        headers = outcome.head.headers if outcome.head is not None else ()
        body, ns = outcome.body or self.streamed, outcome.last - outcome.sent
        before = 0 if self.chain is None else outcome.sent - self.chain.sent
        return Exchange(
            call.name, self.message, outcome.status, headers, body, outcome.error, why, ns, looked, before_ns=before
        )

    def stream(self, call: Call, chunk: Chunk) -> None:
        def both(data: bytes, at_ns: int) -> None:
            self.streamed += data[: MOST_SHOWN - len(self.streamed)]
            chunk(data, at_ns)

        super().stream(call, both)

    def watch(self, patience: Patience) -> None:
        self.listener = patience if isinstance(patience, Listener) else None
        super().watch(patience)

    def resume(self, value: Outcome | str | None) -> None:
        if isinstance(value, Outcome):
            call = self.chain.call if self.chain is not None else self.call
            step, until = self.binder.steps.get(id(call), (None, ()))
            looked: tuple[Looked, ...] = ()
            if step is not None:
                looked = look(step, until, value, self.vars, self.binder.constants, self.listener)
            why = self.driver.first_errors.pop(value.error, "") if value.error is not None else ""
            self.tell(self._exchange(call, value, why, looked))
            self.message = self.streamed = b""
            self.listener = None
        super().resume(value)


def _beginning(data: bytes | Streamed) -> bytes:
    """All of it, but of a message from files."""
    if isinstance(data, bytes):
        return data
    try:
        return b"".join(piece for piece, _ in zip(data.pieces(), range(4), strict=False))[:MOST_SHOWN]
    except OSError:
        return data.head
