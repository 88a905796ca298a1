"""Two tables as CSV: what was judged, and each series in numbers. Times in ms, shares of 1."""

import csv
from collections.abc import Iterable, Sequence
from io import StringIO

from perfspec.report.result import Result
from perfspec.report.words import evidence

__all__ = ["to_csv"]

RUN = ("service", "stage", "environment", "started_at")
VERDICTS = (*RUN, "threshold", "outcome", "strength", "proven", "requests", "bad", "allowed", "likely_from",
            "likely_to", "observed_ms", "observed", "spec", "evidence")  # fmt: skip
SERIES = (*RUN, "request", "timer", "tags", "flow", "part", "requests", "failed", "unavailable", "p50_ms", "p90_ms",
          "p95_ms", "p99_ms", "max_ms", "mean_ms", "service_p95_ms")  # fmt: skip


def to_csv(result: Result) -> bytes:
    """The verdicts, an empty line, the series: spreadsheets show both, and either is cut out at the empty line."""
    run = (result.service, result.stage, result.environment, result.started_at)
    verdicts = [
        (*run, v.threshold, v.outcome, v.strength, v.proven, v.n, v.bad, v.allowed, v.lower, v.upper,
         _ms(v.observed_ns), v.observed, str(v.span), evidence(v))
        for v in result.verdicts
    ]  # fmt: skip
    series = []
    for summary in result.summaries:
        key, times = summary.key, summary.response
        tags = " ".join(f"{tag}={value}" for tag, value in key.tags)
        shown = [_ms(ns) for ns in (times.p50, times.p90, times.p95, times.p99, times.max, times.mean)]
        seen = [*shown, _ms(summary.service.p95)] if times.histogram else [None] * 7
        counts = (summary.n, summary.failed, summary.unavailable)
        series.append((*run, key.name, key.timer, tags, key.flow, key.part, *counts, *seen))
    return f"{_table(VERDICTS, verdicts)}\n{_table(SERIES, series)}".encode()


def _ms(ns: int | None) -> float | None:
    return None if ns is None else ns / 1e6


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue()


def _cell(value: object) -> object:
    """A text that a spreadsheet would take for a formula gets an apostrophe in front; None is an empty cell."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return "" if value is None else value
