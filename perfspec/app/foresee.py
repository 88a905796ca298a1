"""What a plan will not be able to do, said before anything is sent: limits too little reaches, rows that run out."""

from perfspec.diagnostics.diagnostic import Diagnostics, Severity
from perfspec.plan.estimates import Estimate, Rows, expected
from perfspec.plan.model import Plan
from perfspec.plan.supply import check_rows
from perfspec.report.words import count
from perfspec.spec.model import Spec, Threshold
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
    for threshold in plan.thresholds:
        enough, n = needed(threshold), expected(threshold, estimated)
        if enough is None or n >= enough or threshold.row.where:
            continue
        message = f"`{threshold.row.text} {threshold.cell.text}` would see about {count(n)} in stage `{plan.stage}`"
        hint = f"{count(enough)} without a bad one prove a pass; run longer, with more users or shorter pauses"
        out.add("PS608", message, threshold.span, hint, severity=Severity.WARNING)
