"""Quantities as people write them: durations (`300ms`, `2m30s`), shares (`0.5%`), rates, sizes. Exact, never floats.

Durations are int nanoseconds, shares are Fractions. `format` after `parse` gives a text that parses to the same value.
"""

import re
from fractions import Fraction

__all__ = [
    "BYTE_NS",
    "DURATION_UNITS",
    "NUMBER_NS",
    "format_decimal",
    "format_duration",
    "format_ms",
    "format_share",
    "format_size",
    "parse_duration",
    "parse_share",
]

DURATION_UNITS = {"us": 1_000, "ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000, "h": 3_600_000_000_000,
                  "d": 86_400_000_000_000}  # fmt: skip
NUMBER_NS = 1_000_000
"""A plain number is recorded as that many ns, so that three digits behind the point are kept."""
BYTE_NS = 1_000
"""So is a byte: sizes up to 2 kB are exact, larger ones to 0.1 %."""
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:us|ms|s|m|h|d))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(us|ms|s|m|h|d)")
_SHARE = re.compile(r"(\d+(?:\.\d+)?)%")


def parse_duration(text: str) -> int | None:
    """Nanoseconds, or None if the text is no duration (a missing unit included)."""
    if not _DURATION.fullmatch(text):
        return None
    ns = sum(Fraction(number) * DURATION_UNITS[unit] for number, unit in _PART.findall(text))
    return int(ns) if Fraction(ns).denominator == 1 else None


def parse_share(text: str) -> Fraction | None:
    """A share of 1, or None if the text is no percentage."""
    match = _SHARE.fullmatch(text)
    return Fraction(match[1]) / 100 if match else None


def format_duration(ns: int) -> str:
    """The shortest exact text: 90 s is `1m30s`, 2 500 ms is `2.5s`."""
    if ns == 0:
        return "0s"
    out = ""
    for unit in ("d", "h", "m"):
        n, ns = divmod(ns, DURATION_UNITS[unit])
        out += f"{n}{unit}" if n else ""
    for unit in ("s", "ms", "us"):
        if ns >= DURATION_UNITS[unit]:
            return out + f"{format_decimal(Fraction(ns, DURATION_UNITS[unit]))}{unit}"
    return out + (f"{format_decimal(Fraction(ns, DURATION_UNITS['us']))}us" if ns else "")


def format_share(share: Fraction) -> str:
    """`1/200` is `0.5%`. Shares that no decimal can say are cut to six digits."""
    return f"{format_decimal(share * 100)}%"


def format_ms(ns: float) -> str:
    """For people: three significant digits, in the unit that fits (`4.18 ms`, `112 ms`, `1.54 s`)."""
    ms = ns / 1_000_000
    if ms >= 1000:
        return f"{_three(ms / 1000)} s"
    return f"{_three(ms)} ms"


def format_size(size: float) -> str:
    """For people: three significant digits (`980 B`, `1.54 kB`, `12.0 MB`)."""
    for unit, factor in (("MB", 1_000_000), ("kB", 1_000)):
        if size >= factor:
            return f"{_three(size / factor)} {unit}"
    return f"{size:.0f} B"


def _three(x: float) -> str:
    return f"{x:.0f}" if x >= 100 else f"{x:.1f}" if x >= 10 else f"{x:.2f}"


def format_decimal(x: Fraction) -> str:
    """Every digit behind the point, however many; six where no decimal is exact."""
    places, rest = 0, x.denominator
    while rest % 2 == 0 or rest % 5 == 0:
        places += 1
        rest //= 10 if rest % 10 == 0 else 5 if rest % 5 == 0 else 2
    places = places if rest == 1 else 6
    digits = f"{round(x * 10**places):0{places + 1}d}"
    cut = len(digits) - places
    return f"{digits[:cut]}.{digits[cut:]}".rstrip("0").rstrip(".") if places else digits
