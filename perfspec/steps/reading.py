"""What reading a step may ask for, and what a step says of itself. The contract of the files in this folder."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias

from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Span
from perfspec.language.expressions import Path
from perfspec.language.nodes import Mapping, Node
from perfspec.language.phrases import PauseRange
from perfspec.language.templates import Text
from perfspec.steps.kinds import Step

if TYPE_CHECKING:
    from perfspec.steps.authorization import Authorization

__all__ = [
    "AtOnce",
    "Bind",
    "Ends",
    "Inside",
    "Loop",
    "Named",
    "Names",
    "OneOf",
    "Read",
    "Reading",
    "Tags",
    "Tally",
    "reads",
]


@dataclass(frozen=True, slots=True)
class Read:
    """A step reads a name."""

    path: Path
    span: Span
    is_sent: bool = False
    """It goes to the service as it was drawn: the same value every time."""


@dataclass(frozen=True, slots=True)
class Bind:
    """A step gives a name a value."""

    name: str
    span: Span
    what: str
    """`capture`, `set` or `loop`, as a reader of the spec would call it."""
    proves: bool = False
    """That it has a value says something by itself: this is how the text of an answer is checked."""


@dataclass(frozen=True, slots=True)
class OneOf:
    """Exactly one of these lists of steps happens."""

    ways: tuple[tuple[Step, ...], ...]


@dataclass(frozen=True, slots=True)
class AtOnce:
    """All of them happen, none after another."""

    branches: tuple[tuple[Step, ...], ...]


@dataclass(frozen=True, slots=True)
class Loop:
    """The steps happen several times; `entry` has a value in them."""

    steps: tuple[Step, ...]
    entry: Bind | None
    is_sure: bool
    """At least once."""
    span: Span
    is_loop: bool = True
    """Can be more than once."""


@dataclass(frozen=True, slots=True)
class Inside:
    """The steps of a fragment, whose names are its own."""

    name: str
    span: Span
    """Where it is used."""
    steps: tuple[Step, ...]
    needs: tuple[str, ...]
    gives: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ends:
    """Nothing happens after this."""

    what: str
    """`round` or `user`."""
    span: Span


Named: TypeAlias = Read | Bind | OneOf | AtOnce | Loop | Inside | Ends | Step
Tags: TypeAlias = tuple[tuple[str, Text], ...]
Names: TypeAlias = "Iterator[Named]"
"""In the order things happen; a Step stands for all that it reads and binds itself."""


def reads(text: Text, *, is_sent: bool = False) -> "Iterator[Read]":
    """The names that a text reads."""
    for path, span in text.reads():
        yield Read(path, span, is_sent and not path.is_fresh)


@dataclass(slots=True)
class Reading:
    """The surroundings of a step: where findings go, and the spec's defaults, filled in here and nowhere else."""

    out: Diagnostics
    steps: "Callable[[Node | None, str], tuple[Step, ...]]"
    """Read child steps; the text is the address of their parent."""
    timeout_ns: int
    headers: tuple[tuple[str, Text], ...] = ()
    authorization: "Authorization | None" = None
    follows: bool = True
    """Redirects are followed."""
    tags: tuple[tuple[str, Text], ...] = ()
    pause: tuple[PauseRange, Span] | None = None
    """Between the steps of flows, and where that is said."""
    traced: bool = False
    """Every request sends a `traceparent`."""
    fragments: dict[str, Mapping] = field(default_factory=dict)
    using: list[str] = field(default_factory=list)
    """The fragments around the step, outermost first."""
    uses: int = 0
    lost: set[str] = field(default_factory=set)
    """What steps that cannot be read would have named: requests, groups, captures, entries of loops."""
    taken: dict[str, int] = field(default_factory=dict)

    def address(self, parent: str, label: str) -> str:
        """A new address under `parent`. Equal labels are numbered in their order."""
        at = f"{parent}.{label}"
        n = self.taken[at] = self.taken.get(at, 0) + 1
        return at if n == 1 else f"{at}#{n}"


class Tally(Protocol):
    """Where a step says how often it expects to send what, and how long that takes. Used to plan, never to judge."""

    def request(self, name: str, tags: Tags) -> None:
        """One request; its duration is the tally's business."""
        ...

    def wait(self, name: str, every_ns: int, tags: Tags) -> None: ...
    def pause(self, ns: int) -> None: ...
    def group(self, name: str) -> None:
        """One transaction."""
        ...

    def items(self, text: Text) -> float:
        """How many entries a list will hold, as far as that can be known before the run."""
        ...

    def share(self, text: Text) -> float:
        """The probability that a condition holds, as far as that can be known."""
        ...

    def times(self, factor: float, steps: "tuple[Step, ...]") -> None:
        """Children that happen `factor` times."""
        ...

    def at_once(self, steps: "tuple[Step, ...]") -> None:
        """Children that take as long as the longest of them."""
        ...
