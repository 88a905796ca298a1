"""How often something is repeated: `3 times`, `2 to 5 times`."""

import re

from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.language.functions import MAX_ENTRIES
from perfspec.language.nodes import Scalar
from perfspec.language.phrases import Times
from perfspec.language.quantities import MAX_PHRASE, shorten

__all__ = ["parse_times"]

_TIMES = re.compile(r"(\d{1,9})(?: to (\d{1,9}))? times?")
_LOOSE = re.compile(
    r"(?:between |from )?(?P<low>\d{1,9})\s*(?:(?:to|and|-|\u2013|\.\.)\s*(?P<high>\d{1,9}))?\s*(?:x|times?)?",
    re.IGNORECASE,
)


def parse_times(scalar: Scalar, out: Diagnostics) -> Times | None:
    """At most as often as a loop may go through a list."""
    text = " ".join(scalar.text[:MAX_PHRASE].split())
    match = _TIMES.fullmatch(text)
    if match is None:
        out.add("PS415", f"`repeat` needs a number of times, found `{shorten(text)}`", scalar.span, _fix(text))
        return None
    low, high = int(match[1]), int(match[2] or match[1])
    if low > high:
        out.add("PS207", f"`{text}` runs backwards", scalar.span, f"write `{high} to {low} times`")
        return None
    if not 0 < high <= MAX_ENTRIES:
        message = "what is repeated 0 times never happens" if high == 0 else f"nothing is repeated {text}"
        fix = "write `1 time`" if high == 0 else f"write `{MAX_ENTRIES} times`, the most there is"
        out.add("PS415", message, scalar.span, fix)
        return None
    return Times(low, high)


def _fix(text: str) -> str:
    loose = _LOOSE.fullmatch(text)
    if loose is None:
        return "write `3 times` or `2 to 5 times`; to go through a list, use `for_each`"
    return f"write `{loose['low']} to {loose['high']} times`" if loose["high"] else f"write `{loose['low']} times`"
