"""Thresholds + slices -> verdicts. One statistic for every limit on a share: k bad of n, compared as exact integers.

The point decides; exact one-sided 95 % bounds say how sure. Order of the rules: no data is never a pass; a generator
that was late itself makes latency rows inconclusive, not failed; then the point; then what the stage asks for (warnings
only, proven passes only). Only shares have bounds and a strength; mean, max, count and throughput are point-only.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import msgspec

from perfspec.base.clock import SECOND
from perfspec.diagnostics.source import Span
from perfspec.metrics import histogram
from perfspec.metrics.error_kinds import GENERATOR_KINDS
from perfspec.metrics.rows import Row, total
from perfspec.metrics.series import Slice
from perfspec.spec.model import Threshold
from perfspec.spec.thresholds import is_share, longest_good_ns, share_limit
from perfspec.verdict import bounds

__all__ = [
    "CONFIDENCE",
    "Circumstances",
    "Result",
    "Verdict",
    "bad_and_total",
    "is_judged",
    "judge",
    "of_row",
    "select",
]

CONFIDENCE = 0.95
Result = Literal["PASS", "FAIL", "WARN", "INCONCLUSIVE", "NO_DATA", "SKIPPED"]
Seconds = Sequence[tuple[int, int]]
"""Judged stretches [start, end) in ns from the start of the load."""


class Verdict(msgspec.Struct, frozen=True):
    """What is said about one threshold, with the evidence."""

    threshold: str
    row: str
    cell: str
    limit: str
    span: Span
    outcome: Result
    reason: str = ""
    """Why it was not judged, in words for the reader; empty for PASS and FAIL."""
    strength: Literal["", "clear", "borderline"] = ""
    proven: bool = False
    """The upper bound of the bad share is within the limit."""
    n: int = 0
    bad: int | None = None
    allowed: int | None = None
    """The most bad requests that would have passed, of n."""
    failed: int | None = None
    """Of the bad ones: failed, not slow. Only where slow ones count as well."""
    limit_share: Fraction | None = None
    lower: float | None = None
    upper: float | None = None
    confidence: float = CONFIDENCE
    needed: int | None = None
    """Requests that prove a pass when none is bad."""
    observed_ns: int | None = None
    """The percentile, mean or maximum of the answers."""
    observed: float | None = None
    """A count or a rate."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What else bears on the verdicts of a run."""

    late: str = ""
    """Not empty: the generator itself was late, in words with the next step."""
    warn_only: Literal["", "latency", "all"] = ""
    only_proven: bool = False
    aborted_by: str = ""
    """The threshold that ended the run."""


def select(slices: Iterable[Slice], threshold: Threshold, windows: Seconds) -> Row:
    """The sum that a threshold is about: its row, in the judged windows. Setup and teardown are judged whole."""
    return of_row((s for s in slices if s.key.part != "load" or is_judged(s.second, windows)), threshold)


def of_row(slices: Iterable[Slice], threshold: Threshold) -> Row:
    """The sum of the slices that belong to a threshold's row, whenever they were."""
    return total(slices, lambda piece: _is_of(piece, threshold))


def _is_of(piece: Slice, threshold: Threshold) -> bool:
    key, row, cell = piece.key, threshold.row, threshold.cell
    if not set(row.where) <= set(key.tags):
        return False
    if row.kind == "flow":
        timers = ("round",) if cell.is_latency or cell.statistic == "count" else ("", "wait")
        return key.flow == row.name and key.timer in timers
    if row.kind == "group":
        return key.name == row.name and key.timer == "group"
    if row.kind == "all":
        counted = ("",) if cell.is_latency else ("", "wait")
        return key.part == "load" and key.timer in counted
    return key.name == row.name and key.timer in ((cell.timer,) if cell.timer else ("", "wait"))


def is_judged(second: int, windows: Seconds) -> bool:
    """Does this second of the load begin in a judged stretch?"""
    return any(start <= second * SECOND < end for start, end in windows)


def _counted_ns(windows: Seconds) -> int:
    """The time that the judged slices stand for: a second in which the judging begins is not among them."""
    begun = {start for start, _ in windows} - {end for _, end in windows}
    return sum(end - start for start, end in windows) - sum(-start % SECOND for start in begun)


def judge(
    thresholds: Sequence[Threshold], slices: Sequence[Slice], windows: Seconds, circumstances: Circumstances
) -> tuple[Verdict, ...]:
    """A verdict for each threshold, in their order."""
    judged_ns = _counted_ns(windows)
    return tuple(_one(t, select(slices, t, windows), judged_ns, circumstances) for t in thresholds)


def _one(threshold: Threshold, row: Row, judged_ns: int, circumstances: Circumstances) -> Verdict:
    text = str(threshold)
    if row.n == 0:
        reason = "no request of this row was due in the judged time; no data is never a pass"
        verdict = _verdict(threshold, "NO_DATA", reason=reason)
    elif is_share(threshold.cell) and (found := bad_and_total(threshold, row)) is not None:
        verdict = _share(threshold, row, *found)
    else:
        verdict = _point(threshold, row, judged_ns)
    if circumstances.aborted_by == text:
        reason = "the run was ended because of this row"
        return msgspec.structs.replace(verdict, outcome="FAIL", reason=reason)
    if verdict.outcome in ("PASS", "FAIL") and circumstances.late and threshold.cell.is_latency:
        return msgspec.structs.replace(verdict, outcome="INCONCLUSIVE", reason=circumstances.late, strength="")
    if verdict.outcome == "PASS" and circumstances.only_proven and verdict.bad is not None and not verdict.proven:
        reason = "too few requests to prove it, and this stage counts only proven passes"
        return msgspec.structs.replace(verdict, outcome="INCONCLUSIVE", reason=reason)
    if verdict.outcome == "FAIL" and _only_warns(threshold, circumstances):
        return msgspec.structs.replace(verdict, outcome="WARN", reason="this limit only warns")
    return verdict


def _only_warns(threshold: Threshold, circumstances: Circumstances) -> bool:
    word = circumstances.warn_only
    return threshold.limit.warn_only or word == "all" or (word == "latency" and threshold.cell.is_latency)


def bad_and_total(threshold: Threshold, row: Row) -> tuple[int, int] | None:
    """(bad, n) of a share; None where the limit has no bad side that can be counted (`p95 over 10ms`).

    For a limit that was not counted during the run, bad comes from the histogram, rounded up to the bucket.
    """
    statistic = threshold.cell.statistic
    if statistic == "errors":
        return row.failed, row.n
    if statistic == "availability":
        return row.unavailable, row.n
    good = longest_good_ns(threshold)
    if good is None:
        return None
    return row.over.get(good, _over_by_histogram(row, good)[1]), row.n


def _over_by_histogram(row: Row, good_ns: int) -> tuple[int, int]:
    """The fewest and the most requests that took longer: a bucket around the limit could lie on either side."""
    limit_us = good_ns // 1000
    unanswered = row.n - histogram.count(row.response)
    least = sum(n for i, n in row.response.items() if histogram.lowest(i) > limit_us)
    most = sum(n for i, n in row.response.items() if histogram.highest(i) > limit_us)
    return least + unanswered, most + unanswered


def _share(threshold: Threshold, row: Row, bad: int, n: int) -> Verdict:
    share, strict = share_limit(threshold)
    allowed = bounds.allowed_bad(share, n, strict=strict)
    lower, upper = bounds.lower_bound(bad, n, CONFIDENCE), bounds.upper_bound(bad, n, CONFIDENCE)
    proven = upper < share if strict else upper <= share
    passed = bad <= allowed
    is_clear = proven if passed else lower > share
    outcome: Result = "PASS" if passed else "FAIL"
    reason = ""
    if threshold.cell.statistic == "percentile":
        counted = longest_good_ns(threshold)
        if counted is not None and counted not in row.over:
            least, most = _over_by_histogram(row, counted)
            if least <= allowed < most:
                outcome, reason = "INCONCLUSIVE", "the limit was not counted during the run; re-run to judge it"
    own = sum(k for kind, k in row.errors.items() if kind in GENERATOR_KINDS)
    if outcome == "FAIL" and own and (own == n or bad - own <= bounds.allowed_bad(share, n - own, strict=strict)):
        kinds = ", ".join(sorted(kind for kind in row.errors if kind in GENERATOR_KINDS))
        outcome, reason = (
            "INCONCLUSIVE",
            f"{own} of the failures are this machine's ({kinds}); raise its limits and re-run",
        )
    quantile = threshold.cell.quantile
    return _verdict(
        threshold,
        outcome,
        reason=reason,
        strength="" if reason else "clear" if is_clear else "borderline",
        proven=proven and passed,
        n=n,
        bad=bad,
        allowed=allowed,
        failed=row.failed if threshold.cell.statistic == "percentile" else None,
        limit_share=share,
        lower=lower,
        upper=upper,
        needed=bounds.n_min(share, CONFIDENCE),
        observed_ns=None if quantile is None or not row.response else histogram.quantile(row.response, quantile) * 1000,
    )


def _point(threshold: Threshold, row: Row, judged_ns: int) -> Verdict:
    """A limit without bounds: the number itself decides."""
    statistic = threshold.cell.statistic
    observed_ns: int | None = None
    observed: float | None = None
    if statistic == "count":
        observed = float(row.n)
    elif judged_ns <= 0:
        return _verdict(threshold, "NO_DATA", reason="no time was judged", n=row.n)
    elif statistic == "throughput":
        observed = (row.n - row.failed) / (judged_ns / SECOND)
    elif threshold.cell.is_latency and row.unanswered:
        reason = f"{row.unanswered} requests have no duration, for nobody answered them"
        return _verdict(threshold, "INCONCLUSIVE", reason=reason, n=row.n)
    elif not row.response:
        return _verdict(threshold, "NO_DATA", reason="no request of this row was answered", n=row.n)
    elif statistic == "percentile" and threshold.cell.quantile is not None:
        observed_ns = histogram.quantile(row.response, threshold.cell.quantile) * 1000
    else:
        us = histogram.mean(row.response) if statistic == "mean" else histogram.largest(row.response)
        observed_ns = int(us * 1000)
    value = observed_ns if observed_ns is not None else observed
    assert value is not None
    outcome: Result = "PASS" if _meets(threshold, value) else "FAIL"
    return _verdict(threshold, outcome, n=row.n, observed_ns=observed_ns, observed=observed)


def _meets(threshold: Threshold, value: float) -> bool:
    limit = threshold.limit
    low = limit.quantity.value
    match limit.relation:
        case "under":
            return value < low
        case "at most":
            return value <= low
        case "over":
            return value > low
        case "at least":
            return value >= low
    return limit.high is not None and low <= value <= limit.high.value


def _verdict(threshold: Threshold, outcome: Result, **evidence: object) -> Verdict:
    return Verdict(
        threshold=str(threshold),
        row=threshold.row.text,
        cell=threshold.cell.text,
        limit=threshold.limit.text,
        span=threshold.span,
        outcome=outcome,
        **evidence,  # type: ignore[arg-type]
    )
