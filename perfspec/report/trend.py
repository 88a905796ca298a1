"""Trends as lines of text: changes of level with the commits they came between, and limits met by week."""

from perfspec.base.units import format_ms
from perfspec.verdict.trend import Compliance, Point, Series, Step

__all__ = ["compliance_lines", "series_lines"]

SPARKS = "▁▂▃▄▅▆▇█"
SHOWN = 40
"""Newest points of a series that are drawn."""


def series_lines(all_series: tuple[Series, ...]) -> list[str]:
    """A line for each number, and one below it for each change of its level."""
    width = max((len(f"{s.request} {s.statistic}") for s in all_series), default=0)
    found = []
    for each in all_series:
        if not each.points:
            continue
        newest = format_ms(each.points[-1].ns)
        found.append(f"  {f'{each.request} {each.statistic}':{width}}  {newest:>8}  {_spark(each.points)}")
        found += [f"  {'':{width}}  {_step(step)}" for step in each.steps]
    return found


def _step(step: Step) -> str:
    where = _commit(step.since)
    commits = (
        f"commits {_commit(step.after)}..{where}" if step.after.commit and step.since.commit else "commits unknown"
    )
    return f"{100 * (step.ratio - 1):+.0f} % since run {step.since.run_id} of {step.since.started_at[:10]} ({commits})"


def _commit(point: Point) -> str:
    return point.commit[:10]


def _spark(points: tuple[Point, ...]) -> str:
    """The newest points between the lowest and the highest of them."""
    values = [point.ns for point in points[-SHOWN:]]
    low, high = min(values), max(values)
    span = (high - low) or 1
    return "".join(SPARKS[(value - low) * (len(SPARKS) - 1) // span] if high > low else SPARKS[0] for value in values)


def compliance_lines(rows: tuple[Compliance, ...], weeks: tuple[str, ...]) -> list[str]:
    """A table: limits down, weeks across, `met/judged` in the cells."""
    if not rows:
        return ["  no limit was judged"]
    width = max(len(row.threshold) for row in rows)
    shown = [week[5:] for week in weeks]
    found = [f"  {'limit':{width}}  " + "  ".join(f"{week:>7}" for week in shown)]
    for row in rows:
        cells = (f"{met[0]}/{met[1]}" if met is not None else "-" for met in row.periods)
        found.append(f"  {row.threshold:{width}}  " + "  ".join(f"{cell:>7}" for cell in cells))
    return found
