"""Judge a stored run by the limits that a spec has now."""

from pathlib import Path

from perfspec.app.plan import plan
from perfspec.app.report import read_result
from perfspec.plan.build import Choice
from perfspec.report.rejudge import rejudge
from perfspec.report.result import Result

__all__ = ["judge"]


def judge(run: Path, spec: str, stage: str | None, environment: str | None) -> Result:
    """`stage` and `environment`: those of the run if None. Raises UsageFailure or SpecFailure."""
    result = read_result(run)
    planned = plan(spec, Choice(stage or result.stage, environment or result.environment, result.seed))
    assert planned.plan is not None
    return rejudge(result, planned.plan)
