"""JUnit XML as CI servers read it: three suites, thresholds, checks and run validity (a regression, too).

Validates against Jenkins' junit-10.xsd. The whole sentence stands in the attribute and in the text, because readers
differ; the place in the spec stands in both. FAIL is a failure; no data, not judged and an invalid run are errors; a
warning passes and says so; a skipped row is skipped with its reason. So is what could not be seen: a check without an
answer, and what held until a run was broken off.
"""

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from perfspec.base.clock import SECOND
from perfspec.base.units import format_ms
from perfspec.engine.exemplars import Exemplar
from perfspec.engine.slicelog import NOT_STARTED
from perfspec.report import comparison
from perfspec.report.result import TORN, Result
from perfspec.report.words import count, few_requests, sentence
from perfspec.verdict.judge import Verdict

__all__ = ["many_to_junit", "to_junit"]

NOT_WHOLE = frozenset({NOT_STARTED, TORN, "interrupted", "terminated", "crashed"})
"""Ends after which no limit was judged by all that was planned."""
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_junit(result: Result) -> bytes:
    return many_to_junit([result])


def many_to_junit(results: Sequence[Result], *, with_files: bool = False) -> bytes:
    """One document with the suites of every run. `with_files`: the spec on every case, which GitLab links to, and which
    strict readers refuse.
    """
    suites = [suite for result in results for suite in (_thresholds(result), _checks(result), _validity(result))]
    named = dict.fromkeys(f"{result.service} {result.stage}" for result in results)
    root = ET.Element("testsuites", name=f"perfspec {', '.join(named)}")
    for suite in suites:
        root.append(suite)
        for case in suite.iter("testcase") if with_files else ():
            case.set("file", suite.get("file", ""))
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in suites)))
    root.set("time", _seconds(sum(result.ended_ns for result in results)))
    ET.indent(root)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + _clean(ET.tostring(root, encoding="unicode")).encode() + b"\n"


def _seconds(ns: int) -> str:
    return f"{ns / SECOND:.3f}"


def _clean(text: str) -> str:
    return _ILLEGAL.sub("\ufffd", text)


def _suite(result: Result, name: str, cases: list[ET.Element], note: str = "") -> ET.Element:
    suite = ET.Element("testsuite", name=f"{result.service} {result.stage} {name}", tests=str(len(cases)))
    for tag, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        suite.set(attribute, str(sum(case.find(tag) is not None for case in cases)))
    suite.set("time", _seconds(result.judged_ns))
    suite.set("timestamp", result.started_at[:19])
    suite.set("file", result.spec)
    properties = ET.SubElement(suite, "properties")
    known = {
        "run_id": result.run_id,
        "environment": result.environment,
        "url": result.url,
        "seed": str(result.seed),
        "plan_hash": result.plan_hash,
        "perfspec": result.perfspec,
        "ended": result.ended,
    }
    if result.judged_by:
        known["judged_by"] = result.judged_by
    for key, value in known.items():
        ET.SubElement(properties, "property", name=key, value=_clean(value))
    suite.extend(cases)
    if note:
        ET.SubElement(suite, "system-out").text = _clean(note)
    return suite


def _case(result: Result, name: str, ns: int) -> ET.Element:
    return ET.Element(
        "testcase", classname=f"perfspec.{result.service}.{result.stage}", name=_clean(name), time=_seconds(ns)
    )


def _say(case: ET.Element, tag: str, kind: str, text: str) -> None:
    element = ET.SubElement(case, tag, type=kind, message=_clean(text))
    element.text = _clean(text)


def _thresholds(result: Result) -> ET.Element:
    cases = [_threshold(result, verdict) for verdict in result.verdicts]
    for skipped in result.skipped:
        case = _case(result, str(skipped.threshold), 0)
        _say(case, "skipped", "skipped", skipped.reason)
        cases.append(case)
    return _suite(result, "thresholds", [*_search(result), *cases], few_requests(result.verdicts))


def _search(result: Result) -> list[ET.Element]:
    """A case for what a search found: it passes with the answer, or says why there is none."""
    capacity = result.capacity
    if capacity is None:
        return []
    case = _case(result, "the limit that was searched for", result.ended_ns)
    text = f"{result.spec}: {capacity.text}"
    if capacity.is_answer:
        ET.SubElement(case, "system-out").text = _clean(text)
    elif not capacity.silence and (capacity.met or not capacity.failed):
        _say(case, "error", "inconclusive", text)
    else:
        _say(case, "failure", "slo", text)
    return [case]


def _threshold(result: Result, verdict: Verdict) -> ET.Element:
    case = _case(result, verdict.threshold, result.judged_ns)
    text = f"{verdict.span.path}:{verdict.span.line}: {sentence(verdict)}"
    if result.ended in NOT_WHOLE and verdict.outcome in ("PASS", "WARN"):
        _say(case, "skipped", "incomplete", f"{text} (until the run was {result.ended}, which is no pass)")
        return case
    if verdict.outcome == "FAIL":
        _say(case, "failure", "slo", text)
    elif verdict.outcome in ("NO_DATA", "INCONCLUSIVE"):
        _say(case, "error", verdict.outcome.lower(), text)
    elif verdict.outcome == "WARN":
        ET.SubElement(case, "system-out").text = _clean(f"warning: {text}")
    elif verdict.outcome == "SKIPPED":
        _say(case, "skipped", "skipped", verdict.reason)
    return case


def _checks(result: Result) -> ET.Element:
    """A check that fails does not fail the run by itself: it counts as an error, and `errors` has a limit."""
    cases = []
    for check in result.checks:
        case = _case(result, f"check {check.request}: {check.text} (line {check.span.line})", result.judged_ns)
        if not check.n:
            _say(case, "skipped", "no_data", "no answer came that could be looked at")
        if check.failed:
            where = f"{check.span.path}:{check.span.line}"
            text = (
                f"{where}: {count(check.failed)} of {count(check.n)} answers of `{check.request}` failed: {check.text}"
            )
            _judged(result, case, text)
        cases.append(case)
    return _suite(result, "checks", _distinct([*_requests(result), *cases]))


def _requests(result: Result) -> list[ET.Element]:
    """A case per request: answered, and as expected."""
    cases = []
    for summary in result.summaries:
        key = summary.key
        if key.timer not in ("", "wait"):
            continue
        tags = "".join(f" {tag}={value}" for tag, value in key.tags)
        case = _case(result, f"request {key.name}{tags}", result.judged_ns)
        if summary.failed:
            kinds = ", ".join(f"{count(n)} x {kind}" for kind, n in sorted(summary.errors.items(), key=lambda e: -e[1]))
            where = ", ".join(summary.where) or result.spec
            text = f"{where}: {count(summary.failed)} of {count(summary.n)} requests `{key.name}` failed: {kinds}"
            _judged(result, case, text)
        _show(result, case, key.name)
        cases.append(case)
    return cases


def _show(result: Result, case: ET.Element, name: str) -> None:
    """The requests to look at, behind what the case says already."""
    texts = [_exemplar(found) for found in result.exemplars if found.key.name == name]
    if texts:
        element = case.find("system-out")
        element = ET.SubElement(case, "system-out") if element is None else element
        element.text = _clean("\n\n".join([*([element.text] if element.text else []), *texts]))


def _exemplar(found: Exemplar) -> str:
    what = f"failed: {found.kind}" if found.why == "failed" else "slow"
    trace = f", trace {found.trace_id}" if found.trace_id else ""
    at = f"{found.due_ns / SECOND:.3f} s, user {found.user}, round {found.round}"
    took = f"{format_ms(found.response_ns)} (first byte after {format_ms(found.first_byte_ns)})"
    answer = found.answer or "no answer"
    return f"--- {what}, at {at}: {took}{trace}\n{found.sent}\n>>>\n{answer}"


def _judged(result: Result, case: ET.Element, text: str) -> None:
    """Failures count against `errors`: they fail a case where that limit broke, and are no pass where it could not be
    judged; else they are told.
    """
    found = {v.outcome for v in result.verdicts if v.cell in ("errors", "availability")}
    if "FAIL" in found:
        _say(case, "failure", "check", text)
    elif found and not found & {"PASS", "WARN"}:
        _say(case, "error", "inconclusive", f"{text}; a limit on errors could not be judged")
    else:
        within = "within the allowed errors" if found else "no limit is on errors"
        ET.SubElement(case, "system-out").text = _clean(f"{within}: {text}")


def _distinct(cases: list[ET.Element]) -> list[ET.Element]:
    """Readers drop a second case of the same name."""
    return list({case.get("name"): case for case in cases}.values())


def _validity(result: Result) -> ET.Element:
    ended = _case(result, "the run went to its end", result.ended_ns)
    if result.ended != "finished":
        _say(ended, "error", result.ended, f"{result.spec}: {_end(result)}")
    elif result.lost:
        _say(ended, "error", "lost", f"{result.spec}: {'; '.join(lost.text for lost in result.lost)}")
    healthy = _case(result, "the load generator was on time", result.judged_ns)
    if not result.judged_ns:
        _say(healthy, "skipped", "no_data", "there was no judged time in which it could have been late")
    elif result.health.late:
        _say(healthy, "error", "late", f"{result.spec}: {result.health.late}")
    cases = [ended, healthy, *_regressions(result)]
    return _suite(result, "run validity", cases, "\n".join(result.notes))


def _regressions(result: Result) -> list[ET.Element]:
    """A case where the run was compared: a failure if it fails by what became slower, else it is told."""
    found = result.comparison
    if found is None:
        return []
    case = _case(result, "no request became slower or fails more often", result.judged_ns)
    slower = "; ".join(comparison.sentence(change) for change in found.regressed)
    text = f"{result.spec}: {comparison.headline(found)}: {slower}"
    if slower and found.fails:
        _say(case, "failure", "regression", text)
    elif slower:
        ET.SubElement(case, "system-out").text = _clean(f"warning: {text}")
    return [case]


def _end(result: Result) -> str:
    if result.outcome == "NOT_STARTED":
        return f"the run was not started: {'; '.join(result.notes)}"
    why = f": {result.abort.rule}: {result.abort.evidence}" if result.abort else ""
    return f"the run was {result.ended} after {_seconds(result.ended_ns)} s{why}"
