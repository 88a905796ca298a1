"""A stored run against other thresholds: the same numbers, judged by another spec."""

from msgspec.structs import replace

from perfspec.engine.slicelog import Beginning, End, Log
from perfspec.plan.model import Plan
from perfspec.report.result import TORN, Result, make

__all__ = ["rejudge"]


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
    beginning = Beginning(result.run_id, result.started_at, result.plan_hash, result.perfspec, result.versions)
    end = End(result.ended, result.ended_ns, result.unfinished, result.waits, result.abort, result.notes)
    return make(plan, Log(beginning, result.seconds, None if result.ended == TORN else end))
