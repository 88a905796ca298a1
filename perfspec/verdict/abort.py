"""When a run ends before its time. Fed with slices once a second; says the rule and the evidence, or nothing.

Hard stop of a threshold: at least 90 % bad among at least 20 requests of the last 10 s, at any time after the first 5
s. A rule with `for` must be true in every one of its last seconds that had requests, and there must be data for it.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from fractions import Fraction

import msgspec

from perfspec.base.units import format_duration
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.language.phrases import AbortRule
from perfspec.metrics import histogram
from perfspec.metrics.rows import Row, total
from perfspec.metrics.series import Slice
from perfspec.spec.model import Cell, Threshold
from perfspec.spec.model import Row as RowName
from perfspec.spec.thresholds import is_share, parse_cell
from perfspec.verdict.judge import bad_and_total, select

__all__ = ["Abort", "Watch"]

SECOND = 1_000_000_000
HARD_SHARE = 0.9
HARD_REQUESTS = 20
HARD_SECONDS = 10
FIRST_SECONDS = 5


class Abort(msgspec.Struct, frozen=True):
    """Why a run was ended, with the evidence."""

    rule: str
    threshold: str
    """The threshold that is failed by it; empty for a rule about no threshold."""
    second: int
    evidence: str


class Watch:
    """Keeps the last seconds of a run, and asks the stage's rules about them."""

    def __init__(self, rules: Sequence[AbortRule], thresholds: Sequence[Threshold]) -> None:
        self._rules = rules
        self._thresholds = [t for t in thresholds if is_share(t.cell)]
        longest = max((rule.for_ns // SECOND for rule in rules), default=0)
        self._keep = max(int(longest), HARD_SECONDS)
        self._recent: deque[Slice] = deque()
        self._answers: deque[int] = deque(maxlen=max(self._keep, 1))

    def second(self, second: int, slices: Iterable[Slice]) -> Abort | None:
        """Take in what was drained after `second` full seconds of load."""
        new = [s for s in slices if s.key.part == "load"]
        self._answers.append(sum(histogram.count(s.response) for s in new if s.key.timer in ("", "poll")))
        self._recent.extend(new)
        while self._recent and self._recent[0].second < second - self._keep - 1:
            self._recent.popleft()
        for rule in self._rules:
            found = self._ask(rule, second)
            if found is not None:
                return found
        return None

    def _ask(self, rule: AbortRule, second: int) -> Abort | None:
        if rule.kind == "no responses":
            return self._no_responses(rule, second)
        if rule.kind == "metric":
            return self._metric(rule, second)
        for threshold in self._thresholds:
            named = rule.row in ("any", threshold.row.text)
            if named or (rule.row == "errors" and threshold.cell.statistic == "errors"):
                found = self._hard_stop(rule, threshold, second)
                if found is not None:
                    return found
        return None

    def _hard_stop(self, rule: AbortRule, threshold: Threshold, second: int) -> Abort | None:
        if second <= FIRST_SECONDS:
            return None
        seconds = max(rule.for_ns // SECOND, HARD_SECONDS)
        row = select(self._recent, threshold, [((second - seconds) * SECOND, (second + 1) * SECOND)])
        counted = bad_and_total(threshold, row)
        if counted is None or counted[1] < HARD_REQUESTS or counted[0] < HARD_SHARE * counted[1]:
            return None
        bad, n = counted
        evidence = f"{bad} of {n} requests in the last {seconds} s were bad{_kinds(row)}"
        return Abort(rule.text, str(threshold), second, evidence)

    def _no_responses(self, rule: AbortRule, second: int) -> Abort | None:
        seconds = int(rule.for_ns // SECOND)
        last = list(self._answers)[-seconds:]
        if second < seconds or len(last) < seconds or any(last):
            return None
        return Abort(rule.text, "", second, f"no answer came in {seconds} s")

    def _metric(self, rule: AbortRule, second: int) -> Abort | None:
        assert rule.limit is not None
        seconds = int(rule.for_ns // SECOND)
        cell = parse_cell(rule.metric, rule.span, Diagnostics())
        if second < seconds or cell is None:
            return None
        row_name = RowName("all", "") if rule.row in ("", "all") else RowName("request", rule.row)
        threshold = Threshold(row_name, cell, rule.limit, rule.span)
        seen = 0
        for at in range(second - seconds, second):
            row = select(self._recent, threshold, [(at * SECOND, (at + 1) * SECOND)])
            value = _value(cell, row)
            if value is None:
                continue
            seen += 1
            if not _over(rule, value):
                return None
        if not seen:
            return None
        row = total(self._recent, lambda s: s.key.timer == "")
        return Abort(rule.text, "", second, f"true in every second of {format_duration(rule.for_ns)}{_kinds(row)}")


def _value(cell: Cell, row: Row) -> Fraction | int | None:
    """What the cell says of one second: a share, or ns; None where nothing was seen."""
    if cell.statistic in ("errors", "availability"):
        if not row.n:
            return None
        return Fraction(row.failed if cell.statistic == "errors" else row.n - row.unavailable, row.n)
    if not row.response:
        return None
    if cell.quantile is not None:
        return histogram.quantile(row.response, cell.quantile) * 1000
    return int(1000 * (histogram.mean if cell.statistic == "mean" else histogram.largest)(row.response))


def _over(rule: AbortRule, value: Fraction | int) -> bool:
    assert rule.limit is not None
    limit, relation, high = rule.limit.quantity.value, rule.limit.relation, rule.limit.high
    if relation == "between":
        return high is not None and limit <= value <= high.value
    return {"over": value > limit, "at least": value >= limit, "under": value < limit}.get(relation, value <= limit)


def _kinds(row: Row) -> str:
    if not row.errors:
        return ""
    kinds = sorted(row.errors.items(), key=lambda e: -e[1])[:3]
    return " (" + ", ".join(f"{n} {kind}" for kind, n in kinds) + ")"
