"""What a reader sees of a verdict: the share that decides comes first, the percentile after it. No statistics words."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from textwrap import wrap
from typing import Literal

from perfspec.base.clock import SECOND
from perfspec.base.units import BYTE_NS, NUMBER_NS, format_duration, format_ms, format_share, format_size
from perfspec.plan.model import Plan, PlannedPhase
from perfspec.plan.phases import longest, usual
from perfspec.verdict.judge import Measured, Verdict

__all__ = [
    "amount", "close_passes", "count", "cut", "evidence", "few_requests", "lasting", "length", "lines", "percent",
    "sentence", "shared_reasons", "strength", "unlike", "unproven", "wrapped",
]  # fmt: skip

Strength = Literal["", "clear", "close", "few requests"]
MINUTE_NS = 60 * SECOND
LONG_NS = 10 * MINUTE_NS
LONG_REASON = 60
"""Characters that a table can bear in every row."""
_END_OF_CAUSE = re.compile(r" \(|[:;] ")
MARKS = {"INCONCLUSIVE": "??", "NO_DATA": "??", "SKIPPED": "SKIP"}


def lasting(phases: Iterable[PlannedPhase]) -> str:
    """How long a load is: a time, or rounds that take as long as they take, or one after the other."""
    each = tuple(phases)
    timed, rounds = sum(p.for_ns for p in each if not p.rounds), sum(p.rounds for p in each)
    said = [format_duration(timed)] if timed else []
    return " and ".join([*said, f"{count(rounds)} rounds"] if rounds else said)


def length(plan: Plan) -> str:
    """How long the load of a plan is; of a search nobody knows."""
    if plan.search is None:
        return lasting(plan.phases)
    return f"about {_roughly(usual(plan.search))}, at most {_roughly(longest(plan.search))}"


def _roughly(ns: int) -> str:
    """No shorter than it is; of what is long, nobody asks for seconds."""
    grain = MINUTE_NS if ns >= LONG_NS else SECOND
    return format_duration(-(-ns // grain) * grain)


def count(n: float) -> str:
    """60 000, with thin grouping: a number that people read."""
    return f"{n:,.0f}".replace(",", " ")


def percent(share: float, other: float | None = None) -> str:
    """`3.9 %`; with `other`, a range in the same precision: `3.5-4.4 %`."""
    digits = _digits(min(x for x in (share, other or share) if x > 0) if share > 0 or other else 1)
    digits = digits if other is None else min(digits, _digits(other) + 1)
    text = f"{share * 100:.{digits}f}"
    return f"{text} %" if other is None else f"{text}-{other * 100:.{digits}f} %"


def _digits(share: float) -> int:
    return 1 if share >= 0.01 else 2 if share >= 0.001 else 3


def cut(text: str, width: int) -> str:
    """Names that are alike differ at their ends more often than in their middle, so that is what goes."""
    if len(text) <= width:
        return text
    head = max(width - 1, 0) // 3
    tail = max(width - 1, 0) - head
    return f"{text[:head]}…{text[len(text) - tail :]}"


def evidence(verdict: Verdict, shared: Collection[str] = ()) -> str:
    """Why, in one clause: `3.9 % slower (5 % allowed, likely 3.5-4.4 %); p95 112 ms of 60 214`.

    `shared`: reasons that stand as a whole below the table, so that here their beginning is enough.
    """
    reason = _beginning(verdict.reason) if verdict.reason in shared else verdict.reason
    if verdict.outcome in ("NO_DATA", "SKIPPED") or not verdict.n:
        return reason
    found = _share(verdict) if verdict.bad is not None else _number(verdict)
    if verdict.outcome == "INCONCLUSIVE":
        return f"not judged: {reason}; seen: {found}" if found else f"not judged: {reason}"
    return f"{found}; {reason}" if reason else found


def shared_reasons(verdicts: Iterable[Verdict]) -> tuple[str, ...]:
    """Why several limits were not judged, where that is more than a few words: said once, below the table."""
    told = Counter(v.reason for v in verdicts if v.outcome in ("INCONCLUSIVE", "NO_DATA"))
    return tuple(reason for reason, n in told.items() if n > 1 and len(reason) > LONG_REASON)


def _beginning(reason: str) -> str:
    """`the load generator itself was late`: the cause, without figures and the next step."""
    return _END_OF_CAUSE.split(reason, maxsplit=1)[0]


SHARES = {
    "availability": "unavailable",
    "goodput": "of rounds missed a limit or a check",
    "burn rate": "unavailable",
}
"""What the bad ones are, by cell; of errors and a status: below."""


def _bad_word(verdict: Verdict) -> str:
    if not verdict.cell.startswith("status "):
        return SHARES.get(verdict.cell, "failed")
    wants_many = verdict.limit.startswith(("over", "at least"))
    return f"answered with another status than {verdict.cell[7:]}" if wants_many else f"answered with {verdict.cell}"


def _share(verdict: Verdict) -> str:
    assert verdict.bad is not None
    assert verdict.limit_share is not None
    share = verdict.bad / verdict.n
    likely = percent(verdict.lower or 0.0, verdict.upper)
    close = "close: " if strength(verdict) == "close" else ""
    if verdict.failed is not None:
        allowed = format_share(verdict.limit_share).replace("%", " %")
        over = "over it" if verdict.observed is not None else "slower"
        text = f"{percent(share)} {over} or failed ({allowed} allowed, {close}likely {likely})"
        return f"{text}; {_value(verdict)}"
    word = _bad_word(verdict)
    allowed = count(max(verdict.allowed or 0, 0))
    counted = f"{count(verdict.bad)} of {count(verdict.n)}"
    burn = f"burn rate {verdict.observed:.3g}x; " if verdict.observed is not None else ""
    return f"{burn}{percent(share)} {word}: {counted} ({allowed} allowed, {close}likely {likely})"


def _value(verdict: Verdict) -> str:
    """`p95 112 ms of 60 214`; where too many failed for there to be one, `no p95 of 150, 80 failed`."""
    is_there = verdict.observed_ns is not None or verdict.observed is not None
    seen = f"{verdict.cell} {_seen(verdict)}" if is_there else f"no {verdict.cell}"
    failed = f", {count(verdict.failed)} failed" if verdict.failed else ""
    return f"{seen} of {count(verdict.n)}{failed}"


def _seen(verdict: Verdict) -> str:
    """The value of a cell that is measured: a time, a size, a number."""
    if verdict.observed_ns is not None:
        return format_ms(verdict.observed_ns)
    observed = verdict.observed or 0.0
    return format_size(observed) if verdict.cell.startswith("size ") else _plain(observed)


def _plain(number: float) -> str:
    return count(number) if number >= 100 else f"{number:.3g}"


def amount(ns: float, unit: str) -> str:
    """What a series recorded: a time, or a size or a number that went the way of times."""
    if unit == "time":
        return format_ms(ns)
    return format_size(ns / BYTE_NS) if unit == "size" else _plain(ns / NUMBER_NS)


def _measured(measured: Measured) -> str:
    value = measured.value
    shown = {
        "time": lambda: format_ms(float(value)),
        "share": lambda: percent(float(value)),
        "rate": lambda: f"{float(value):.1f}/s",
        "size": lambda: format_size(float(value)),
        "number": lambda: _plain(float(value)),
    }[measured.unit]()
    return f"{measured.text} {shown}"


def _number(verdict: Verdict) -> str:
    if verdict.measured:
        return ", ".join(_measured(each) for each in verdict.measured)
    if verdict.observed_ns is None and verdict.observed is None:
        return ""
    if verdict.observed_ns is not None or verdict.cell not in ("count", "throughput"):
        return _value(verdict)
    observed = verdict.observed or 0.0
    if verdict.cell == "throughput":
        return f"{observed:.1f} {_counted(verdict, observed)}/s"
    return f"{count(observed)} {_counted(verdict, observed)}"


def _counted(verdict: Verdict, n: float) -> str:
    word = "round" if verdict.row.startswith("flow ") else "group" if verdict.row.startswith("group ") else "request"
    return word if n == 1 else f"{word}s"


def strength(verdict: Verdict) -> Strength:
    """How sure: the likely range lies on one side of the limit (clear) or on both (close). A pass that is close because
    it rests on few requests is told below the table, in one line for all of them.
    """
    if verdict.strength != "borderline":
        return verdict.strength
    return "few requests" if verdict.outcome == "PASS" and _is_small(verdict) else "close"


def _is_small(verdict: Verdict) -> bool:
    return verdict.needed is None or verdict.n < verdict.needed


def sentence(verdict: Verdict) -> str:
    """The whole verdict on one line, for JUnit and messages."""
    return f"{verdict.threshold}: {evidence(verdict)}"


def few_requests(verdicts: tuple[Verdict, ...]) -> str:
    """The one line about passes that rest on few requests; empty if there are none."""
    small = [v for v in verdicts if strength(v) == "few requests" and v.needed]
    if not small:
        return ""
    named = ", ".join(f"{v.row} {v.cell} {count(v.n)} of {count(v.needed or 0)}" for v in small)
    word = "pass rests" if len(small) == 1 else "passes rest"
    close = ", ".join(f"{v.row} {v.cell}" for v in verdicts if unproven([v]) and v not in small)
    either = f"; not proven either: {close}" if close else ""
    return f"{len(small)} {word} on few requests: {named} needed to prove it (run longer to prove them){either}"


def close_passes(verdicts: Iterable[Verdict]) -> str:
    """The one line about the other passes that are not proven; empty if there are none."""
    close = [
        f"{v.row} {v.cell}" for v in verdicts if _is_unproven(v) and not (strength(v) == "few requests" and v.needed)
    ]
    word = "pass is" if len(close) == 1 else "passes are"
    return f"{len(close)} {word} close to what is allowed: {', '.join(close)}" if close else ""


def unproven(verdicts: Iterable[Verdict]) -> int:
    """Passes whose likely range does not lie within the limit. Of numbers that are no shares nothing is proven."""
    return sum(_is_unproven(v) for v in verdicts)


def _is_unproven(verdict: Verdict) -> bool:
    return verdict.outcome == "PASS" and verdict.bad is not None and not verdict.proven


def unlike(verdicts: Sequence[Verdict]) -> str:
    """Where the same counts have two likely ranges in the table, why; empty if they have not."""
    ranges: dict[tuple[int | None, int], dict[tuple[float | None, float | None], Verdict]] = {}
    for verdict in verdicts:
        if verdict.bad is not None:
            ranges.setdefault((verdict.bad, verdict.n), {}).setdefault((verdict.lower, verdict.upper), verdict)
    found = next((list(seen.values()) for seen in ranges.values() if len(seen) > 1), None)
    if found is None:
        return ""
    first, second = (f"{v.row} {v.cell}" for v in found[:2])
    counts = f"{count(found[0].bad or 0)} of {count(found[0].n)}"
    why = "slow requests come close together, which the likely range of a time or of goodput allows for"
    return f"{first} and {second} saw the same {counts} and have different likely ranges: {why}"


def lines(verdicts: tuple[Verdict, ...], columns: int = 0, skipped: Sequence[tuple[str, str]] = ()) -> list[str]:
    """The table: mark, threshold, evidence. Where a line would not fit into `columns`, evidence goes below, wrapped.

    `skipped`: (threshold, why) of those that the stage leaves out.
    """
    shared = shared_reasons(verdicts)
    rows = [(MARKS.get(v.outcome, v.outcome), v.threshold, evidence(v, shared)) for v in verdicts]
    rows += [(MARKS["SKIPPED"], threshold, reason) for threshold, reason in skipped]
    width = max((len(threshold) for _, threshold, _ in rows), default=0)
    whole = [f"{mark:4}  {threshold:{width}}   {text}" for mark, threshold, text in rows]
    if not columns or all(len(line) <= columns for line in whole):
        return whole
    out = []
    for mark, threshold, text in rows:
        out += [f"{mark:4}  {threshold}", *wrapped(text, columns)]
    return out


def wrapped(text: str, columns: int) -> list[str]:
    """A remark below the table, indented; `columns` 0: on one line."""
    indent = " " * 6
    return wrap(text, columns, initial_indent=indent, subsequent_indent=indent) if columns else [indent + text]
