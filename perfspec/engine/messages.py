"""What the coordinator and its workers say to each other. Secrets and rows go this way, never a command line.

coordinator -> worker: Assignment, Go, then Change, Decide, Stop at any time
worker -> coordinator: Ready or Refused, then a Told each second, Asks at the planned end, Crashed, and Done
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

from perfspec.data.table import Packed
from perfspec.engine.part import Inputs, Told
from perfspec.engine.pool import Ending
from perfspec.load import Segment, Shape
from perfspec.plan.model import Plan
from perfspec.steps.runtime import Origin

__all__ = [
    "Asks", "Assignment", "Change", "Crashed", "Decide", "Done", "Go", "Order", "Ready", "Refused", "Stop", "Word",
    "assignment",
]  # fmt: skip


class Assignment(msgspec.Struct, frozen=True, tag="assignment"):
    """Which part of which plan."""

    plan: Plan
    segment: Segment
    run_id: str
    tables: dict[str, Packed]
    secrets: dict[str, str]
    origin: Origin
    shared: dict[str, Any]
    """What setup captured."""
    board: int | None = None
    """The descriptor of the memory in which all count the people who come."""

    @property
    def inputs(self) -> Inputs:
        return Inputs(self.run_id, {name: packed.table() for name, packed in self.tables.items()}, self.secrets)


class Go(msgspec.Struct, frozen=True, tag="go"):
    start_ns: int
    """On the machine's monotonic clock, which all its processes share."""


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """Nothing new is sent; said again: end now."""

    reason: str


class Change(msgspec.Struct, frozen=True, tag="change"):
    """Another load from this moment of the run on."""

    shape: Shape
    at_ns: int


class Decide(msgspec.Struct, frozen=True, tag="decide"):
    """The answer to Asks."""

    extend: bool


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """Everything is bound, nothing was sent."""


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """It cannot begin."""

    message: str
    hint: str = ""
    is_bug: bool = False


class Asks(msgspec.Struct, frozen=True, tag="asks"):
    """The stage is at its planned end: does it run on? Until the answer comes it does."""


class Crashed(msgspec.Struct, frozen=True, tag="crashed"):
    """There is a bug in the load path; the part ends in order, and keeps its numbers."""

    text: str


class Done(msgspec.Struct, frozen=True, tag="done"):
    ending: Ending
    first_errors: dict[str, str]
    sent_again: int


Order: TypeAlias = Assignment | Go | Stop | Change | Decide
Word: TypeAlias = Ready | Refused | Told | Asks | Crashed | Done


def assignment(
    plan: Plan, segment: Segment, inputs: Inputs, origin: Origin, shared: Mapping[str, object]
) -> Assignment:
    """Of one worker."""
    tables = {name: table.packed() for name, table in inputs.rows.items()}
    return Assignment(plan, segment, inputs.run_id, tables, dict(inputs.secrets), origin, dict(shared))
