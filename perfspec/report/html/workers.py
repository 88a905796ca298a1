"""What each of several processes did: one that got less CPU than the others, or was lost, is seen at a glance."""

from perfspec.base.clock import SECOND
from perfspec.base.units import format_ms
from perfspec.metrics.vitals import OfWorker
from perfspec.report import words
from perfspec.report.html import requests
from perfspec.report.html.markup import Markup, element
from perfspec.report.result import Result
from perfspec.verdict.samples import is_judged

__all__ = ["workers"]

HEAD = ("worker", "#requests", "#CPU of a core", "#late in its worst second", "")


def workers(result: Result) -> Markup | None:
    """A row for each, over the judged time; None where one process did it all."""
    stretches = [(w.start_ns, w.end_ns) for w in result.windows]
    judged = [second for second in result.seconds if is_judged(second.second - 1, stretches)]
    found: dict[int, list[OfWorker]] = {number: [] for number in range(1, result.workers + 1)}
    for each in (each for second in judged for each in second.workers):
        found.setdefault(each.worker, []).append(each)
    if result.workers == 1 or not judged:
        return None
    lost = {each.worker: f"lost after {each.since_s} s: {each.why}" for each in result.lost}
    rows = [_row(number, seconds, lost.get(number, "")) for number, seconds in found.items()]
    return requests.table("What each process did in the judged time", HEAD, rows)


def _row(number: int, seconds: list[OfWorker], lost: str) -> Markup:
    cpu = sum(each.cpu_ns for each in seconds) / (len(seconds) * SECOND) if seconds else 0.0
    late_us = max((each.late_us for each in seconds), default=0)
    return element(
        "tr",
        element("th", str(number), scope="row"),
        requests.number(words.count(sum(each.requests for each in seconds))),
        requests.number(f"{cpu:.0%}"),
        requests.number(format_ms(late_us * 1000)),
        element("td", lost),
    )
