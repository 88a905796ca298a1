"""The result document: everything known about a run, versioned. Every report is made from it and from nothing else.

It is made from the plan and the log, so a run that was torn has one too; it never is a pass.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Literal

import msgspec

from perfspec.base.clock import SECOND
from perfspec.base.codec import encode
from perfspec.base.errors import ExitCode
from perfspec.engine.exemplars import Exemplar
from perfspec.engine.slicelog import NOT_STARTED, Beginning, End, Log, LoggedSecond
from perfspec.language.timers import unit_of
from perfspec.load import Arrivals
from perfspec.metrics import histogram
from perfspec.metrics.error_kinds import DROPPED
from perfspec.metrics.histogram import Histogram
from perfspec.metrics.rows import Row, total, without
from perfspec.metrics.series import ARRIVAL, Key, Slice
from perfspec.metrics.vitals import Lost
from perfspec.plan.model import Plan, Skipped, Window
from perfspec.report.checks import CheckResult, checks_of
from perfspec.report.digest import Digest
from perfspec.report.known import asked, ended, lost, whence
from perfspec.report.order import by_spec
from perfspec.report.places import places
from perfspec.report.timeline import Drawn
from perfspec.report.unreached import explained
from perfspec.verdict.abort import Abort
from perfspec.verdict.budget import Budget, Goodput, goodput_of, used_of
from perfspec.verdict.capacity import Capacity, bracket
from perfspec.verdict.comparison import Comparison
from perfspec.verdict.excused import excused, unjudged
from perfspec.verdict.health import Health, cap_reached, held_back, held_to
from perfspec.verdict.judge import Circumstances, Verdict, judge
from perfspec.verdict.rules import judge_rules
from perfspec.verdict.samples import Seconds, is_judged
from perfspec.verdict.standstill import without_standstills

__all__ = ["CheckResult", "Durations", "Outcome", "Result", "Summary", "make", "to_json"]

VERSION = 1
TORN = "torn"
"""How a run ended whose log has no end: killed, or its disk was full."""
Outcome = Literal["PASS", "FAIL", "INCONCLUSIVE", "INTERRUPTED", "NOT_STARTED", "CRASHED"]
DIFFERENT = 0.05
STOOD_STILL = (
    "only requests that were due while the load generator stood still have broken it, by no more than it stood still: "
    "let it run without a stop, and run again"
)
QUANTILES = {"p50": Fraction(1, 2), "p90": Fraction(9, 10), "p95": Fraction(19, 20), "p99": Fraction(99, 100)}


class Durations(msgspec.Struct, frozen=True):
    """Of the answers, in ns. Percentiles are nearest rank, as the upper edge of a bucket 0.1 % wide."""

    p50: int
    p90: int
    p95: int
    p99: int
    max: int
    mean: int
    histogram: Histogram
    """HdrHistogram(1 us, 3 digits) index -> count."""


class Summary(msgspec.Struct, frozen=True):
    """One series over the judged time; all else (setup, each_user, teardown) over its whole time."""

    key: Key
    n: int
    failed: int
    unavailable: int
    errors: dict[str, int]
    over: dict[int, int]
    """Limit in ns -> requests that were slower, or failed."""
    response: Durations
    service: Durations
    ok_response: Durations | None = None
    """Of those that did not fail, where one of its percentiles differs by over 5 % from that of all answers."""
    unit: Literal["time", "size", "number"] = "time"
    """Of sizes a byte is written as 1 000 ns, of numbers 1 as 1 000 000."""
    where: tuple[str, ...] = ()
    """FILE:LINE of the steps that send it; several may share a name."""


class Result(msgspec.Struct, frozen=True):
    run_id: str
    started_at: str
    perfspec: str
    versions: dict[str, str]
    spec: str
    service: str
    stage: str
    environment: str
    url: str
    seed: int
    plan_hash: str
    outcome: Outcome
    exit_code: int
    ended: str
    """finished, aborted, interrupted, terminated, crashed, lost (all workers; one of a search), not started or torn."""
    ended_ns: int
    extended: bool
    """The stage ran on because it was too close to call."""
    unfinished: int
    """Requests cut off at the end; they are in no number."""
    waits: int
    """How often a user waited because nobody answered."""
    windows: tuple[Window, ...]
    verdicts: tuple[Verdict, ...]
    skipped: tuple[Skipped, ...]
    checks: tuple[CheckResult, ...]
    health: Health
    abort: Abort | None
    notes: tuple[str, ...]
    exemplars: tuple[Exemplar, ...]
    """Requests to look at: of each the first failures of every kind, and the slowest of the judged time."""
    summaries: tuple[Summary, ...]
    seconds: tuple[LoggedSecond, ...]
    """Those that say something, of users for one; what a window of the judged time saw stands summed up in the line of
    its first second. The log has all of it.
    """
    plan: Plan
    version: int = VERSION
    commit: str = ""
    """Of what is tested; empty if nobody said it."""
    branch: str = ""
    machine: str = ""
    """The class of the load generator."""
    workers: int = 1
    """Processes that sent."""
    lost: tuple[Lost, ...] = ()
    """Those that were there no more before the end."""
    fingerprint: str = ""
    """Runs of one fingerprint may be compared: the same load, environment and class of machine."""
    comparison: Comparison | None = None
    """With the runs that were asked for as a baseline; None if none was, or there was nothing to compare with."""
    goodput: tuple[Goodput, ...] = ()
    """Of all flows, then of each."""
    capacity: Capacity | None = None
    """What a search for the limit found, with every step."""
    judged_by: str = ""
    """Whose limits these verdicts are about, if not those that the run had."""
    left: int = 0
    """How often a user left because its data was used up."""
    timeline: Drawn = Drawn()
    """What each request did over time, for charts."""
    budget: Budget | None = None
    """What this run says about the promised availability; None without a promise."""

    @property
    def is_whole(self) -> bool:
        """It went to its end, and all of its load was there."""
        return self.ended == "finished" and not self.lost

    @property
    def judged_ns(self) -> int:
        return sum(w.end_ns - w.start_ns for w in self.windows)


def make(
    plan: Plan,
    log: Log,
    comparison: Comparison | None = None,
    *,
    seconds: Iterable[LoggedSecond] | None = None,
    uncounted: str = "",
    measured: Result | None = None,
) -> Result:
    """Judge a run by its plan and log.

    `seconds`: those of the log in full, read only once, where the log itself is an outline. `measured`: the result of
    the same run, where nothing but its limits is new. `uncounted`: why rounds cannot be judged by these.
    """
    beginning = log.beginning or Beginning("", "", plan.hash, "")
    extended = any(second.extended for second in log.seconds)
    end = log.end or _torn(plan, log, extended=extended)
    capacity = _capacity(plan, log)
    windows = plan.windows(end.ended_ns) if capacity is None else _of_search(capacity)
    stretches = [(w.start_ns, w.end_ns) for w in windows]
    digest = Digest.of(plan, stretches, log.seconds if seconds is None else seconds)
    slices = digest.slices
    health = digest.health if measured is None else held_to(measured.health, plan.thresholds)
    held = _held(plan, log, stretches, slices)
    late = health.late or held
    around = _circumstances(plan, log, end, late, uncounted, measured)
    verdicts = _verdicts(plan, slices, stretches, around)
    outcome, code = _of_capacity(capacity, *_outcome(verdicts, end, comparison, lost(log), late=bool(late)))
    judged = [s for s in slices if s.key.part != "load" or is_judged(s.second, stretches)]
    return Result(
        **whence(plan, beginning, log),
        **asked(plan),
        **ended(end),
        outcome=outcome,
        exit_code=int(code),
        extended=extended,
        windows=windows,
        verdicts=verdicts,
        checks=checks_of(plan, judged),
        health=health,
        notes=_notes(log, end),
        exemplars=digest.exemplars if measured is None else measured.exemplars,
        summaries=_summaries(plan, judged) if measured is None else measured.summaries,
        seconds=digest.seconds,
        timeline=digest.timeline.drawn() if measured is None else measured.timeline,
        comparison=comparison,
        goodput=goodput_of(_rounds(judged)),
        capacity=capacity,
        budget=used_of(plan.promised, _all_requests(judged)),
    )


def _held(plan: Plan, log: Log, stretches: Sequence[tuple[int, int]], slices: Iterable[Slice]) -> str:
    """Not empty if the environment's ceiling, and not the service, has made requests slow."""
    held = sum(s.held for s in log.seconds if is_judged(s.second - 1, stretches))
    sent = _all_requests(s for s in slices if is_judged(s.second, stretches)).n
    return held_back(held, sent, plan.target.most_requests_per_s)


def _capacity(plan: Plan, log: Log) -> Capacity | None:
    if plan.search is None:
        return None
    return bracket(plan.search, [second.step for second in log.seconds if second.step is not None])


def _of_capacity(capacity: Capacity | None, outcome: Outcome, code: ExitCode) -> tuple[Outcome, ExitCode]:
    if outcome != "PASS" or capacity is None or capacity.is_answer:
        return outcome, code
    if capacity.silence or (capacity.failed and not capacity.met):
        return "FAIL", ExitCode.THRESHOLD_FAILED
    return "INCONCLUSIVE", ExitCode.INCONCLUSIVE


def _of_search(capacity: Capacity) -> tuple[Window, ...]:
    """What is judged of a search, of which there is one step at least if anything is."""
    last = capacity.judged
    return () if last is None else (Window(f"{last.doing}: {last.load}", last.judged_ns, last.end_ns),)


def _verdicts(
    plan: Plan, slices: Sequence[Slice], stretches: Seconds, circumstances: Circumstances
) -> tuple[Verdict, ...]:
    found = _judged(plan, slices, stretches, circumstances)
    turned_away = total(slices).errors.get(DROPPED, 0) if plan.is_capped else 0
    if turned_away:
        others = _judged(plan, [without(piece, {DROPPED}) for piece in slices], stretches, circumstances)
        found = excused(found, others, unjudged(found, cap_reached(plan.most_together(Arrivals), turned_away)))
    if not circumstances.late and any(piece.late_ns for piece in slices):
        timely = _judged(plan, without_standstills(slices), stretches, circumstances)
        found = excused(found, timely, _judged(plan, slices, stretches, replace(circumstances, late=STOOD_STILL)))
    return explained(plan, slices, found)


def _judged(
    plan: Plan, slices: Sequence[Slice], stretches: Seconds, circumstances: Circumstances
) -> tuple[Verdict, ...]:
    limits = judge(plan.thresholds, slices, stretches, circumstances)
    return limits + judge_rules(plan.rules, slices, stretches, circumstances, plan.thresholds)


def _circumstances(plan: Plan, log: Log, end: End, late: str, uncounted: str, measured: Result | None) -> Circumstances:
    aborted_by = end.abort.threshold if end.abort else ""
    missing = "; ".join((*(each.text for each in lost(log)), *_without_rows(end)))
    kept = (plan if measured is None else measured.plan).tag_values()
    return Circumstances(late, plan.warn_only, plan.only_proven, aborted_by, missing, uncounted, kept)


def _without_rows(end: End) -> Iterable[str]:
    if end.left:
        users = "1 user" if end.left == 1 else f"{end.left} users"
        yield f"{users} found no row of their data left, and went before the load was over"


def _torn(plan: Plan, log: Log, *, extended: bool) -> End:
    """The end of a run that did not come to write one."""
    last = max((second.second for second in log.seconds), default=0) * SECOND
    return End(TORN, min(last, plan.extend_to_ns if extended else plan.for_ns))


def _rounds(judged: Iterable[Slice]) -> dict[str, Row]:
    rounds: dict[str, Row] = {}
    for piece in judged:
        if piece.key.timer in ("round", ARRIVAL):  # who found no place was to make one
            rounds.setdefault(piece.key.flow, Row()).add(piece)
    return rounds


def _all_requests(judged: Iterable[Slice]) -> Row:
    return total(judged, lambda piece: piece.key.part == "load" and piece.key.timer in ("", "wait"))


def _notes(log: Log, end: End) -> tuple[str, ...]:
    """A torn run may end in half a line; any other line that cannot be read is worth a word."""
    lost = log.unreadable - (1 if end.reason == TORN else 0)
    unread = (f"{lost} lines of the log could not be read",) if lost > 0 else ()
    return (*end.notes, *unread, *filter(None, (log.problem,)))


_INTERRUPTED = {"interrupted": ExitCode.INTERRUPTED, "terminated": ExitCode.TERMINATED}


def _outcome(
    verdicts: Sequence[Verdict], end: End, comparison: Comparison | None, lost: Sequence[Lost], *, late: bool
) -> tuple[Outcome, ExitCode]:
    found = {v.outcome for v in verdicts}
    if end.reason == "crashed":
        return "CRASHED", ExitCode.BUG
    if end.reason == NOT_STARTED:
        return "NOT_STARTED", ExitCode.ENVIRONMENT
    if end.reason in _INTERRUPTED:
        return "INTERRUPTED", _INTERRUPTED[end.reason]
    is_unproven = end.abort is not None and end.abort.of_time and late
    if "FAIL" in found or (end.abort is not None and not is_unproven):
        return "FAIL", ExitCode.THRESHOLD_FAILED
    if found & {"INCONCLUSIVE", "NO_DATA"} or is_unproven or end.reason == TORN or lost or not verdicts:
        return "INCONCLUSIVE", ExitCode.INCONCLUSIVE
    if comparison is not None and comparison.fails and comparison.regressed:
        return "FAIL", ExitCode.THRESHOLD_FAILED
    return "PASS", ExitCode.PASS


def _summaries(plan: Plan, judged: Sequence[Slice]) -> tuple[Summary, ...]:
    rows: dict[Key, Row] = {}
    place, where = by_spec(plan), places(plan)
    for piece in judged:
        rows.setdefault(piece.key, Row()).add(piece)
    return tuple(
        Summary(
            key,
            row.n,
            row.failed,
            row.unavailable,
            row.errors,
            row.over,
            _durations(row.response),
            _durations(row.service),
            _ok_only(row),
            unit_of(key.timer),
            where(key),
        )
        for key, row in sorted(rows.items(), key=lambda found: place(found[0]))
    )


def _ok_only(row: Row) -> Durations | None:
    ok, every = row.ok_response, row.response
    if not row.failed_response or not ok:
        return None
    pairs = [(histogram.quantile(ok, q), histogram.quantile(every, q)) for q in QUANTILES.values()]
    return _durations(ok) if any(abs(a - b) > DIFFERENT * b for a, b in pairs) else None


def _durations(h: Histogram) -> Durations:
    found = {name: histogram.quantile(h, q) * 1000 for name, q in QUANTILES.items()}
    mean = int(histogram.mean(h) * 1000)
    return Durations(**found, max=histogram.largest(h) * 1000, mean=mean, histogram=dict(sorted(h.items())))


def to_json(result: Result) -> bytes:
    """One top-level member per line, each compact: readable, and small enough to keep."""
    members = (
        (name, getattr(result, name)) for name in ("version", *(f for f in result.__struct_fields__ if f != "version"))
    )
    return b"{\n" + b",\n".join(encode(name) + b": " + encode(value) for name, value in members) + b"\n}\n"
