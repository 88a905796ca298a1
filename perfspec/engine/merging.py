"""What several processes told of one second, as if one had: judged like that, and logged like that.

Counts and histograms add up. Of what is of one process (CPU, loop, open files) the worst one is what limits the run, so
that one starved worker cannot hide behind others that are well. What is of the machine is the same for all.
"""

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from operator import attrgetter
from typing import TypeVar

from perfspec.engine.part import Told
from perfspec.metrics import histogram
from perfspec.metrics.rows import Row
from perfspec.metrics.series import Key, Slice
from perfspec.metrics.vitals import Lost, OfWorker, Vitals

__all__ = ["merged"]

P99 = Fraction(99, 100)
N = TypeVar("N", int, float)


def merged(number: int, heard: Sequence[tuple[int, Told]], lost: tuple[Lost, ...] = ()) -> Told:
    """`heard`: (worker, what it told), those of one worker in the order in which it did."""
    tolds = [told for _, told in heard]
    newest = dict(heard)
    lateness: dict[int, int] = {}
    for told in tolds:
        histogram.add(lateness, told.lateness)
    return Told(
        number=number,
        users=sum(told.users for told in newest.values()),
        slices=_slices(piece for told in tolds for piece in told.slices),
        waiting=sum(told.waiting for told in newest.values()),
        lateness=lateness,
        is_ending=bool(newest) and all(told.is_ending for told in newest.values()),
        is_extended=any(told.is_extended for told in tolds),
        cpu_ns=sum(told.cpu_ns for told in tolds),
        vitals=_vitals([told.vitals for told in tolds if told.vitals is not None]),
        exemplars=tuple(found for told in tolds for found in told.exemplars),
        held=sum(told.held for told in tolds),
        workers=tuple(_of_worker(worker, [told for who, told in heard if who == worker]) for worker in sorted(newest)),
        lost=lost,
        under_way=_slices(piece for told in newest.values() for piece in told.under_way),
    )


def _slices(pieces: Iterable[Slice]) -> list[Slice]:
    """One for each series and second."""
    found: dict[tuple[Key, int], Slice | Row] = {}
    for piece in pieces:
        at = piece.key, piece.second
        known = found.get(at)
        if known is None:
            found[at] = piece
            continue
        if isinstance(known, Slice):
            row = Row()
            row.add(known)
            found[at] = known = row
        known.add(piece)
    return [each if isinstance(each, Slice) else each.as_slice(*at) for at, each in found.items()]


def _of_worker(worker: int, tolds: Sequence[Told]) -> OfWorker:
    requests = sum(s.n for told in tolds for s in told.slices if s.key.part == "load" and s.key.timer in ("", "poll"))
    cpu_ns = sum(told.cpu_ns for told in tolds)
    return OfWorker(worker + 1, tolds[-1].users, requests, cpu_ns, max(_late_us(told) for told in tolds))


def _late_us(told: Told) -> int:
    lag = told.vitals.lag if told.vitals is not None else {}
    return max(histogram.exact(counts, P99) for counts in (told.lateness, lag))


def _vitals(seen: Sequence[Vitals]) -> Vitals | None:
    if not seen:
        return None
    fullest = max(seen, key=lambda v: (v.descriptors or 0) / (v.descriptors_limit or 1))
    return Vitals(
        lag=max((v.lag for v in seen), key=lambda counts: histogram.exact(counts, P99)),
        machine_busy=_most(seen, attrgetter("machine_busy")),
        steal=_most(seen, attrgetter("steal")),
        throttles=_most(seen, attrgetter("throttles")),
        throttled_ns=_most(seen, attrgetter("throttled_ns")),
        descriptors=fullest.descriptors,
        descriptors_limit=fullest.descriptors_limit,
        ports=_most(seen, attrgetter("ports")),
        ports_limit=fullest.ports_limit,
    )


def _most(seen: Iterable[Vitals], read: Callable[[Vitals], N | None]) -> N | None:
    return max((value for v in seen if (value := read(v)) is not None), default=None)
