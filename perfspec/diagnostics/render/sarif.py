"""Findings as SARIF 2.1.0, the format that code scanning services read.

Columns count characters (`unicodeCodePoints`), as everywhere here. A finding keeps its fingerprint while its file, code
and message stay the same, wherever the lines move to. What repairs a finding stands in `fixes`.
"""

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from urllib.parse import quote

from perfspec.diagnostics.codes import CODES
from perfspec.diagnostics.diagnostic import Diagnostic, Edit
from perfspec.diagnostics.source import Span

__all__ = ["render_all"]

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/cos02/schemas/sarif-schema-2.1.0.json"
Json = dict[str, object]


def render_all(found: Iterable[Diagnostic], version: str, texts: Mapping[str, str]) -> str:
    """All findings, in the order given. `version`: of perfspec; `texts`: code -> what it means, at length."""
    findings = list(found)
    codes = sorted({finding.code for finding in findings})
    run = {
        "tool": {"driver": {"name": "perfspec", "version": version, "rules": [_rule(c, texts) for c in codes]}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, codes.index(finding.code)) for finding in findings],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False)


def _rule(code: str, texts: Mapping[str, str]) -> Json:
    rule: Json = {"id": code, "shortDescription": {"text": CODES[code].about}}
    if text := texts.get(code):
        rule |= {"fullDescription": {"text": text}, "help": {"text": text}}
    return rule


def _result(finding: Diagnostic, rule: int) -> Json:
    result: Json = {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": finding.severity.value,
        "message": {"text": f"{finding.message}: {finding.help}" if finding.help else finding.message},
        "locations": [_location(finding.span)],
        "partialFingerprints": {"finding/v1": _fingerprint(finding)},
    }
    if finding.related:
        result["relatedLocations"] = [
            {**_location(span), **({"message": {"text": label}} if label else {})} for span, label in finding.related
        ]
    if finding.edits:
        result["fixes"] = [_fix(finding)]
    return result


def _fingerprint(finding: Diagnostic) -> str:
    return sha256(f"{finding.span.path}\n{finding.code}\n{finding.message}".encode()).hexdigest()[:32]


def _location(span: Span) -> Json:
    return {"physicalLocation": {"artifactLocation": _file(span), "region": _region(span)}}


def _file(span: Span) -> Json:
    return {"uri": quote(span.path)}


def _region(span: Span) -> Json:
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }


def _fix(finding: Diagnostic) -> Json:
    return {
        "description": {"text": finding.help or finding.message},
        "artifactChanges": [
            {"artifactLocation": _file(finding.span), "replacements": [_replacement(edit) for edit in finding.edits]}
        ],
    }


def _replacement(edit: Edit) -> Json:
    return {"deletedRegion": _region(edit.span), "insertedContent": {"text": edit.text}}
