"""Two tables as CSV: what was judged, and each series in numbers. Shares of 1.

A column that ends in `_ms` holds times and nothing else: for sizes and recorded numbers it is empty. `p50` to `mean` at
the end hold every series, in its own `unit`: ms, bytes, or number.
"""

import csv
from collections.abc import Iterable, Sequence
from io import StringIO

from perfspec.report.result import Result, Summary
from perfspec.report.words import evidence, strength
from perfspec.spec.model import UNIT_NS
from perfspec.verdict.values import recorded

__all__ = ["to_csv"]

RUN = ("service", "stage", "environment", "started_at")
VERDICTS = (*RUN, "threshold", "outcome", "strength", "proven", "requests", "bad", "allowed", "likely_from",
            "likely_to", "observed_ms", "observed", "spec", "evidence")  # fmt: skip
SHOWN = ("p50", "p90", "p95", "p99", "max", "mean")
SERIES = (*RUN, "request", "timer", "tags", "flow", "part", "requests", "failed", "unavailable", "p50_ms", "p90_ms",
          "p95_ms", "p99_ms", "max_ms", "mean_ms", "service_p95_ms", "unit", *SHOWN)  # fmt: skip
UNITS = {"time": "ms", "size": "bytes", "number": "number"}


def to_csv(result: Result) -> bytes:
    """The verdicts, an empty line, the series: spreadsheets show both, and either is cut out at the empty line."""
    run = (result.service, result.stage, result.environment, result.started_at)
    verdicts = [
        (*run, v.threshold, v.outcome, strength(v), v.proven, v.n, v.bad, v.allowed, v.lower, v.upper,
         _ms(v.observed_ns), v.observed, str(v.span), evidence(v))
        for v in result.verdicts
    ]  # fmt: skip
    series = [(*run, *_series(summary)) for summary in result.summaries]
    return f"{_table(VERDICTS, verdicts)}\n{_table(SERIES, series)}".encode()


def _series(summary: Summary) -> tuple[object, ...]:
    key, unit = summary.key, summary.unit
    tags = " ".join(f"{tag}={value}" for tag, value in key.tags)
    counts = (key.name, key.timer, tags, key.flow, key.part, summary.n, summary.failed, summary.unavailable)
    if not summary.response.histogram:
        return (*counts, *[None] * (len(SHOWN) + 1), UNITS[unit], *[None] * len(SHOWN))
    seen = [_in(unit, name, getattr(summary.response, name)) for name in SHOWN]
    times = [*seen, _ms(summary.service.p95)] if unit == "time" else [None] * (len(SHOWN) + 1)
    return (*counts, *times, UNITS[unit], *seen)


def _in(unit: str, statistic: str, ns: int) -> float:
    if unit == "time":
        return ns / 1e6
    return ns / UNIT_NS[unit] if statistic == "mean" else recorded(ns, UNIT_NS[unit])


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
