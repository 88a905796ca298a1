"""What a standstill of the load generator excuses: no more time than it lasted, and nothing that failed.

A request that took longer than its limit and the standstill together is the service's.
"""

from collections import Counter
from collections.abc import Iterable

import msgspec

from perfspec.metrics import histogram
from perfspec.metrics.histogram import Histogram
from perfspec.metrics.series import Slice

__all__ = ["without_standstills"]


def without_standstills(slices: Iterable[Slice]) -> list[Slice]:
    """As if every request that was due around one had waited for it in vain. A request that is good by that makes one
    round good, at most.
    """
    found, excused = [], Counter[str]()
    for piece in slices:
        shorter = _shorter(piece) if piece.late_ns else piece
        excused[piece.key.flow] += max((n - shorter.over[limit] for limit, n in piece.over.items()), default=0)
        found.append(shorter)
    return [_with_good_rounds(piece, excused) if piece.late_ns and piece.missed else piece for piece in found]


def _with_good_rounds(piece: Slice, excused: Counter[str]) -> Slice:
    good = min(piece.missed, excused[piece.key.flow])
    excused[piece.key.flow] -= good
    return msgspec.structs.replace(piece, missed=piece.missed - good)


def _shorter(piece: Slice) -> Slice:
    failed = sum(piece.errors.values())
    late_us = piece.late_ns // 1000
    well = {i: n - piece.failed_response.get(i, 0) for i, n in piece.response.items()}

    def slower(limit_ns: int) -> int:
        return sum(n for i, n in well.items() if histogram.lowest(i) > limit_ns // 1000 + late_us)

    return msgspec.structs.replace(
        piece,
        over={limit: min(n, failed + slower(limit)) for limit, n in piece.over.items()},
        response=_moved(piece.response, late_us),
        failed_response=_moved(piece.failed_response, late_us),
    )


def _moved(times: Histogram, late_us: int) -> Histogram:
    moved: Histogram = {}
    for i, n in times.items():
        at = histogram.index(max(histogram.lowest(i) - late_us, 0))
        moved[at] = moved.get(at, 0) + n
    return moved
