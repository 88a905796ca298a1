"""`number: 5 to 1500` with a `spread`. Drawn by inversion, so every quantile is exact.

With u even in [0, 1), z the normal quantile, and r = high / low:

    even       every number of the grid equally often, both ends included
    normal     N + sigma z(u), sigma = a third of the way to the farther end
    lognormal  N exp(sigma z(u)), the same on a logarithmic scale
    pareto     low (1 - u (1 - r^-a))^(-1/a), a = log 5 / log 4: before the cut at `high`, 20 % hold 80 % of the sum
    zipf S     number k from the low end in proportion to 1 / k^S

`normal` and `lognormal` are cut at both ends such that half of the draws lie below N and half above: N is the median.
"""

from collections.abc import Callable
from math import exp, log
from statistics import NormalDist

from perfspec.base import random
from perfspec.data.drawing import Draw, Scope, Supply, weighted, zipf_weights
from perfspec.data.kinds import Number
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Span
from perfspec.language.nodes import Mapping, Scalar
from perfspec.language.numbers import MAX_NUMBER
from perfspec.language.phrase_grammar import parse_number_range, parse_spread
from perfspec.language.phrases import NumberRange, Spread

__all__ = ["bind", "quantile", "read"]

MOST_RANKED = 1_000_000
"""A table of that many entries is made before the load begins: 8 MB."""
_MOST_DECIMALS = 9
_NORMAL = NormalDist()
_TAIL = log(5) / log(4)
_HALF_STEP = 2.0**-54
"""Moves a draw in [0, 1) to the middle of its step: never 0, where a normal quantile has no value."""


def read(name: str, span: Span, node: Mapping, out: Diagnostics) -> Number | None:
    said, spread, decimals = node.get("number"), node.get("spread"), node.get("decimals")
    if not isinstance(said, Scalar):
        return None
    found = parse_number_range(said, out)
    shape = parse_spread(spread, out) if isinstance(spread, Scalar) else Spread()
    if found is None or shape is None:
        return None
    places = found.decimals
    if isinstance(decimals, Scalar) and type(decimals.value) is int:
        places = decimals.value
        if not found.decimals <= places <= _MOST_DECIMALS:
            message = f"`{said.text}` is written with {found.decimals} decimals, so `decimals: {places}` cuts it off"
            if places > found.decimals:
                message = f"a number has at most {_MOST_DECIMALS} decimals"
            out.add("PS230", message, decimals.span, f"write `decimals: {max(found.decimals, 1)}`")
            return None
    if max(abs(found.low), abs(found.high)) * 10**places > MAX_NUMBER:
        out.add("PS230", "these numbers have more digits than JSON carries", said.span, "write fewer decimals")
        return None
    if isinstance(spread, Scalar) and not _fits(found, shape, places, spread, out):
        return None
    return Number(name, span, found.low, found.high, shape, places)


def _fits(found: NumberRange, shape: Spread, places: int, spread: Scalar, out: Diagnostics) -> bool:
    low, high = found.low, found.high
    if shape.kind in ("normal", "lognormal") and not low < shape.at < high:
        middle = f"{(low * high) ** 0.5 if low > 0 else (low + high) / 2:.0f}"
        message = f"`{spread.text}` has its middle outside of {low:g} to {high:g}"
        out.add("PS230", message, spread.span, f"write for example `{shape.kind} around {middle}`")
    elif shape.kind in ("lognormal", "pareto") and low <= 0:
        message = f"`{shape.kind}` needs a range above 0; this one begins at {low:g}"
        out.add("PS230", message, spread.span, "begin the range at 1, or write `normal around N`")
    elif shape.kind == "zipf" and places:
        out.add("PS230", "`zipf` counts whole numbers", spread.span, "remove the decimals, or write `pareto`")
    elif shape.kind == "zipf" and high - low >= MOST_RANKED:
        message = f"`zipf` over more than {MOST_RANKED:,} numbers"
        out.add("PS230", message, spread.span, "write `pareto`, which is much the same for so many")
    else:
        return True
    return False


def bind(data: Number, _supply: Supply) -> Draw:
    site = random.site(f"data.{data.name}")
    unit = random.unit_at(site)
    scale: int = 10**data.decimals
    first, last = round(data.low * scale), round(data.high * scale)
    if data.spread.kind == "zipf":
        rank = weighted(site, zipf_weights(last - first + 1, data.spread.at))
        return lambda scope: first + rank(scope)
    if data.spread.kind == "even":
        n = last - first + 1
        if scale == 1:
            return lambda scope: first + int(unit(scope.base) * n)
        return lambda scope: (first + int(unit(scope.base) * n)) / scale
    inverse = quantile(data)

    def draw(scope: Scope) -> float:
        step = min(max(round(inverse(unit(scope.base) + _HALF_STEP) * scale), first), last)
        return step if scale == 1 else step / scale

    return draw


def quantile(data: Number) -> Callable[[float], float]:
    """The number below which a share of the draws lies, before rounding to the grid. Not for `zipf` and `even`."""
    low, high, middle = data.low, data.high, data.spread.at
    if data.spread.kind == "pareto":
        kept = 1 - exp(_TAIL * log(low / high))
        return lambda p: low * exp(-log(1 - p * kept) / _TAIL)
    if data.spread.kind == "normal":
        sigma = max(high - middle, middle - low) / 3
        inner = _halves((low - middle) / sigma, (high - middle) / sigma)
        return lambda p: middle + sigma * inner(p)
    sigma = max(log(high / middle), log(middle / low)) / 3
    inner = _halves(log(low / middle) / sigma, log(high / middle) / sigma)
    return lambda p: middle * exp(sigma * inner(p))


def _halves(low: float, high: float) -> Callable[[float], float]:
    """The normal quantile, each half cut at its own end, so that 0 stays the median."""
    below, above = 0.5 - _NORMAL.cdf(low), _NORMAL.cdf(high) - 0.5
    inverse = _NORMAL.inv_cdf
    return lambda p: inverse(0.5 + (2 * p - 1) * (below if p < 0.5 else above))
