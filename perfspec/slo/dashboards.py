"""Pages for Grafana: what is left of the budgets, each service against its promises, and the runs of load tests."""

from collections.abc import Sequence

from perfspec.base.units import format_duration, format_share
from perfspec.slo.grafana import RATE, SOURCE, Dashboard, Layout, Mapping, Query, Step, Variable, dashboard, shown
from perfspec.slo.objectives import Objective, Promises
from perfspec.slo.promql import matcher, number, seconds

__all__ = ["dashboards"]

GOOD, CLOSE, BAD = "green", "orange", "red"
SERVICE = Variable(
    "service", "query", 'label_values({__name__=~"perfspec_users|perfspec_run_outcome"}, service)', "Service", SOURCE,
    include_all=True, all_value=".*", multi=True, refresh=2,
)  # fmt: skip
CHOSEN = 'service=~"$service"'
RUN, LIMIT = "{{service}} {{stage}}", "{{service}} {{threshold}}"


def dashboards(services: Sequence[Promises]) -> dict[str, Dashboard]:
    """File name -> page. A service of which nothing is measured has none."""
    measured = [promises for promises in services if promises.measured]
    pages = {f"service-{promises.service}.json": _service(promises) for promises in measured}
    return {"slo-overview.json": _overview(measured), **pages, "load-test-runs.json": _runs()}


def _overview(services: Sequence[Promises]) -> Dashboard:
    layout = Layout()
    for promises in services:
        own = "{" + matcher(service=promises.service) + "}"
        period = format_duration(promises.period_ns)
        layout.row(promises.service)
        layout.add(
            "stat", f"{promises.service}: budget left of {period}",
            [Query(f"slo:error_budget_left:ratio{own}", "{{slo}}")],
            shown("percentunit", steps=_left(promises)),
        )  # fmt: skip
        layout.add(
            "timeseries", f"{promises.service}: burn rate",
            [Query(f"slo:burn_rate:ratio_rate1h{own}", "{{slo}} over 1h")],
            shown("none", steps=(Step(GOOD, None), Step(BAD, 1)), line=True),
            about=f"1: the budget lasts exactly {period}.",
        )  # fmt: skip
        if promises.policy:
            layout.add(
                "stat", f"{promises.service}: what to do",
                [Query(f"slo:policy_steps:count{own}", "{{slo}}")],
                shown("none", steps=_colours(promises), mappings=_actions(promises)),
            )  # fmt: skip
    about = "What is left of the error budgets, how fast they burn, and what the team does then."
    return dashboard("perfspec-slo-overview", "SLO overview", layout, about=about)


def _left(promises: Promises) -> tuple[Step, ...]:
    """Colours by what is left: red from the last step of the policy on."""
    steps = [Step(BAD, None)]
    shares = [step.share for step in promises.policy]
    for at, share in enumerate(reversed(shares)):
        colour = GOOD if at == len(shares) - 1 else CLOSE
        steps.append(Step(colour, float(1 - share)))
    return tuple(steps) if shares else (Step(BAD, None), Step(GOOD, 0))


def _colours(promises: Promises) -> tuple[Step, ...]:
    last = len(promises.policy)
    return (Step(GOOD, None), *(Step(BAD if at == last else CLOSE, at) for at in range(1, last + 1)))


def _actions(promises: Promises) -> tuple[Mapping, ...]:
    texts = ["Nothing: the budget is there", *(f"{format_share(s.share)}: {s.action}" for s in promises.policy)]
    return (Mapping({str(at): {"text": text} for at, text in enumerate(texts)}),)


def _service(promises: Promises) -> Dashboard:
    layout = Layout()
    latencies = [each for each in promises.measured if each.latency]
    if latencies:
        layout.row("Latency against its limits")
    for objective in latencies:
        _latency(layout, objective)
    layout.row("Bad requests")
    for objective in promises.measured:
        layout.add(
            "timeseries", f"{objective.name}: bad requests", [Query(objective.ratio_over(RATE), "bad")],
            shown("percentunit", steps=(Step(GOOD, None), Step(BAD, float(objective.budget))), line=True),
            about=f"Promised: {objective.sentence}.",
        )  # fmt: skip
    layout.row("Throughput")
    queries = [
        Query(each.all_requests(RATE), each.latency.request if each.latency else "all") for each in _once(promises)
    ]
    layout.add("timeseries", "Requests per second", queries, shown("reqps"), width=24)
    about = f"{promises.service} against what it promises over {format_duration(promises.period_ns)}."
    title = f"Service: {promises.service}"
    return dashboard(f"perfspec-service-{promises.service}", title, layout, about=about)


def _once(promises: Promises) -> list[Objective]:
    """One promise of each request: several percentiles count the same requests."""
    return list({each.total: each for each in promises.measured}.values())


def _latency(layout: Layout, objective: Objective) -> None:
    assert objective.latency is not None
    own = objective.name.split()[-1]
    quantiles = {"p50": "0.5", own: number(objective.target), "p99": "0.99"}
    limit = seconds(objective.latency.edge_ns)
    layout.add(
        "timeseries", f"{objective.name} at most {format_duration(objective.latency.edge_ns)}",
        [Query(objective.percentile(q, RATE), word) for word, q in quantiles.items()],
        shown("s", steps=(Step(GOOD, None), Step(BAD, float(limit))), line=True),
        about=f"Promised: {objective.sentence}. Percentiles are estimates between the edges of buckets.",
    )  # fmt: skip


Chart = tuple[str, str, str, str]
"""Title, query, legend, unit."""


def _runs() -> Dashboard:
    layout = Layout()
    layout.row("While a run lasts (perfspec run --metrics)")
    for title, expr, legend, unit in _live():
        layout.add("timeseries", title, [Query(expr, legend)], shown(unit))
    layout.row("The last run (perfspec run --push, perfspec report --format prometheus)")
    for title, expr, legend, unit in _ended():
        layout.add("stat", title, [Query(expr, legend)], shown(unit))
    about = "Load tests as they run, and how the last ones ended."
    return dashboard("perfspec-load-test-runs", "Load-test runs", layout, about=about, variables=(SERVICE,))


def _live() -> list[Chart]:
    """Names: docs/guide/metrics.md."""
    rate, by, request = f"{{{CHOSEN}}}[{RATE}]", "sum by (service, {})", "{{service}} {{request}}"
    asked = f"{by.format('request')} (rate(perfspec_requests_total{rate}))"
    failed = f"{by.format('request')} (rate(perfspec_failed_requests_total{rate}))"
    buckets = f"{by.format('request, le')} (rate(perfspec_response_time_seconds_bucket{rate}))"
    return [
        ("Virtual users", f"perfspec_users{{{CHOSEN}}}", RUN, "none"),
        ("Requests per second", asked, request, "reqps"),
        ("Failed requests", f"{failed} / ({asked} > 0)", request, "percentunit"),
        ("p95 of response times", f"histogram_quantile(0.95, {buckets})", request, "s"),
        ("Limits: 1 holds, 0 is broken", f"perfspec_threshold_holds{{{CHOSEN}}}", LIMIT, "none"),
        ("Load generator late, p99", f"perfspec_generator_late_seconds{{{CHOSEN}}}", RUN, "s"),
    ]


def _ended() -> list[Chart]:
    outcome = f"{RUN} on {{{{environment}}}}: {{{{outcome}}}}"
    p95 = f'perfspec_response_seconds{{{CHOSEN},percentile="p95"}}'
    return [
        ("Outcome", f"perfspec_run_outcome{{{CHOSEN}}} == 1", outcome, "none"),
        ("Bad requests by limit", f"perfspec_threshold_bad_share{{{CHOSEN}}}", LIMIT, "percentunit"),
        ("p95 of response times, last run", p95, "{{service}} {{request}} {{timer}}", "s"),
    ]
