"""Findings as workflow commands: GitHub shows each beside its line in the pull request.

    ::error file=specs/a.yaml,line=7,col=1,endLine=7,endColumn=11,title=PS101::unknown key `x`%0Adid you mean `y`?

A column can only be given where the whole finding is on one line.
"""

from collections.abc import Iterable

from perfspec.diagnostics.diagnostic import Diagnostic

__all__ = ["render_all"]


def render_all(found: Iterable[Diagnostic]) -> str:
    """All findings, in the order given, a line each; empty for none."""
    return "\n".join(_command(finding) for finding in found)


def _command(finding: Diagnostic) -> str:
    span = finding.span
    properties: dict[str, object] = {"file": span.path, "line": span.line, "endLine": span.end_line}
    if span.width:
        properties |= {"col": span.column, "endColumn": span.end_column}
    properties["title"] = finding.code
    listed = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    text = "\n".join(part for part in (finding.message, finding.help) if part)
    return f"::{finding.severity.value} {listed}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
