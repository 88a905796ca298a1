"""What reading a step may ask for, and what a step says of itself. The contract of the files in this folder."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Span
from perfspec.language.expressions import Path
from perfspec.language.nodes import Node
from perfspec.language.templates import Text
from perfspec.steps.kinds import Step

__all__ = ["Bind", "Names", "Read", "Reading", "Tally"]


@dataclass(frozen=True, slots=True)
class Read:
    """A step reads a name."""

    path: Path
    span: Span


@dataclass(frozen=True, slots=True)
class Bind:
    """A step gives a name a value."""

    name: str
    span: Span
    what: str
    """`capture` or `loop`, as a reader of the spec would call it."""


Names: TypeAlias = "Iterator[Read | Bind | Step]"
"""In the order things happen; a Step stands for all that it reads and binds itself."""


@dataclass(slots=True)
class Reading:
    """The surroundings of a step: where findings go, and the spec's defaults, filled in here and nowhere else."""

    out: Diagnostics
    steps: "Callable[[Node | None, str], tuple[Step, ...]]"
    """Read child steps; the text is the address of their parent."""
    timeout_ns: int
    headers: tuple[tuple[str, Text], ...] = ()
    authorization: Text | None = None
    follows: bool = True
    """Redirects are followed."""
    taken: dict[str, int] = field(default_factory=dict)

    def address(self, parent: str, label: str) -> str:
        """A new address under `parent`. Equal labels are numbered in their order."""
        at = f"{parent}.{label}"
        n = self.taken[at] = self.taken.get(at, 0) + 1
        return at if n == 1 else f"{at}#{n}"


class Tally(Protocol):
    """Where a step says how often it expects to send what, and how long that takes. Used to plan, never to judge."""

    def request(self, name: str) -> None:
        """One request; its duration is the tally's business."""
        ...

    def wait(self, name: str, every_ns: int) -> None: ...
    def pause(self, ns: int) -> None: ...
    def items(self, text: Text) -> float:
        """How many entries a list will hold, as far as that can be known before the run."""
        ...

    def share(self, text: Text) -> float:
        """The probability that a condition holds, as far as that can be known."""
        ...

    def times(self, factor: float, steps: "tuple[Step, ...]") -> None:
        """Children that happen `factor` times."""
        ...
