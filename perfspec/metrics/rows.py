"""Sums of slices: a request over a window, `all`, a tag's value. Made outside the hot path; the order never matters."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

import msgspec

from perfspec.metrics import histogram
from perfspec.metrics.error_kinds import NO_ANSWER_KINDS, NOT_ASKED_KINDS, UNSENDABLE
from perfspec.metrics.histogram import Histogram
from perfspec.metrics.series import Key, Slice

__all__ = ["Row", "to_judge", "total", "without"]


@dataclass(slots=True)
class Row:
    n: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    unavailable: int = 0
    over: dict[int, int] = field(default_factory=dict)
    response: Histogram = field(default_factory=dict)
    service: Histogram = field(default_factory=dict)
    statuses: dict[int, int] = field(default_factory=dict)
    missed: int = 0
    failed_response: Histogram = field(default_factory=dict)
    """Of `response`: the times of those that failed."""

    @property
    def failed(self) -> int:
        """Requests with an error of any kind; each has one."""
        return sum(self.errors.values())

    @property
    def asked(self) -> int:
        """Those that were asked of the service: all but what the spec itself could make no request of."""
        return self.n - self.errors.get(UNSENDABLE, 0)

    @property
    def answered(self) -> int:
        """Those that brought a status."""
        return self.n - sum(n for kind, n in self.errors.items() if kind in NO_ANSWER_KINDS)

    @property
    def unanswered(self) -> int:
        """Requests that have no duration: refused, cut off, never sent."""
        return self.n - histogram.count(self.response)

    @property
    def ok_response(self) -> Histogram:
        """The times of those that did not fail."""
        left = ((i, n - self.failed_response.get(i, 0)) for i, n in self.response.items())
        return {i: n for i, n in left if n > 0}

    def as_slice(self, key: Key, second: int, *, late_ns: int = 0) -> Slice:
        return Slice(
            key,
            second,
            self.n,
            self.errors,
            self.unavailable,
            self.over,
            self.response,
            self.service,
            self.statuses,
            self.missed,
            self.failed_response,
            late_ns,
        )

    def add(self, piece: "Slice | Row") -> None:
        """Sums add up like slices."""
        self.n += piece.n
        self.unavailable += piece.unavailable
        for kind, n in piece.errors.items():
            self.errors[kind] = self.errors.get(kind, 0) + n
        for limit, n in piece.over.items():
            self.over[limit] = self.over.get(limit, 0) + n
        for status, n in piece.statuses.items():
            self.statuses[status] = self.statuses.get(status, 0) + n
        self.missed += piece.missed
        histogram.add(self.failed_response, piece.failed_response)
        histogram.add(self.response, piece.response)
        histogram.add(self.service, piece.service)


def total(slices: Iterable[Slice], where: Callable[[Slice], bool] = lambda _: True) -> Row:
    row = Row()
    for piece in slices:
        if where(piece):
            row.add(piece)
    return row


def to_judge(piece: Slice) -> Slice:
    """Without service times: no limit is about them, and they take half of the room."""
    return msgspec.structs.replace(piece, service={})


def without(piece: Slice, kinds: Collection[str]) -> Slice:
    """As if the requests, or rounds, that failed by these kinds had not been due. The times of those that timed out
    stay: a slice does not say whose they are.
    """
    gone = {kind: n for kind, n in piece.errors.items() if kind in kinds}
    if not gone:
        return piece
    n = sum(gone.values())
    asked = sum(count for kind, count in gone.items() if kind not in NOT_ASKED_KINDS)
    return msgspec.structs.replace(
        piece,
        n=piece.n - n,
        errors={kind: count for kind, count in piece.errors.items() if kind not in kinds},
        unavailable=max(piece.unavailable - asked, 0),
        over={limit: max(count - n, 0) for limit, count in piece.over.items()},
        missed=max(piece.missed - n, 0),
    )
