"""The shapes of all steps: frozen plain data, with the place in the spec they came from. Nothing callable is stored
here.

`at` is the step's address (`flows.search.query`): unique, and steady when unrelated steps move, so that what is drawn
at a step does not change with its neighbours.
"""

from typing import TypeAlias

import msgspec

from perfspec.diagnostics.source import Span
from perfspec.language.phrases import Capture, Matcher, Path, PauseRange
from perfspec.language.templates import Body, Text

__all__ = ["Captured", "Check", "ForEach", "Pause", "Request", "Step", "WaitUntil", "When"]


class Check(msgspec.Struct, frozen=True):
    """One line of `expect` or `until`."""

    subject: str
    """status, header or json."""
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


Step: TypeAlias = Request | WaitUntil | Pause | ForEach | When
