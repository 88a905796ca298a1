"""A stored run against other thresholds: the same numbers, judged by another spec."""

from msgspec.structs import replace

from perfspec.engine.slicelog import Beginning, End, Log
from perfspec.plan.model import Plan
from perfspec.report.result import TORN, Result, make
from perfspec.spec.thresholds import longest_good_ns

__all__ = ["rejudge"]

OTHER_LIMITS = "rounds were counted by the limits that the run had; re-run to judge goodput by others"


def rejudge(result: Result, judging: Plan) -> Result:
    """The result as if the run had been judged by `judging`: its thresholds and what goes with them, nothing else.

    A limit that was not counted during the run is judged by the histograms, and not at all where its bucket decides.
    """
    plan = replace(
        result.plan,
        thresholds=judging.thresholds,
        rules=judging.rules,
        promised=judging.promised,
        skipped=judging.skipped,
        warn_only=judging.warn_only,
        only_proven=judging.only_proven,
    )
    beginning = Beginning(
        result.run_id,
        result.started_at,
        result.plan_hash,
        result.perfspec,
        result.versions,
        result.commit,
        result.branch,
        result.machine,
        result.workers,
    )
    end = End(result.ended, result.ended_ns, result.unfinished, result.waits, result.abort, result.notes, result.left)
    log = Log(beginning, result.seconds, None if result.ended == TORN else end)
    held = "" if _held(result.plan) == _held(plan) else OTHER_LIMITS
    judged_by = "" if _same(result, judging) else f"the limits of stage {judging.stage} in {judging.spec}"
    return replace(make(plan, log, result.comparison, uncounted=held, measured=result), judged_by=judged_by)


def _same(result: Result, judging: Plan) -> bool:
    """Are these the very limits that the run had?"""
    return (result.stage, result.plan.thresholds, result.plan.rules) == (
        judging.stage,
        judging.thresholds,
        judging.rules,
    )


def _held(plan: Plan) -> tuple[str, ...]:
    """The limits that decide whether a round was a good one."""
    return tuple(sorted(str(t) for t in plan.thresholds if longest_good_ns(t) is not None))
