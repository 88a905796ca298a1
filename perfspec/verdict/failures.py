"""Who judges failed requests where a number cannot: a mean or a maximum is met only beside a limit that allows them.

Limits that count failures are those on errors, availability, goodput, a burn rate, a wanted status, and percentiles
with an upper limit. One of a wider row (`all`, the flow, the request without its tag) will do, but the row alone has to
be within it: half of a rare request may fail and be 0.1 % of all.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import TypeAlias

from perfspec.metrics.error_kinds import GENERATOR_KINDS, UNSENDABLE
from perfspec.metrics.rows import Row
from perfspec.metrics.series import ARRIVAL, Key
from perfspec.spec.model import Cell, Threshold
from perfspec.spec.model import Row as RowName
from perfspec.spec.thresholds import counts_failures, share_limit, wants_many
from perfspec.verdict import bounds
from perfspec.verdict.samples import is_about
from perfspec.verdict.values import Value

__all__ = ["Covered", "beside_failures", "covering", "not_of_the_service"]

Covered: TypeAlias = Sequence[Threshold]
"""The limits that count the failures of a row."""
ERRORS = Cell("errors", None, "", "errors")


def covering(row: RowName, thresholds: Iterable[Threshold], keys: Collection[Key]) -> Covered:
    """`keys`: of all that was measured."""
    own = [key for key in keys if key.timer != ARRIVAL and is_about(key, row, ERRORS)]
    return [t for t in thresholds if counts_failures(t) and all(_holds(t.row, key) for key in own)]


def _holds(wider: RowName, key: Key) -> bool:
    """A group that failed is a request in it that did."""
    if key.timer == "group" and key.part == "load" and not wider.where:
        return wider.kind == "all" or wider.name == (key.flow if wider.kind == "flow" else key.name)
    return is_about(key, wider, ERRORS)


def beside_failures(found: Value, covered: Covered) -> str:
    """Why a limit that the number meets is not met; empty if it is."""
    if not found.failed:
        return ""
    n = found.failed + found.good
    seen = f"{found.failed} of {n} requests failed and have no time that counts"
    if not found.good:
        return seen
    if any(found.failed <= _allowed(threshold, n) for threshold in covered):
        return ""
    if not covered:
        return f"{seen}, and no limit says how many may: add one on `errors`"
    return f"{seen}, more than `{covered[0]}` allows" if len(covered) == 1 else f"{seen}, more than any limit allows"


def _allowed(threshold: Threshold, n: int) -> int:
    share, strict = share_limit(threshold)
    return bounds.allowed_bad(share, n, strict=strict)


def not_of_the_service(threshold: Threshold, row: Row) -> dict[str, int]:
    """Of the bad ones: the kinds that are the doing of this machine or of the spec itself."""
    statistic = threshold.cell.statistic
    if statistic == "status" and not wants_many(threshold):
        return {}  # answers are bad here, and these are none
    kinds = GENERATOR_KINDS if statistic in ("availability", "burn rate") else GENERATOR_KINDS | {UNSENDABLE}
    return {kind: n for kind, n in sorted(row.errors.items()) if kind in kinds}
