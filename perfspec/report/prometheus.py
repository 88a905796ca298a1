"""A finished run as Prometheus text: for the text-file collector or a Pushgateway, a snapshot that is overwritten.

Names and labels: docs/guide/metrics.md. Their number is bounded by the spec: requests, limits, kinds of error.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from perfspec.report.result import Result, Summary
from perfspec.spec.model import UNIT_NS
from perfspec.verdict.values import recorded

__all__ = ["MOST_KINDS", "Family", "exposition", "many_to_prometheus"]

OUTCOMES = ("PASS", "FAIL", "INCONCLUSIVE", "INTERRUPTED", "NOT_STARTED", "CRASHED")
MOST_KINDS = 20
"""Kinds of error per request; the rest is one sum, `other`."""
_QUANTILES = ("p50", "p90", "p95", "p99")


Sample = tuple[dict[str, str], float] | tuple[dict[str, str], float, str]
"""Labels, value, and of a histogram which part: `_bucket`, `_sum`, `_count`."""


class Family(NamedTuple):
    """One metric with its samples."""

    name: str
    kind: str
    help: str
    samples: Sequence[Sample]


def exposition(families: Iterable[Family]) -> bytes:
    """The text format, version 0.0.4. A family without samples is left out."""
    lines = []
    for family in families:
        if not family.samples:
            continue
        lines += [f"# HELP {family.name} {family.help}", f"# TYPE {family.name} {family.kind}"]
        lines += [f"{family.name}{''.join(part)}{_labels(labels)} {value!r}" for labels, value, *part in family.samples]
    return "".join(f"{line}\n" for line in lines).encode()


def _labels(labels: Mapping[str, str]) -> str:
    def quoted(text: str) -> str:
        return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")

    inner = ",".join(f'{name}="{quoted(value)}"' for name, value in labels.items())
    return f"{{{inner}}}" if inner else ""


def many_to_prometheus(results: Iterable[Result]) -> bytes:
    """A family is written once, with the samples of all runs."""
    families: dict[str, Family] = {}
    for result in results:
        for family in _families(result):
            known = families.get(family.name)
            families[family.name] = known._replace(samples=[*known.samples, *family.samples]) if known else family
    return exposition(families.values())


def _families(result: Result) -> list[Family]:
    run = {"service": result.service, "stage": result.stage, "environment": result.environment}
    return [
        Family(
            "perfspec_run_outcome", "gauge", "1 for the outcome of the last run, 0 for the others",
            [({**run, "outcome": word}, float(result.outcome == word)) for word in OUTCOMES],
        ),
        Family("perfspec_run_judged_seconds", "gauge", "how long was judged", [(run, result.judged_ns / 1e9)]),
        Family(
            "perfspec_threshold_met", "gauge", "1 where the limit held, 0 where it broke or was not judged",
            [({**run, "threshold": v.threshold}, float(v.outcome in ("PASS", "WARN"))) for v in result.verdicts],
        ),
        Family(
            "perfspec_threshold_bad_share", "gauge", "share of requests that were slower than the limit, or failed",
            [({**run, "threshold": v.threshold}, v.bad / v.n) for v in result.verdicts if v.bad is not None and v.n],
        ),
        Family(
            "perfspec_requests", "gauge", "requests that were judged",
            [({**run, **_series(s)}, float(s.n)) for s in result.summaries],
        ),
        Family(
            "perfspec_failed_requests", "gauge", "requests that failed, by kind of error",
            [({**run, **_series(s), "kind": kind}, float(n)) for s in result.summaries for kind, n in _errors(s)],
        ),
        Family(
            "perfspec_response_seconds", "gauge", "response time at a percentile, from the moment a request was due",
            [
                ({**run, **_series(s), "percentile": word}, getattr(s.response, word) / 1e9)
                for s in result.summaries
                if s.response.histogram and s.unit == "time"
                for word in _QUANTILES
            ],
        ),
        Family(
            "perfspec_recorded_value", "gauge", "a size in bytes or a recorded number at a percentile",
            [
                ({**run, **_series(s), "percentile": word}, recorded(getattr(s.response, word), UNIT_NS[s.unit]))
                for s in result.summaries
                if s.response.histogram and s.unit != "time"
                for word in _QUANTILES
            ],
        ),
        Family(
            "perfspec_generator_late_seconds", "gauge", "how late the load generator itself was, 99th percentile",
            [(run, result.health.late_p99_ns / 1e9)],
        ),
    ]  # fmt: skip


def _series(summary: Summary) -> dict[str, str]:
    key = summary.key
    tags = {f"tag_{_word(tag)}": value for tag, value in key.tags}
    return {"request": key.name, "timer": key.timer or "request", "flow": key.flow, "part": key.part, **tags}


def _word(text: str) -> str:
    return "".join(char if char.isascii() and char.isalnum() else "_" for char in text)


def _errors(summary: Summary) -> list[tuple[str, int]]:
    worst = sorted(summary.errors.items(), key=lambda item: (-item[1], item[0]))
    rest = sum(n for _, n in worst[MOST_KINDS:])
    return [*worst[:MOST_KINDS], ("other", rest)] if rest else worst
