"""Annotations for GitHub Actions: each broken limit on its line of the spec, at most ten of a kind."""

from perfspec.report.result import Result
from perfspec.report.words import sentence

__all__ = ["MOST", "to_github"]

MOST = 10
"""GitHub shows ten annotations of a kind for a step."""
KINDS = {"FAIL": "error", "NO_DATA": "error", "INCONCLUSIVE": "error", "WARN": "warning"}


def to_github(result: Result) -> bytes:
    """Workflow commands, a line each; nothing where all is well."""
    by_kind: dict[str, list[str]] = {"error": [], "warning": []}
    for verdict in result.verdicts:
        kind = KINDS.get(verdict.outcome)
        if kind is None:
            continue
        span = verdict.span
        title = f"{result.service} {result.stage}: {verdict.outcome.replace('_', ' ')}"
        place = f"file={_property(span.path)},line={span.line},col={span.column},title={_property(title)}"
        by_kind[kind].append(f"::{kind} {place}::{_data(sentence(verdict))}\n")
    lines = []
    for kind, found in by_kind.items():
        lines += found[:MOST] if len(found) <= MOST else [*found[: MOST - 1], _more(kind, len(found) - MOST + 1)]
    if result.exit_code and not any(by_kind.values()):
        lines.append(f"::error file={_property(result.spec)}::{_data(f'the run ended: {result.ended}')}\n")
    return "".join(lines).encode()


def _more(kind: str, n: int) -> str:
    return f"::{kind}::{n} more; the report of the run has them all\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
