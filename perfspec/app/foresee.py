"""What a plan will not be able to do, said before anything is sent: limits too little reaches, rows that run out."""

from collections.abc import Iterator
from math import ceil
from typing import NamedTuple

from perfspec.base.units import format_share
from perfspec.diagnostics.diagnostic import Diagnostics, Severity
from perfspec.diagnostics.source import Span
from perfspec.load import Arrivals
from perfspec.plan.estimates import Estimate, Rows, enough_from, expected
from perfspec.plan.model import Plan
from perfspec.plan.supply import check_rows
from perfspec.report.words import count
from perfspec.spec.model import Spec, Threshold
from perfspec.spec.promises import is_closer
from perfspec.spec.thresholds import is_share, share_limit
from perfspec.verdict.bounds import n_min

__all__ = ["foresee", "needed"]

_MOST_NAMED = 3
_LONGEST = 20
"""Nobody makes a stage longer by more than this."""


def needed(threshold: Threshold) -> int | None:
    """How many requests without a bad one prove a threshold; None where it does not depend on their number."""
    return n_min(share_limit(threshold)[0]) if is_share(threshold.cell) else None


def foresee(spec: Spec, plan: Plan, estimated: Estimate, rows: Rows, out: Diagnostics, *, parts: bool = True) -> None:
    """Warn of every threshold that the plan gives too few samples to, and of rows that will not last. `parts`: of those
    about a part of a row (`where`) as well.
    """
    check_rows(plan, rows, out)
    own = {promise.span for promise in spec.stages[plan.stage].promises}
    for skipped in plan.skipped:
        if skipped.threshold.span in own:
            message = f"`{skipped.threshold.row.text}` is limited in stage `{plan.stage}`, which never reaches it"
            hint = f"{skipped.reason}; remove the limit, or add the flow to `mix`"
            out.add("PS801", message, skipped.threshold.span, hint, severity=Severity.WARNING)
    _errors_within(spec, plan, estimated, out)
    _too_few(spec, plan, [each for each in _short(plan, estimated) if parts or not each.is_part], out)


def _too_few(spec: Spec, plan: Plan, found: list["_Short"], out: Diagnostics) -> None:
    """Limits that a pass cannot be proven of: one finding for all of a stage. Those that only warn need no proof."""
    short = sorted(found, key=lambda each: each.n / each.enough)
    if len(short) == 1:
        message = f"`{short[0].name}` would see about {count(short[0].n)} in stage `{plan.stage}`"
        hint = f"{count(short[0].enough)} without a bad one prove a pass; {_longer(plan)}"
        out.add("PS608", message, short[0].span, hint, severity=Severity.WARNING)
    elif short:
        told = [f"`{each.name}` about {count(each.n)}, {count(each.enough)} needed" for each in short[:_MOST_NAMED]]
        more = f"; and {len(short) - _MOST_NAMED} more" if len(short) > _MOST_NAMED else ""
        message = f"{len(short)} limits would see too few requests in stage `{plan.stage}` to prove a pass"
        hint = f"{'; '.join(told)}{more}: {_remedy(short[0], plan)}"
        out.add("PS608", message, spec.stages[plan.stage].span, hint, severity=Severity.WARNING)


class _Short(NamedTuple):
    """A limit with too few requests."""

    name: str
    span: Span
    n: float
    enough: int
    is_part: bool


def _short(plan: Plan, estimated: Estimate) -> Iterator[_Short]:
    for threshold in plan.thresholds:
        enough, n = needed(threshold), expected(threshold, estimated)
        if enough is None or n >= enough or _only_warns(threshold, plan):
            continue
        if plan.search is not None and enough_from(plan.search, n, enough) is not None:
            continue
        yield _Short(
            f"{threshold.row.text} {threshold.cell.text}", threshold.span, n, enough, bool(threshold.row.where)
        )


def _only_warns(threshold: Threshold, plan: Plan) -> bool:
    """Does the run not fail of it?"""
    return (
        threshold.limit.warn_only
        or plan.warn_only == "all"
        or (plan.warn_only == "latency" and threshold.cell.is_latency)
    )


def _remedy(worst: _Short, plan: Plan) -> str:
    times = ceil(worst.enough / worst.n) if worst.n >= 1 else 0
    hold = "hold each load" if plan.search is not None else "run"
    longer = f"{hold} {times} times as long" if 1 < times <= _LONGEST else _longer(plan)
    longer += " (`hold_each`)" if plan.search is not None and "hold_each" not in longer else ""
    return f"{longer}, or write `, warn only` behind a limit"


def _longer(plan: Plan) -> str:
    """How more requests come about, in the words of the stage."""
    if plan.search is not None:
        return "hold each load for longer (`hold_each`)"
    if any(isinstance(phase.shape, Arrivals) for phase in plan.phases):
        return "run longer, or let more arrive"
    return "run longer, with more users or shorter pauses"


def _errors_within(spec: Spec, plan: Plan, estimated: Estimate, out: Diagnostics) -> None:
    """Warn where a request or group may fail more often than the availability of all leaves room for."""
    of_all = next((t for t in plan.thresholds if t.row.text == "all" and t.cell.statistic == "availability"), None)
    if of_all is None:
        return
    own = frozenset(promise.span for promise in spec.stages[plan.stage].promises)
    room, everything = share_limit(of_all)[0], expected(of_all, estimated)
    for threshold in plan.thresholds:
        row = threshold.row
        if threshold.cell.statistic != "errors" or row.kind not in ("request", "group") or row.where or not everything:
            continue
        part = float(share_limit(threshold)[0]) * expected(threshold, estimated) / everything
        if part <= room or is_closer(of_all.span, threshold.span, spec.path, own):
            continue
        message = f"`{row.text}` may have {threshold.limit.quantity.text} of errors, {100 * part:.2g}% of all requests"
        message += f" in stage `{plan.stage}`; the availability of `all` leaves {format_share(room)}"
        hint = "lower the limit of errors, or keep both where answers below 500 may fail more often"
        related = ((of_all.span, "availability"),)
        out.add("PS238", message, threshold.span, hint, severity=Severity.WARNING, related=related)
