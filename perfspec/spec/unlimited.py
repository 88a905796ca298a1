"""Requests that may fail as often as they like: a mean, a maximum or a count does not see that answers were wrong."""

from collections.abc import Iterable

from perfspec import steps as kinds
from perfspec.diagnostics.diagnostic import Diagnostics, Severity
from perfspec.diagnostics.source import Span
from perfspec.spec.model import Promise, Spec
from perfspec.spec.promises import stage_promises
from perfspec.steps.kinds import Step

__all__ = ["check"]

COUNTING = ("errors", "availability", "goodput", "burn rate", "percentile", "status")
UPWARDS = ("over", "at least", "between")
MOST_NAMED = 3


def check(spec: Spec, out: Diagnostics) -> None:
    """One warning for a spec, at the first request whose failures no stage limits; it names the others."""
    tables = [stage_promises(spec, stage) for stage in spec.stages.values()] or [spec.promises]
    found: dict[str, Span] | None = None
    for table in filter(None, tables):
        own = _uncounted(spec, table)
        found = own if found is None else {name: span for name, span in found.items() if name in own}
    if not found:
        return
    names = ", ".join(f"`{name}`" for name in list(found)[:MOST_NAMED])
    more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    message, span = f"no limit counts the failures of {names}{more}", next(iter(found.values()))
    out.add("PS630", message, span, "add `all: {errors: under 1%}`", severity=Severity.WARNING)


def _uncounted(spec: Spec, table: Iterable[Promise]) -> dict[str, Span]:
    """Request -> where it is named first, of those that no row counts the failures of."""
    rows = {(p.row.kind, p.row.name) for p in table if _counts_failures(p) and not p.row.where}
    found: dict[str, Span] = {}
    for flow in spec.flows.values():
        held = {name for group in kinds.groups(flow.steps) if ("group", group.name) in rows for name in _names(group)}
        for request in kinds.requests(flow.steps):
            own = {("all", ""), ("flow", flow.name), ("request", request.name)}
            if request.name not in held and not own & rows:
                found.setdefault(request.name, request.name_span)
    return found


def _names(group: Step) -> Iterable[str]:
    return (request.name for request in kinds.requests((group,)))


def _counts_failures(promise: Promise) -> bool:
    """Limits on a percentile and on an unwanted status count them on one side only."""
    statistic, is_upwards = promise.cell.statistic, promise.limit.source.startswith(UPWARDS)
    if statistic == "percentile":
        return not is_upwards
    return statistic in COUNTING and (statistic != "status" or is_upwards)
