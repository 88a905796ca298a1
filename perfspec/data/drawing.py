"""What a draw may look at, and from an order to a drawn position.

A bound generator is a pure function of its Scope: the base of the round, the names of the round, and for what is dealt
out in turn how often this user has drawn it. It keeps nothing itself.

Dealt out: draw k (from 0) of user u (from 1) takes place u - 1 + k * users of the plan. No two draws of a run share a
place, whichever processes they happen in, and nobody has to ask anybody.
"""

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Protocol, TypeAlias, cast

from perfspec.base import random
from perfspec.base.errors import UsedUp
from perfspec.language.phrases import Order

__all__ = ["Draw", "Position", "Scope", "Supply", "even", "in_order", "turn", "weighted", "zipf_weights"]


class Scope(Protocol):
    """The names of a round, as a generator sees them. A name that is not there yet is drawn."""

    base: int
    """`random.base` of the round; inside `fresh` that of the one draw."""
    draws: dict[str, int]
    """Data dealt out in turn -> how often this user has drawn it, in all rounds."""

    def __getitem__(self, name: str, /) -> object: ...


Draw: TypeAlias = Callable[[Scope], object]
Position: TypeAlias = Callable[[Scope], int]


@dataclass(frozen=True, slots=True)
class Supply:
    """What a generator is bound to beside its own words."""

    seed: int
    people: int = 1
    """All users of the plan: those that are there at the same time, and those that arrive."""
    rows: Sequence[Mapping[str, object]] = ()
    """Those of its file, for the kinds that read one."""
    constants: Mapping[str, object] = field(default_factory=dict)
    """Names whose value stands for the whole run."""


def even(site: int, n: int) -> Position:
    unit = random.unit_at(site)
    return lambda scope: int(unit(scope.base) * n)


def weighted(site: int, weights: Iterable[float]) -> Position:
    """By a cumulative table. The last edge is taken out of reach, so that rounding never draws past the end."""
    edges = array("d", accumulate(weights))
    scale = edges[-1]
    edges[-1] = float("inf")
    unit = random.unit_at(site)
    return lambda scope: bisect_right(edges, unit(scope.base) * scale)


def turn(name: str, people: int) -> Position:
    """Places without end, each dealt out once."""

    def draw(scope: Scope) -> int:
        draws = scope.draws
        drawn = draws.get(name, 0)
        draws[name] = drawn + 1
        return cast("int", scope["user.number"]) - 1 + drawn * people

    return draw


def in_order(name: str, order: Order, n: int, people: int) -> Position:
    """One of n entries, as the order says. A draw raises UsedUp where an order that stops has none left."""
    site = random.site(f"data.{name}")
    if order.kind == "random":
        return even(site, n)
    if order.kind == "zipf":
        return weighted(site, zipf_weights(n, order.exponent))
    dealt = turn(name, people)
    if order.restarts:
        return lambda scope: dealt(scope) % n

    def once(scope: Scope) -> int:
        place = dealt(scope)
        if place >= n:
            raise UsedUp(name)
        return place

    return once


def zipf_weights(n: int, exponent: float) -> Iterable[float]:
    """Entry k comes up in proportion to 1/k^exponent; exponent 0 is even."""
    return (1 / k**exponent for k in range(1, n + 1))
