"""Rules, judged: a comparison of measured numbers holds or does not. Point-only, so never clear and never proven."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

import msgspec

from perfspec.base.clock import SECOND
from perfspec.language.rules import DivisionByZero, Measure, Tree, evaluate, measures, rule_tree
from perfspec.metrics.rows import Row
from perfspec.metrics.series import Key, Slice
from perfspec.spec.model import Cell, Rule, Threshold
from perfspec.spec.rules import is_about_time, row_and_cell
from perfspec.verdict.failures import beside_failures, covering
from perfspec.verdict.folded import folded
from perfspec.verdict.judge import Circumstances, Measured, Outcome, Verdict, weighed
from perfspec.verdict.samples import Seconds, counted_ns, sample, unsent
from perfspec.verdict.values import Missing, Value, nothing_due, value

__all__ = ["judge_rules"]


def judge_rules(
    rules: Sequence[Rule],
    slices: Sequence[Slice],
    stretches: Seconds,
    circumstances: Circumstances,
    thresholds: Sequence[Threshold] = (),
) -> tuple[Verdict, ...]:
    """A verdict for each rule, in their order. `thresholds`: the limits beside them."""
    keys = {piece.key for piece in slices}
    judging = _Judging(slices, keys, stretches, Fraction(counted_ns(stretches), SECOND), thresholds)
    return tuple(_one(rule, judging, circumstances) for rule in rules)


@dataclass(frozen=True, slots=True)
class _Judging:
    slices: Sequence[Slice]
    keys: Collection[Key]
    stretches: Seconds
    seconds: Fraction
    thresholds: Sequence[Threshold]


def _one(rule: Rule, judging: _Judging, circumstances: Circumstances) -> Verdict:
    if rule.skipped:
        return _verdict(rule, "SKIPPED", rule.skipped)
    tree = rule_tree(rule.text)
    measured: list[Measured] = []
    unjudged = ""
    for measure in measures(tree):
        name, cell = row_and_cell(measure, rule)
        if reason := folded(judging.slices, name, cell, judging.stretches, circumstances.kept):
            return _verdict(rule, "INCONCLUSIVE", f"{measure}: {reason}")
        row = sample(judging.slices, name, cell, judging.stretches).row
        found = _value(measure, cell, row, judging.seconds)
        if isinstance(found, Missing):
            return _verdict(rule, found.outcome, found.reason)
        measured.append(Measured(str(measure), row.n, found.shown, _unit(measure)))
        beside = beside_failures(found, covering(name, judging.thresholds, judging.keys))
        unjudged = unjudged or (f"{measure}: {beside}" if beside else "")
    verdict = _compare(rule, tree, tuple(measured))
    if verdict.outcome == "PASS" and unjudged:
        verdict = msgspec.structs.replace(verdict, outcome="INCONCLUSIVE", reason=unjudged)
    return weighed(verdict, circumstances, is_latency=is_about_time(tree), warns=rule.warn_only)


def _value(measure: Measure, cell: Cell, row: Row, seconds: Fraction) -> Value | Missing:
    whose = f"`{measure.row}`"
    if (missing := nothing_due(cell, row, whose)) is not None:
        return missing
    if not row.asked:
        return Missing(unsent(row), "NO_DATA")
    found = value(cell, row, seconds, whose=whose)
    if measure.unit != "rate" or isinstance(found, Missing):
        return found
    return replace(found, shown=found.shown / seconds) if seconds else Missing("no time was judged", "NO_DATA")


def _unit(measure: Measure) -> Literal["time", "share", "rate", "size", "number"]:
    unit = measure.unit
    assert unit != "truth"
    return unit


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
