"""Why a row saw nothing, where it can be told: nobody got through what each user does first, or all rounds ended early.

The cause belongs to the limit that has no data: further down it would be one remark among others.
"""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from perfspec.metrics.rows import Row, total
from perfspec.metrics.series import ARRIVAL, Slice
from perfspec.plan.model import Plan
from perfspec.steps import requests
from perfspec.verdict.judge import Verdict

__all__ = ["explained"]

MOST_KINDS = 3


def explained(plan: Plan, slices: Sequence[Slice], verdicts: Iterable[Verdict]) -> tuple[Verdict, ...]:
    """`slices`: all of the run. Limits without data say what kept everybody from reaching their row."""
    first = _kept_out(plan, slices)
    return tuple(
        replace(v, reason=f"{why}, so no request of this row was due; no data is never a pass")
        if v.outcome == "NO_DATA" and not v.n and (why := first or _ended_before(plan, slices, v))
        else v
        for v in verdicts
    )


def _kept_out(plan: Plan, slices: Sequence[Slice]) -> str:
    """Not empty if nobody came to a first round."""
    if any(piece.key.part == "load" and piece.key.timer != ARRIVAL for piece in slices):
        return ""
    rows: dict[str, Row] = {}
    for piece in slices:
        if piece.key.part == "each_user" and piece.key.timer in ("", "wait"):
            rows.setdefault(piece.key.name, Row()).add(piece)
    names = (request.name for request in requests(plan.each_user.first))
    stuck = next((name for name in names if name in rows and rows[name].failed == rows[name].n), "")
    return f"nobody got through `{stuck}` ({_kinds(rows[stuck])})" if stuck else ""


def _ended_before(plan: Plan, slices: Sequence[Slice], verdict: Verdict) -> str:
    """Not empty if the row is a request, and every round of the flows that send it ended early."""
    name = verdict.row.partition(" where ")[0]
    flows = [flow.name for flow in plan.flows if any(request.name == name for request in requests(flow.steps))]
    rounds = total(slices, lambda piece: piece.key.timer == "round" and piece.key.flow in flows)
    if not rounds.n or rounds.failed < rounds.n:
        return ""
    which = f"flow {flows[0]}" if len(flows) == 1 else f"flows {', '.join(flows)}"
    return f"every round of {which} ended before it ({_kinds(rounds)})"


def _kinds(row: Row) -> str:
    found = sorted(row.errors.items(), key=lambda error: (-error[1], error[0]))
    return f"{', '.join(f'{n} x {kind}' for kind, n in found[:MOST_KINDS])} in the whole run"
