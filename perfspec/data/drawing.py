"""What a draw may look at, and from an order to a drawn position.

A bound generator is a pure function of its Scope: the base of the round, the names of the round, and for rows dealt out
in turn how many the user has had. It keeps nothing itself.
"""

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Protocol, TypeAlias

from perfspec.base import random

__all__ = ["Draw", "Position", "Scope", "Supply", "even", "weighted", "zipf_weights"]


class Scope(Protocol):
    """The names of a round, as a generator sees them. A name that is not there yet is drawn."""

    base: int
    """`random.base` of the round; inside `fresh` that of the one draw."""

    def __getitem__(self, name: str, /) -> object: ...


Draw: TypeAlias = Callable[[Scope], object]
Position: TypeAlias = Callable[[Scope], int]


@dataclass(frozen=True, slots=True)
class Supply:
    """What a generator is bound to beside its own words."""

    seed: int
    rows: Sequence[Mapping[str, object]] = ()
    """Those of its file, for the kinds that read one."""
    constants: Mapping[str, object] = field(default_factory=dict)
    """Names whose value stands for the whole run."""


def even(site: int, n: int) -> Position:
    unit = random.unit
    return lambda scope: int(unit(scope.base, site) * n)


def weighted(site: int, weights: Iterable[float]) -> Position:
    """By a cumulative table. The last edge is taken out of reach, so that rounding never draws past the end."""
    edges = array("d", accumulate(weights))
    scale = edges[-1]
    edges[-1] = float("inf")
    unit = random.unit
    return lambda scope: bisect_right(edges, unit(scope.base, site) * scale)


def zipf_weights(n: int, exponent: float) -> Iterable[float]:
    """Entry k comes up in proportion to 1/k^exponent; exponent 0 is even."""
    return (1 / k**exponent for k in range(1, n + 1))
