"""A run as Markdown: the summary of a CI step, the body of a comment. Verdict first; cut where readers set a limit.

Nothing of an answer can become markup: it is escaped, pipes and line breaks too.
"""

import re
from collections.abc import Sequence

from perfspec.base.units import format_duration
from perfspec.report import words
from perfspec.report.remarks import HEADLINES, remarks
from perfspec.report.result import Result
from perfspec.report.rows import HEAD
from perfspec.report.rows import rows as shown_rows

__all__ = ["MOST_BYTES", "escaped", "many_to_markdown", "table", "to_markdown"]

MOST_BYTES = 60_000
"""GitHub takes comments up to 65 536 characters and step summaries up to 1 MiB."""
MARKS = {"PASS": "✅ PASS", "FAIL": "❌ FAIL", "WARN": "⚠️ WARN", "SKIPPED": "⏭️ SKIP"}
CUT = "\n\n… cut here; the whole report is in the run folder.\n"
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&@!])")
_BREAKS = re.compile(r"[\r\n\t\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]+")


def to_markdown(result: Result) -> bytes:
    return many_to_markdown([result])


def many_to_markdown(results: Sequence[Result], most_bytes: int = MOST_BYTES) -> bytes:
    """Several runs on one page: one table of outcomes, then each run."""
    if len(results) == 1:
        return _whole(_lines(results[0]), most_bytes)
    rows = [
        (_mark(result.outcome), escaped(f"{result.service} {result.stage} on {result.environment}"), _broken(result))
        for result in results
    ]
    lines = [*table(("", "run", "broken limits"), rows), ""]
    for result in results:
        lines += [*_lines(result), ""]
    return _whole(lines, most_bytes)


def escaped(text: str) -> str:
    """A text as text, on one line."""
    return _SPECIAL.sub(r"\\\1", _BREAKS.sub(" ", text))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Cells are Markdown already. A heading that begins with `#` is above numbers."""
    rule = ["---:" if cell.startswith("#") else "---" for cell in head]
    names = [cell.removeprefix("#") for cell in head]
    return [f"| {' | '.join(row)} |" for row in (names, rule, *rows)]


def _whole(lines: Sequence[str], most_bytes: int) -> bytes:
    """As many whole lines as fit."""
    text = "\n".join(lines).rstrip() + "\n"
    if len(text.encode()) <= most_bytes:
        return text.encode()
    room = most_bytes - len(CUT.encode())
    kept = text.encode()[:room].decode(errors="ignore")
    return (kept.rpartition("\n")[0] + CUT).encode()


def _mark(outcome: str) -> str:
    return MARKS.get(outcome, f"❔ {outcome.replace('_', ' ')}")


def _broken(result: Result) -> str:
    broken = [escaped(v.threshold) for v in result.verdicts if v.outcome == "FAIL"]
    return "<br>".join(broken) if broken else "none"


def _lines(result: Result) -> list[str]:
    judged = format_duration(result.judged_ns // 10**9 * 10**9)
    heading = escaped(f"{result.service} {result.stage} on {result.environment}: {HEADLINES[result.outcome]}")
    verdicts = [
        (_mark(v.outcome), escaped(v.threshold), escaped(words.evidence(v)), f"`{v.span.path}:{v.span.line}`")
        for v in sorted(result.verdicts, key=lambda v: v.outcome in ("PASS", "SKIPPED"))
    ]
    verdicts += [(_mark("SKIPPED"), escaped(str(s.threshold)), escaped(s.reason), "") for s in result.skipped]
    facts = f"{judged} judged, seed {result.seed}, run {escaped(result.run_id)}"
    notes = [f"- {escaped(remark)}" for remark in remarks(result)]
    requests = [(escaped(row.label), *row.cells) for row in shown_rows(result)]
    head = (HEAD[0], *(f"#{name}" for name in HEAD[1:]))
    return [
        f"## {heading}",
        "",
        *table(("", "limit", "what was seen", "in the spec"), verdicts),
        "",
        *notes,
        *([""] if notes else []),
        "<details><summary>Requests</summary>",
        "",
        *table(head, requests),
        "",
        "</details>",
        "",
        facts,
    ]
