"""Annotations for GitHub Actions: each broken limit on its line of the spec, at most ten of a kind."""

from collections.abc import Iterator, Sequence

from perfspec.report import comparison
from perfspec.report.result import Result
from perfspec.report.words import sentence

__all__ = ["MOST", "many_to_github", "to_github"]

MOST = 10
"""GitHub shows ten annotations of a kind for a step, whichever run they are of."""
KINDS = {"FAIL": "error", "NO_DATA": "error", "INCONCLUSIVE": "error", "WARN": "warning"}


def to_github(result: Result) -> bytes:
    return many_to_github([result])


def many_to_github(results: Sequence[Result]) -> bytes:
    """Workflow commands, a line each; nothing where all is well."""
    by_kind: dict[str, list[str]] = {"error": [], "warning": []}
    for result in results:
        found = list(_of(result))
        for kind, text in found:
            by_kind[kind].append(text)
        if result.exit_code and not any(kind == "error" for kind, _ in found):
            by_kind["error"].append(f"::error file={_property(result.spec)}::{_data(_end(result))}\n")
    lines = []
    for kind, texts in by_kind.items():
        lines += texts[:MOST] if len(texts) <= MOST else [*texts[: MOST - 1], _more(kind, len(texts) - MOST + 1)]
    return "".join(lines).encode()


def _of(result: Result) -> Iterator[tuple[str, str]]:
    """Every annotation of a run, with its kind."""
    for verdict in result.verdicts:
        kind = KINDS.get(verdict.outcome)
        if kind is not None:
            span = verdict.span
            title = f"{result.service} {result.stage}: {verdict.outcome.replace('_', ' ')}"
            place = f"file={_property(span.path)},line={span.line},col={span.column},title={_property(title)}"
            yield kind, f"::{kind} {place}::{_data(sentence(verdict))}\n"
    if result.comparison is not None:
        kind = "error" if result.comparison.fails else "warning"
        for change in result.comparison.regressed:
            title = _property(f"{result.service} {result.stage}: {comparison.than_before(change)}")
            yield kind, f"::{kind} file={_property(result.spec)},title={title}::{_data(comparison.sentence(change))}\n"


def _end(result: Result) -> str:
    why = f"the run ended: {result.ended}"
    if result.capacity is not None and result.ended == "finished":
        why = f"no limit was found: {result.capacity.text}"
    return "; ".join([f"{result.service} {result.stage}: {why}", *result.notes])


def _more(kind: str, n: int) -> str:
    return f"::{kind}::{n} more; the report of the run has them all\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
