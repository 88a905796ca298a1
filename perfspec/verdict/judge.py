"""Thresholds + slices -> verdicts. One statistic for every limit on a share: k bad of n, compared as exact integers.

The point decides; exact one-sided 95 % bounds say how sure. Order of the rules: no data is never a pass; a generator
that was late itself makes latency rows inconclusive, not failed; then the point; then what the stage asks for (warnings
only, proven passes only). Only shares have bounds and a strength; mean, max, count and throughput are point-only.
Of latency and goodput the bounds allow for requests that are alike because they are close in time (dependence.py): that
can take away `clear` and `proven` and decides nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import msgspec

from perfspec.base.clock import SECOND
from perfspec.diagnostics.source import Span
from perfspec.metrics import histogram
from perfspec.metrics.error_kinds import GENERATOR_KINDS, UNSENDABLE, remedies
from perfspec.metrics.rows import Row
from perfspec.metrics.series import Slice
from perfspec.spec.model import Threshold
from perfspec.spec.thresholds import is_share, longest_good_ns, share_limit, wants_many
from perfspec.verdict import bounds
from perfspec.verdict.dependence import Effect, design_effect
from perfspec.verdict.samples import Sample, Seconds, bad_and_total, counted_ns, over_by_histogram, sample, unsent

__all__ = [
    "CONFIDENCE",
    "Circumstances",
    "InPhase",
    "Measured",
    "Outcome",
    "Verdict",
    "judge",
    "recorded",
    "weighed",
]

CONFIDENCE = 0.95
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
    """Nanoseconds, a share of 1, per second, or a count."""
    unit: Literal["time", "share", "rate", "number"]


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


def judge(
    thresholds: Sequence[Threshold], slices: Sequence[Slice], stretches: Seconds, circumstances: Circumstances
) -> tuple[Verdict, ...]:
    """A verdict for each threshold, in their order."""
    return tuple(_one(t, sample(slices, t.row, t.cell, stretches), stretches, circumstances) for t in thresholds)


def _one(threshold: Threshold, seen: Sample, stretches: Seconds, circumstances: Circumstances) -> Verdict:
    if circumstances.uncounted and threshold.cell.statistic == "goodput":
        return _verdict(threshold, "INCONCLUSIVE", reason=circumstances.uncounted, n=seen.row.n)
    verdict = _of(threshold, seen, counted_ns(stretches))
    if len(stretches) > 1:
        verdict = msgspec.structs.replace(verdict, phases=_phases(threshold, seen, stretches))
    is_latency = threshold.cell.is_latency or threshold.cell.statistic == "goodput"
    return weighed(verdict, circumstances, is_latency=is_latency, warns=threshold.limit.warn_only)


def _of(threshold: Threshold, seen: Sample, judged_ns: int) -> Verdict:
    row = seen.row
    if row.n == 0:
        what = "round" if threshold.cell.statistic == "goodput" else "request"
        reason = f"no {what} of this row was due in the judged time; no data is never a pass"
        return _verdict(threshold, "NO_DATA", reason=reason)
    if row.asked == 0:
        return _verdict(threshold, "NO_DATA", reason=unsent(row), n=row.n)
    if threshold.cell.status and threshold.cell.status not in row.statuses:
        reason = "this status was not counted during the run; re-run to judge it"
        return _verdict(threshold, "INCONCLUSIVE", reason=reason, n=row.n)
    if is_share(threshold.cell) and (found := bad_and_total(threshold, row)) is not None:
        if found[1] == 0:
            return _verdict(threshold, "NO_DATA", reason="no request of this row was answered", n=row.n)
        return _share(threshold, seen, *found)
    return _point(threshold, row, judged_ns)


def weighed(verdict: Verdict, circumstances: Circumstances, *, is_latency: bool, warns: bool) -> Verdict:
    """The verdict in its circumstances: `is_latency` and `warns` say what kind of limit it is about."""
    if circumstances.aborted_by == verdict.threshold:
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
    return verdict.cell in ("count", "throughput") or any(each.unit in ("rate", "number") for each in verdict.measured)


def _phases(threshold: Threshold, seen: Sample, stretches: Seconds) -> tuple[InPhase, ...]:
    found = []
    for number, stretch in enumerate(stretches):
        row = seen.in_stretch(number)
        alone = _of(threshold, Sample(row, ()), counted_ns([stretch]))
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
    own = _not_of_the_service(threshold, row)
    none = sum(own.values())
    if outcome == "FAIL" and none and (none == n or bad - none <= bounds.allowed_bad(share, n - none, strict=strict)):
        outcome, reason = "INCONCLUSIVE", _whose(own)
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
        **_observed(threshold, None if quantile is None else _quantile(row, quantile)),
        **({} if threshold.budget is None else {"observed": float(Fraction(bad, n) / threshold.budget)}),
        design_effect=None if effect is None else effect.deff,
        n_effective=None if effect is None else effect.n,
        windows=None if effect is None else effect.windows,
    )


def _not_of_the_service(threshold: Threshold, row: Row) -> dict[str, int]:
    """Of the bad ones: the kinds that are the doing of this machine or of the spec itself."""
    statistic = threshold.cell.statistic
    if statistic == "status" and not wants_many(threshold):
        return {}  # answers are bad here, and these are none
    kinds = GENERATOR_KINDS if statistic in ("availability", "burn rate") else GENERATOR_KINDS | {UNSENDABLE}
    return {kind: n for kind, n in sorted(row.errors.items()) if kind in kinds}


def _whose(own: Mapping[str, int]) -> str:
    mistakes = own.get(UNSENDABLE, 0)
    told = [f"{mistakes} of the failures are the spec's own, no request could be made of its data ({UNSENDABLE})"]
    kinds = [kind for kind in own if kind != UNSENDABLE]
    machine = f"{sum(own.values()) - mistakes} of the failures are this machine's ({', '.join(kinds)})"
    parts = [*(told if mistakes else ()), *([machine] if kinds else ())]
    steps = [*(["correct the spec"] if mistakes else ()), *remedies(kinds)]
    return f"{'; '.join(parts)}; {' and '.join([*steps, 're-run'])}"


def _quantile(row: Row, quantile: Fraction) -> int | None:
    return histogram.quantile(row.response, quantile) * 1000 if row.response else None


def _observed(threshold: Threshold, ns: int | None) -> dict[str, object]:
    """A measured value, under the name of its kind."""
    if threshold.cell.is_measured and threshold.cell.unit != "time":
        return {"observed": None if ns is None else recorded(ns, threshold.cell.unit_ns)}
    return {"observed_ns": ns}


def recorded(ns: int, unit_ns: int) -> float:
    """What was recorded as that many ns: the whole number in the bucket whose upper edge this is, if there is one, for
    most of what is counted is whole.
    """
    whole = -(-histogram.lowest(histogram.index(ns // 1000)) * 1000 // unit_ns)
    return float(whole) if whole * unit_ns <= ns else ns / unit_ns


def _effect(threshold: Threshold, seen: Sample) -> Effect | None:
    """Errors, availability and statuses are taken as independent."""
    if threshold.cell.statistic not in ("percentile", "goodput"):
        return None
    counts = ([bad_and_total(threshold, window) or (0, 0) for window in stretch] for stretch in seen.stretches)
    return design_effect(counts)


def _point(threshold: Threshold, row: Row, judged_ns: int) -> Verdict:
    """A limit without bounds: the number itself decides."""
    statistic = threshold.cell.statistic
    observed_ns: int | None = None
    observed: float | None = None
    if statistic == "count":
        observed = float(row.asked)
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
        observed_ns = _quantile(row, threshold.cell.quantile)
    else:
        us = histogram.mean(row.response) if statistic == "mean" else histogram.largest(row.response)
        observed_ns = int(us * 1000)
    if observed_ns is not None and threshold.cell.unit != "time":
        unit_ns = threshold.cell.unit_ns
        observed = observed_ns / unit_ns if statistic == "mean" else recorded(observed_ns, unit_ns)
        observed_ns = None
    value = observed_ns if observed_ns is not None else observed
    assert value is not None
    outcome: Outcome = "PASS" if _meets(threshold, value) else "FAIL"
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
