"""Rules, judged: a comparison of measured numbers holds or does not. Point-only, so never clear and never proven."""

from collections.abc import Sequence
from fractions import Fraction

from perfspec.base.clock import SECOND
from perfspec.language.rules import DivisionByZero, Measure, Tree, evaluate, measures, rule_tree
from perfspec.metrics import histogram
from perfspec.metrics.rows import Row
from perfspec.metrics.series import Slice
from perfspec.spec.model import Cell, Rule
from perfspec.spec.rules import is_about_time, row_and_cell
from perfspec.verdict.bounds import nearest_rank
from perfspec.verdict.judge import Circumstances, Measured, Outcome, Verdict, weighed
from perfspec.verdict.samples import Seconds, counted_ns, sample, unsent

__all__ = ["judge_rules"]


def judge_rules(
    rules: Sequence[Rule], slices: Sequence[Slice], stretches: Seconds, circumstances: Circumstances
) -> tuple[Verdict, ...]:
    """A verdict for each rule, in their order."""
    return tuple(_one(rule, slices, stretches, circumstances) for rule in rules)


def _one(rule: Rule, slices: Sequence[Slice], stretches: Seconds, circumstances: Circumstances) -> Verdict:
    if rule.skipped:
        return _verdict(rule, "SKIPPED", rule.skipped)
    tree = rule_tree(rule.text)
    rows = {measure: _seen(measure, rule, slices, stretches) for measure in measures(tree)}
    for measure, (row, cell) in rows.items():
        if reason := _why_not(measure, row, cell):
            outcome: Outcome = "INCONCLUSIVE" if row.n and row.response else "NO_DATA"
            return _verdict(rule, outcome, reason)
    seconds = Fraction(counted_ns(stretches), SECOND)
    measured = tuple(_measured(measure, row, cell, seconds) for measure, (row, cell) in rows.items())
    verdict = _compare(rule, tree, measured)
    return weighed(verdict, circumstances, is_latency=is_about_time(tree), warns=rule.warn_only)


def _seen(measure: Measure, rule: Rule, slices: Sequence[Slice], stretches: Seconds) -> tuple[Row, Cell]:
    row, cell = row_and_cell(measure, rule)
    return sample(slices, row, cell, stretches).row, cell


def _why_not(measure: Measure, row: Row, cell: Cell) -> str:
    """Why there is no number; empty if there is one."""
    if not row.n:
        return f"no request of `{measure.row}` was due in the judged time; no data is never a pass"
    if not row.asked:
        return unsent(row)
    if not cell.is_latency:
        return ""
    if not row.response:
        return f"no request of `{measure.row}` was answered"
    if cell.quantile is not None:
        rank = nearest_rank(cell.quantile, row.n)
        missing = rank > row.n - row.unanswered
        return f"so many requests of `{measure.row}` got no answer that there is no {cell.text}" if missing else ""
    if row.unanswered:
        return f"{row.unanswered} requests of `{measure.row}` have no duration, for nobody answered them"
    return ""


def _measured(measure: Measure, row: Row, cell: Cell, seconds: Fraction) -> Measured:
    unit = measure.unit
    assert unit != "truth"
    if cell.statistic == "errors":
        value = Fraction(row.failed, row.n)
    elif cell.statistic == "count":
        value = Fraction(row.asked) / seconds if unit == "rate" else Fraction(row.asked)
    elif cell.quantile is not None:
        value = Fraction(histogram.ranks(row.response, [nearest_rank(cell.quantile, row.n)])[0] * 1000)
    else:
        us = histogram.mean(row.response) if cell.statistic == "mean" else histogram.largest(row.response)
        value = Fraction(us) * 1000
    return Measured(str(measure), row.n, value, unit)


def _compare(rule: Rule, tree: Tree, measured: tuple[Measured, ...]) -> Verdict:
    values = {each.text: each.value for each in measured}
    n = min((each.n for each in measured), default=0)
    try:
        holds = evaluate(tree, lambda measure: values[str(measure)])
    except DivisionByZero:
        return _verdict(rule, "INCONCLUSIVE", "it divides by a number that was 0", n, measured)
    return _verdict(rule, "PASS" if holds else "FAIL", "", n, measured)


def _verdict(rule: Rule, outcome: Outcome, reason: str, n: int = 0, measured: tuple[Measured, ...] = ()) -> Verdict:
    return Verdict(
        threshold=str(rule),
        row="rules",
        cell="rule",
        limit=rule.text,
        span=rule.span,
        outcome=outcome,
        reason=reason,
        n=n,
        measured=measured,
    )
