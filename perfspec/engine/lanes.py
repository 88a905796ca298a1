"""A lane: one running generator with its connections. A user: an identity on a lane.

States of a lane: idle (`gen` is None) -> running (its generator is being executed) <-> waiting (for one answer, one
wake-up or its branches) -> idle. Rules:
1. `turn` numbers what is waited for; a wake-up of another turn is stale and ignored, so timers are never cancelled.
2. A waiting lane is resumed by a callback only, never from inside its own `request`, `pause` or `fork`.
3. Branches run on child lanes, with a layer of names, connections and an outcome of their own. They are kept in
   `spare` for the next fork. A branch may end while its parent still starts the others, so `pending` begins one too
   high. When the last has ended, what they bound becomes known in their order, not in that of their answers.
4. EndRound ends the generator and is told to `on_end`. Any other exception goes up to the driver: it is a bug.
5. Cookies and redirects are dealt with here, above every transport; only heads that ask for it come this way.
6. What a slot holds is called by a local name: the interpreter looks `self.send(...)` up anew each time if it is not a
   method. That goes for all of the load path where a request comes by.
"""

from collections.abc import Callable
from typing import Any

from perfspec.base.clock import SECOND
from perfspec.engine.cookies import Jar, dressed, target_of
from perfspec.engine.driver import Chunk, Driver
from perfspec.engine.following import REDIRECTS, Chain, Refused, next_request
from perfspec.engine.unsendable import BAD_DATA, note, why
from perfspec.metrics.error_kinds import UNSENDABLE
from perfspec.steps.runtime import (
    CUT_OFF,
    ON_PURPOSE,
    STOPPED,
    UNFINISHED,
    Call,
    EndRound,
    Head,
    Origin,
    Outcome,
    Patience,
    Program,
    Run,
    Streamed,
    Vars,
)

__all__ = ["Lane", "User"]


class Lane:
    __slots__ = (
        "_send",
        "busy_ns",
        "call",
        "chain",
        "children",
        "conn",
        "conns",
        "driver",
        "due",
        "failure",
        "failures",
        "forked_ns",
        "gen",
        "is_leaving",
        "lost",
        "now",
        "on_end",
        "outcome",
        "parent",
        "paused_ns",
        "pausing",
        "pending",
        "seat",
        "spare",
        "start",
        "streaming",
        "turn",
        "vars",
    )

    _send: Callable[[Outcome | str | None], None]
    on_end: "Callable[[Lane, str | None], None]"
    call: Call

    def __init__(self, driver: Driver, seat: int) -> None:
        self.driver = driver
        self.seat = seat
        self.now = driver.now_ns
        self.start: Callable[[Lane, Call, bytes | Streamed], None] = driver.transport.start
        self.outcome = Outcome()
        self.vars = Vars()
        self.due = 0
        """When the next request is due: a planned arrival, the end of a pause; 0: when it is asked for."""
        self.conn: Any = None
        self.conns: dict[Origin, Any] | None = None
        self.chain: Chain | None = None
        """While redirects of the request in flight are followed."""
        self.streaming: tuple[Call, Chunk] | None = None
        """The last call whose body was to be handed out, and to whom."""
        self.gen: Run | None = None
        self.turn = 0
        self.pausing = False
        self.is_leaving = False
        """Does what its user does last: the end of the load does not concern it."""
        self.parent: Lane | None = None
        self.children: list[Lane] | None = None
        self.spare: list[Lane] | None = None
        self.pending = 0
        self.lost: str | None = None
        self.failures = 0
        self.failure = ""
        self.paused_ns = 0
        self.forked_ns = 0
        """When the branches that run now began."""
        self.busy_ns = 0
        """The longest that one of them took, without its pauses."""

    # what the engine does with a lane

    def run(self, gen: Run, on_end: "Callable[[Lane, str | None], None]") -> None:
        """Begin. `on_end` gets None, or the kind of the EndRound that ended it; it is not called after `kill`."""
        self.gen = gen
        self.chain = None
        self._send = gen.send
        self.on_end = on_end
        self.resume(None)

    def resume(self, value: Outcome | str | None) -> None:
        send = self._send
        try:
            send(value)
        except StopIteration:
            kind = None
        except EndRound as end:
            kind = end.kind
        except BaseException:
            self.gen = None
            raise
        else:
            return
        self.gen = None
        self.on_end(self, kind)

    def answered(self, outcome: Outcome, sent: bytes | Streamed) -> None:
        """An answer whose head may ask for more than to be looked at. `sent`: the message that it answers."""
        call, head = self.call, outcome.head
        assert head is not None
        if any(name == b"set-cookie" for name, _ in head.headers):
            self._keep_cookies(call, head, sent)
        if not call.follows or outcome.status not in REDIRECTS or not self._follow(call, outcome, sent):
            self.resume(outcome)

    def _keep_cookies(self, call: Call, head: Head, sent: bytes | Streamed) -> None:
        if self.vars.cookies is None:
            self.vars.share_cookies(self.vars.whole.cookies or Jar())
        line = sent if isinstance(sent, bytes) else sent.head
        assert self.vars.cookies is not None
        self.vars.cookies.keep(head.headers, call.origin, target_of(line), self.now())

    def _follow(self, call: Call, outcome: Outcome, sent: bytes | Streamed) -> bool:
        """Is there another place, and the request for it sent?"""
        chain, now = self.chain or Chain(call, outcome.sent), self.now()
        try:
            following = next_request(chain, call, outcome, sent, now)
        except Refused as refused:
            if refused.kind == "timeout":
                outcome.last = chain.ends  # as `Connection.fail` has it
            else:
                note(self.driver.first_errors, refused.kind, call, str(refused), self.vars)
            outcome.error, outcome.status, outcome.head, outcome.body = refused.kind, 0, None, b""
            return False
        if following is None:
            return False
        if call.timer is not None and call.timer("redirect").value(outcome.sent, outcome.last - outcome.sent):
            outcome.missed = True
        if self.chain is None:
            self.chain, self._send = chain, self._arrived
        self.call, chain.data = following
        if self.vars.cookies is not None:
            chain.data = dressed(chain.data, self.vars.cookies, call.origin, now)
        self.driver.transport.start(self, self.call, chain.data)
        if self.streaming is not None and self.streaming[0] is chain.call:
            self.driver.transport.listen(self, self.streaming[1])
        return True

    def _arrived(self, value: Outcome | str | None) -> None:
        """The last answer of a chain, or why there is none: the program sees it as that of its own request."""
        chain, gen = self.chain, self.gen
        assert chain is not None
        assert gen is not None
        self.chain, self._send = None, gen.send
        self.call, self.outcome.sent = chain.call, chain.sent
        gen.send(value)

    def close(self) -> None:
        """From now on, asking for a request ends the round, in branches, too."""
        if self.is_leaving:
            return
        self.start = _nothing_new
        for child in (*(self.children or ()), *(self.spare or ())):
            child.close()

    def leave(self) -> None:
        """What its user does last begins: requests are sent again."""
        self.is_leaving = True
        self.start = self.driver.transport.start

    def wake(self, kind: str) -> bool:
        """Raise EndRound(kind) in a program that is only pausing, or in those of its branches that are.

        Says whether there was one. A request in flight is not cut short.
        """
        gen = self.gen
        if gen is None or self.is_leaving:
            return False
        if not self.pausing:
            woken = 0
            for child in tuple(self.children or ()):
                woken += child.wake(kind)
            return woken > 0

        def throw(_: object) -> None:
            self._send = gen.send
            gen.throw(EndRound(kind))

        self.pausing = False
        self.turn += 1
        self._send = throw
        self.resume(None)
        return True

    def kill(self) -> None:
        """End here and now, children included; close all connections. Nothing is called back.

        Not to be called from inside the lane's own program.
        """
        self.turn += 1
        self.pausing = False
        children, self.children = self.children, None
        for child in children or ():
            child.kill()
        gen, self.gen = self.gen, None
        transport = self.driver.transport
        if gen is not None:
            transport.cancel(self)
        self.release()
        if gen is not None:
            gen.close()

    def release(self) -> None:
        """Close the connections, those of the spare lanes too. The lane can be run again."""
        for child in self.spare or ():
            child.release()
        self.driver.transport.release(self)

    # what a program asks of its lane

    def request(self, call: Call) -> None:
        self.outcome.due = self.due
        self.due = 0
        self.call = call
        names, render, start = self.vars, call.render, self.start
        try:
            data = render(names)
        except BAD_DATA as error:
            self._unsendable(call, error)
            return
        if names.cookies is not None:
            data = dressed(data, names.cookies, call.origin, self.now())
        start(self, call, data)

    def stream(self, call: Call, chunk: Chunk) -> None:
        """Like `request`, with the body handed out as it comes."""
        self.streaming = call, chunk
        self.request(call)
        self.driver.transport.listen(self, chunk)

    def watch(self, patience: Patience) -> None:
        """End the request in flight where this patience runs out."""
        self._look(patience)

    def pause(self, ns: int) -> None:
        self.pausing = True
        self.turn = turn = self.turn + 1
        self.driver.call_at(self.now() + ns, self._pause_over, turn)

    def fork(self, programs: tuple[Program, ...]) -> None:
        self.turn += 1
        self.lost = None
        self.forked_ns = self.due or self.now()
        self.busy_ns = 0
        self.pending = len(programs) + 1
        self.spare = spare = self.spare or []
        self.children = children = []
        while len(spare) < len(programs):
            spare.append(self.another())
        for program in programs:
            child = spare.pop()
            child.parent, child.vars, child.due = self, Vars(outer=self.vars), self.due
            child.failures = child.paused_ns = 0
            child.outcome.missed = False
            child.start = self.start
            children.append(child)
            child.run(program(child), _branch_over)
        self.due = 0
        self.pending -= 1
        if not self.pending:
            self.driver.call_soon(self._join, self.turn)

    def another(self) -> "Lane":
        """A lane for a branch."""
        return Lane(self.driver, self.seat)

    # what wakes it

    def _look(self, patience: Patience) -> None:
        """Once a second, for the patience may grow shorter meanwhile."""
        if patience.over:
            return
        now = self.now()
        if (until := patience.until_ns(now)) and until <= now:
            self.driver.transport.cut(self, patience.kind)
        else:
            self.driver.call_at(min(until or now + SECOND, now + SECOND), self._look, patience)

    def _pause_over(self, turn: int) -> None:
        if turn == self.turn and self.gen is not None:
            self.pausing = False
            self.due = self.driver.tick_ns
            self.resume(None)

    def _unsendable(self, call: Call, error: Exception) -> None:
        """Bad data made no request of the template: an outcome like any other, so that it is counted like any other."""
        outcome = self.outcome
        outcome.sent = outcome.last = now = self.now()
        outcome.due = outcome.due or now
        outcome.first = outcome.status = 0
        outcome.head, outcome.body, outcome.error = None, b"", getattr(error, "kind", UNSENDABLE)
        note(self.driver.first_errors, outcome.error, call, why(error), self.vars)
        self.turn += 1
        self.driver.call_soon(self._unsent, self.turn)

    def _unsent(self, turn: int) -> None:
        if turn == self.turn and self.gen is not None:
            self.resume(self.outcome)

    def _join(self, turn: int) -> None:
        if turn == self.turn and self.gen is not None:
            children, self.children = self.children, None
            for child in children or ():
                self.vars.update(child.vars)
            self.paused_ns += self.now() - self.forked_ns - self.busy_ns
            self.resume(self.lost)


def _nothing_new(_lane: object, _call: Call, _data: object) -> None:
    raise EndRound(STOPPED)


def _branch_over(child: Lane, kind: str | None) -> None:
    parent = child.parent
    assert parent is not None
    assert parent.spare is not None
    parent.spare.append(child)
    if kind is not None and (parent.lost is None or _weight(kind) > _weight(parent.lost)):
        parent.lost = kind
    if child.failures:
        parent.failures += child.failures
        parent.failure = child.failure
    parent.busy_ns = max(parent.busy_ns, child.now() - parent.forked_ns - child.paused_ns)
    parent.outcome.missed |= child.outcome.missed
    parent.outcome.due = max(parent.outcome.due, child.outcome.due)  # when something was last asked for
    parent.pending -= 1
    if not parent.pending:
        parent._join(parent.turn)  # noqa: SLF001 - the other half of `fork`


def _weight(kind: str) -> int:
    """Of several ends of branches the heaviest is that of the round: cut off, then failed, then stopped on purpose."""
    return 2 + (kind == UNFINISHED) if kind in CUT_OFF else int(kind not in ON_PURPOSE)


class User:
    """Who: the number decides the data. Where: a lane. The two part in the open model (arrival number, seat)."""

    __slots__ = ("draws", "is_done", "lane", "last_round", "misses", "names", "number", "person", "round", "stopping")

    def __init__(self, number: int, person: int, lane: Lane) -> None:
        self.number = number
        self.person = person
        self.lane = lane
        self.draws: dict[str, int] = {}
        """Data dealt out in turn -> how often it was drawn."""
        self.round = 0
        self.last_round = 0
        """Leaves after this one."""
        self.misses = 0
        """Rounds in a row that found no service."""
        self.stopping = False
        """Leaves after its round."""
        self.is_done = False
        """Has left by `stop: user`."""
        self.names: dict[str, object] = {}
        """What it captured before its first round."""
