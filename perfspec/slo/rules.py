"""Rules for Prometheus: what is recorded of every promise, and who is woken when.

    slo:objective:ratio, slo:error_budget:ratio                 what was promised
    slo:bad_requests:ratio_rate5m .. ratio_rate3d               the share of bad requests over a window
    slo:burn_rate:ratio_rate5m, ratio_rate1h                    the same in multiples of what the budget allows
    slo:bad_requests:ratio_period                               over the whole period, from the requests themselves
    slo:error_budget_spent:ratio, slo:error_budget_left:ratio   of the period's budget
    slo:policy_steps:count                                      how many steps of the policy are reached
    slo:latency_seconds:p95_rate5m                              per request, as Prometheus estimates it

Labels: `service`, `slo` (the promise; of latencies also `request`), `team`. The window is part of a name, not a label,
so that two of them can be compared without more ado.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from perfspec.base.units import format_decimal, format_duration, format_share
from perfspec.slo.burning import MINUTE_NS, Burn, burns, factor_text
from perfspec.slo.objectives import Objective, Promises
from perfspec.slo.promql import matcher, number, seconds, window
from perfspec.slo.yaml import to_yaml

__all__ = ["SHOWN_NS", "Alert", "Group", "Record", "Rules", "rules", "to_text"]

SHOWN_NS = (5 * MINUTE_NS, 60 * MINUTE_NS)
"""Windows whose burn rate is recorded, for people to look at."""
HEAD = "# Written by `perfspec slo rules`; change the specs, not this file.\n"


class Record(msgspec.Struct, frozen=True):
    record: str
    expr: str
    labels: dict[str, str]


class Alert(msgspec.Struct, frozen=True, rename={"for_": "for"}, omit_defaults=True):
    alert: str
    expr: str
    for_: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class Group(msgspec.Struct, frozen=True, omit_defaults=True):
    """`interval` empty: as often as Prometheus evaluates everything else."""

    name: str
    interval: str = ""
    rules: Sequence[Record | Alert] = ()


class Rules(NamedTuple):
    groups: tuple[Group, ...]
    left_out: tuple[str, ...]
    """One sentence for each rule that could not be made, or never fire."""


def rules(services: Iterable[Promises]) -> Rules:
    """The rules of all services. What cannot be measured or cannot fire is left out and said."""
    groups: list[Group] = []
    left_out: list[str] = []
    for promises in services:
        left_out += promises.left_out
        found: list[Record | Alert] = []
        budgets: list[Record] = []
        for objective in promises.measured:
            kept, without = burns(objective)
            left_out += [f"{promises.service}: {each}" for each in without]
            found += [*_records(promises, objective, kept), *_alerts(promises, objective, kept)]
            budgets += _budget(promises, objective)
        if found:
            groups.append(Group(f"slo {promises.service}", rules=found))
            groups.append(Group(f"slo {promises.service} budget", "1m", budgets))
    return Rules(tuple(groups), tuple(left_out))


def to_text(made: Rules) -> str:
    """The rule file; what was left out stands at its top."""
    said = "".join(f"# Left out: {each}.\n" for each in made.left_out)
    return HEAD + said + to_yaml({"groups": msgspec.to_builtins(made.groups)})


def _labels(promises: Promises, objective: Objective) -> dict[str, str]:
    labels = {"service": promises.service, "slo": objective.name}
    if objective.latency:
        labels["request"] = objective.latency.request
    return labels | ({"team": promises.team} if promises.team else {})


def _own(promises: Promises, objective: Objective) -> str:
    """The matchers of what was recorded of one promise."""
    return "{" + matcher(service=promises.service, slo=objective.name) + "}"


def _records(promises: Promises, objective: Objective, kept: Sequence[Burn]) -> Iterator[Record]:
    labels, own = _labels(promises, objective), _own(promises, objective)
    yield Record("slo:objective:ratio", f"vector({number(objective.target)})", labels)
    yield Record("slo:error_budget:ratio", f"vector({number(objective.budget)})", labels)
    windows = {ns for burn in kept for ns in (burn.long_ns, burn.short_ns)} | set(SHOWN_NS)
    for ns in sorted(windows):
        yield Record(f"slo:bad_requests:ratio_rate{window(ns)}", objective.ratio(ns), labels)
    for ns in SHOWN_NS:
        shown = f"slo:bad_requests:ratio_rate{window(ns)}{own} / {number(objective.budget)}"
        yield Record(f"slo:burn_rate:ratio_rate{window(ns)}", shown, labels)
    if objective.latency:
        quantile = number(objective.target)
        name = objective.name.split()[-1].replace(".", "_")
        yield Record(f"slo:latency_seconds:{name}_rate5m", objective.percentile(quantile, "5m"), labels)


def _budget(promises: Promises, objective: Objective) -> Iterator[Record]:
    labels, own = _labels(promises, objective), _own(promises, objective)
    yield Record("slo:bad_requests:ratio_period", objective.ratio(objective.period_ns, "increase"), labels)
    spent = f"slo:bad_requests:ratio_period{own} / {number(objective.budget)}"
    yield Record("slo:error_budget_spent:ratio", spent, labels)
    yield Record("slo:error_budget_left:ratio", f"1 - slo:error_budget_spent:ratio{own}", labels)
    if promises.policy:
        steps = " + ".join(
            f"(slo:error_budget_spent:ratio{own} >= bool {number(step.share)})" for step in promises.policy
        )
        yield Record("slo:policy_steps:count", steps, labels)


def _alerts(promises: Promises, objective: Objective, kept: Sequence[Burn]) -> Iterator[Alert]:
    for severity, name in (("critical", "ErrorBudgetBurnsFast"), ("warning", "ErrorBudgetBurnsSlowly")):
        wanted = [burn for burn in kept if burn.severity == severity]
        if wanted:
            yield _burn_alert(promises, objective, name, wanted)
    if objective.latency:
        yield _latency_alert(promises, objective)
        yield _bucket_alert(promises, objective)


def _burn_alert(promises: Promises, objective: Objective, name: str, wanted: Sequence[Burn]) -> Alert:
    own = _own(promises, objective)
    lines = [
        f"(slo:bad_requests:ratio_rate{window(burn.long_ns)}{own} > {number(burn.factor * objective.budget)}\n"
        f"  and slo:bad_requests:ratio_rate{window(burn.short_ns)}{own} > {number(burn.factor * objective.budget)})"
        for burn in wanted
    ]
    pace = " or ".join(f"{factor_text(burn.factor)}x over {format_duration(burn.long_ns)}" for burn in wanted)
    budget, period = format_share(objective.budget), format_duration(objective.period_ns)
    return Alert(
        name,
        "\nor\n".join(lines),
        labels={"severity": wanted[0].severity, **_labels(promises, objective)},
        annotations={
            "summary": f"{promises.service}: the error budget of {objective.name} burns too fast ({pace})",
            "description": f"{{{{ $value | humanizePercentage }}}} of requests are bad, {budget} may be over {period}. "
            f"Promised: {objective.sentence}.",
            **_runbook(promises, name),
        },
    )


def _latency_alert(promises: Promises, objective: Objective) -> Alert:
    assert objective.latency is not None
    name, percentile = "LatencyAbovePromise", objective.name.split()[-1]
    limit = seconds(objective.latency.edge_ns)
    recorded = f"slo:latency_seconds:{percentile.replace('.', '_')}_rate5m{_own(promises, objective)}"
    return Alert(
        name,
        f"{recorded} > {number(limit)}",
        "2m",
        {"severity": "critical", **_labels(promises, objective)},
        {
            "summary": f"{promises.service}: {objective.name} is above its promise",
            "description": f"{percentile} of {objective.latency.request} is {{{{ $value | humanizeDuration }}}}. "
            f"Promised: {objective.sentence}.",
            **_runbook(promises, name),
        },
    )


def _bucket_alert(promises: Promises, objective: Objective) -> Alert:
    """What is said about a limit between two buckets is a guess, and the share of bad requests has no value at all."""
    assert objective.latency is not None
    name = "LatencyBucketMissing"
    limit = format_decimal(seconds(objective.latency.edge_ns))
    return Alert(
        name,
        f"absent({objective.good})\n  and on () count({objective.total}) > 0",
        "15m",
        {"severity": "warning", **_labels(promises, objective)},
        {
            "summary": f"{promises.service}: no bucket ends at {limit} s, so {objective.name} cannot be judged",
            "description": f"Add {limit} to the buckets of the histogram, or promise what it can show.",
            **_runbook(promises, name),
        },
    )


def _runbook(promises: Promises, alert: str) -> Mapping[str, str]:
    """The section of the page that has the alert's name."""
    if not promises.runbook:
        return {}
    section = "" if "#" in promises.runbook else f"#{alert.lower()}"
    return {"runbook_url": promises.runbook + section}
