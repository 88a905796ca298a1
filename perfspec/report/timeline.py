"""What each request did over time, in at most so many buckets. Fed second by second, while a run lasts or afterwards.

A bucket is the sum of its seconds, so its percentiles are those of all its requests, never averages of percentiles.
When the buckets run out, neighbours are merged and a bucket is twice as long.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction

import msgspec

from perfspec.base.clock import SECOND
from perfspec.base.codec import pack, unpack
from perfspec.engine.slicelog import LoggedSecond
from perfspec.metrics import histogram
from perfspec.metrics.histogram import Histogram
from perfspec.metrics.series import Slice
from perfspec.plan.model import Plan

__all__ = ["Bucket", "Drawn", "Line", "Timeline", "quantiles", "timeline_for"]

POINTS = 2_400
"""Shared among all requests of a page, so that its size has a bound."""
FEWEST_BUCKETS = 60
LONG_NS, COARSE = 1200 * SECOND, 16
"""Over twenty minutes a bucket is a sum of many seconds, and 1.6 % cannot be seen."""

QUANTILES = (Fraction(1, 2), Fraction(19, 20), Fraction(99, 100))
SHOWN_TIMERS = ("", "wait")
"""What a request's own line is made of; polls, groups and the like have lines of their own."""


@dataclass(slots=True)
class Bucket:
    n: int = 0
    failed: int = 0
    _response: Histogram = field(default_factory=dict)
    _packed: bytes = b""
    """In place of `_response`."""
    _shown: list[float] | None = None

    def add(self, piece: Slice, low_bits: int = 0) -> None:
        """`low_bits`: those of a histogram's index that do not count."""
        response = piece.response
        if low_bits:
            response = {}
            for i, n in piece.response.items():
                response[i | low_bits] = response.get(i | low_bits, 0) + n
        self._sum(piece.n, sum(piece.errors.values()), response)

    def merge(self, other: "Bucket") -> None:
        self._sum(other.n, other.failed, other.response)

    def pack(self) -> None:
        """Nothing more is expected: from now on it takes a tenth of the room, and can still be added to."""
        self._shown = self.quantiles
        self._packed = pack(self.response)
        self._response = {}

    @property
    def response(self) -> Histogram:
        return unpack(self._packed, Histogram) if self._packed else self._response

    def _sum(self, n: int, failed: int, response: Histogram) -> None:
        self.n += n
        self.failed += failed
        self._response = self.response
        self._packed = b""
        histogram.add(self._response, response)
        self._shown = None

    @property
    def quantiles(self) -> list[float]:
        """p50, p95 and p99 in ms; none without an answer. Kept, since a page is drawn again and again."""
        if self._shown is None:
            self._shown = quantiles(self.response)
        return self._shown


@dataclass(slots=True)
class Line:
    """One request over time, tags and flows summed up."""

    name: str
    timer: str
    buckets: dict[int, Bucket] = field(default_factory=dict)


def quantiles(h: Histogram, wanted: Iterable[Fraction] = QUANTILES) -> list[float]:
    """Percentiles in ms, nearest rank; none of an empty histogram."""
    n = histogram.count(h)
    if not n:
        return []
    ranks = [max(1, -(-q.numerator * n // q.denominator)) for q in wanted]
    return [us / 1000 for us in histogram.ranks(h, ranks)]


class DrawnBucket(msgspec.Struct, frozen=True, array_like=True):
    at: int
    """Its number; it begins that many times `bucket_s` after the start of the load."""
    n: int
    failed: int
    quantiles: tuple[float, ...]
    """p50, p95 and p99 in ms; none without an answer."""


class DrawnLine(msgspec.Struct, frozen=True):
    name: str
    timer: str
    buckets: tuple[DrawnBucket, ...]


class Drawn(msgspec.Struct, frozen=True):
    """A timeline as far as it is drawn: small enough for a document, however long the load was."""

    bucket_s: int = 1
    users: dict[int, int] = {}
    """Bucket -> the most users in it."""
    lines: tuple[DrawnLine, ...] = ()


def timeline_for(plan: Plan, grain: int = 0, most_buckets: int = POINTS) -> "Timeline":
    """With as many buckets as a page has room for. `grain` 0: fine enough for the length of the load."""
    return Timeline(
        min(most_buckets, max(POINTS // max(len(plan.series_names()), 1), FEWEST_BUCKETS)),
        grain or (1 if max(plan.for_ns, plan.extend_to_ns) <= LONG_NS else COARSE),
    )


class Timeline:
    def __init__(self, most_buckets: int = 180, grain: int = 1) -> None:
        """`grain`: a power of two; so many neighbouring values are taken for the largest of them. With 16 a percentile
        is at most 1.6 % or 15 us high, and a run of an hour needs little more memory than one of minutes.
        """
        self.most_buckets = most_buckets
        self._low_bits = grain - 1
        self.bucket_s = 1
        self.lines: dict[tuple[str, str], Line] = {}
        self.users: dict[int, int] = {}
        """Bucket -> the most users in it."""
        self._open: dict[tuple[str, str, int], Bucket] = {}
        """Those that are not packed, by line and number."""

    def add(self, second: LoggedSecond) -> None:
        """A second as it was logged; its slices may be about earlier ones."""
        pieces = [piece for piece in second.slices if piece.key.part == "load" and piece.second >= 0]
        newest = max((second.second - 1, *(piece.second for piece in pieces)))
        while newest // self.bucket_s >= self.most_buckets:
            self._coarsen()
        if second.second > 0:
            at = (second.second - 1) // self.bucket_s
            self.users[at] = max(self.users.get(at, 0), second.users)
        for piece in pieces:
            line = self.lines.setdefault((piece.key.name, piece.key.timer), Line(piece.key.name, piece.key.timer))
            at = piece.second // self.bucket_s
            bucket = self._open[line.name, line.timer, at] = line.buckets.setdefault(at, Bucket())
            bucket.add(piece, self._low_bits)
        self._pack(newest // self.bucket_s)

    def drawn(self) -> Drawn:
        lines = (
            DrawnLine(
                line.name,
                line.timer,
                tuple(DrawnBucket(at, b.n, b.failed, tuple(b.quantiles)) for at, b in sorted(line.buckets.items())),
            )
            for line in self.lines.values()
        )
        return Drawn(self.bucket_s, dict(self.users), tuple(lines))

    @classmethod
    def of(cls, drawn: Drawn) -> "Timeline":
        """To be drawn; nothing can be added to it."""
        found = cls()
        found.bucket_s, found.users = drawn.bucket_s, dict(drawn.users)
        for line in drawn.lines:
            buckets = {each.at: Bucket(each.n, each.failed, _shown=list(each.quantiles)) for each in line.buckets}
            found.lines[line.name, line.timer] = Line(line.name, line.timer, buckets)
        return found

    def _pack(self, newest: int) -> None:
        """Of the buckets that were added to, those before the newest two: most late answers have come by then."""
        for which in [each for each in self._open if each[2] < newest - 1]:
            self._open.pop(which).pack()

    def _coarsen(self) -> None:
        self.bucket_s *= 2
        self._open = {}
        users: dict[int, int] = {}
        for at, n in self.users.items():
            users[at // 2] = max(users.get(at // 2, 0), n)
        self.users = users
        for line in self.lines.values():
            merged: dict[int, Bucket] = {}
            for at, bucket in sorted(line.buckets.items()):
                if at // 2 not in merged:
                    self._pack(at // 2 + 1)  # one pair at a time, or all of it would be there unpacked
                    merged[at // 2] = self._open[line.name, line.timer, at // 2] = Bucket()
                merged[at // 2].merge(bucket)
            line.buckets = merged
