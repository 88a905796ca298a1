"""Stages as said: phases, overrides, abort rules."""

from fractions import Fraction

from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Span
from perfspec.language.nodes import Entry, Mapping, Node, Scalar, Sequence
from perfspec.language.phrase_grammar import (
    parse_abort,
    parse_duration,
    parse_pause_cap,
    parse_share,
)
from perfspec.language.phrases import AbortRule
from perfspec.spec.model import Stage
from perfspec.spec.phases import read_phases, read_search
from perfspec.spec.rules import read_rules
from perfspec.spec.thresholds import read_promises

__all__ = ["read_stage"]


def read_stage(entry: Entry, out: Diagnostics) -> Stage:
    node = entry.value if isinstance(entry.value, Mapping) else Mapping((), entry.value.span)
    mix, mix_spans = _mix(node.get("mix"), out)
    warn_only, pauses = node.get("warn_only"), node.get("pauses")
    word = warn_only.text if isinstance(warn_only, Scalar) else ""
    said, phases = node.get("phases"), read_phases(node.get("phases"), out)
    return Stage(
        name=entry.key.text,
        span=entry.key.span,
        phases=phases,
        promises=read_promises(node.get("thresholds"), out),
        abort=_abort(node.get("abort"), out),
        mix=mix,
        mix_spans=mix_spans,
        warmup_ns=_duration(node, "warmup", out),
        extend_to_ns=_duration(node, "extend_to", out) or 0,
        pause_cap_ns=parse_pause_cap(pauses, out) or 0 if isinstance(pauses, Scalar) else 0,
        warn_only="latency" if word == "latency" else "all" if word == "all" else "",
        only_proven=node.get("fails_when") is not None,
        rules=read_rules(node.get("thresholds")),
        search=read_search(node.get("find_limit"), out),
        is_whole=not isinstance(said, Sequence) or len(phases) == len(said),
    )


def _duration(node: Mapping, key: str, out: Diagnostics) -> int | None:
    value = node.get(key)
    return parse_duration(value, key, out) if isinstance(value, Scalar) else None


def _abort(node: Node | None, out: Diagnostics) -> tuple[AbortRule, ...]:
    items = node if isinstance(node, Sequence) else ()
    rules = (parse_abort(item, out) for item in items if isinstance(item, Scalar))
    return tuple(rule for rule in rules if rule is not None)


def _mix(node: Node | None, out: Diagnostics) -> tuple[dict[str, float] | None, dict[str, Span]]:
    if not isinstance(node, Mapping):
        return None, {}
    weights, spans = {}, {}
    shares: list[Fraction] = []
    for entry in node:
        share = parse_share(entry.value, entry.key.text, out) if isinstance(entry.value, Scalar) else None
        if share is not None:
            weights[entry.key.text] = float(share)
            spans[entry.key.text] = entry.key.span
            shares.append(share)
    whole = sum(shares)
    if len(shares) == len(node) and whole not in (0, 1):
        message = f"the shares add up to {float(whole * 100):g}%, not to 100%"
        out.add("PS210", message, node.span, "make them add up to 100%; flows that are not named are left out")
    return weights, spans
