"""What `slo` promises, as far as a run is measured by it: availability, period, what is done when a budget is spent."""

from fractions import Fraction

from perfspec.base.units import DURATION_UNITS, parse_share
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.language.nodes import Mapping, Node, Scalar
from perfspec.language.phrase_grammar import parse_duration, parse_limit
from perfspec.spec.model import Promised

__all__ = ["read_promised"]

PERIOD_NS = 30 * DURATION_UNITS["d"]


def read_promised(slo: Node | None) -> Promised | None:
    """None where no availability is promised. What cannot be read has been reported."""
    if not isinstance(slo, Mapping):
        return None
    quiet = Diagnostics()
    availability, period = slo.get("availability"), slo.get("period")
    limit = parse_limit(availability, quiet) if availability is not None else None
    if limit is None or limit.quantity.unit != "share" or limit.relation not in ("over", "at least"):
        return None
    period_ns = parse_duration(period, "period", quiet) if isinstance(period, Scalar) else None
    return Promised(limit.quantity.value, period_ns or PERIOD_NS, _steps(slo.get("when_budget_spent")))


def _steps(node: Node | None) -> tuple[tuple[Fraction, str], ...]:
    entries = node if isinstance(node, Mapping) else ()
    said = ((parse_share(entry.key.text), entry.value) for entry in entries)
    return tuple(
        sorted((share, value.text) for share, value in said if share is not None and isinstance(value, Scalar))
    )
