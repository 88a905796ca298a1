"""Do the promises of production fit the rest of the spec?"""

import difflib

from perfspec import steps as kinds
from perfspec.base.units import format_share
from perfspec.diagnostics.diagnostic import Diagnostics, Severity
from perfspec.language.phrase_grammar import parse_limit_text
from perfspec.language.phrases import Limit
from perfspec.spec.model import Promise, Spec

__all__ = ["check"]


def check(spec: Spec, out: Diagnostics) -> None:
    """Report promises about requests that nobody sends, limits that contradict each other, secrets nobody knows."""
    _requests(spec, out)
    for table in (spec.promises, *(stage.promises for stage in spec.stages.values())):
        _beside(table, out)
    if spec.notify is not None and spec.notify.secret not in spec.secrets:
        near = difflib.get_close_matches(spec.notify.secret, spec.secrets, 1)
        hint = f"did you mean `{near[0]}`?" if near else "add it under `secrets:`"
        out.add("PS304", f"no secret is called `{spec.notify.secret}`", spec.notify.span, hint)


def _requests(spec: Spec, out: Diagnostics) -> None:
    sent = {request.name: request.name_span.line for steps in spec.parts() for request in kinds.requests(steps)}
    for name, span in {p.request: p.request_span for p in (spec.slo.latency if spec.slo else ())}.items():
        if name not in sent:
            near = difflib.get_close_matches(name, sent, 1)
            hint = f"did you mean `{near[0]}` (line {sent[near[0]]})?" if near else "name a request with `name:`"
            out.add("PS602", f"no request is named `{name}`", span, hint)


def _beside(table: tuple[Promise, ...], out: Diagnostics) -> None:
    """An unavailable answer is an error, too: errors that may be more than that give nothing away."""
    cells = {(p.row.text, p.span.path, p.cell.text): p for p in table}
    for (row, path, cell), promise in cells.items():
        other = cells.get((row, path, "errors"))
        if cell != "availability" or other is None:
            continue
        kept, allowed = _limit(promise), _limit(other)
        if kept is None or allowed is None or not 1 - kept.quantity.value < allowed.quantity.value:
            continue
        message = f"`{row}` allows {allowed.quantity.text} of errors, and beside it only "
        message += f"{format_share(1 - kept.quantity.value)} of unavailable answers, which are errors, too"
        hint = "lower the limit of errors, or keep both where answers below 500 may fail more often"
        out.add("PS238", message, promise.span, hint, severity=Severity.WARNING)


def _limit(promise: Promise) -> Limit | None:
    """Of a share that stands there; what is wrong with it has been reported."""
    if "${" in promise.limit.source:
        return None
    limit = parse_limit_text(promise.limit.source, promise.limit.span, Diagnostics())
    return limit if limit is not None and limit.quantity.unit == "share" else None
