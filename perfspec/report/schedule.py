"""A plan as lines of text: the phases over time, what each flow does, and how many requests each threshold can
expect.
"""

from collections.abc import Sequence
from math import ceil, floor, log10

from perfspec.base.clock import SECOND
from perfspec.base.units import format_duration, format_share
from perfspec.load import Arrivals, Search
from perfspec.load.search import SETTLE
from perfspec.plan.estimates import Estimate, enough_from, expected
from perfspec.plan.little import users_needed
from perfspec.plan.model import Plan, PlannedPhase, Target
from perfspec.report.words import count, length
from perfspec.spec.model import Threshold
from perfspec.spec.thresholds import is_share, share_limit
from perfspec.steps import children, describe
from perfspec.steps.kinds import Step
from perfspec.verdict.bounds import n_min
from perfspec.verdict.steadiness import FEWEST_SAMPLES

__all__ = ["lines"]

QUEUES = "         each is too short to see a queue that grows; only what is confirmed is looked at for one"
_UNITS = {"event_gap": " gaps", "poll": " polls", "goodput": " rounds"}
"""What is counted where it is no requests."""


def lines(plan: Plan, estimated: Estimate, first: Sequence[str] = ()) -> list[str]:
    """`first`: what the plan does not know, of whom or what a run asks before it begins."""
    target = plan.target
    return [
        f"{plan.service} {plan.stage} on {target.environment} ({target.url}), seed {plan.seed}, plan {plan.hash[:12]}",
        "",
        f"  sends    {_way(target)}",
        *(f"  {line}" for line in first),
        *_before(plan),
        *_phases(plan, estimated),
        *_afterwards(plan, estimated),
        "",
        *_flows(plan),
        *_once("once before the load", plan.setup),
        *_once("each user, before its first round", plan.each_user.first),
        *_once("each user, after its last round", plan.each_user.last),
        *_once("once after the load, also after an abort", plan.teardown),
        "",
        *_thresholds(plan, estimated),
    ]


def _way(target: Target) -> str:
    """What carries the requests."""
    if target.transport == "fast":
        return "HTTP/1.1, by a client of its own"
    proxy = f", through the proxy {target.access.proxy}" if target.access.proxy is not None else ""
    return f"HTTP/{2 if target.access.http == 2 else '1.1'} by httpx{proxy}; about fifty times the CPU per request"


def _before(plan: Plan) -> list[str]:
    target = plan.target
    out = []
    if target.start is not None:
        out.append(f"  before   starts `{target.start.command}` unless something answers at {target.url}")
    if target.ready is not None:
        wanted = " and ".join(str(check) for check in target.ready.until) or "answers with success"
        out.append(f"  before   waits until {target.url}{target.ready.path} {wanted}")
    return out


def _phases(plan: Plan, estimated: Estimate) -> list[str]:
    if plan.search is not None:
        return [*_search(plan.search), f"         {length(plan)} if all is close", *_ceiling(plan)]
    out = []
    measured = False
    for phase in plan.phases:
        begin, end = format_duration(phase.start_ns), "" if phase.rounds else format_duration(phase.end_ns)
        judged = "" if phase.measured else ", not judged"
        if phase.measured and not measured and plan.warmup_ns:
            judged = f", the first {format_duration(plan.warmup_ns)} not judged"
        measured = measured or phase.measured
        until = f"to {end:<6}" if end else f"{'on':9}"
        out.append(f"  {begin:>6} {until} {phase.name}: {_load(phase, estimated)}{judged}")
    if plan.extend_to_ns > plan.for_ns:
        out.append(f"         to {format_duration(plan.extend_to_ns):<6} if it is too close to call")
    out += _ceiling(plan)
    if plan.time_scale != 1:
        out.append(f"         times of phases are {plan.time_scale:g} of those in the spec")
    return out


def _afterwards(plan: Plan, estimated: Estimate) -> list[str]:
    """What it comes to, and what would change its course or its verdict."""
    out = []
    if estimated.in_all and not plan.is_by_rounds:
        out.append(f"  in all   {format_duration(plan.for_ns)}, about {count(_roughly(estimated.in_all))} requests")
    if plan.abort:
        out.append(f"  stops    at once where: {'; '.join(rule.text for rule in plan.abort)}")
    if plan.warn_only:
        what = "latency limits" if plan.warn_only == "latency" else "limits"
        out.append(f"  warns    where {what} break, and does not fail by them")
    if plan.only_proven:
        out.append("  passes   only what is proven; too few requests make it inconclusive")
    return out


def _roughly(n: float) -> float:
    """Three digits: more would promise what nobody knows."""
    return round(n, 2 - floor(log10(n))) if n >= 1 else n


def _ceiling(plan: Plan) -> list[str]:
    most = plan.target.most_requests_per_s
    return [f"         never more than {count(most)} requests/s: what is more waits"] if most else []


def _load(phase: PlannedPhase, estimated: Estimate) -> str:
    """What a phase does, in one sentence."""
    shape = phase.shape
    if isinstance(shape, Arrivals):
        allowed = ", as the environment allows" if phase.is_capped else ""
        about = "about " if shape.is_poisson else ""
        people = f"{about}{count(float(shape.total(phase.for_ns)))} in all"
        return f"{shape.describe()}{allowed} (about {users_needed(phase, estimated)} needed), {people}"
    paced = f", a round of each every {format_duration(phase.round_every_ns)}" if phase.round_every_ns else ""
    if not phase.rounds:
        return shape.describe() + paced
    each = phase.rounds // shape.most
    share = f"{count(each)}" if phase.rounds % shape.most == 0 else f"{count(each)} or {count(each + 1)}"
    return f"{shape.describe()} make {count(phase.rounds)} rounds, {share} each{paced}"


def _search(search: Search) -> list[str]:
    low, high = search.say(search.low), search.say(search.high)
    hold = format_duration(search.hold_ns)
    allowed = ", as the environment allows" if search.is_capped else ""
    cap = f"         at most {count(search.at_most)} users at a time{allowed}"
    return [
        f"         from {low} by half up to {high} until a threshold breaks, each load held for {hold}",
        f"         then halving the gap to {format_share(search.precision)}; what was met is held three times as long",
        *([cap] if search.by == "arrivals" else ()),
        *([QUEUES] if _judged_s(search) < FEWEST_SAMPLES else ()),
    ]


def _judged_s(search: Search) -> int:
    """Of each load but the confirmed one, which is held for three times as long."""
    return -(-search.hold_ns // SECOND) - -(-ceil(search.hold_ns * SETTLE) // SECOND)


def _flows(plan: Plan) -> list[str]:
    weight = sum(flow.weight for flow in plan.flows)
    out = []
    for flow in plan.flows:
        out.append(f"  {flow.weight / weight:4.0%} of rounds: {flow.name}")
        out += [f"         {text}" for text in _steps(flow.steps, 0)]
    return out


def _once(when: str, steps: tuple[Step, ...]) -> list[str]:
    return [f"  {when}:", *(f"         {text}" for text in _steps(steps, 0))] if steps else []


def _steps(steps: tuple[Step, ...], depth: int) -> list[str]:
    out = []
    for step in steps:
        out.append("  " * depth + describe(step))
        for key, held in children(step):
            if key != "steps":
                out.append("  " * depth + key)
            out += _steps(held, depth + 1)
    return out


def _thresholds(plan: Plan, estimated: Estimate) -> list[str]:
    if not plan.thresholds and not plan.rules:
        return ["  nothing is judged in this stage"]
    width = max((len(str(t)) for t in (*plan.thresholds, *(s.threshold for s in plan.skipped))), default=0)
    at = f" at {plan.search.say(plan.search.low)}" if plan.search is not None else ""
    out = [f"  {'threshold':{width}}  expected requests{at}"]
    out += [f"  {t!s:{width}}  {_expectation(t, plan.search, estimated)}" for t in plan.thresholds]
    out += [f"  {s.threshold!s:{width}}  skipped: {s.reason}" for s in plan.skipped]
    out += [f"  rule     {rule}{f'   skipped: {rule.skipped}' if rule.skipped else ''}" for rule in plan.rules]
    return [
        *out,
        "",
        "  expected: an estimate, as if every answer took as long as its limit allows (100 ms without one);",
        "            a faster service sees more",
    ]


def _expectation(threshold: Threshold, search: Search | None, estimated: Estimate) -> str:
    n = expected(threshold, estimated)
    if threshold.row.where and threshold.row.text not in estimated.shares:
        return "depends on the answers"
    text = f"{count(n):>7}{_UNITS.get(threshold.cell.timer or threshold.cell.statistic, '')}"
    needed = n_min(share_limit(threshold)[0]) if is_share(threshold.cell) else None
    if needed is None or n >= needed:
        return text
    if search is not None and (enough := enough_from(search, n, needed)) is not None:
        return f"{text}  enough to prove a pass ({count(needed)}) from {search.say(enough)} on"
    return f"{text}  too few to prove a pass: {count(needed)} without a bad one are needed"
