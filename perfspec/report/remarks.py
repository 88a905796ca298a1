"""What else is worth knowing of a run, a sentence each: why it ended, what rests on little, what failed how."""

from collections import Counter
from collections.abc import Sequence

from perfspec.base.clock import SECOND
from perfspec.base.errors import ExitCode, worst
from perfspec.base.units import DURATION_UNITS, format_ms, format_share
from perfspec.language.timers import label_of
from perfspec.load import Arrivals
from perfspec.metrics.error_kinds import DROPPED, NOT_SENT
from perfspec.metrics.series import ARRIVAL
from perfspec.report import words
from perfspec.report.hidden import hidden
from perfspec.report.result import Outcome, Result, Summary
from perfspec.verdict.scalability import fit, points

__all__ = ["HEADLINES", "headline", "label", "named", "outcome_of", "remarks", "worst_errors"]

HEADLINES = {
    "PASS": "PASS",
    "FAIL": "FAIL",
    "INCONCLUSIVE": "INCONCLUSIVE, which is no pass",
    "INTERRUPTED": "INTERRUPTED: this is what was measured until then",
    "NOT_STARTED": "NOT STARTED, which is no pass",
    "CRASHED": "CRASHED: this is what was measured until then",
}
DAY_NS = DURATION_UNITS["d"]
REQUESTS = ("", "poll", "wait")
"""Other timers are of parts of requests, or of what is made of them: their errors are told with those."""
WITH_PLACE = ("check ", "capture ", "record ", "expression ")
"""How the kinds begin that name a line of the spec."""
KEPT_UP = 0.95
"""Below this share of the arrivals that were asked for, that they were not served comes first."""


def named(result: Result) -> str:
    """Which run this is, and by whose limits it was judged if not by its own."""
    judged_by = f", judged by {result.judged_by}" if result.judged_by else ""
    return f"{result.service} {result.stage} on {result.environment}{judged_by}"


def headline(result: Result) -> str:
    """`PASS, 6 of 9 limits not proven`."""
    unproven, n = words.unproven(result.verdicts), len(result.verdicts)
    if result.outcome != "PASS" or not unproven:
        return HEADLINES[result.outcome]
    return f"PASS, {unproven} of {n} limit{'' if n == 1 else 's'} not proven"


def remarks(result: Result) -> list[str]:
    out = list(words.shared_reasons(result.verdicts))
    out += _dropped(result)
    out += _not_sent(result)
    out += _kept_out(result)
    out += [text] if (text := words.few_requests(result.verdicts)) else []
    out += [text] if (text := words.close_passes(result.verdicts)) else []
    out += [text] if (text := words.unlike(result.verdicts)) else []
    if result.outcome != "PASS":  # what passed needs no explanation
        out += result.health.remarks
    out += [lost.text for lost in result.lost]
    if result.lost and result.capacity is not None:
        out.append("a search ends with the first worker that is lost: its loads would be less than they are called")
    if result.abort is not None:
        out.append(f"ended early by `{result.abort.rule}`: {result.abort.evidence}")
    elif result.ended == "torn":
        out.append("the run was cut off and has no end in its log")
    if result.extended:
        out.append("it was too close to call, so the stage ran on")
    out += _users(result)
    out += _phases(result)
    out += _scalability(result)
    out += [text] if (text := hidden(result)) else []
    out += _promise(result)
    for summary in result.summaries:
        if (ok := summary.ok_response) is not None and summary.key.timer in REQUESTS:
            both = f"p95 {format_ms(ok.p95)} of the answers that did not fail, {format_ms(summary.response.p95)} of all"
            out.append(f"{label(summary)}: {both}")
        if summary.key.timer in REQUESTS or any(kind.startswith("record ") for kind in summary.errors):
            out += [f"{label(summary)}: {words.count(n)} x {kind}{at}" for kind, n, at in _worst(summary)]
    return out + [note for note in result.notes if result.ended != "torn" or "cut off" not in note]


def _worst(summary: Summary) -> list[tuple[str, int, str]]:
    """The kinds that came most often, each with the line of the step, unless it says a line of its own."""
    at = f" ({', '.join(summary.where)})" if summary.where else ""
    return [(kind, n, "" if kind.startswith(WITH_PLACE) else at) for kind, n in worst_errors(summary.errors)]


def _users(result: Result) -> list[str]:
    """What kept users from sending, or from hearing the end."""
    out = []
    if result.unfinished:
        what = "request or wait" if result.unfinished == 1 else "requests and waits"
        out.append(
            f"{result.unfinished} {what} had no end when the load ended, and {_are(result.unfinished)} in no number"
        )
    if result.waits:
        out.append(f"users waited {_times(result.waits)} because nobody answered")
    if result.left:
        out.append(f"data was used up: who finds no row left leaves, as happened {_times(result.left)}")
    return out


def _are(n: int) -> str:
    return "is" if n == 1 else "are"


def _times(n: int) -> str:
    return "once" if n == 1 else f"{words.count(n)} times"


def _kept_out(result: Result) -> list[str]:
    """Rounds that were due, of users who did not get through what each does first."""
    kinds: Counter[str] = Counter()
    for summary in result.summaries:
        if summary.key.timer == ARRIVAL:
            kinds.update({kind: n for kind, n in summary.errors.items() if kind not in (DROPPED, NOT_SENT)})
    if not kinds:
        return []
    why = ", ".join(f"{words.count(n)} x {kind}" for kind, n in kinds.most_common(3))
    n = kinds.total()
    rounds = "round" if n == 1 else "rounds"
    text = f"{words.count(n)} {rounds} could not begin, as `each_user` failed ({why})"
    return [f"{text}; each counts as failed in the rows of its flow"]


def _dropped(result: Result) -> list[str]:
    """People for whom there was no place: the service kept those before them too long, or the cap is too low."""
    dropped = _arrivals(result, DROPPED)
    if not dropped or not result.judged_ns:
        return []
    served = _rounds(result)
    most = max(phase.shape.most for phase in result.plan.phases if isinstance(phase.shape, Arrivals))
    cap, low = "of `at_most`", "the cap"
    if result.plan.is_capped:
        cap, low = "that the environment allows", "what is allowed there"
    text = (
        f"{words.count(dropped)} of {words.count(served + dropped)} arrivals found no place: all {words.count(most)} "
        f"users {cap} were busy; the service is too slow for this rate, or {low} is too low"
    )
    if served >= KEPT_UP * (served + dropped):
        return [text]
    seconds = result.judged_ns / SECOND
    return [f"could not keep up: asked {(served + dropped) / seconds:.1f}/s, served {served / seconds:.1f}/s; {text}"]


def _not_sent(result: Result) -> list[str]:
    """People who were due while this process got no time."""
    missing = _arrivals(result, NOT_SENT)
    if not missing:
        return []
    due = missing + _arrivals(result, DROPPED) + _rounds(result)
    why = "as the load generator stood still: sent all at once they would be another load"
    return [f"{words.count(missing)} of {words.count(due)} arrivals were not sent, {why}"]


def _arrivals(result: Result, kind: str) -> int:
    """How many did not come, and why."""
    return sum(summary.errors.get(kind, 0) for summary in result.summaries if summary.key.timer == ARRIVAL)


def _rounds(result: Result) -> int:
    return sum(summary.n for summary in result.summaries if summary.key.timer == "round")


def _phases(result: Result) -> list[str]:
    """Where a limit broke that held elsewhere."""
    found = []
    for verdict in result.verdicts:
        named = {met: [result.windows[p.phase].phase for p in verdict.phases if p.met is met] for met in (True, False)}
        if verdict.outcome in ("FAIL", "WARN") and all(named.values()):
            found.append(f"{verdict.threshold}: broke in {', '.join(named[False])}, held in {', '.join(named[True])}")
    return found


def _scalability(result: Result) -> list[str]:
    """Where a search with users has seen their number turn against them."""
    if result.capacity is None or result.plan.search is None or result.plan.search.by != "users":
        return []
    seen = points(result.capacity.steps, ((s.second, s.users, s.slices) for s in result.seconds))
    law = fit(seen)
    if law is None:
        return []
    peak = f"throughput peaks near {law.peak_users:.0f} users with {law.peak_per_s:.3g} requests/s, and falls with more"
    return [f"{peak}: an estimate from {len(seen)} loads by the universal scalability law, which judges nothing"]


def _promise(result: Result) -> list[str]:
    """What this test used of its own allowance, where anything used it. Production's budget is not spent by a test."""
    budget = result.budget
    if budget is None or budget.lasts_ns is None:
        return []
    period, lasts = (f"{ns / DAY_NS:.3g} days" for ns in (budget.period_ns, budget.lasts_ns))
    allowed = f"{format_share(1 - budget.promised)} allowed by what is promised"
    seen = f"{words.percent(budget.bad / budget.n)} unavailable, {allowed}"
    used = (
        f"{budget.burn:.3g} times the allowance of this test (likely {budget.burn_low:.3g} to {budget.burn_high:.3g})"
    )
    rest = f"a test spends nothing of production's budget of {period}, which would last {lasts} at this rate"
    return [
        f"{seen}: {used}; {rest}",
        *(f"what production would call for at this rate: {action}" for action in budget.actions),
    ]


def outcome_of(results: Sequence[Result]) -> Outcome:
    """One verdict for several runs: that of the worst exit code. Raises StopIteration if there is no run."""
    code = worst(ExitCode(result.exit_code) for result in results)
    return next(result.outcome for result in results if result.exit_code == code)


def worst_errors(errors: dict[str, int]) -> list[tuple[str, int]]:
    """The five kinds that came most often."""
    return sorted(errors.items(), key=lambda e: (-e[1], e[0]))[:5]


def label(summary: Summary) -> str:
    """A series as reports call it: its request, tags, and what was timed."""
    key = summary.key
    tags = "".join(f" {tag}={value}" for tag, value in key.tags)
    timer = f" ({label_of(key.timer)})" if key.timer else ""
    part = "" if key.part == "load" else f" ({key.part})"
    return f"{key.name}{tags}{timer}{part}"
