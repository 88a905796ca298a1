"""What is measured of requests beside their number, by the word before `p95`, `mean` and `max`: in which unit, and how
reports call it.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

__all__ = ["ALWAYS", "FIRST_OF_SEVERAL", "OWN_TIMERS", "label_of", "unit_of"]

ALWAYS = ("connect", "tls", "first_byte", "redirect", "size")
"""What any request may measure."""
FIRST_OF_SEVERAL = "first_byte of several reads"
"""The timer of the first byte, without a limit on it: of those answers only that did not come in one read, since of all
others it is the last byte, too. So it is no `first_byte`, and no limit on that is judged by it.
"""
Unit: TypeAlias = Literal["time", "size", "number"]


class Timer(NamedTuple):
    unit: Unit
    label: str


OWN_TIMERS: Mapping[str, Timer] = {
    "": Timer("time", ""),
    "wait": Timer("time", "until done"),
    "poll": Timer("time", "one poll"),
    "group": Timer("time", "group without pauses"),
    "group with pauses": Timer("time", "group with pauses"),
    "round": Timer("time", "round"),
    "connect": Timer("time", "connect"),
    "tls": Timer("time", "tls"),
    "first_byte": Timer("time", "first byte"),
    FIRST_OF_SEVERAL: Timer("time", "first byte of several reads"),
    "redirect": Timer("time", "redirect"),
    "first_event": Timer("time", "first event"),
    "event_gap": Timer("time", "event gap"),
    "events": Timer("number", "events"),
    "size": Timer("size", "size"),
}
"""What is measured without being asked for, or in other ways than by `record`. Empty: the request itself."""


def unit_of(timer: str) -> Unit:
    """The unit of what a series records: sizes and plain numbers go the way of times, and are told apart by name."""
    return OWN_TIMERS[timer].unit if timer in OWN_TIMERS else "number"


def label_of(timer: str) -> str:
    """Behind the name of the request. What a spec records itself is called as the spec does."""
    return OWN_TIMERS[timer].label if timer in OWN_TIMERS else timer.replace("_", " ")
