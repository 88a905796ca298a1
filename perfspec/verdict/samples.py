"""Which slices a threshold is about, and what they come down to: k bad of n.

The judged time is cut into stretches, one a phase, and each stretch into equal windows, about ten in all. The sum
decides; the windows tell how much requests that are close in time are alike (dependence.py).
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from perfspec.base.clock import SECOND
from perfspec.metrics import histogram
from perfspec.metrics.rows import Row, total
from perfspec.metrics.series import ARRIVAL, Key, Slice
from perfspec.spec.model import Cell, Threshold
from perfspec.spec.model import Row as RowName
from perfspec.spec.thresholds import longest_good_ns, wants_many

__all__ = [
    "Sample",
    "Seconds",
    "bad_and_total",
    "counted_ns",
    "is_about",
    "is_judged",
    "of_row",
    "over_by_histogram",
    "place",
    "sample",
    "unsent",
    "windows_of",
]

WINDOWS = 10
FEWEST_WINDOWS = 2
_DUE = ("", "wait", "first_event", "event_gap")
"""The timers that have one bad request where somebody found no place, as they have one where a request fails."""
Seconds = Sequence[tuple[int, int]]
"""Judged stretches [start, end) in ns from the start of the load."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The numbers that one threshold is about."""

    row: Row
    """All of them."""
    stretches: tuple[tuple[Row, ...], ...]
    """The windows of each judged stretch. Setup and teardown are in none."""

    def in_stretch(self, number: int) -> Row:
        whole = Row()
        for window in self.stretches[number]:
            whole.add(window)
        return whole


def windows_of(stretches: Seconds) -> tuple[int, ...]:
    """Into how many windows each stretch is cut: ten in all by their lengths, two at least, none under a second."""
    lengths = [_seconds(stretch) for stretch in stretches]
    whole = sum(lengths)
    wanted = (max(FEWEST_WINDOWS, round(Fraction(WINDOWS * length, whole))) if whole else 1 for length in lengths)
    return tuple(max(1, min(length, count)) for length, count in zip(lengths, wanted, strict=True))


def _seconds(stretch: tuple[int, int]) -> int:
    """How many seconds begin in it."""
    start, end = stretch
    return max(0, -(-end // SECOND) - -(-start // SECOND))


def sample(slices: Iterable[Slice], row: RowName, cell: Cell, stretches: Seconds) -> Sample:
    """The slices that a row and a cell are about. Setup and teardown are judged whole."""
    cut = windows_of(stretches)
    rows = tuple(tuple(Row() for _ in range(count)) for count in cut)
    whole = Row()
    pieces = list(slices)
    flows = _flows_of(pieces, row, cell)
    for piece in pieces:
        if not _is_of(piece, row, cell, flows):
            continue
        if piece.key.part != "load":
            whole.add(piece)
        elif (at := place(piece.second * SECOND, stretches, cut)) is not None:
            rows[at[0]][at[1]].add(piece)
    for stretch in rows:
        for window in stretch:
            whole.add(window)
    return Sample(whole, rows)


def place(at_ns: int, stretches: Seconds, cut: Sequence[int]) -> tuple[int, int] | None:
    """(stretch, window) of an instant; None where nothing is judged."""
    for number, (start, end) in enumerate(stretches):
        if start <= at_ns < end:
            first = -(-start // SECOND) * SECOND
            return number, min(cut[number] - 1, (at_ns - first) * cut[number] // max(1, end - first))
    return None


def of_row(slices: Iterable[Slice], threshold: Threshold) -> Row:
    """The sum of the slices that belong to a threshold's row, whenever they were."""
    pieces = list(slices)
    flows = _flows_of(pieces, threshold.row, threshold.cell)
    return total(pieces, lambda piece: _is_of(piece, threshold.row, threshold.cell, flows))


def _flows_of(slices: Iterable[Slice], row: RowName, cell: Cell) -> frozenset[str]:
    """The flows that a row is about: those that send its request or have its group, or any that is timed so."""
    if row.kind == "request":
        return frozenset(piece.key.flow for piece in slices if piece.key.name == row.name)
    if row.kind == "group":
        return frozenset(p.key.flow for p in slices if p.key.name == row.name and p.key.timer == "group")
    if row.kind == "flow":
        return frozenset({row.name})
    return frozenset(piece.key.flow for piece in slices if cell.timer in ("", piece.key.timer))


def _is_missing(piece: Slice, cell: Cell, flows: Collection[str]) -> bool:
    """Who came and found no place would have made a round of a flow: one bad request in each of its rows."""
    is_due = cell.statistic not in ("count", "throughput", "status") and cell.timer in _DUE
    return is_due and piece.key.flow in flows


def _is_of(piece: Slice, row: RowName, cell: Cell, flows: Collection[str]) -> bool:
    if piece.key.timer == ARRIVAL:
        return set(row.where) <= set(piece.key.tags) and _is_missing(piece, cell, flows)
    return is_about(piece.key, row, cell)


def is_about(key: Key, row: RowName, cell: Cell) -> bool:
    """Do the numbers of this series count in a cell of a row?"""
    return set(row.where) <= set(key.tags) and _is_sent(key, row, cell)


def _is_sent(key: Key, row: RowName, cell: Cell) -> bool:
    if cell.statistic == "goodput":
        return key.timer == "round" and (row.kind == "all" or key.flow == row.name)
    if cell.statistic == "status":
        counted = key.timer in ("", "poll")  # a wait is no answer, its polls are
    elif cell.timer:
        counted = key.timer == cell.timer
    elif row.kind == "flow":
        is_about_rounds = cell.is_latency or cell.statistic in ("count", "throughput")
        counted = key.timer in (("round",) if is_about_rounds else ("", "wait"))
    elif row.kind == "group":
        counted = key.timer == "group"
    elif row.kind == "all":
        counted = key.timer in (("",) if cell.is_latency else ("", "wait"))
    else:
        counted = key.timer in ("", "wait")
    if not counted:
        return False
    if row.kind == "flow":
        return key.flow == row.name
    return key.part == "load" if row.kind == "all" else key.name == row.name


def is_judged(second: int, stretches: Seconds) -> bool:
    """Does this second of the load begin in a judged stretch?"""
    return any(start <= second * SECOND < end for start, end in stretches)


def counted_ns(stretches: Seconds) -> int:
    """The time that the judged slices stand for: a second in which the judging begins is not among them."""
    begun = {start for start, _ in stretches} - {end for _, end in stretches}
    return sum(end - start for start, end in stretches) - sum(-start % SECOND for start in begun)


def bad_and_total(threshold: Threshold, row: Row) -> tuple[int, int] | None:
    """(bad, n) of a share; None where the limit has no bad side that can be counted (`p95 over 10ms`).

    For a limit that was not counted during the run, bad comes from the histogram, rounded up to the bucket.
    """
    match threshold.cell.statistic:
        case "errors":
            return row.failed, row.n
        case "availability" | "burn rate":
            return row.unavailable, row.asked
        case "goodput":
            return row.missed, row.n
        case "status":
            seen = row.statuses.get(threshold.cell.status, 0)
            return (row.n - seen, row.n) if wants_many(threshold) else (seen, row.answered)
    good = longest_good_ns(threshold)
    if good is None:
        return None
    return row.over[good] if good in row.over else over_by_histogram(row, good)[1], row.n


def over_by_histogram(row: Row, good_ns: int) -> tuple[int, int]:
    """The fewest and the most requests that took longer: a bucket around the limit could lie on either side.

    Failed ones are over every limit, however fast they were.
    """
    limit_us = good_ns // 1000
    unanswered = row.n - histogram.count(row.response)
    fast_failures = sum(n for i, n in row.failed_response.items() if histogram.highest(i) <= limit_us)
    least = sum(n for i, n in row.response.items() if histogram.lowest(i) > limit_us)
    most = sum(n for i, n in row.response.items() if histogram.highest(i) > limit_us)
    return least + unanswered + fast_failures, most + unanswered + fast_failures


def unsent(row: Row) -> str:
    """Why a row without a request that could be sent says nothing about the service."""
    return f"not one request was sent: of the data of all {row.n} none could be made; no data is never a pass"
