"""Reads every phrase and every `${...}` of a document once, so that all wrong words come out together.

The table says which parser stands behind a `phrase` of the schema. Values of a kind that the phrase cannot have (a map
where a text belongs) are the schema's to report, not ours.
"""

from collections.abc import Callable

from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.language import doomed, templates
from perfspec.language import phrase_grammar as grammar
from perfspec.language.annotations import Place
from perfspec.language.limits import unit_of
from perfspec.language.nodes import Mapping, Node, Scalar
from perfspec.language.schema import Schema
from perfspec.language.structure import nearest

__all__ = ["PHRASES", "check_thresholds", "check_words"]

Check = Callable[[Scalar, str, Diagnostics], object]

PHRASES: dict[str, Check] = {
    "abort": lambda scalar, _, out: grammar.parse_abort(scalar, out),
    "arrivals": lambda scalar, _, out: grammar.parse_arrivals(scalar, out),
    "arrivals_range": lambda scalar, _, out: grammar.parse_arrivals_range(scalar, out),
    "at_most": lambda scalar, _, out: grammar.parse_at_most(scalar, out),
    "auth": lambda scalar, _, out: grammar.parse_auth(scalar, out),
    "capture": lambda scalar, _, out: grammar.parse_capture(scalar, out),
    "duration": grammar.parse_duration,
    "limit": lambda scalar, key, out: grammar.parse_limit(scalar, out, unit_of(key)),
    "matcher": lambda scalar, _, out: grammar.parse_matcher(scalar, out),
    "number_range": lambda scalar, _, out: grammar.parse_number_range(scalar, out),
    "order": lambda scalar, _, out: grammar.parse_order(scalar, out),
    "pause": lambda scalar, _, out: grammar.parse_pause(scalar, out),
    "pause_cap": lambda scalar, _, out: grammar.parse_pause_cap(scalar, out),
    "rate": grammar.parse_rate,
    "rule": lambda scalar, _, out: grammar.parse_rule(scalar, out),
    "share": grammar.parse_share,
    "spread": lambda scalar, _, out: grammar.parse_spread(scalar, out),
    "subject": lambda scalar, _, out: grammar.parse_subject(scalar, out),
    "text_length": lambda scalar, _, out: grammar.parse_text_length(scalar, out),
    "times": lambda scalar, _, out: grammar.parse_times(scalar, out),
    "threshold": lambda scalar, key, out: grammar.parse_limit(scalar, out, unit_of(key)),
    "users": lambda scalar, _, out: grammar.parse_users(scalar, out),
    "users_range": lambda scalar, _, out: grammar.parse_users_range(scalar, out),
}


def check_words(root: Node, schema: Schema, out: Diagnostics) -> None:
    """Report every value of one file that its phrase or template cannot be read as."""
    for place in schema.walk(root):
        if place.annotation.get("phrase") == "weights" and isinstance(place.node, Mapping):
            grammar.parse_weights(place.node, out)
        elif isinstance(place.node, Scalar) and (place.node.text or place.node.quoted):
            _scalar(place, place.node, out)


def _scalar(place: Place, scalar: Scalar, out: Diagnostics) -> None:
    key = place.key.text if place.key else ""
    if check := PHRASES.get(place.annotation.get("phrase", "")):
        check(scalar, key, out)
    template = place.annotation.get("template")
    if template == "expression":
        templates.check_whole(scalar, key, out)
    elif template and "${" in scalar.text:
        templates.check(scalar, out)
    if template and "${" in scalar.text:
        doomed.check(scalar, out)


def check_thresholds(root: Mapping, out: Diagnostics) -> None:
    """A spec without limits would pass whatever happens."""
    if _has_rows(root):
        return
    stages = root.get("stages")
    if isinstance(stages, Mapping) and len(stages) and all(_has_rows(entry.value) for entry in stages):
        return
    keys = [entry.key.text for entry in root]
    if any("limit" in key for key in keys) or nearest("thresholds", keys):
        return  # reported as an unknown key, with the right word
    named = root.entry("service") or (root.entries[0] if root.entries else None)
    span = named.key.span if named else root.span
    out.add("PS603", "the spec has no `thresholds`, so nothing could fail", span,
            "add `thresholds: {all: {errors: under 1%, p95: at most 500ms}}`")  # fmt: skip


def _has_rows(node: Node) -> bool:
    thresholds = node.get("thresholds") if isinstance(node, Mapping) else None
    return isinstance(thresholds, Mapping) and len(thresholds) > 0
