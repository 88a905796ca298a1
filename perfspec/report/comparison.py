"""A comparison with earlier runs in words: what is slower, by how much, and how sure that is."""

from perfspec.base.units import format_ms
from perfspec.report.words import percent
from perfspec.verdict.comparison import LEAST_US, Change, Comparison, ErrorChange

__all__ = ["HEAD", "became", "calm", "cells", "headline", "lines", "mark_of", "remarks", "sentence", "than_before"]

MARKS = {
    "regressed": "SLOWER",
    "improved": "FASTER",
    "maybe worse": "slower?",
    "maybe better": "faster?",
    "not comparable": "?",
    "unchanged": "",
}
OF_ERRORS = {
    "regressed": "MORE",
    "improved": "FEWER",
    "maybe worse": "more?",
    "maybe better": "fewer?",
    "not comparable": "?",
    "unchanged": "",
}
HEAD = ("", "request", "", "before", "now", "change", "likely", "a regression")
ENOUGH = 5
"""Runs; with fewer only large changes are judged."""


def lines(comparison: Comparison) -> list[str]:
    """A headline, a line for each number that changed, and what is left out."""
    found = [f"{headline(comparison)}:"]
    found += [f"  {sentence(change)}" for change in comparison.told]
    found += [f"  {text}" for text in calm(comparison)]
    found += [f"    {_change(change)}" for change in comparison.changes if change.is_unsure]
    return found + [f"  {remark}" for remark in remarks(comparison)]


def calm(comparison: Comparison) -> list[str]:
    """How many percentiles are in no line: as before, or not to be told."""
    n, still = len(comparison.changes), sum(change.is_as_before for change in comparison.changes)
    unsure = sum(change.is_unsure for change in comparison.changes)
    found = [f"{still} of {n} percentiles are as before"] if still else []
    return found + (
        [f"{unsure} of {n} differ, on too few or too uneven answers to say that they changed"] if unsure else []
    )


def mark_of(change: Change | ErrorChange) -> str:
    """For a table that shows the calm ones, too."""
    if isinstance(change, Change) and change.is_unsure:
        return "not sure"
    return cells(change)[0] or "as before"


def headline(comparison: Comparison) -> str:
    """With what it is compared."""
    commits = f" (commits {'..'.join(commit[:10] for commit in comparison.commits)})" if comparison.commits else ""
    return f"compared with {comparison.baseline}{commits}"


def remarks(comparison: Comparison) -> list[str]:
    """What a reader of the numbers has to know besides."""
    found = []
    if not comparison.same_shape:
        found.append("another load, environment or machine: what differs may be due to that")
    if faster := dict.fromkeys(c.request for c in comparison.changes if c.state == "not comparable"):
        found.append(f"{', '.join(faster)}: what still went well came sooner, but more failed: nothing became faster")
    if errors := [_change(change) for change in comparison.errors if change.is_unsure]:
        found.append(f"may be chance: {'; '.join(errors)}")
    if not comparison.changes:
        found.append("no request has enough answers on both sides")
    elif comparison.too_few:
        found.append(f"too few answers to compare times of: {', '.join(comparison.too_few)}")
    found += [f"new: {', '.join(comparison.only_now)}"] if comparison.only_now else []
    return found + ([f"not measured any more: {', '.join(comparison.only_before)}"] if comparison.only_before else [])


def sentence(change: Change | ErrorChange) -> str:
    """`SLOWER suggest p95 112 ms -> 143 ms, +28 % (likely +20 to +35 %; over +10 % is a regression)`."""
    mark, *_, likely, limit = cells(change)
    limit, _, few = limit.partition(", ")
    limit = f"; with {few}, {limit} is a regression" if few else f"; {limit} is a regression"
    if isinstance(change, Change) and change.ratio < 1:
        limit = ""
    return f"{mark:7} {_change(change)} (likely {likely}{limit})"


def _change(change: Change | ErrorChange) -> str:
    """`suggest p95 112 ms -> 143 ms, +28 %`."""
    _, request, statistic, before, now, by, *_ = cells(change)
    return f"{request} {statistic} {before} -> {now}, {by}"


def became(change: Change | ErrorChange) -> str:
    """`suggest p95 became slower`."""
    how = "fails more often" if isinstance(change, ErrorChange) else f"{change.statistic} became slower"
    return f"{change.request} {how}"


def than_before(change: Change | ErrorChange) -> str:
    return f"{'more errors' if isinstance(change, ErrorChange) else 'slower'} than before"


def cells(change: Change | ErrorChange) -> tuple[str, str, str, str, str, str, str, str]:
    """A row of a table, below HEAD."""
    if isinstance(change, ErrorChange):
        return (
            OF_ERRORS[change.state],
            change.request,
            change.statistic,
            percent(change.before),
            percent(change.now),
            f"{100 * (change.now - change.before):+.1f} points",
            f"{100 * change.low:+.1f} to {100 * change.high:+.1f} points",
            "surely over +1 point",
        )
    return (
        MARKS[change.state],
        change.request,
        change.statistic,
        format_ms(change.before_ns),
        format_ms(change.now_ns),
        _percent(change.ratio),
        _likely(change),
        _limit(change),
    )


def _limit(change: Change) -> str:
    over = f"over {_percent(change.limit)}"
    if change.runs >= ENOUGH:
        return over
    return (
        f"{over} and {format_ms(1000 * LEAST_US)}, {change.runs} run{'' if change.runs == 1 else 's'} to compare with"
    )


def _percent(ratio: float) -> str:
    return f"{100 * (ratio - 1):+.0f} %"


def _likely(change: Change) -> str:
    """Few answers may bound one side and not the other."""
    if change.low is None and change.high is None:
        return "anything, for so few answers"
    if change.low is None or change.high is None:
        return f"{_percent(change.low)} or more" if change.low is not None else f"{_percent(change.high or 0)} or less"
    return f"{100 * (change.low - 1):+.0f} to {_percent(change.high)}"
