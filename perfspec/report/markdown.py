"""A run as Markdown: the summary of a CI step, the body of a comment. Verdict first; cut where readers set a limit.

Nothing of an answer can become markup: it is escaped, pipes and line breaks too.
"""

import re
from collections.abc import Sequence

from perfspec.base.errors import ExitCode
from perfspec.base.units import format_duration
from perfspec.report import comparison, words
from perfspec.report.remarks import HEADLINES, headline, named, outcome_of, remarks
from perfspec.report.result import Result
from perfspec.report.rows import HEAD
from perfspec.report.rows import rows as shown_rows
from perfspec.verdict.capacity import Capacity
from perfspec.verdict.comparison import Change, Comparison, ErrorChange
from perfspec.verdict.judge import Verdict

__all__ = ["MOST_BYTES", "escaped", "many_to_markdown", "table", "to_markdown"]

MOST_BYTES = 60_000
"""GitHub takes comments up to 65 536 characters and step summaries up to 1 MiB."""
MARKS = {"PASS": "✅ PASS", "FAIL": "❌ FAIL", "WARN": "⚠️ WARN", "SKIPPED": "⏭️ SKIP"}
CUT = "\n\n… cut here; the whole report is in the run folder.\n"
END_OF_DETAILS = "\n\n</details>"
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&@!])")
_BREAKS = re.compile(r"[\r\n\t\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]+")


def to_markdown(result: Result) -> bytes:
    return many_to_markdown([result])


def many_to_markdown(results: Sequence[Result], most_bytes: int = MOST_BYTES) -> bytes:
    """Several runs on one page: the worst outcome, a table of all, then each run, those first that are no pass."""
    if len(results) == 1:
        return _whole(_lines(results[0]), most_bytes)
    ordered = sorted(results, key=lambda result: result.exit_code == ExitCode.PASS)
    rows = [(_mark(result.outcome), escaped(named(result)), _broken(result)) for result in ordered]
    lines = [*_headline(results), *table(("", "run", "broken limits"), rows), ""]
    for result in ordered:
        lines += [*_lines(result), ""]
    return _whole(lines, most_bytes)


def _headline(results: Sequence[Result]) -> list[str]:
    """One verdict for all of them."""
    if not results:
        return []
    return [f"## {len(results)} runs: {HEADLINES[outcome_of(results)]}", ""]


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
    room = most_bytes - len(f"{END_OF_DETAILS}{CUT}".encode())
    kept = text.encode()[:room].decode(errors="ignore").rpartition("\n")[0]
    is_inside = kept.count("<details>") > kept.count("</details>")
    return f"{kept}{END_OF_DETAILS if is_inside else ''}{CUT}".encode()


def _mark(outcome: str) -> str:
    return MARKS.get(outcome, f"❔ {outcome.replace('_', ' ')}")


def _broken(result: Result) -> str:
    broken = [escaped(v.threshold) for v in result.verdicts if v.outcome == "FAIL"]
    if result.comparison is not None and result.comparison.fails:
        broken += [escaped(comparison.became(c)) for c in result.comparison.regressed]
    return "<br>".join(broken) if broken else "none"


def _lines(result: Result) -> list[str]:
    judged = format_duration(result.judged_ns // 10**9 * 10**9)
    notes = [f"- {escaped(remark)}" for remark in remarks(result)]
    requests = [(escaped(row.label), *row.cells) for row in shown_rows(result)]
    return [
        f"## {escaped(f'{named(result)}: {headline(result)}')}",
        "",
        *_capacity(result.capacity),
        *table(("", "limit", "what was seen", "in the spec"), _limits(result)),
        "",
        *notes,
        *([""] if notes else []),
        *_comparison(result.comparison),
        *_folded("Requests", table((HEAD[0], *(f"#{name}" for name in HEAD[1:])), requests)),
        f"{judged} judged, seed {result.seed}, run {escaped(result.run_id)}",
    ]


def _limits(result: Result) -> list[tuple[str, ...]]:
    """What broke comes first."""
    shared = words.shared_reasons(result.verdicts)
    rows: list[tuple[str, ...]] = [
        (_mark(v.outcome), escaped(v.threshold), escaped(words.evidence(v, shared)), f"`{v.span.path}:{v.span.line}`")
        for v in sorted(result.verdicts, key=lambda v: v.outcome in ("PASS", "SKIPPED"))
    ]
    return rows + [(_mark("SKIPPED"), escaped(str(s.threshold)), escaped(s.reason), "") for s in result.skipped]


def _folded(summary: str, lines: Sequence[str]) -> list[str]:
    return [f"<details><summary>{escaped(summary)}</summary>", "", *lines, "", "</details>", ""]


def _capacity(capacity: Capacity | None) -> list[str]:
    """What a search for the limit found, and how it came to it."""
    if capacity is None:
        return []
    steps = [
        (format_duration(s.start_ns), s.doing, escaped(s.load), escaped(s.why or "met"), escaped(_seen(s.verdicts)))
        for s in capacity.steps
    ]
    head = ("#at", "", "load", "outcome", "what was seen")
    answer = f"**How much it carries: {escaped(capacity.text)}**"
    return [answer, "", *_folded(f"The {len(steps)} steps of the search", table(head, steps))]


def _seen(verdicts: Sequence[Verdict]) -> str:
    return "; ".join(words.sentence(v) for v in verdicts if v.outcome == "FAIL")


def _comparison(found: Comparison | None) -> list[str]:
    """What changed since earlier runs, with the likely range; what did not is folded away."""
    if found is None:
        return []
    calm = [change for change in found.changes if change.state == "unchanged"]
    out = [f"**{escaped(comparison.headline(found))}**", ""]
    if found.told:
        out += [*_changes(found.told), ""]
    out += [f"- {escaped(remark)}" for remark in comparison.remarks(found)]
    out += [""] if out[-1] else []
    if calm:
        out += _folded("; ".join(comparison.calm(found)), _changes(calm))
    return out


def _changes(changes: Sequence[Change | ErrorChange]) -> list[str]:
    rows = []
    for change in changes:
        mark, *cells = comparison.cells(change)
        rows.append((f"**{mark}**" if mark else comparison.mark_of(change), *(escaped(cell) for cell in cells)))
    names = ("", *comparison.HEAD[1:3], *(f"#{name}" for name in comparison.HEAD[3:]))
    return table(names, rows)
