"""The shapes of all steps: frozen plain data, with the place in the spec they came from. Nothing callable is stored
here.

`at` is the step's address (`flows.search.query`): unique, and steady when unrelated steps move, so that what is drawn
at a step does not change with its neighbours.

A step that holds others has them in `steps`, and in `otherwise`: nothing else needs to be known to walk through all.
"""

from typing import Literal, TypeAlias

import msgspec

from perfspec.diagnostics.source import Span
from perfspec.language.phrases import Capture, Matcher, Path, PauseRange, Times
from perfspec.language.templates import Body, Text

__all__ = [
    "Captured",
    "Check",
    "Choose",
    "ForEach",
    "Group",
    "Option",
    "Parallel",
    "Pause",
    "Recorded",
    "Repeat",
    "Request",
    "Set",
    "Step",
    "Stop",
    "Stream",
    "Upload",
    "Use",
    "WaitUntil",
    "When",
]


class Check(msgspec.Struct, frozen=True):
    """One line of `expect` or `until`."""

    subject: str
    """status, header, json or events."""
    argument: str
    """The header's name or the JSON path as written."""
    path: Path
    matcher: Matcher
    span: Span

    def __str__(self) -> str:
        name = f"header {self.argument}" if self.subject == "header" else self.argument or self.subject
        return f"{name} {self.matcher.text}"


class Captured(msgspec.Struct, frozen=True):
    """One line of `capture`."""

    name: str
    capture: Capture
    span: Span


class Upload(msgspec.Struct, frozen=True):
    """A field of a form whose value is a file."""

    field: str
    path: str
    span: Span
    media_type: str = ""
    """Empty: what the name of the file says."""


class Recorded(msgspec.Struct, frozen=True):
    """One line of `record`: a number of the answer that is kept as a metric of its request."""

    name: str
    path: str
    """The JSON path as written."""
    span: Span


class Request(msgspec.Struct, frozen=True, tag="request"):
    at: str
    span: Span
    name: str
    name_span: Span
    method: str
    path: Text
    timeout_ns: int
    query: tuple[tuple[str, Text], ...] = ()
    headers: tuple[tuple[str, Text], ...] = ()
    json: Body | None = None
    form: tuple[tuple[str, Text], ...] | None = None
    body: Text | None = None
    tags: tuple[tuple[str, Text], ...] = ()
    expect: tuple[Check, ...] = ()
    capture: tuple[Captured, ...] = ()
    basic: Text | None = None
    """`Basic USER:PASSWORD`, to be encoded."""
    files: tuple[Upload, ...] = ()
    """With a form: sent as parts, behind its other fields."""
    record: tuple[Recorded, ...] = ()
    traced: bool = False
    """Sends a `traceparent`, so that the service's own traces can be found again."""
    follows: bool = True
    """Redirects are followed, unless something looks at them."""


class WaitUntil(msgspec.Struct, frozen=True, tag="wait until"):
    """A request sent again until its answer is as wanted. `request.expect` is judged on the final answer only."""

    at: str
    span: Span
    request: Request
    until: tuple[Check, ...]
    every_ns: int
    give_up_after_ns: int


class Stream(msgspec.Struct, frozen=True, tag="stream"):
    """A request whose answer is server-sent events."""

    at: str
    span: Span
    request: Request
    ends_with: str
    """The data of the event that ends it; empty: it ends with its body."""
    silence_ns: int
    """The longest time in which nothing may come; 0: not limited."""


class Pause(msgspec.Struct, frozen=True, tag="pause"):
    at: str
    span: Span
    range: PauseRange
    cap_ns: int = 0
    """The longest it may take, whatever is drawn; 0: no cap."""


class ForEach(msgspec.Struct, frozen=True, tag="for each"):
    at: str
    span: Span
    items: Text
    name: str
    name_span: Span
    steps: tuple["Step", ...]


class When(msgspec.Struct, frozen=True, tag="when"):
    at: str
    span: Span
    condition: Text
    steps: tuple["Step", ...]
    otherwise: tuple["Step", ...] = ()


class Repeat(msgspec.Struct, frozen=True, tag="repeat"):
    at: str
    span: Span
    times: Times
    steps: tuple["Step", ...]


class Choose(msgspec.Struct, frozen=True, tag="choose"):
    """One of the options happens, drawn anew at every pass."""

    at: str
    span: Span
    steps: tuple["Option", ...]


class Option(msgspec.Struct, frozen=True, tag="option"):
    """A way that `choose` may take."""

    at: str
    span: Span
    share: float
    """The probability of this way."""
    steps: tuple["Step", ...]


class Group(msgspec.Struct, frozen=True, tag="group"):
    """Timed as one."""

    at: str
    span: Span
    name: str
    name_span: Span
    steps: tuple["Step", ...]


class Parallel(msgspec.Struct, frozen=True, tag="parallel"):
    """Its children happen at once; timed as one."""

    at: str
    span: Span
    name: str
    name_span: Span
    steps: tuple["Step", ...]


class Use(msgspec.Struct, frozen=True, tag="use"):
    """A fragment, with its steps put in place: they have addresses and draws of their own at every use."""

    at: str
    span: Span
    name: str
    given: tuple[tuple[str, Body], ...]
    """What the fragment needs -> the value it gets."""
    gives: tuple[str, ...]
    steps: tuple["Step", ...]


class Set(msgspec.Struct, frozen=True, tag="set"):
    at: str
    span: Span
    names: tuple[tuple[str, Body, Span], ...]
    """(name, value, place of the name)."""


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    at: str
    span: Span
    what: Literal["round", "user"]


Step: TypeAlias = (
    Request
    | WaitUntil
    | Stream
    | Pause
    | ForEach
    | When
    | Repeat
    | Choose
    | Option
    | Group
    | Parallel
    | Use
    | Set
    | Stop
)
