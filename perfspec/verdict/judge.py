"""Thresholds + slices -> verdicts. One statistic for every limit on a share: k bad of n, compared as exact integers.

The point decides; exact one-sided 95 % bounds say how sure. Order of the rules: no data is never a pass; a generator
that was late itself makes latency rows inconclusive, not failed, even one that ended the run; then the point; then what
the stage asks for (warnings only, proven passes only). Only shares have bounds and a strength; mean, max, count and
throughput are point-only. Of latency and goodput the bounds allow for requests that are alike because they are close in
time (dependence.py): that can take away `clear` and `proven` and decides nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

import msgspec

from perfspec.base.clock import SECOND
from perfspec.diagnostics.source import Span
from perfspec.metrics.error_kinds import UNSENDABLE, remedies
from perfspec.metrics.rows import Row
from perfspec.metrics.series import Slice
from perfspec.spec.model import Cell, Threshold
from perfspec.spec.thresholds import counted_limit_ns, is_share, longest_good_ns, share_limit
from perfspec.verdict import bounds
from perfspec.verdict.dependence import Effect, design_effect
from perfspec.verdict.failures import Covered, beside_failures, covering, not_of_the_service
from perfspec.verdict.folded import folded
from perfspec.verdict.samples import Sample, Seconds, bad_and_total, counted_ns, over_by_histogram, sample, unsent
from perfspec.verdict.values import Missing, Value, holds_surely, nothing_due, value

__all__ = [
    "CONFIDENCE",
    "Circumstances",
    "InPhase",
    "Measured",
    "Outcome",
    "Verdict",
    "judge",
    "weighed",
]

CONFIDENCE = 0.95
AT_THE_LIMIT = "it is closer to its limit than it is kept (0.1 %)"
Outcome = Literal["PASS", "FAIL", "WARN", "INCONCLUSIVE", "NO_DATA", "SKIPPED"]


class InPhase(msgspec.Struct, frozen=True):
    """The same threshold over one judged phase alone. It explains; only the whole is judged."""

    phase: int
    """Which of the result's `windows`."""
    n: int
    bad: int | None = None
    allowed: int | None = None
    observed_ns: int | None = None
    observed: float | None = None
    met: bool | None = None
    """None: nothing was seen."""


class Measured(msgspec.Struct, frozen=True):
    """A number that a rule compares."""

    text: str
    """`p95(suggest)`."""
    n: int
    value: Fraction
    """Nanoseconds, a share of 1, per second, bytes, or a count or another number."""
    unit: Literal["time", "share", "rate", "size", "number"]


class Verdict(msgspec.Struct, frozen=True):
    """What is said about one threshold, with the evidence."""

    threshold: str
    row: str
    cell: str
    limit: str
    span: Span
    outcome: Outcome
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
    """A count, a rate, a recorded number, bytes, or how many times faster than promised the error budget is used."""
    design_effect: float | None = None
    """How many times less the requests say than independent ones would; of latency and goodput."""
    n_effective: float | None = None
    windows: int | None = None
    """The windows that the design effect was estimated from."""
    phases: tuple[InPhase, ...] = ()
    measured: tuple[Measured, ...] = ()
    """Of a rule: what it compares."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What else bears on the verdicts of a run."""

    late: str = ""
    """Not empty: the generator itself was late, in words with the next step."""
    warn_only: Literal["", "latency", "all"] = ""
    only_proven: bool = False
    aborted_by: str = ""
    """The threshold that ended the run."""
    lost: str = ""
    """Not empty: a part of the load was missing, in words."""
    uncounted: str = ""
    """Not empty: rounds were held to other limits than those that are asked for now, in words with the next step."""
    kept: Collection[tuple[str, str]] | None = None
    """Tags with the values that the run kept apart, whatever else there was; None: all that are asked for now."""


def judge(
    thresholds: Sequence[Threshold], slices: Sequence[Slice], stretches: Seconds, circumstances: Circumstances
) -> tuple[Verdict, ...]:
    """A verdict for each threshold, in their order."""
    keys = {piece.key for piece in slices}
    found = []
    for threshold in thresholds:
        seen = sample(slices, threshold.row, threshold.cell, stretches)
        covered = covering(threshold.row, thresholds, keys)
        if reason := folded(slices, threshold.row, threshold.cell, stretches, circumstances.kept):
            found.append(_verdict(threshold, "INCONCLUSIVE", reason=reason, n=seen.row.n))
            continue
        found.append(_one(threshold, seen, stretches, circumstances, covered))
    return tuple(found)


def _one(
    threshold: Threshold, seen: Sample, stretches: Seconds, circumstances: Circumstances, covered: Covered
) -> Verdict:
    if circumstances.uncounted and threshold.cell.statistic == "goodput":
        return _verdict(threshold, "INCONCLUSIVE", reason=circumstances.uncounted, n=seen.row.n)
    verdict = _of(threshold, seen, counted_ns(stretches), covered)
    if len(stretches) > 1:
        verdict = msgspec.structs.replace(verdict, phases=_phases(threshold, seen, stretches, covered))
    is_latency = threshold.cell.is_latency or threshold.cell.statistic == "goodput"
    return weighed(verdict, circumstances, is_latency=is_latency, warns=threshold.limit.warn_only)


def _of(threshold: Threshold, seen: Sample, judged_ns: int, covered: Covered) -> Verdict:
    row = seen.row
    if (missing := nothing_due(threshold.cell, row)) is not None:
        return _verdict(threshold, missing.outcome, reason=missing.reason)
    if row.asked == 0:
        return _verdict(threshold, "NO_DATA", reason=unsent(row), n=row.n)
    if threshold.cell.status and threshold.cell.status not in row.statuses:
        reason = "this status was not counted during the run; re-run to judge it"
        return _verdict(threshold, "INCONCLUSIVE", reason=reason, n=row.n)
    if is_share(threshold.cell) and (found := bad_and_total(threshold, row)) is not None:
        if found[1] == 0:
            return _verdict(threshold, "NO_DATA", reason="no request of this row was answered", n=row.n)
        return _share(threshold, seen, *found)
    return _point(threshold, row, Fraction(judged_ns, SECOND), covered)


def weighed(verdict: Verdict, circumstances: Circumstances, *, is_latency: bool, warns: bool) -> Verdict:
    """The verdict in its circumstances: `is_latency` and `warns` say what kind of limit it is about."""
    if circumstances.aborted_by == verdict.threshold and not (circumstances.late and is_latency):
        reason = "the run was ended because of this row"
        return msgspec.structs.replace(verdict, outcome="FAIL", reason=reason)
    if circumstances.lost and (verdict.outcome == "PASS" or (verdict.outcome == "FAIL" and _is_amount(verdict))):
        reason = f"{circumstances.lost}; less load than was asked for proves no limit"
        return msgspec.structs.replace(verdict, outcome="INCONCLUSIVE", reason=reason, strength="", proven=False)
    if verdict.outcome in ("PASS", "FAIL") and circumstances.late and is_latency:
        reason = circumstances.late
        return msgspec.structs.replace(verdict, outcome="INCONCLUSIVE", reason=reason, strength="", proven=False)
    if verdict.outcome == "PASS" and circumstances.only_proven and verdict.bad is not None and not verdict.proven:
        reason = "too few requests to prove it, and this stage counts only proven passes"
        return msgspec.structs.replace(verdict, outcome="INCONCLUSIVE", reason=reason)
    word = circumstances.warn_only
    if verdict.outcome == "FAIL" and (warns or word == "all" or (word == "latency" and is_latency)):
        return msgspec.structs.replace(verdict, outcome="WARN", reason="this limit only warns")
    return verdict


def _is_amount(verdict: Verdict) -> bool:
    """Of how much was sent: less is nobody's failure where a part of the load was missing."""
    return verdict.cell in ("count", "throughput") or any(
        each.text.startswith(("count(", "rate(")) for each in verdict.measured
    )


def _phases(threshold: Threshold, seen: Sample, stretches: Seconds, covered: Covered) -> tuple[InPhase, ...]:
    found = []
    for number, stretch in enumerate(stretches):
        row = seen.in_stretch(number)
        alone = _of(threshold, Sample(row, ()), counted_ns([stretch]), covered)
        met = {"PASS": True, "FAIL": False}.get(alone.outcome)
        found.append(InPhase(number, row.n, alone.bad, alone.allowed, alone.observed_ns, alone.observed, met))
    return tuple(found)


def _share(threshold: Threshold, seen: Sample, bad: int, n: int) -> Verdict:
    share, strict = share_limit(threshold)
    row, allowed = seen.row, bounds.allowed_bad(share, n, strict=strict)
    effect = _effect(threshold, seen)
    counts = (float(bad), float(n)) if effect is None else (effect.bad, effect.n)
    lower, upper = bounds.lower_bound(*counts, CONFIDENCE), bounds.upper_bound(*counts, CONFIDENCE)
    proven = upper < share if strict else upper <= share
    passed = bad <= allowed
    is_clear = proven if passed else lower > share
    outcome: Outcome = "PASS" if passed else "FAIL"
    reason = ""
    if threshold.cell.statistic == "percentile":
        counted = longest_good_ns(threshold)
        if counted is not None and counted not in row.over:
            least, most = over_by_histogram(row, counted)
            if least <= allowed < most:
                outcome, reason = "INCONCLUSIVE", "the limit was not counted during the run; re-run to judge it"
    own = not_of_the_service(threshold, row)
    none = sum(own.values())
    if outcome == "FAIL" and none and (none == n or bad - none <= bounds.allowed_bad(share, n - none, strict=strict)):
        outcome, reason = "INCONCLUSIVE", _whose(own)
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
        **_seen(threshold.cell, row),
        **({} if threshold.budget is None else {"observed": float(Fraction(bad, n) / threshold.budget)}),
        design_effect=None if effect is None else effect.deff,
        n_effective=None if effect is None else effect.n,
        windows=None if effect is None else effect.windows,
    )


def _whose(own: Mapping[str, int]) -> str:
    mistakes = own.get(UNSENDABLE, 0)
    told = [f"{mistakes} of the failures are the spec's own, no request could be made of its data ({UNSENDABLE})"]
    kinds = [kind for kind in own if kind != UNSENDABLE]
    machine = f"{sum(own.values()) - mistakes} of the failures are this machine's ({', '.join(kinds)})"
    parts = [*(told if mistakes else ()), *([machine] if kinds else ())]
    steps = [*(["correct the spec"] if mistakes else ()), *remedies(kinds)]
    return f"{'; '.join(parts)}; {' and '.join([*steps, 're-run'])}"


def _seen(cell: Cell, row: Row) -> dict[str, object]:
    """The percentile beside the share that decides."""
    return {} if cell.quantile is None else _observed(cell, value(cell, row, Fraction(1)))


def _observed(cell: Cell, found: Value | Missing) -> dict[str, object]:
    """What was seen, under the name of its kind."""
    if isinstance(found, Missing):
        return {}
    return {"observed_ns": int(found.shown)} if cell.is_latency else {"observed": float(found.shown)}


def _effect(threshold: Threshold, seen: Sample) -> Effect | None:
    """Errors, availability and statuses are taken as independent."""
    if threshold.cell.statistic not in ("percentile", "goodput"):
        return None
    counts = ([bad_and_total(threshold, window) or (0, 0) for window in stretch] for stretch in seen.stretches)
    return design_effect(counts)


def _point(threshold: Threshold, row: Row, seconds: Fraction, covered: Covered) -> Verdict:
    """A limit without bounds: the number itself decides, as far as it is known."""
    found = value(threshold.cell, row, seconds)
    if isinstance(found, Missing):
        return _verdict(threshold, found.outcome, reason=found.reason, n=row.n)
    is_met = holds_surely(threshold.limit, _narrowed(threshold, row, found))
    outcome: Outcome = "INCONCLUSIVE" if is_met is None else "PASS" if is_met else "FAIL"
    reason = AT_THE_LIMIT if is_met is None else ""
    if is_met and (reason := beside_failures(found, covered)):
        outcome = "INCONCLUSIVE"
    failed = found.failed or None
    return _verdict(threshold, outcome, reason=reason, n=row.n, failed=failed, **_observed(threshold.cell, found))


def _narrowed(threshold: Threshold, row: Row, found: Value) -> Value:
    """A maximum is on one side of a limit that was counted exactly, whatever its bucket."""
    counted = counted_limit_ns(threshold)
    if threshold.cell.statistic != "max" or counted is None or counted not in row.over:
        return found
    edge = Fraction(counted, threshold.cell.unit_ns)
    if not found.low <= edge < found.high:
        return found
    is_over = row.over[counted] > row.failed
    return replace(found, low=edge + Fraction(1, threshold.cell.unit_ns)) if is_over else replace(found, high=edge)


def _verdict(threshold: Threshold, outcome: Outcome, **evidence: object) -> Verdict:
    return Verdict(
        threshold=str(threshold),
        row=threshold.row.text,
        cell=threshold.cell.text,
        limit=threshold.limit.text,
        span=threshold.span,
        outcome=outcome,
        **evidence,  # type: ignore[arg-type]
    )
