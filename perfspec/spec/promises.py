"""Do the promises of production fit the rest of the spec?"""

import difflib

from perfspec import steps as kinds
from perfspec.base.units import format_share
from perfspec.diagnostics.diagnostic import Diagnostics, Severity
from perfspec.diagnostics.source import Span
from perfspec.language.phrase_grammar import parse_limit_text
from perfspec.language.phrases import Limit
from perfspec.spec.model import Promise, Spec, Stage

__all__ = ["check", "is_closer", "stage_promises"]


def check(spec: Spec, out: Diagnostics) -> None:
    """Report promises about requests that nobody sends, limits that contradict each other, secrets nobody knows."""
    _requests(spec, out)
    _beside(spec, spec.promises, frozenset(), "", out)
    for stage in spec.stages.values():
        own = frozenset(promise.span for promise in stage.promises)
        _beside(spec, stage_promises(spec, stage), own, f" in stage `{stage.name}`", out)
    if spec.notify is not None and spec.notify.secret not in spec.secrets:
        near = difflib.get_close_matches(spec.notify.secret, spec.secrets, 1)
        hint = f"did you mean `{near[0]}`?" if near else "add it under `secrets:`"
        out.add("PS304", f"no secret is called `{spec.notify.secret}`", spec.notify.span, hint)


def _requests(spec: Spec, out: Diagnostics) -> None:
    sent = {request.name: request.name_span.line for steps in spec.parts() for request in kinds.requests(steps)}
    for name, span in {p.request: p.request_span for p in (spec.slo.latency if spec.slo else ())}.items():
        if name not in sent and name not in spec.lost:
            near = difflib.get_close_matches(name, sent, 1)
            hint = f"did you mean `{near[0]}` (line {sent[near[0]]})?" if near else "name a request with `name:`"
            out.add("PS602", f"no request is named `{name}`", span, hint)


def stage_promises(spec: Spec, stage: Stage) -> tuple[Promise, ...]:
    """The table that counts in a stage: its own cells win over the spec's."""
    merged = {(p.row.text, p.cell.text): p for p in spec.promises}
    merged.update({(p.row.text, p.cell.text): p for p in stage.promises})
    return tuple(merged.values())


def _beside(spec: Spec, table: tuple[Promise, ...], own: frozenset[Span], where: str, out: Diagnostics) -> None:
    """An unavailable answer is an error, too: errors that may be more than that give nothing away.

    `own`: the cells of the stage itself. Said where the limit of errors is at least as much the writer's own word as
    the availability: to promise more than a shared file, or than all stages, is what a word of one's own is for.
    """
    cells = {(p.row.text, p.cell.text): p for p in table}
    for (row, cell), promise in cells.items():
        other = cells.get((row, "errors"))
        if cell != "availability" or other is None or is_closer(promise.span, other.span, spec.path, own):
            continue
        if where and not own & {promise.span, other.span}:
            continue  # said of the spec's own table
        kept, allowed = _limit(promise), _limit(other)
        if kept is None or allowed is None or not 1 - kept.quantity.value < allowed.quantity.value:
            continue
        is_beside = other.span.line == promise.span.line and other.span.path == promise.span.path
        only = ", and beside it only" if is_beside else f"{where}, but only"
        message = f"`{row}` allows {allowed.quantity.text} of errors{only} "
        message += f"{format_share(1 - kept.quantity.value)} of unavailable answers, which are errors, too"
        hint = "lower the limit of errors, or keep both where answers below 500 may fail more often"
        at = other if is_closer(other.span, promise.span, spec.path, own) else promise
        away = other if at is promise else promise
        related = () if is_beside else ((away.span, away.cell.text),)
        out.add("PS238", message, at.span, hint, severity=Severity.WARNING, related=related)


def is_closer(one: Span, other: Span, path: str, own: frozenset[Span]) -> bool:
    """Is one cell more the word of this spec, or of this stage, than the other?"""
    return (one.path == path) > (other.path == path) or (one in own) > (other in own)


def _limit(promise: Promise) -> Limit | None:
    """Of a share that stands there; what is wrong with it has been reported."""
    if "${" in promise.limit.source:
        return None
    limit = parse_limit_text(promise.limit.source, promise.limit.span, Diagnostics())
    return limit if limit is not None and limit.quantity.unit == "share" else None
