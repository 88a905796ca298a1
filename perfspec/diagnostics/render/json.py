"""Findings as one JSON document, for programs. Lines and columns count from 1, in characters; ends are exclusive."""

import json
from collections.abc import Iterable

from perfspec.diagnostics.diagnostic import Diagnostic, Severity
from perfspec.diagnostics.source import Span

__all__ = ["render_all"]

VERSION = 1


def render_all(found: Iterable[Diagnostic]) -> str:
    """All findings, in the order given."""
    findings = list(found)
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    document = {
        "version": VERSION,
        "errors": errors,
        "warnings": len(findings) - errors,
        "findings": [_finding(finding) for finding in findings],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _finding(finding: Diagnostic) -> dict[str, object]:
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "message": finding.message,
        "help": finding.help,
        **_place(finding.span),
        "related": [{"label": label, **_place(span)} for span, label in finding.related],
        "edits": [{"text": edit.text, **_place(edit.span)} for edit in finding.edits],
    }


def _place(span: Span) -> dict[str, object]:
    return {
        "file": span.path,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }
