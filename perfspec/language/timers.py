"""What is measured of requests beside their number, by the word before `p95`, `mean` and `max`: in which unit."""

from typing import Literal

__all__ = ["ALWAYS", "FIRST_OF_SEVERAL", "unit_of"]

ALWAYS = ("connect", "tls", "first_byte", "redirect", "size")
"""What any request may measure."""
FIRST_OF_SEVERAL = "first_byte of several reads"
"""The timer of the first byte, without a limit on it: of those answers only that did not come in one read, since of all
others it is the last byte, too. So it is no `first_byte`, and no limit on that is judged by it.
"""
_TIMES = frozenset(
    {"", "wait", "poll", "group", "group with pauses", "round", "first_event", "event_gap", FIRST_OF_SEVERAL, *ALWAYS}
    - {"size"}
)


def unit_of(timer: str) -> Literal["time", "size", "number"]:
    """The unit of what a series records: sizes and plain numbers go the way of times, and are told apart by name."""
    return "time" if timer in _TIMES else "size" if timer == "size" else "number"
