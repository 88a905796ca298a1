"""What a request measures beside its own time, and which cells of the thresholds that allows."""

import difflib
from collections.abc import Iterable

from perfspec import steps as kinds
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.language.timers import ALWAYS
from perfspec.spec.model import Promise
from perfspec.steps.kinds import Step, Stream, WaitUntil

__all__ = ["Timers", "check_timer", "timers"]

Timers = dict[str, set[str]]
OF_WAITS, OF_STREAMS = ("wait", "poll"), ("first_event", "event_gap", "events")


def timers(steps: Iterable[Step]) -> Timers:
    """Request -> the words that may stand before `p95` in its row."""
    found: Timers = {}
    for step in steps:
        request = kinds.request_of(step)
        if request is None:
            continue
        known = found.setdefault(request.name, set(ALWAYS))
        known.update(each.name for each in request.record)
        if isinstance(step, WaitUntil):
            known.update(OF_WAITS)
        elif isinstance(step, Stream):
            known.update(OF_STREAMS)
    return found


def check_timer(promise: Promise, known: Timers, out: Diagnostics) -> None:
    """Is it measured at all? `known`: of the whole spec."""
    cell, row = promise.cell, promise.row
    here = known.get(row.name, set()) if row.kind == "request" else {each for found in known.values() for each in found}
    if not cell.timer or cell.timer in here:
        return
    number = cell.text.split()[-1]
    name = f"`{row.name}`" if row.kind == "request" else "no request"
    no = "no " if row.kind == "request" else "a "
    if cell.timer in OF_WAITS:
        message, hint = f"{name} has no `until`, so it has no `{cell.timer}` time", f"write `{number}`"
    elif cell.timer in OF_STREAMS:
        message = f"{name} has no `stream`, so it has no `{cell.timer}`"
        hint = f"add `stream: {{silence: 10s}}` to the request, or write `{number}`"
    else:
        message = f"{name} has {no}metric `{cell.timer}`"
        near = difflib.get_close_matches(cell.timer, sorted(here), 1)
        hint = f"did you mean `{near[0]} {number}`?" if near else f"add `record: {{{cell.timer}: $.path}}`"
    out.add("PS605", message, promise.span, hint)
