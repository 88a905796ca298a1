"""What a plan will not be able to do, said before anything is sent: limits too little reaches, rows that run out."""

from perfspec.base.units import format_share
from perfspec.diagnostics.diagnostic import Diagnostics, Severity
from perfspec.plan.estimates import Estimate, Rows, enough_from, expected
from perfspec.plan.model import Plan
from perfspec.plan.supply import check_rows
from perfspec.report.words import count
from perfspec.spec.model import Spec, Threshold
from perfspec.spec.promises import is_closer
from perfspec.spec.thresholds import is_share, share_limit
from perfspec.verdict.bounds import n_min

__all__ = ["foresee", "needed"]


def needed(threshold: Threshold) -> int | None:
    """How many requests without a bad one prove a threshold; None where it does not depend on their number."""
    return n_min(share_limit(threshold)[0]) if is_share(threshold.cell) else None


def foresee(spec: Spec, plan: Plan, estimated: Estimate, rows: Rows, out: Diagnostics) -> None:
    """Warn of every threshold that the plan gives too few samples to, and of rows that will not last."""
    check_rows(plan, rows, out)
    own = {promise.span for promise in spec.stages[plan.stage].promises}
    for skipped in plan.skipped:
        if skipped.threshold.span in own:
            message = f"`{skipped.threshold.row.text}` is limited in stage `{plan.stage}`, which never reaches it"
            hint = f"{skipped.reason}; remove the limit, or add the flow to `mix`"
            out.add("PS801", message, skipped.threshold.span, hint, severity=Severity.WARNING)
    _errors_within(spec, plan, estimated, out)
    for threshold in plan.thresholds:
        enough, n = needed(threshold), expected(threshold, estimated)
        if enough is None or n >= enough or threshold.row.where:  # a part is small by its nature; `plan` says how small
            continue
        if plan.search is not None and enough_from(plan.search, n, enough) is not None:
            continue
        message = f"`{threshold.row.text} {threshold.cell.text}` would see about {count(n)} in stage `{plan.stage}`"
        hint = f"{count(enough)} without a bad one prove a pass; run longer, with more users or shorter pauses"
        out.add("PS608", message, threshold.span, hint, severity=Severity.WARNING)


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
