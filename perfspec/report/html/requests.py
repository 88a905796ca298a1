"""The part about requests: one table of all, then each with its charts and its errors. Also drawn while a run lasts."""

import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import NamedTuple

from perfspec.base.clock import SECOND
from perfspec.base.units import format_ms
from perfspec.metrics import histogram
from perfspec.metrics.histogram import Histogram
from perfspec.plan.model import Plan, Window
from perfspec.report import rows, words
from perfspec.report.html import charts, examples
from perfspec.report.html.charts import Band, Chart, Limit, Polyline
from perfspec.report.html.markup import Markup, element, together
from perfspec.report.result import Result
from perfspec.report.rows import HEAD, Shown
from perfspec.report.timeline import SHOWN_TIMERS, Line, Timeline, quantiles
from perfspec.spec.model import Threshold

__all__ = [
    "Frame",
    "anchor",
    "in_order",
    "link",
    "number",
    "over_time",
    "section",
    "table",
    "title",
    "users",
]

CURVE = (*(Fraction(k, 20) for k in range(19)), *(Fraction(k, 200) for k in range(190, 200)),
         *(1 - Fraction(1, k) for k in (250, 400, 600, 1000, 2000, 4000, 10000)))  # fmt: skip
MOST_KINDS = 12


class Frame(NamedTuple):
    """What the charts of a page have in common: the time they show, and which limits are broken."""

    plan: Plan
    seconds: float
    bands: list[Band]
    broken: frozenset[str]

    @classmethod
    def of(cls, plan: Plan, ended_ns: int, windows: Sequence[Window], broken: Iterable[str]) -> "Frame":
        seconds = max(ended_ns / SECOND, 1.0)
        return cls(plan, seconds, _bands(plan, seconds, windows), frozenset(broken))


def section(result: Result) -> Markup:
    timeline = Timeline.of(result.timeline)
    broken = (v.threshold for v in result.verdicts if v.outcome in ("FAIL", "WARN"))
    frame = Frame.of(result.plan, result.ended_ns, result.windows, broken)
    return element(
        "section",
        element("h2", "Requests"),
        _all(result),
        users(frame, timeline),
        *(_one(result, frame, timeline, line) for line in in_order(frame.plan, timeline)),
        id="requests",
    )


def in_order(plan: Plan, timeline: Timeline) -> list[Line]:
    """The requests as the spec has them."""
    order = {name: number for number, (name, _) in enumerate(plan.series_names())}
    lines = [line for line in timeline.lines.values() if line.timer in SHOWN_TIMERS]
    return sorted(lines, key=lambda line: order.get(line.name, len(order)))


def table(caption: str, head: Sequence[str], rows: Iterable[Markup]) -> Markup:
    """A heading that begins with `#` is above numbers."""
    cells = [
        element("th", text.removeprefix("#"), scope="col", class_="n" if text.startswith("#") else None)
        for text in head
    ]
    body = element("tbody", *rows)
    inner = element("table", element("caption", caption), element("thead", element("tr", *cells)), body)
    return element("div", inner, class_="scroll", tabindex="0", role="region", aria_label=caption)


def number(text: str) -> Markup:
    return element("td", text, class_="n")


def anchor(run_id: str, name: str) -> str:
    """Where the part about a request is on the page."""
    return f"run-{run_id}-" + re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-").lower()


def link(result: Result, name: str, text: str) -> Markup | str:
    """The text, leading to the part about a request if there is one."""
    has_part = any(
        s.key.name == name and s.key.part == "load" and s.key.timer in SHOWN_TIMERS for s in result.summaries
    )
    return element("a", text, href=f"#{anchor(result.run_id, name)}") if has_part else text


def _all(result: Result) -> Markup:
    head = (HEAD[0], *(f"#{name}" for name in HEAD[1:]))
    caption = "Response times of the judged seconds, from the moment each request was due"
    found = table(caption, head, [_shown(result, row) for row in rows.rows(result)])
    below = [_shown(result, row) for row in rows.parts(result)]
    if not below:
        return found
    inner = table("Parts of requests: connecting, TLS, waiting for the first byte", head, below)
    return together((found, element("details", element("summary", "Connecting and first bytes"), inner)))


def _shown(result: Result, row: Shown) -> Markup:
    return element("tr", element("td", link(result, row.name, row.label)), *(number(text) for text in row.cells))


def _bands(plan: Plan, seconds: float, windows: Sequence[Window]) -> list[Band]:
    """Phases, cut where judging begins and ends."""
    found = []
    for phase in plan.phases:
        start, end = phase.start_ns / SECOND, min(phase.end_ns / SECOND, seconds)
        if phase is plan.phases[-1]:
            end = seconds
        begins = next((w.start_ns / SECOND for w in windows if phase.start_ns <= w.start_ns < phase.end_ns), end)
        if start < min(begins, end):
            found.append(Band(phase.name if begins >= end else "", start, min(begins, end), judged=False))
        if begins < end:
            found.append(Band(phase.name, begins, end, judged=True))
    return found


def users(frame: Frame, timeline: Timeline) -> Markup:
    times = (((at + 0.5) * timeline.bucket_s, float(n)) for at, n in sorted(timeline.users.items()))
    points = [(at, n) for at, n in times if at < frame.seconds]
    most = max((n for _, n in points), default=0)
    chart = Chart("Virtual users", [Polyline("users", "p50", points, timeline.bucket_s * 1.5)], "", f"up to {most:.0f}")
    return element("div", charts.over_time(chart, frame.seconds, frame.bands), class_="charts")


def _one(result: Result, frame: Frame, timeline: Timeline, line: Line) -> Markup:
    curve = _curve(result, frame, line)
    return element(
        "article",
        element("h3", title(line), id=anchor(result.run_id, line.name)),
        element("div", *over_time(frame, timeline, line), curve, class_="charts"),
        _errors(result, line),
        *examples.section(result, line.name),
    )


def title(line: Line) -> str:
    return f"{line.name} (until done)" if line.timer else line.name


def over_time(frame: Frame, timeline: Timeline, line: Line) -> tuple[Markup, Markup]:
    """How long answers took, and how many there were."""
    return _latency(frame, timeline, line), _rate(frame, timeline, line)


def _thresholds(frame: Frame, line: Line) -> list[Threshold]:
    return [t for t in frame.plan.thresholds if _is_about(t, line)]


def _is_about(threshold: Threshold, line: Line) -> bool:
    """Limits that are drawn into the charts of a request: its own percentiles, not those of a tag."""
    is_own = threshold.row.kind == "request" and threshold.row.name == line.name and not threshold.row.where
    return is_own and threshold.cell.statistic == "percentile" and threshold.cell.timer == line.timer


def _limits(frame: Frame, thresholds: Sequence[Threshold]) -> list[Limit]:
    found = []
    for threshold in thresholds:
        limit = threshold.limit
        value = float((limit.high or limit.quantity).value) / 1e6
        found.append(Limit(f"{threshold.cell.text} {limit.text}", value, str(threshold) in frame.broken))
    return found


def _latency(frame: Frame, timeline: Timeline, line: Line) -> Markup:
    drawn: list[list[tuple[float, float]]] = [[], [], []]
    for at, bucket in sorted(line.buckets.items()):
        for points, value in zip(drawn, bucket.quantiles, strict=False):
            points.append(((at + 0.5) * timeline.bucket_s, value))
    gap = timeline.bucket_s * 3.5
    lines = [Polyline(name, name, points, gap) for name, points in zip(("p50", "p95", "p99"), drawn, strict=True)]
    p95 = [value for _, value in drawn[1]]
    alt = f"p95 between {format_ms(min(p95) * 1e6)} and {format_ms(max(p95) * 1e6)}" if p95 else "no answers"
    chart = Chart("Response time over time", lines, "ms", alt)
    return charts.over_time(chart, frame.seconds, frame.bands, _limits(frame, _thresholds(frame, line)))


def _rate(frame: Frame, timeline: Timeline, line: Line) -> Markup:
    width = timeline.bucket_s
    sent = [((at + 0.5) * width, bucket.n / width) for at, bucket in sorted(line.buckets.items())]
    failed = [((at + 0.5) * width, bucket.failed / width) for at, bucket in sorted(line.buckets.items())]
    total = sum(bucket.failed for bucket in line.buckets.values())
    lines = [Polyline("requests/s", "sent", sent, width * 3.5)]
    if total:
        lines.append(Polyline("failed/s", "failed", failed, width * 3.5))
    most = max((value for _, value in sent), default=0.0)
    chart = Chart("Requests per second", lines, "", f"up to {most:.1f} a second, {words.count(total)} failed in all")
    return charts.over_time(chart, frame.seconds, frame.bands)


def _curve(result: Result, frame: Frame, line: Line) -> Markup:
    merged: Histogram = {}
    for summary in result.summaries:
        if summary.key.name == line.name and summary.key.timer == line.timer:
            histogram.add(merged, summary.response.histogram)
    n = histogram.count(merged)
    known = [q for q in CURVE if n and (1 - q) * n >= 1]
    points = list(zip(map(float, known), quantiles(merged, known), strict=True)) if n else []
    alt = f"half of {words.count(n)} within {format_ms(quantiles(merged)[0] * 1e6)}" if n else "no answers"
    thresholds = _thresholds(frame, line)
    limits = _limits(frame, thresholds)
    marks = [(float(t.cell.quantile), limit) for t, limit in zip(thresholds, limits, strict=True) if t.cell.quantile]
    chart = Chart("How many answers took how long", [Polyline("response time", "p95", points)], "ms", alt)
    return charts.percentile_curve(chart, n, marks)


def _errors(result: Result, line: Line) -> Markup | None:
    kinds: dict[str, int] = {}
    where: dict[str, None] = {}
    for summary in result.summaries:
        if summary.key.name == line.name and summary.key.timer == line.timer:
            where |= dict.fromkeys(summary.where)
            for kind, n in summary.errors.items():
                kinds[kind] = kinds.get(kind, 0) + n
    if not kinds:
        return None
    worst = sorted(kinds.items(), key=lambda item: (-item[1], item[0]))
    rows = [element("tr", element("td", kind), number(words.count(n))) for kind, n in worst[:MOST_KINDS]]
    if len(worst) > MOST_KINDS:
        rest = sum(n for _, n in worst[MOST_KINDS:])
        rows.append(element("tr", element("td", f"{len(worst) - MOST_KINDS} other kinds"), number(words.count(rest))))
    at = f" ({', '.join(where)})" if where else ""
    return table(f"Failed, by kind{at}", ("kind", "#requests"), rows)
