"""What of production's promises a run is measured by: availability, period, what is done as budgets are spent."""

from perfspec.spec.model import Promised
from perfspec.spec.slo import Slo

__all__ = ["promised_of"]


def promised_of(slo: Slo | None) -> Promised | None:
    """None where no availability is promised, or one that says the wrong side."""
    if slo is None or slo.target is None or slo.availability is None:
        return None
    if slo.availability.relation not in ("over", "at least"):
        return None
    return Promised(slo.target, slo.period_ns, tuple((step.share, step.action) for step in slo.when_budget_spent))
