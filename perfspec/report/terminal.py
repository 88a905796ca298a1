"""The end of a run as lines of text: headline, verdicts, then what was sent and how it went."""

from collections.abc import Sequence

from perfspec.base.clock import SECOND
from perfspec.base.units import format_duration
from perfspec.report import comparison, words
from perfspec.report.remarks import headline, named, remarks
from perfspec.report.result import Result
from perfspec.report.rows import HEAD
from perfspec.report.rows import rows as shown_rows

__all__ = ["overview", "summary"]

NARROWEST = 12
"""Characters of a name that stay whatever the terminal."""


def summary(result: Result, columns: int = 0) -> list[str]:
    """`columns`: the width of the terminal; 0: lines may be as long as they are."""
    judged = format_duration(result.judged_ns // SECOND * SECOND)
    workers = f", sent by {result.workers} workers" if result.workers > 1 else ""
    out = [
        "",
        f"{named(result)}: {headline(result)} ({judged} judged{workers})",
        "",
    ]
    out += _search(result)
    out += words.lines(result.verdicts, columns, [(str(s.threshold), s.reason) for s in result.skipped])
    found = remarks(result)
    if found:
        out += ["", *(line for remark in found for line in words.wrapped(remark, columns))]
    if result.comparison is not None:
        out += ["", *comparison.lines(result.comparison)]
    out += ["", *_table(result, columns), ""]
    return out


def _search(result: Result) -> list[str]:
    """What a search found, and how it came to it."""
    capacity = result.capacity
    if capacity is None:
        return []
    width = max((len(step.load) for step in capacity.steps), default=0)
    steps = [
        f"  {format_duration(step.start_ns):>7}  {step.doing:10}  {step.load:{width}}  {step.why or 'met'}"
        for step in capacity.steps
    ]
    return [f"limit: {capacity.text}", *steps, ""]


def _table(result: Result, columns: int) -> list[str]:
    """The numbers are never cut; names are, where there is no room for them."""
    rows: list[tuple[str, ...]] = [HEAD, *((row.label, *row.cells) for row in shown_rows(result))]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    if columns:
        widths[0] = min(widths[0], max(NARROWEST, columns - sum(width + 2 for width in widths[1:])))
        rows = [(words.cut(row[0], widths[0]), *row[1:]) for row in rows]
    return [
        "  ".join(
            cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def overview(results: Sequence[Result | str]) -> list[str]:
    """Several runs in a line each, the broken limits below; a text stands for what was not run."""
    width = max(len(result if isinstance(result, str) else named(result)) for result in results)
    out = []
    for result in results:
        if isinstance(result, str):
            out.append(f"{'NOT RUN':12}  {result:{width}}   see above")
            continue
        held = sum(v.outcome in ("PASS", "WARN") for v in result.verdicts)
        out.append(f"{result.outcome:12}  {named(result):{width}}   {held} of {len(result.verdicts)} limits held")
        out += [f"{'':12}    limit: {result.capacity.text}"] if result.capacity is not None else []
        out += [f"{'':12}    {v.outcome}  {v.threshold}" for v in result.verdicts if v.outcome not in ("PASS", "WARN")]
    return out
