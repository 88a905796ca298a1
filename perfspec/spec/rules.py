"""The `rules` of a thresholds table: read with its place, filled in for one environment, and what they measure."""

import re

from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Span
from perfspec.language import templates
from perfspec.language.nodes import Mapping, Node, Scalar, Sequence
from perfspec.language.phrase_grammar import parse_rule_text
from perfspec.language.quantities import Said
from perfspec.language.rules import Measure, Tree, measures
from perfspec.spec.model import Cell, Promise, Row, Rule, RulePromise, Spec, Stage
from perfspec.spec.thresholds import parse_cell, parse_row, substituted

__all__ = ["all_rules", "is_about_time", "measured", "read_rules", "resolve_rule", "row_and_cell", "stage_rules"]

_WARN_ONLY = re.compile(r"\s*,\s*warn only\s*$")


def read_rules(table: Node | None) -> tuple[RulePromise, ...]:
    """The rules of a thresholds table. What cannot be read as a rule has been reported, and is reported no more."""
    node = table.get("rules") if isinstance(table, Mapping) else None
    items = node if isinstance(node, Sequence) else ()
    found = (RulePromise(templates.text(item), item.content) for item in items if isinstance(item, Scalar))
    return tuple(rule for rule in found if "${" in rule.text.source or _tree(rule.text.source, rule, Diagnostics()))


def stage_rules(spec: Spec, stage: Stage) -> tuple[RulePromise, ...]:
    """A stage's list takes the place of the spec's, as lists do everywhere."""
    return stage.rules or spec.rules


def all_rules(spec: Spec) -> tuple[RulePromise, ...]:
    return (*spec.rules, *(rule for stage in spec.stages.values() for rule in stage.rules))


def measured(spec: Spec, out: Diagnostics) -> tuple[Promise, ...]:
    """What the rules measure, as rows and cells with their places, to be checked as those of the table are."""
    values: dict[str, object] = {}
    for environment in spec.environments.values():
        values |= {f"values.{name}": value.text for name, value in environment.values.items()}
    found: list[Promise] = []
    for rule in all_rules(spec):
        text = substituted(rule.text, values)
        tree = _tree(text, rule, Diagnostics()) if text is not None else None
        if tree is None or text is None:
            continue
        said = Said(text, rule.span)
        for measure in measures(tree):
            row_start = text.rindex(measure.row, measure.start, measure.end)
            row_span = said.at(row_start, row_start + len(measure.row))
            span = said.at(measure.start, measure.start + len(measure.cell))
            row, cell = parse_row(measure.row, row_span, out), _cell(measure, span, out)
            if row is not None and cell is not None:
                found.append(Promise(row, cell, rule.text, span, row_span))
    return tuple(found)


def resolve_rule(promise: RulePromise, values: dict[str, object], out: Diagnostics) -> Rule | None:
    """The rule in one environment. `values` holds `values.NAME`; a name that is missing has been reported."""
    text = substituted(promise.text, values)
    if text is None or _tree(text, promise, out) is None:
        return None
    body = _WARN_ONLY.sub("", text)
    return Rule(" ".join(body.split()), promise.span, warn_only=body != text)


def _tree(text: str, promise: RulePromise, out: Diagnostics) -> Tree | None:
    return parse_rule_text(text, promise.span, out)


def _cell(measure: Measure, span: Span, out: Diagnostics) -> Cell | None:
    """`rate` counts every request, as `count` does."""
    return parse_cell("count" if measure.cell == "rate" else measure.cell, span, out)


def row_and_cell(measure: Measure, rule: Rule) -> tuple[Row, Cell]:
    """What a measure of a rule is about that has been checked."""
    row, cell = parse_row(measure.row, rule.span, Diagnostics()), _cell(measure, rule.span, Diagnostics())
    assert row is not None
    assert cell is not None
    return row, cell


def is_about_time(tree: Tree) -> bool:
    """Does it compare latencies?"""
    return any(measure.unit == "time" for measure in measures(tree))
