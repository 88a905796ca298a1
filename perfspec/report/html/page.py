"""The page: verdict first, then what else is worth knowing, the requests one by one, the generator, how it was run.

Without scripts: a content security policy forbids them, whatever an answer of the service may have held.
"""

import re
from collections.abc import Sequence

from perfspec.base.units import format_duration, format_ms
from perfspec.diagnostics.source import Span
from perfspec.load import Users
from perfspec.report import comparison, words
from perfspec.report.html import requests
from perfspec.report.html.markup import Markup, element, together
from perfspec.report.html.style import STYLE
from perfspec.report.html.workers import workers
from perfspec.report.remarks import HEADLINES, headline, named, outcome_of, remarks
from perfspec.report.result import Result
from perfspec.verdict.capacity import Step
from perfspec.verdict.comparison import Change, ErrorChange
from perfspec.verdict.judge import Verdict

__all__ = ["document", "many_to_html", "mark", "to_html"]

_INSIDE_NUMBER = re.compile(r"(?<=\d) (?=\d{3}(?!\d)|%)")
CLOSED = (
    "Users wait for their answers (closed model): a slow service is asked less, so queues stay hidden. "
    "Load by arrivals shows them."
)
ONE_FLOW = 2
"""Goodputs of a run with one flow: that of all flows, and the same again."""
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
KINDS = {"PASS": "pass", "FAIL": "fail", "WARN": "warn", "CRASHED": "fail"}


def to_html(result: Result) -> bytes:
    """One file, under 300 kB for a quarter of an hour of a dozen requests."""
    title = f"{named(result)}: {result.outcome}"
    return document(title, [_article(result)])


def many_to_html(results: Sequence[Result]) -> bytes:
    """Several runs on one page: their outcomes, then each run by itself."""
    if len(results) == 1:
        return to_html(results[0])
    rows = [
        element(
            "tr",
            mark(result.outcome),
            element("td", element("a", named(result), href=f"#run-{result.run_id}")),
            element("td", ", ".join(v.threshold for v in result.verdicts if v.outcome == "FAIL") or "none"),
        )
        for result in results
    ]
    overview = requests.table("The outcome of each run", ("", "run", "broken limits"), rows)
    said = HEADLINES[outcome_of(results)]
    head = element("header", element("h1", f"{len(results)} runs: {said}"), overview)
    return document(f"{len(results)} load test runs", [head, *(_article(result) for result in results)])


def _article(result: Result) -> Markup:
    return element(
        "article",
        _verdict(result),
        _thresholds(result),
        _search(result),
        _remarks(result),
        _comparison(result),
        _rounds(result),
        requests.section(result),
        _checks(result),
        _generator(result),
        _run(result),
        id=f"run-{result.run_id}",
    )


def document(title: str, sections: list[Markup | None], refresh_s: int = 0) -> bytes:
    """A whole file. `refresh_s`: the browser loads it again after so many seconds; 0: never."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", http_equiv="refresh", content=refresh_s) if refresh_s else None,
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", title),
        element("style", Markup(STYLE)),
    )
    skip = element("a", "Skip to the requests", href="#requests", class_="skip")
    body = element("body", skip, element("main", *sections))
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n".encode()


def _verdict(result: Result) -> Markup:
    judged = format_duration(result.judged_ns // 10**9 * 10**9)
    limits = _limits(result)
    return element(
        "header",
        element("h1", named(result)),
        element(
            "div",
            element("strong", headline(result), class_=f"mark {KINDS.get(result.outcome, '')}"),
            None if result.capacity is None else element("p", element("strong", result.capacity.text)),
            element("p", f"{limits} judged over {judged}{_broken(result)}. {result.url}"),
            element("p", _facts(result), class_="soft"),
            class_=f"verdict {KINDS.get(result.outcome, '')}",
        ),
    )


def _limits(result: Result) -> str:
    """How many could be judged: what was not measured is not unbroken."""
    judged = sum(v.outcome in ("PASS", "FAIL", "WARN") for v in result.verdicts)
    limits = f"{len(result.verdicts)} limit{'' if len(result.verdicts) == 1 else 's'}"
    return limits if judged == len(result.verdicts) else f"{judged or 'none'} of {limits}"


def _broken(result: Result) -> str:
    """`, none broken, 6 passes not proven`."""
    broken = sum(v.outcome == "FAIL" for v in result.verdicts)
    passed = any(v.outcome == "PASS" for v in result.verdicts)
    unproven = words.unproven(result.verdicts)
    told = [f"{broken or 'none'} broken"] if broken or passed else []
    told += [f"{unproven} pass{'' if unproven == 1 else 'es'} not proven"] if unproven else []
    return "".join(f", {each}" for each in told)


def _facts(result: Result) -> str:
    facts = [
        result.started_at.replace("T", " ").replace("+00:00", " UTC"),
        f"run {result.run_id}",
        f"seed {result.seed}",
        f"plan {result.plan_hash[:12]}",
        f"perfspec {result.perfspec}",
    ]
    return " · ".join(fact for fact in facts if fact.split()[-1:] != [""])


def mark(outcome: str) -> Markup:
    """The outcome as a word; its colour only underlines it."""
    text = {"INCONCLUSIVE": "?? not judged", "NO_DATA": "?? no data", "SKIPPED": "SKIP"}.get(outcome, outcome)
    return element("td", text, class_=f"mark {KINDS.get(outcome, '')}")


def _thresholds(result: Result) -> Markup:
    shared = words.shared_reasons(result.verdicts)
    rows = [_threshold(result, verdict, shared) for verdict in result.verdicts]
    rows += [
        element(
            "tr", mark("SKIPPED"), element("td", str(s.threshold)), element("td", s.reason), _place(s.threshold.span)
        )
        for s in result.skipped
    ]
    few = words.few_requests(result.verdicts)
    return element(
        "section",
        element("h2", "Limits"),
        requests.table(
            "Every limit of the stage, and what was seen of it", ("", "limit", "what was seen", "in the spec"), rows
        ),
        element("p", few, class_="soft") if few else None,
        _by_phase(result),
    )


def _by_phase(result: Result) -> Markup | None:
    """Where a stage has several judged phases: in which of them a limit held."""
    rows = [
        element(
            "tr",
            element("td", verdict.threshold),
            element("td", result.windows[phase.phase].phase),
            element("td", {True: "held", False: "broken", None: "nothing seen"}[phase.met]),
            requests.number(words.count(phase.n)),
            requests.number("" if phase.bad is None else words.count(phase.bad)),
        )
        for verdict in result.verdicts
        if len(verdict.phases) > 1
        for phase in verdict.phases
    ]
    if not rows:
        return None
    table = requests.table("Each limit in each judged phase", ("limit", "phase", "", "#requests", "#bad"), rows)
    return element("details", element("summary", "Phase by phase"), table)


def _search(result: Result) -> Markup | None:
    """How a search came to its answer."""
    capacity = result.capacity
    if capacity is None:
        return None
    rows = [
        element(
            "tr",
            requests.number(format_duration(step.start_ns)),
            element("td", step.doing),
            element("td", step.load),
            _met(step),
            element("td", step.why),
        )
        for step in capacity.steps
    ]
    table = requests.table("Step by step", ("#at", "", "load", "", "what broke"), rows)
    return element("section", element("h2", "How much it carries"), table)


def _met(step: Step) -> Markup:
    word, kind = (
        ("met", "pass") if step.met else ("broken", "fail") if step.beyond in ("", "service") else ("?? not judged", "")
    )
    return element("td", word, class_=f"mark {kind}")


def _comparison(result: Result) -> Markup | None:
    """Against earlier runs, in the words of every report."""
    if result.comparison is None:
        return None
    found = result.comparison
    calm = [change for change in found.changes if change.state == "unchanged"]
    head = (*comparison.HEAD[:3], *(f"#{name}" for name in comparison.HEAD[3:]))
    as_before = "; ".join(comparison.calm(found))
    folded = element(
        "details", element("summary", as_before), requests.table("What is as before", head, map(_change, calm))
    )
    return element(
        "section",
        element("h2", "Against earlier runs"),
        element("p", comparison.headline(found)),
        requests.table("What is not as before", head, map(_change, found.told)) if found.told else None,
        *(element("p", remark, class_="soft") for remark in comparison.remarks(found)),
        folded if calm else None,
    )


def _change(change: Change | ErrorChange) -> Markup:
    _, request, statistic, *numbers = comparison.cells(change)
    kind = {"regressed": "fail", "improved": "pass", "unchanged": "soft"}.get(change.state, "warn")
    return element(
        "tr",
        element("td", comparison.mark_of(change), class_=f"mark {kind}"),
        element("td", request),
        element("td", statistic),
        *map(requests.number, numbers),
    )


def _rounds(result: Result) -> Markup | None:
    """How many rounds were good from their beginning to their end."""
    said = []
    for good in result.goodput[:1] if len(result.goodput) == ONE_FLOW else result.goodput:
        whose = f"flow {good.flow}" if good.flow else "all flows"
        if good.n:
            said.append(
                f"{whose}: {words.percent(1 - good.missed / good.n)} of {words.count(good.n)} rounds met every limit"
            )
    if not said:
        return None
    heading = element("h2", "Whole rounds")
    return element("section", heading, element("ul", *(element("li", text) for text in said)))


def _threshold(result: Result, verdict: Verdict, shared: tuple[str, ...]) -> Markup:
    name = verdict.row.partition(" where ")[0]
    link = requests.link(result, name, verdict.threshold)
    said = whole_numbers(words.evidence(verdict, shared))
    return element("tr", mark(verdict.outcome), element("td", link), element("td", said), _place(verdict.span))


def _place(span: Span) -> Markup:
    """Line and column stay together, however narrow the column is."""
    return element("td", element("code", span.path, element("span", f":{span.line}:{span.column}", class_="n")))


def whole_numbers(text: str) -> str:
    """So that no line ends inside of `2 386` or before `%`."""
    return _INSIDE_NUMBER.sub("\u00a0", text)


def _remarks(result: Result) -> Markup | None:
    few = words.few_requests(result.verdicts)
    found = [element("li", remark) for remark in remarks(result) if remark != few]
    return element("section", element("h2", "Worth knowing"), element("ul", *found)) if found else None


def _checks(result: Result) -> Markup | None:
    rows = [
        element(
            "tr",
            element("td", check.request),
            element("td", check.text),
            requests.number(words.count(check.failed)),
            requests.number(words.count(check.n)),
            _place(check.span),
        )
        for check in result.checks
    ]
    if not rows:
        return None
    head = ("request", "expected", "#failed", "#answers", "in the spec")
    return element(
        "section",
        element("h2", "Checks"),
        requests.table("What answers had to look like, and how often not", head, rows),
    )


def _generator(result: Result) -> Markup:
    health = result.health
    allowed = format_ms(health.late_limit_ns)
    verdict = health.late or "It kept its plan: what was measured is the service's doing."
    cpu = "CPU of the load generator" if result.workers == 1 else "CPU of the busiest of them"
    facts = [
        ("sent late by, 99th percentile", f"{format_ms(health.late_p99_ns)} (allowed {allowed})"),
        ("its own loop late by, 99th percentile", f"{format_ms(health.lag_p99_ns)} (allowed {allowed})"),
        ("processes that sent", f"{result.workers}" + (f", {len(result.lost)} of them lost" if result.lost else "")),
        (cpu, f"{health.cpu_share:.0%} of a core"),
        ("CPU of the machine in use", _share(health.machine_busy)),
        ("CPU that the host kept for others", _share(health.steal)),
        ("held back by a CPU limit", f"{health.throttled_s} s"),
        ("open files and sockets", _of(health.descriptors, health.descriptors_limit)),
        ("TCP connections of the machine", _of(health.ports, health.ports_limit)),
    ]
    return element(
        "section",
        element("h2", "The load generator itself"),
        element("p", verdict),
        *(element("p", remark, class_="soft") for remark in health.remarks),
        requests.table("How it was", ("what", "how much"), [_fact(name, value) for name, value in facts if value]),
        workers(result),
    )


def _share(value: float | None) -> str:
    """Empty where the machine does not say."""
    return "" if value is None else f"{value:.0%}"


def _of(value: int | None, limit: int | None) -> str:
    return "" if value is None or limit is None else f"{words.count(value)} of {words.count(limit)}"


def _fact(name: str, value: str) -> Markup:
    return element("tr", element("th", name, scope="row"), element("td", value))


def _run(result: Result) -> Markup:
    plan = result.plan
    rows = [
        element(
            "tr",
            element("td", phase.name),
            requests.number(words.lasting([phase]) if plan.search is None else words.length(plan)),
            element("td", phase.shape.describe()),
            element("td", "judged" if phase.measured else "not judged"),
        )
        for phase in plan.phases
    ]
    versions = ", ".join(f"{name} {version}" for name, version in result.versions.items())
    return element(
        "section",
        element("h2", "How it was run"),
        requests.table("Phases of the load", ("phase", "#for", "load", ""), rows),
        element("p", CLOSED, class_="soft") if any(isinstance(phase.shape, Users) for phase in plan.phases) else None,
        element("p", together([element("code", result.spec), f" · {versions}"]), class_="soft"),
    )
