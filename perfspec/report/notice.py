"""What somebody is told of a run: the verdict, the limits that are broken, where to look. Short, and without markup."""

from typing import Any

from perfspec.report import comparison
from perfspec.report.result import Result
from perfspec.report.words import sentence

__all__ = ["as_document", "as_slack", "message"]

MOST_LIMITS = 5
"""The rest is a number."""


def message(result: Result, link: str, *, recovered: bool) -> str:
    """A line of verdict, a line for each broken limit, and the link."""
    word = f"{result.outcome}, recovered" if recovered else result.outcome
    lines = [f"{word}: {result.service} {result.stage} on {result.environment}"]
    broken = _broken(result)
    lines += [f"- {each}" for each in broken[:MOST_LIMITS]]
    if len(broken) > MOST_LIMITS:
        lines.append(f"- and {len(broken) - MOST_LIMITS} more")
    if result.outcome in ("NOT_STARTED", "CRASHED"):
        lines += [f"- {note}" for note in result.notes[:MOST_LIMITS]]
    return "\n".join([*lines, link])


def _broken(result: Result) -> list[str]:
    broken = [sentence(verdict) for verdict in result.verdicts if verdict.outcome not in ("PASS", "WARN", "SKIPPED")]
    if result.comparison is not None and result.comparison.fails:
        broken += [comparison.sentence(change) for change in result.comparison.regressed]
    return broken


def as_slack(text: str) -> dict[str, Any]:
    """Three characters mean something to Slack."""
    return {"text": text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")}


def as_document(text: str, result: Result, link: str) -> dict[str, Any]:
    """For programs: the same in parts."""
    return {
        "text": text,
        "service": result.service,
        "stage": result.stage,
        "environment": result.environment,
        "outcome": result.outcome,
        "exit_code": result.exit_code,
        "broken": _broken(result),
        "run_id": result.run_id,
        "started_at": result.started_at,
        "link": link,
    }
