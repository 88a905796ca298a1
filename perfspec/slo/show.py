"""What a service promises, for people: objectives, the budget of the period, what is done when it is spent."""

from collections.abc import Sequence

from perfspec.base.units import format_decimal, format_duration, format_share
from perfspec.slo.objectives import Promises

__all__ = ["RENDERERS", "to_markdown", "to_text"]

Row = tuple[str, str, str]


def to_text(promises: Promises) -> str:
    """Two tables: promises with their budget in minutes, and the policy."""
    owner = f" ({promises.team})" if promises.team else ""
    lines = [f"{promises.service}{owner}: what is promised over {format_duration(promises.period_ns)}", ""]
    lines += _aligned([("promise", "budget", "meaning"), *_objectives(promises)])
    if promises.policy:
        lines += ["", *_aligned([("budget spent", "after", "what the team does"), *_policy(promises)])]
    return "\n".join(lines)


def to_markdown(promises: Promises) -> str:
    """The same as it stands in a document."""
    owner = f" Owner: {promises.team}." if promises.team else ""
    lines = [f"### {promises.service}", "", f"Promised over {format_duration(promises.period_ns)}.{owner}", ""]
    lines += _table([("promise", "budget", "meaning"), *_objectives(promises)])
    if promises.policy:
        lines += ["", *_table([("budget spent", "after", "what the team does"), *_policy(promises)])]
    return "\n".join(lines)


RENDERERS = {"text": to_text, "markdown": to_markdown}


def _objectives(promises: Promises) -> list[Row]:
    return [
        (
            each.name,
            f"{format_decimal(each.budget_minutes)} minutes ({format_share(each.budget)})",
            each.sentence if each.total else f"{each.sentence}; no series of Prometheus is named for it",
        )
        for each in promises.objectives
    ]


def _policy(promises: Promises) -> list[Row]:
    """Minutes are those of the availability, as nobody counts slow requests in minutes."""
    whole = next((each for each in promises.objectives if each.latency is None), None)
    return [
        (
            format_share(step.share),
            f"{format_decimal(whole.budget_minutes * step.share)} minutes" if whole else "",
            step.action,
        )
        for step in promises.policy
    ]


def _aligned(rows: Sequence[Row]) -> list[str]:
    widths = [max(len(row[at]) for row in rows) for at in range(3)]
    cells = ("   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return [f"  {line}".rstrip() for line in cells]


def _table(rows: Sequence[Row]) -> list[str]:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return [lines[0], "|---|---|---|", *lines[1:]]
