"""Limits that can be judged and say nothing: nobody can keep them, nothing can break them, or they look like a slip."""

from fractions import Fraction

from perfspec.diagnostics.diagnostic import Diagnostics, Severity
from perfspec.language.phrase_grammar import parse_limit_text
from perfspec.language.phrases import Limit
from perfspec.spec.model import Cell, Promise, Spec
from perfspec.spec.thresholds import EXAMPLES, GOOD_SIDES, unit_of

__all__ = ["check"]

_OTHER_SIDE = {"over": "under", "at least": "at most"}
_USUAL = Fraction(9, 10)
"""Percentiles from here on are limited every day."""


def check(spec: Spec, out: Diagnostics) -> None:
    promises = [*spec.promises, *(promise for stage in spec.stages.values() for promise in stage.promises)]
    for promise in promises:
        _swapped(promise, out)
        limit = None if promise.limit.has_holes else parse_limit_text(promise.limit.source, promise.limit.span, out)
        if limit is not None:
            _limit(promise, limit, out)


def _swapped(promise: Promise, out: Diagnostics) -> None:
    """`p59` can be had, and is hardly ever meant."""
    name = promise.cell.text.split()[-1]
    digits, quantile = name.removeprefix("p"), promise.cell.quantile
    if quantile is None or len(digits) != 2 or digits[1] in "05" or quantile >= _USUAL:
        return
    if Fraction(digits[::-1]) / 100 >= _USUAL:
        meant = promise.cell.text.replace(name, f"p{digits[::-1]}")
        message = f"`{promise.cell.text}` is an unusual percentile"
        out.add("PS244", message, promise.span, f"did you mean `{meant}`?", severity=Severity.WARNING)


def _limit(promise: Promise, limit: Limit, out: Diagnostics) -> None:
    cell, span = promise.cell, promise.limit.span
    if _is_never_kept(cell, limit):
        out.add("PS244", f"`{limit.text}` can never be kept", span, f"write for example `{_example(cell)}`")
    elif _is_always_kept(cell, limit):
        message = f"`{limit.text}` always holds, so nothing could fail"
        out.add("PS244", message, span, f"write for example `{_example(cell)}`", severity=Severity.WARNING)
    elif cell.is_latency and limit.relation in _OTHER_SIDE:
        message = f"`{limit.text}` is kept by slow answers and broken by fast ones"
        hint = f"write `{_OTHER_SIDE[limit.relation]} {limit.quantity.text}`"
        out.add("PS244", message, span, hint, severity=Severity.WARNING)


def _is_never_kept(cell: Cell, limit: Limit) -> bool:
    value = limit.quantity.value
    return (
        (limit.relation == "under" and value == 0)
        or (limit.relation == "at most" and value == 0 and cell.is_latency)
        or (limit.relation == "over" and value == 1 and unit_of(cell) == "share")
    )


def _is_always_kept(cell: Cell, limit: Limit) -> bool:
    value = limit.quantity.value
    return (limit.relation == "at least" and value == 0) or (
        limit.relation == "at most" and value == 1 and unit_of(cell) == "share"
    )


def _example(cell: Cell) -> str:
    wants_high = "under" not in GOOD_SIDES.get(cell.statistic, ("under",))
    return "at least 99.9%" if wants_high else EXAMPLES[unit_of(cell)]
