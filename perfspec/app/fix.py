"""Repair what has one reading only: quotes that YAML needs, tabs, spelling of units and limits, older YAML's words.

Nothing is guessed: a repair is kept only if its finding is gone afterwards and the text can be read no worse than
before. Tabs are replaced by as many spaces as make the file right, if there is one way to.
"""

import re
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from posixpath import normpath
from typing import Final

from perfspec.app.lint import Checked, lint
from perfspec.base.errors import UsageFailure
from perfspec.diagnostics.diagnostic import Diagnostic, Diagnostics, Edit, Severity
from perfspec.diagnostics.source import Source
from perfspec.language.compose import compose
from perfspec.language.schema import plain

__all__ = ["Fixed", "fix"]

_MOST: Final = 500
_TABS: Final = re.compile(r"^ *\t[ \t]*", re.MULTILINE)
_WIDTHS: Final = (2, 4, 8)
_TAB, _SYNTAX = "PS001", "PS0"


@dataclass(frozen=True, slots=True)
class Fixed:
    content: bytes
    done: list[Diagnostic]
    """The findings that are repaired, where they stood when they were."""
    checked: Checked
    """What is left."""


def fix(path: str, content: bytes | None = None) -> Fixed:
    """The file with everything repaired that has one reading; nothing is written. Raises UsageFailure."""
    if content is None:
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            raise UsageFailure(f"{path} cannot be read: {error.strerror}") from error
    name = normpath(Path(path).as_posix())
    checked = lint(path, content)
    done: list[Diagnostic] = []
    while len(done) < _MOST and (step := _next(path, name, content, checked)):
        finding, content, checked = step
        done.append(finding)
    return Fixed(content, done, checked)


def _next(path: str, name: str, content: bytes, checked: Checked) -> tuple[Diagnostic, bytes, Checked] | None:
    """The first finding that can be repaired, with what comes of it."""
    for finding in checked.findings:
        if finding.span.path != name:
            continue
        if finding.code == _TAB:
            if found := _without_tabs(path, content):
                return finding, *found
        elif finding.edits:
            changed = _applied(content, finding.edits)
            after = lint(path, changed) if changed is not None else checked
            if changed is not None and _is_better(finding, checked, after):
                return finding, changed, after
    return None


def _applied(content: bytes, edits: tuple[Edit, ...]) -> bytes | None:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    source = Source("", text)
    text = source.text
    for edit in sorted(edits, key=lambda each: each.span, reverse=True):
        start = source.offset(edit.span.line, edit.span.column)
        end = source.offset(edit.span.end_line, edit.span.end_column)
        text = text[:start] + edit.text + text[end:]
    return (mark + text).encode()


def _is_better(finding: Diagnostic, before: Checked, after: Checked) -> bool:
    said, says = _counted(before), _counted(after)
    key = finding.code, finding.message
    syntax = sum(n for (code, _), n in (says - said).items() if code.startswith(_SYNTAX))
    return says[key] < said[key] and not syntax


def _counted(checked: Checked) -> Counter[tuple[str, str]]:
    return Counter((d.code, d.message) for d in checked.findings if d.severity is Severity.ERROR)


def _without_tabs(path: str, content: bytes) -> tuple[bytes, Checked] | None:
    """Every tab before a text as some spaces.

    None where different numbers of them give different documents, and none of these is better than the others.
    """
    try:
        before = content.decode()
    except UnicodeDecodeError:
        return None
    tries = []
    for width in _WIDTHS:
        text = _TABS.sub(partial(_widened, width), before)
        after = lint(path, text.encode())
        document = compose(Source(path, text), Diagnostics())
        if document is not None and not any(d.code in (_TAB, "PS002") for d in after.findings):
            tries.append((len(after.findings), plain(document), text.encode(), after))
    if not tries:
        return None
    fewest = min(count for count, *_ in tries)
    best = [each for each in tries if each[0] == fewest]
    if any(each[1] != best[0][1] for each in best):
        return None
    return best[0][2:]


def _widened(width: int, tabs: re.Match[str]) -> str:
    return tabs[0].replace("\t", " " * width)
