"""Requests to look at: of each the first failures of every kind and the slowest, with what was sent and answered.

The hot path pays one comparison per request. What is kept is a snapshot of references; texts are made of it when a
second is logged: of failures at the next, of the slowest in ten seconds at their end, so a torn run has them too.
Secrets are masked before anything is cut short, so no part of one is left over; headers that identify somebody are not
shown at all. Memory and log are bounded, by number and by size.
"""

import copy
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import msgspec

from perfspec.base.masking import MASK, masked
from perfspec.engine.tracing import trace_id
from perfspec.language.codegen import as_text
from perfspec.metrics.series import Key
from perfspec.plan.model import Plan
from perfspec.steps import requests
from perfspec.steps.captures import take
from perfspec.steps.decoding import Undecodable, decoded
from perfspec.steps.kinds import Request
from perfspec.steps.paths import MISSING, parsed
from perfspec.steps.runtime import Call, Head, Outcome, Vars

__all__ = ["Exemplar", "Exemplars", "hidden_names", "texts_of"]

FAILURES = 3
"""Of each kind."""
KINDS = 10
SLOWEST = 3
SLOWEST_EVERY = 10
"""Seconds."""
MOST_BYTES = 64 * 1024
"""Of a body or a message: beyond it nothing is looked at."""
SHOWN = 1024
"""Characters of a body, and of a line of a head."""
HEADERS = 40
SHORTEST = 4
"""Captured values that are shorter are not looked for: they would be found everywhere."""
_PRIVATE = re.compile(r"auth|cookie|token|secret|api-?key|session|password|credential", re.IGNORECASE)


class Exemplar(msgspec.Struct, frozen=True):
    """One request, masked and cut to a readable size."""

    key: Key
    why: Literal["failed", "slow"]
    kind: str
    """The error kind; empty for a slow one that did not fail."""
    due_ns: int
    """From the start of the load; of setup and teardown, from their own."""
    user: int
    round: int
    status: int
    response_ns: int
    service_ns: int
    first_byte_ns: int
    """From the sending; 0 without an answer."""
    sent: str
    """The request: its line, headers, and the beginning of its body."""
    answer: str
    """The same of the answer; empty without one."""
    trace_id: str = ""


class _Snapshot(NamedTuple):
    """What an outcome was; the outcome itself is overwritten by the next request."""

    call: Call
    names: Vars
    kind: str
    due: int
    sent: int
    first: int
    last: int
    status: int
    head: Head | None
    body: bytes
    size: int


class Keeper:
    """Of one request. See steps.runtime.Keeper."""

    __slots__ = ("_kinds", "_slow", "failures", "key", "slower_than", "step")

    def __init__(self, key: Key, step: Request) -> None:
        self.key = key
        self.step = step
        self.slower_than = -1
        self.failures: list[_Snapshot] = []
        """Not yet written."""
        self._kinds: dict[str, int] = {}
        self._slow: list[tuple[int, _Snapshot]] = []

    def keep(self, call: Call, names: Vars, outcome: Outcome, kind: str | None) -> None:
        """Called for every failure, and for what took longer than `slower_than`."""
        if kind is not None:
            seen = self._kinds.get(kind, 0)
            if seen < FAILURES and (seen or len(self._kinds) < KINDS):
                self._kinds[kind] = seen + 1
                self.failures.append(_snapshot(call, names, outcome, kind))
            return
        slow = self._slow
        slow.append((outcome.last - outcome.due, _snapshot(call, names, outcome, "")))
        slow.sort(key=lambda entry: -entry[0])
        del slow[SLOWEST:]
        if len(slow) == SLOWEST:
            self.slower_than = slow[-1][0]

    def slowest(self) -> list[_Snapshot]:
        """Of the stretch that ends here."""
        found, self._slow, self.slower_than = self._slow, [], -1
        return [snapshot for _, snapshot in found]


def _snapshot(call: Call, names: Vars, o: Outcome, kind: str) -> _Snapshot:
    return _Snapshot(
        call, _flat(names), kind, o.due, o.sent, o.first, o.last, o.status, o.head, o.body[:MOST_BYTES], len(o.body)
    )


def _flat(names: Vars) -> Vars:
    """A copy that nothing changes any more, whatever layers it had."""
    if names.outer is None:
        return copy.copy(names)
    layers = [names]
    while (outer := layers[-1].outer) is not None:
        layers.append(outer)
    found = copy.copy(names)
    found.outer = None
    for layer in layers:
        for name, value in layer.items():
            found.setdefault(name, value)
    return found


@dataclass(slots=True)
class Exemplars:
    """All of one part of a run."""

    start_ns: int
    secrets: tuple[str, ...]
    hidden: frozenset[str]
    """Names captured as secret, anywhere in the run."""
    keepers: list[Keeper]

    @classmethod
    def of(cls, start_ns: int, secrets: Iterable[str], hidden: Iterable[str]) -> "Exemplars":
        return cls(start_ns, tuple(secrets), frozenset(hidden), [])

    def keeper(self, key: Key, step: Request) -> Keeper:
        found = Keeper(key, step)
        self.keepers.append(found)
        return found

    def drain(self, second: int, *, is_last: bool = False) -> tuple[Exemplar, ...]:
        """What has come since the last time: failures always, the slowest at the end of their stretch."""
        found = []
        for keeper in self.keepers:
            failures, keeper.failures = keeper.failures, []
            found += [self._exemplar(keeper, each, "failed") for each in failures]
            if is_last or second % SLOWEST_EVERY == 0:
                found += [self._exemplar(keeper, each, "slow") for each in keeper.slowest()]
        return tuple(found)

    def conceal(self, text: str, names: Vars) -> str:
        """The text without the secrets of the run, and those that the round with these names has captured."""
        return masked(text, self._known(_flat(names)))

    def _known(self, names: Vars) -> list[str]:
        return [*self.secrets, *(text for name in self.hidden & names.keys() for text in texts_of(names[name]))]

    def _exemplar(self, keeper: Keeper, kept: _Snapshot, why: Literal["failed", "slow"]) -> Exemplar:
        body, is_whole = _body(kept)
        message = _message(kept)
        hide = self._masking(keeper.step, kept, body)
        may_show = is_whole or not any(c.capture.secret for c in keeper.step.capture)
        names = kept.names
        return Exemplar(
            key=keeper.key,
            why=why,
            kind=hide(kept.kind),
            due_ns=kept.due - self.start_ns,
            user=_number(names, "user.number"),
            round=_number(names, "round.number"),
            status=kept.status,
            response_ns=kept.last - kept.due,
            service_ns=kept.last - kept.sent,
            first_byte_ns=kept.first - kept.sent if kept.first else 0,
            sent=_request(message, hide),
            answer=_answer(kept, body, hide, may_show=may_show),
            trace_id=trace_id(message),
        )

    def _masking(self, step: Request, kept: _Snapshot, body: bytes) -> Callable[[str], str]:
        """Hides the secrets of the run, those that this round captured, and those that this answer holds."""
        values = [*self._known(kept.names), *_held(step, kept, body)]
        return lambda text: masked(text, values)


def _held(step: Request, kept: _Snapshot, body: bytes) -> list[str]:
    """What the secret captures of a step find in its answer, whether or not it came so far."""
    wanted = [captured for captured in step.capture if captured.capture.secret]
    if not wanted or kept.head is None:
        return []
    outcome = Outcome()
    outcome.status, outcome.head, outcome.body = kept.status, kept.head, body
    document = parsed(body)
    found: list[str] = []
    for captured in wanted:
        every = msgspec.structs.replace(captured.capture, take="all", fallback=None)
        for capture in (every, msgspec.structs.replace(every, take="first")):
            value = take(msgspec.structs.replace(captured, capture=capture), step.at)(outcome, document, kept.names)
            found += texts_of(value) if value is not MISSING else []
    return found


def texts_of(value: object) -> list[str]:
    """The texts that a captured value could be recognised by."""
    if isinstance(value, Mapping):
        return [text for inner in value.values() for text in texts_of(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in texts_of(inner)]
    if value is None or isinstance(value, bool):
        return []
    text = as_text(value)
    return [text] if len(text) >= SHORTEST else []


def _number(names: Mapping[str, object], name: str) -> int:
    value = names.get(name, 0)
    return value if isinstance(value, int) else 0


def _message(kept: _Snapshot) -> bytes:
    """The request once more, of the same names; empty where they make none."""
    try:
        message = kept.call.render(kept.names)
    except (ValueError, TypeError, LookupError, OSError):
        return b""
    return (message if isinstance(message, bytes) else message.head)[:MOST_BYTES]


def _body(kept: _Snapshot) -> tuple[bytes, bool]:
    """The body as it was meant, and whether it is all of it."""
    coding = kept.head.coding if kept.head is not None else b""
    if not coding:
        return kept.body, kept.size <= MOST_BYTES
    try:
        return decoded(coding, kept.body)[:MOST_BYTES], True
    except Undecodable:
        return b"", False


def _request(message: bytes, hide: Callable[[str], str]) -> str:
    head, _, body = message.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    return _shown(lines, _readable(body), hide)


def _answer(kept: _Snapshot, body: bytes, hide: Callable[[str], str], *, may_show: bool) -> str:
    if kept.head is None:
        return ""
    headers = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in kept.head.headers)
    lines = [f"HTTP {kept.status}", *(f"{name}: {value}" for name, value in headers)]
    return _shown(lines, _readable(body) if may_show else "(not shown: it may hold a secret)", hide)


def _readable(body: bytes) -> str:
    return body.decode(errors="replace")


def _shown(lines: list[str], body: str, hide: Callable[[str], str]) -> str:
    first, *headers = lines
    shown = [_cut(hide(first)), *(_cut(hide(_header(line))) for line in headers[:HEADERS])]
    if len(headers) > HEADERS:
        shown.append(f"... {len(headers) - HEADERS} more headers")
    return "\n".join([*shown, "", _cut(hide(body))] if body else shown)


def _header(line: str) -> str:
    name, found, _ = line.partition(":")
    return f"{name}: {MASK}" if found and _PRIVATE.search(name) else line


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}... ({len(text)} characters)"


def hidden_names(plan: Plan) -> frozenset[str]:
    """What is captured as secret anywhere in a run."""
    parts = (plan.setup, plan.teardown, plan.each_user.first, plan.each_user.last, *(f.steps for f in plan.flows))
    return frozenset(c.name for steps in parts for step in requests(steps) for c in step.capture if c.capture.secret)
