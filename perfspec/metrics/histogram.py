"""Log-linear histograms: index -> count, sparse, in whole microseconds.

The layout is HdrHistogram's with 3 significant digits from 1 us, open-ended: values below 2 048 us have a bucket each,
above that every power of two has 1 024 buckets, so a bucket is at most 1/1 024 of its value wide. Two histograms
merge by adding counts. Percentiles are nearest rank: sorted value number ceil(q*n), as the largest value of its bucket.
"""

from collections.abc import Mapping
from fractions import Fraction
from math import ceil
from typing import Annotated

from msgspec import Meta

__all__ = [
    "Histogram",
    "add",
    "corrected",
    "count",
    "exact",
    "highest",
    "index",
    "largest",
    "lowest",
    "mean",
    "quantile",
    "ranks",
]

Histogram = dict[Annotated[int, Meta(ge=0, lt=1 << 16)], Annotated[int, Meta(ge=0, le=1 << 53)]]
"""Bounded, for one can come out of a file: no clock of 64 bits gets further, and no run."""


def index(us: int) -> int:
    """The bucket of a value. The hot path repeats this in place."""
    return us if us < 2048 else ((b := us.bit_length() - 11) << 10) + (us >> b)


def lowest(i: int) -> int:
    """The smallest microsecond count of bucket i."""
    if i < 2048:
        return i
    b = (i >> 10) - 1
    return (i - (b << 10)) << b


def highest(i: int) -> int:
    """The largest microsecond count of bucket i."""
    return lowest(i + 1) - 1 if i >= 2048 else i


def count(h: Histogram) -> int:
    return sum(h.values())


def add(into: Histogram, more: Histogram) -> None:
    """Merge by addition: windows, workers and machines alike."""
    for i, n in more.items():
        into[i] = into.get(i, 0) + n


def ranks(h: Histogram, wanted: list[int]) -> list[int]:
    """The values (us) at these ranks, counting from 1; `wanted` rises. Past the end: the largest value."""
    out: list[int] = []
    seen = 0
    pending = iter(wanted)
    rank = next(pending, None)
    value = 0
    for i in sorted(h):
        seen += h[i]
        value = highest(i)
        while rank is not None and rank <= seen:
            out.append(value)
            rank = next(pending, None)
    return out + [value] * (len(wanted) - len(out))


def quantile(h: Histogram, q: Fraction) -> int:
    """Microseconds, nearest rank; 0 for an empty histogram."""
    n = count(h)
    return ranks(h, [max(1, ceil(q * n))])[0] if n else 0


def exact(counts: Mapping[int, int], q: Fraction) -> int:
    """Of counts by value, which are no histogram's buckets: the value at that rank; 0 if there is none."""
    rank, seen = ceil(q * sum(counts.values())), 0
    for value in sorted(counts):
        seen += counts[value]
        if seen >= rank:
            return value
    return 0


def largest(h: Histogram) -> int:
    return highest(max(h)) if h else 0


def mean(h: Histogram) -> float:
    """Microseconds, from the middle of each bucket; 0 for an empty histogram."""
    n = count(h)
    return sum((lowest(i) + highest(i)) / 2 * k for i, k in h.items()) / n if n else 0.0


def corrected(h: Histogram, interval_us: int) -> Histogram:
    """An estimate of what one who asks again every `interval_us`, come what may, would have recorded.

    HdrHistogram's correction for coordinated omission: each value brings those that would have begun while it was
    waited for, every interval, down to the interval itself. Raises ValueError unless the interval is positive.
    """
    if interval_us <= 0:
        raise ValueError(f"an interval is positive, got {interval_us}")
    out = dict(h)
    for i, n in h.items():
        for us in range(lowest(i) - interval_us, interval_us - 1, -interval_us):
            out[index(us)] = out.get(index(us), 0) + n
    return out
