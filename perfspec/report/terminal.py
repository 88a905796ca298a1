"""The end of a run as lines of text: headline, verdicts, then what was sent and how it went."""

from perfspec.base.clock import SECOND
from perfspec.base.units import format_duration, format_ms
from perfspec.report import words
from perfspec.report.result import Result, Summary

__all__ = ["summary"]

HEADLINES = {
    "PASS": "PASS",
    "FAIL": "FAIL",
    "INCONCLUSIVE": "INCONCLUSIVE, which is no pass",
    "INTERRUPTED": "INTERRUPTED: this is what was measured until then",
    "NOT_STARTED": "NOT STARTED, which is no pass",
    "CRASHED": "CRASHED: this is what was measured until then",
}


def summary(result: Result, columns: int = 0) -> list[str]:
    """`columns`: the width of the terminal; 0: lines may be as long as they are."""
    judged = format_duration(result.judged_ns // SECOND * SECOND)
    out = [
        "",
        f"{result.service} {result.stage} on {result.environment}: {HEADLINES[result.outcome]} ({judged} judged)",
        "",
    ]
    out += words.lines(result.verdicts, columns)
    out += [f"SKIP  {s.threshold}   {s.reason}" for s in result.skipped]
    remarks = _remarks(result)
    if remarks:
        out += ["", *(line for remark in remarks for line in words.wrapped(remark, columns))]
    out += ["", *_table(result), ""]
    return out


def _remarks(result: Result) -> list[str]:
    out = [text] if (text := words.few_requests(result.verdicts)) else []
    if result.abort is not None:
        out.append(f"ended early by `{result.abort.rule}`: {result.abort.evidence}")
    elif result.ended == "torn":
        out.append("the run was cut off and has no end in its log")
    if result.extended:
        out.append("it was too close to call, so the stage ran on")
    if result.unfinished:
        out.append(f"{result.unfinished} requests and waits had no end when the load ended, and are in no number")
    if result.waits:
        out.append(f"users waited {words.count(result.waits)} times because nobody answered")
    for summary in result.summaries:
        if summary.key.timer != "round":
            out += [f"{_label(summary)}: {words.count(n)} x {kind}" for kind, n in _most(summary.errors)]
    return out + [note for note in result.notes if result.ended != "torn" or "cut off" not in note]


def _most(errors: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(errors.items(), key=lambda e: (-e[1], e[0]))[:5]


def _table(result: Result) -> list[str]:
    rows: list[tuple[str, ...]] = [("request", "judged", "failed", "p50", "p95", "p99", "max")]
    for summary in result.summaries:
        name = _label(summary)
        if summary.key.timer == "round":
            continue
        times = summary.response
        shown = [format_ms(ns) for ns in (times.p50, times.p95, times.p99, times.max)] if times.histogram else ["-"] * 4
        rows.append((name, words.count(summary.n), words.count(summary.failed), *shown))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def _label(summary: Summary) -> str:
    key = summary.key
    tags = "".join(f" {tag}={value}" for tag, value in key.tags)
    timer = {"poll": " (one poll)", "wait": " (until done)"}.get(key.timer, "")
    part = "" if key.part == "load" else f" ({key.part})"
    return f"{key.name}{tags}{timer}{part}"
