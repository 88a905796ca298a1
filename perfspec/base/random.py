"""Chance as a pure function: no state, no order, so a user's data never depends on scheduling.

A *person* is drawn once per user or arrival, a *base* once per round, a *unit* once per draw. A draw is named by its
site (a number given to the place in the spec) and by the pass of the loops around it, never by a counter: polls and
parallel branches happen a varying number of times. `mix` is two multiply-xorshift steps over 64 bits.
"""

from collections.abc import Callable
from hashlib import blake2b

__all__ = ["PASS_STRIDE", "base", "draw", "mix", "person", "site", "unit", "unit_at"]

_MASK = (1 << 64) - 1
PASS_STRIDE = 0xD1342543DE82EF95
"""Keeps the draws of different loop passes apart. Odd, so that no two passes of 2^64 meet."""


def mix(key: int, draw: int) -> int:
    """64 well-stirred bits."""
    x = (key ^ (draw * 0x9E3779B97F4A7C15)) & _MASK
    x = ((x ^ (x >> 32)) * 0xD6E8FEB86659FD93) & _MASK
    x = ((x ^ (x >> 32)) * 0xD6E8FEB86659FD93) & _MASK
    return x ^ (x >> 32)


def person(seed: int, who: int) -> int:
    """Who a user (or, in the open model, an arrival) is."""
    return mix(mix(0x5851F42D4C957F2D, seed), who)


def base(person: int, round_: int) -> int:
    """Where all draws of one round start. One multiplication, since every draw stirs again."""
    return (person + round_ * 0xA0761D6478BD642F) & _MASK


def unit(base: int, draw: int) -> float:
    """A draw in [0, 1)."""
    return (mix(base, draw) >> 11) * 2.0**-53


def unit_at(draw: int) -> Callable[[int], float]:
    """`unit` as a function of the base alone: it is called for every request."""
    spread = draw * 0x9E3779B97F4A7C15 & _MASK

    def unit_of(base: int) -> float:
        x = base ^ spread
        x = ((x ^ (x >> 32)) * 0xD6E8FEB86659FD93) & _MASK
        x = ((x ^ (x >> 32)) * 0xD6E8FEB86659FD93) & _MASK
        return ((x ^ (x >> 32)) >> 11) * 2.0**-53

    return unit_of


def draw(base: int, place: int, turn: int) -> float:
    """A draw in [0, 1) at a place, in one pass of the loops around it."""
    return (mix(base, place + turn * PASS_STRIDE) >> 11) * 2.0**-53


def site(name: str) -> int:
    """The number of a place where something is drawn. Depends on its name alone, so unrelated edits do not move it."""
    return int.from_bytes(blake2b(name.encode(), digest_size=7).digest(), "big")
