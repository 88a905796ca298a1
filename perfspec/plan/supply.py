"""Will the rows last? Data that is dealt out and not begun again can run out before the load is over.

Each user has rows of its own (data/drawing.py), so whoever draws most decides: where users come and go, the first is
there for longest, and leaves when its share is used up, whatever is left of the others'.
"""

from collections import Counter
from collections.abc import Mapping
from math import ceil

import msgspec

from perfspec import data as data_kinds
from perfspec.data.kinds import OF_FILES, Choice, Data
from perfspec.diagnostics.diagnostic import Diagnostics, Severity
from perfspec.load import Users
from perfspec.plan.estimates import Rows, estimate
from perfspec.plan.model import Plan
from perfspec.steps import names
from perfspec.steps.kinds import Step
from perfspec.steps.reading import Read

__all__ = ["check_rows"]


def check_rows(plan: Plan, rows: Rows, out: Diagnostics) -> None:
    """Warn of rows that the whole load is expected to use up."""
    finite = {data.name: (data, n) for data in plan.data if (n := _entries(data, rows)) is not None}
    if not finite:
        return
    whole = tuple(msgspec.structs.replace(phase, measured=True) for phase in plan.phases)
    estimated = estimate(msgspec.structs.replace(plan, phases=whole, warmup_ns=0), rows)
    rounds, in_all = estimated.rounds, sum(estimated.rounds.values())
    longest = _rounds_of_the_first(plan, estimated.round_ns) / in_all if in_all else 0.0
    needed: Counter[str] = Counter()
    by_one: Counter[str] = Counter()
    for flow in plan.flows:
        for name, times in _draws(flow.steps, plan.data).items():
            needed[name] += round(rounds[flow.name] * times)
            by_one[name] += round(rounds[flow.name] * times * longest)
    for name, (data, n) in finite.items():
        message = ""
        if needed[name] > n:
            message = f"about {needed[name]:,} draws of `{name}` are planned, and there are {n:,} rows"
        elif by_one[name] * plan.people > n:
            message = f"each of {plan.people:,} users has its own share of the {n:,} rows of `{name}`, about"
            message += f" {n // plan.people:,}, and the one that is there for longest draws about {by_one[name]:,}"
        if message:
            hint = "who finds none leaves: add rows, or write `when_used_up: restart`"
            out.add("PS236", message, data.span, hint, severity=Severity.WARNING)


def _rounds_of_the_first(plan: Plan, round_ns: float) -> float:
    """How many rounds the first user makes, who is there in every phase of users."""
    found = 0.0
    for phase in plan.phases:
        if phase.rounds and isinstance(phase.shape, Users):
            found += ceil(phase.rounds / phase.shape.start)
        elif isinstance(phase.shape, Users):
            found += phase.for_ns / max(round_ns, phase.round_every_ns)
    return found


def _entries(data: Data, rows: Rows) -> int | None:
    """How many draws there are in all; None where it never ends."""
    if isinstance(data, OF_FILES) and not data.order.restarts:
        return len(rows.get(data.name, ()))
    if isinstance(data, Choice) and data.order is not None and not data.order.restarts:
        return len(data.values)
    return None


def _draws(steps: tuple[Step, ...], data: tuple[Data, ...]) -> Counter[str]:
    """Name -> how often a round draws it: once where it is read at all, and once more for each `fresh`."""
    below = {each.name: [path.root for path, _ in data_kinds.reads(each)] for each in data}
    read: set[str] = set()
    fresh: Counter[str] = Counter()
    for name in names(steps):
        if isinstance(name, Read) and name.path.root in below:
            if name.path.is_fresh:
                fresh.update(_closure(name.path.root, below))
            else:
                read |= _closure(name.path.root, below)
    return Counter(dict.fromkeys(read, 1)) + fresh


def _closure(name: str, below: Mapping[str, list[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [name]
    while waiting:
        each = waiting.pop()
        if each in below and each not in found:
            found.add(each)
            waiting += below[each]
    return found
