"""A request with `stream`: its answer is server-sent events, timed one by one.

An event counts when it brings a part of the answer (events.has_content): `first_event` is the time from the moment the
request was due to the first of them, `event_gap` each time between two, `events` their number. A stream is over when
its body is; with `ends_with` only if that event came. Error kinds of its own: `silence` (nothing came for that long),
`cut off` (it ended before its end), `no stream` (an answer of another type), `event too large`; `undecodable` is one
that is packed though it was asked for as it is. A stream that failed
has one bad first_event and one bad event_gap, so that failing cannot improve them; gaps before it broke stand.
"""

from msgspec.structs import replace

from perfspec.base.units import NUMBER_NS, format_duration
from perfspec.language import templates
from perfspec.language.nodes import Mapping, Scalar
from perfspec.language.phrase_grammar import parse_duration
from perfspec.steps import request
from perfspec.steps.answers import judge, kind_of_check
from perfspec.steps.captures import header
from perfspec.steps.decoding import UNDECODABLE
from perfspec.steps.events import Event, Events, EventTooLarge, has_content
from perfspec.steps.kinds import Request, Stream
from perfspec.steps.matchers import predicate
from perfspec.steps.measures import measures
from perfspec.steps.reading import Names, Reading, Tally
from perfspec.steps.runtime import Build, EndRound, Lane, Outcome, Program, Recorder, Run, Vars

__all__ = ["EVENT_STREAM", "Listener", "bind", "describe", "names", "read", "weigh"]

LINGER_NS = 1_000_000_000
"""How long a service may keep an answer open behind the event that ends it."""
EVENT_STREAM = "text/event-stream"
MOST_BEGIN = 1024
_PLAIN = (b"", b"identity")
_LOST = frozenset({"closed", "reset"})
_BROKEN = frozenset({"cut off", "event too large"})
"""No whole answer: like a lost connection they end the round."""
_ASKS_FOR = (("Accept", "text/event-stream"), ("Accept-Encoding", "identity"))


def read(node: Mapping, parent: str, reading: Reading) -> Stream | None:
    sent = request.read(node, parent, reading, of_stream=True)
    said = node.entry("stream")
    if sent is None or said is None or not isinstance(said.value, Mapping):
        return None
    silence = said.value.get("silence")
    ends_with = said.value.get("ends_with")
    return Stream(
        at=f"{sent.at}.stream",
        span=sent.span,
        request=_asking(sent),
        ends_with=ends_with.text if isinstance(ends_with, Scalar) else "",
        silence_ns=(parse_duration(silence, "silence", reading.out) or 0) if isinstance(silence, Scalar) else 0,
    )


def _asking(sent: Request) -> Request:
    """Says what it wants to get, unless the spec does."""
    given = {name.lower() for name, _ in sent.headers}
    own = tuple((name, templates.Text(text, sent.span)) for name, text in _ASKS_FOR if name.lower() not in given)
    return replace(sent, headers=(*own, *sent.headers))


def names(step: Stream) -> Names:
    yield from request.names(step.request)


def describe(step: Stream) -> str:
    until = f" until `{step.ends_with}`" if step.ends_with else ""
    silence = f", silent for at most {format_duration(step.silence_ns)}" if step.silence_ns else ""
    return f"{request.describe(step.request)} and read its events{until}{silence}"


def weigh(step: Stream, tally: Tally) -> None:
    tally.request(step.request.name, step.request.tags)


class Listener:
    """Hears one stream: when its events came, and when it has waited long enough. See steps.runtime.Patience."""

    __slots__ = ("_events", "_outcome", "_silence_ns", "_until_ns", "_wanted", "begin", "ended_ns", "first_ns", "gaps",
                 "is_too_large", "kind", "last_ns", "n", "over", "size")  # fmt: skip

    def __init__(self, ends_with: bytes, silence_ns: int, outcome: Outcome) -> None:
        """`outcome`: of the request in flight; it knows when that was sent."""
        self._events = Events()
        self._wanted = ends_with
        self._silence_ns = silence_ns
        self._outcome = outcome
        self._until_ns = 0
        """0: nothing has come yet."""
        self.kind: str | None = "silence"
        self.over = False
        self.is_too_large = False
        self.n = self.size = 0
        self.first_ns = self.last_ns = self.ended_ns = 0
        self.gaps: list[int] = []
        self.begin = b""
        """The first of what came, for whoever asks what a stream was that failed."""

    def until_ns(self, now_ns: int) -> int:
        """Silence is counted from when the request was sent, or else something came."""
        if self._until_ns or not self._silence_ns:
            return self._until_ns
        return (self._outcome.sent or now_ns) + self._silence_ns

    def hear(self, part: bytes, at_ns: int) -> None:
        self.size += len(part)
        if len(self.begin) < MOST_BEGIN:
            self.begin += part[: MOST_BEGIN - len(self.begin)]
        if self.ended_ns or self.is_too_large:
            return
        if self._silence_ns:
            self._until_ns = at_ns + self._silence_ns
        try:
            found = self._events.feed(part)
        except EventTooLarge:
            self.is_too_large, self.kind, self._until_ns = True, "event too large", at_ns
            return
        for event in found:
            if self._ends(event):
                self.ended_ns = at_ns
                self.kind, self._until_ns = None, at_ns + LINGER_NS
                return
            if has_content(event):
                self._count(at_ns)

    def _ends(self, event: Event) -> bool:
        return bool(self._wanted) and event.data == self._wanted

    def _count(self, at_ns: int) -> None:
        if self.n:
            self.gaps.append(at_ns - self.last_ns)
        else:
            self.first_ns = at_ns
        self.last_ns = at_ns
        self.n += 1

    def failure(self, outcome: Outcome) -> str | None:
        """Why it is no whole stream; None if it is one. Its status has been looked at."""
        if outcome.error is not None:
            begun = outcome.error in _LOST and self.begin
            return "cut off" if begun else outcome.error
        content_type = header(outcome, b"content-type") or ""
        if content_type.partition(";")[0].strip().lower() != EVENT_STREAM:
            return "no stream"
        if outcome.head is not None and outcome.head.coding not in _PLAIN:
            return UNDECODABLE
        if self.is_too_large:
            return "event too large"
        return "cut off" if self._wanted and not self.ended_ns else None


def bind(step: Stream, build: Build) -> Program:
    sent = step.request
    call = build.call(sent)
    tags = tuple((k, t.source) for k, t in sent.tags)
    recorders = tuple(build.recorder(sent.name, tags, timer) for timer in ("", "first_event", "event_gap", "events"))
    of_events = tuple(check for check in sent.expect if check.subject == "events")
    judged = judge(tuple(c for c in sent.expect if c not in of_events), sent.capture, build.constants, at=sent.at)
    counted = tuple((predicate(check.matcher, build.constants), kind_of_check(check)) for check in of_events)
    needed, measured, keeper = bool(sent.capture), measures(sent, build) or _unmeasured, build.keeper(sent)
    ends_with = step.ends_with.encode()

    def why(outcome: Outcome, listener: Listener, names: Vars) -> str | None:
        """The one error kind. A status of 429 says more than that it is no stream."""
        kind = listener.failure(outcome)
        if kind in (None, "no stream"):
            kind = (judged(outcome, names) if kind is None or outcome.status >= 400 else None) or kind
        if kind is None:
            kind = next((kind for holds, kind in counted if not holds(listener.n, names)), None)
        return kind

    def program(lane: Lane) -> Run:
        listener = Listener(ends_with, step.silence_ns, lane.outcome)
        lane.stream(call, listener.hear)
        lane.watch(listener)
        try:
            outcome: Outcome = yield  # type: ignore[assignment]  # what a request is resumed with
        finally:
            listener.over = True
        if outcome.error == "timeout" and outcome.status and 0 < listener.ended_ns <= outcome.last:
            outcome.error = None  # whole in time; it was the connection that stayed open
        names = lane.vars
        kind = why(outcome, listener, names)
        if kind is None and listener.ended_ns:
            outcome.last = listener.ended_ns
        outcome.body, outcome.dropped = listener.begin, listener.size - len(listener.begin)
        series = [recorder(names) if callable(recorder) else recorder for recorder in recorders]
        series[0].record(outcome, kind)
        _measure(series, outcome, listener, kind)
        measured(outcome, kind, names)
        if kind is not None or outcome.last - outcome.due > keeper.slower_than:
            keeper.keep(call, names, outcome, kind)
        if kind is not None:
            lane.failures += 1
            lane.failure = kind
            if needed or outcome.error is not None or kind in _BROKEN:
                raise EndRound(kind)

    return program


def _unmeasured(_outcome: Outcome, _kind: str | None, _names: Vars) -> None:
    """No limit is about its size or its first byte."""


def _measure(series: list[Recorder], outcome: Outcome, listener: Listener, kind: str | None) -> None:
    """What is over the limit that it is held to makes the round no good one."""
    due, missed = outcome.due, outcome.missed
    _, first, gap, events = series
    if kind is None or not (kind == "no stream" or kind.startswith("status ")):  # else it was something else
        for ns in listener.gaps:
            missed |= gap.value(due, ns)
    if kind is not None:
        for each in (first, gap, events):
            each.value(due, 0, kind)
        return
    if listener.n:
        missed |= first.value(due, listener.first_ns - due)
    else:
        first.value(due, 0, "no event")
        missed |= first.is_held
    outcome.missed = events.value(due, listener.n * NUMBER_NS) or missed
