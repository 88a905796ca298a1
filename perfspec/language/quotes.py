"""Finds the text inside `{ }` or `[ ]` that YAML cannot read without quotes: `{q: ${x}}`, `{$.items[0].id: present}`.

Everybody makes this mistake once, so it is found by looking at the line, not at what the YAML reader made of it, and
the answer is the corrected text.
"""

import re
from dataclasses import dataclass

from perfspec.diagnostics.diagnostic import Diagnostics, Edit
from perfspec.diagnostics.source import Source

__all__ = [
    "Stretch",
    "begun_by_hole",
    "find",
    "hole_at",
    "is_printed",
    "quoted",
    "report",
    "report_hole",
    "with_holes",
]

_OPENERS = {"{": "}", "[": "]"}
_NO_TEXT_BEFORE = " \t\r\n,{[:\"'"
_CURLY = re.compile("[\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u201b\u00ab\u00bb]")
"""Quotes of printed text, as word processors make them."""
_OTHER_HOLE = re.compile(r"\{\{\s*([A-Za-z_][\w.]*)\s*\}\}")
"""A hole as other tools write it: without quotes a map in a map to YAML."""
_WHOLE = re.compile(r"\$\{(?!\s*secret\.)[^{}]*\}")
"""A hole alone, whose value need not be a text."""
_JSON_BEFORE = re.compile(r"(?:^|[\s,{])json:\s*[\[{][^#]*$")
_KEY = re.compile(r"[\s-]*([\w$.\"'-]+):(?:\s|$)")
_PARENT = re.compile(r"([^\s:,{}\[\]\"']+):\s*\{$")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Offsets into the text of a file."""

    start: int
    end: int
    opener: int
    """Where the bracket stands that YAML takes for its own."""


def find(text: str, offset: int) -> Stretch | None:
    """The unquoted text around `offset`, the place where reading stopped, if it has a bracket in its middle."""
    line_start = max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1
    for at in range(min(offset, len(text) - 1), line_start, -1):
        if text[at] in _OPENERS and text[at - 1] not in _NO_TEXT_BEFORE:
            start = _start(text, at, line_start)
            return Stretch(start, _end(text, start), at)
    return None


def _start(text: str, at: int, line_start: int) -> int:
    start = at
    while start > line_start and text[start - 1] not in ",{[" and text[start - 2 : start] != ": ":
        start -= 1
    while text[start] in " \t":
        start += 1
    return start


def _end(text: str, start: int) -> int:
    closers: list[str] = []
    quote = ""
    at = start
    while at < len(text) and text[at] not in "\r\n":
        char = text[at]
        if quote:
            quote = "" if char == quote else quote
        elif closers and char in "\"'":
            quote = char
        elif char in _OPENERS:
            closers.append(_OPENERS[char])
        elif closers and char == closers[-1]:
            closers.pop()
        elif not closers and (char in ",}]" or _ends_key(text, at)):
            break
        at += 1
    return start + len(text[start:at].rstrip())


def _ends_key(text: str, at: int) -> bool:
    colon = text[at] == ":" and text[at + 1 : at + 2] in ("", " ", "\n", "\r", ",", "}", "]")
    return colon or text.startswith(" #", at)


def quoted(text: str) -> str:
    """The text in the quotes it needs, ready to paste."""
    if '"' not in text and "\\" not in text:
        return f'"{text}"'
    return "'" + text.replace("'", "''") + "'"


def is_printed(text: str) -> bool:
    """Is it in quotes that YAML does not know?"""
    return len(text) > 2 and bool(_CURLY.match(text)) and bool(_CURLY.match(text[-1]))


def report(source: Source, stretch: Stretch, out: Diagnostics) -> None:
    text = source.text[stretch.start : stretch.end]
    span = source.span(stretch.start, stretch.end)
    if text[0] in "\"'" and text.count(text[0]) % 2:
        quote = source.span(stretch.start, stretch.start + 1)
        out.add(
            "PS002", "this quote is never closed", quote, f"write {text}{text[0]}", edits=(Edit(span, text + text[0]),)
        )
        return
    if curly := _CURLY.search(text):
        straight = quoted(_CURLY.sub("", text))
        message = f"`{curly[0]}` is no quote to YAML but part of the text"
        out.add("PS003", message, span, f"write {straight}", edits=(Edit(span, straight),))
        return
    opener = source.text[stretch.opener]
    subject = "${...}" if "${" in text else text
    kind = "map" if opener == "{" else "list"
    line = _line(source.text, stretch, text)
    edits: tuple[Edit, ...] = (Edit(span, quoted(text)),)
    fix = f"write {quoted(text)}{f', or put {line}' if line else ''}"
    if _WHOLE.fullmatch(text) and _in_json(source.text, stretch):  # two readings, so there is no repair
        own = line or "it on a line of its own, without `{ }`,"
        fix, edits = f"write {quoted(text)} to send a text, or put {own} to send a number as a number", ()
    out.add(
        "PS003",
        f"`{subject}` inside `{{ }}` or `[ ]` needs quotes, because YAML reads `{opener}` as the start of a new {kind}",
        span,
        fix,
        edits=edits,
    )


def _in_json(text: str, stretch: Stretch) -> bool:
    """Is it in the body of a request, where quotes decide what is sent? By the keys around it, as they are indented."""
    lines = text[: stretch.start].splitlines()
    if _JSON_BEFORE.search(lines[-1]):
        return True
    indent = len(lines[-1]) - len(lines[-1].lstrip())
    for line in reversed(lines[:-1]):
        found = _KEY.match(line)
        here = len(line) - len(line.lstrip())
        if found and here < indent:
            if found[1] == "json":
                return True
            indent = here
    return False


def _line(text: str, stretch: Stretch, value: str) -> str:
    """The other way out, where it is simple: a line of its own. Else nothing."""
    line_start = max(text.rfind("\n", 0, stretch.start), text.rfind("\r", 0, stretch.start)) + 1
    before = text[line_start : stretch.start]
    opening = before.rfind("{")
    parent = _PARENT.search(before[: opening + 1]) if before.count("{") == 1 and "[" not in before else None
    if parent is None:
        return ""
    key = re.fullmatch(r"(?:.*, *)?([^,:]+): *", before[opening + 1 :])
    line = f"{key[1].strip()}: {value}" if key else f"{value}: ..."
    return f"`{line}` on a line of its own under `{parent[1]}:`"


def hole_at(text: str, start: int) -> Stretch | None:
    """`{{id}}` as it begins there."""
    found = _OTHER_HOLE.match(text, start)
    return Stretch(start, found.end(), start) if found else None


def begun_by_hole(text: str, offset: int, *, in_brackets: bool) -> Stretch | None:
    """The value `{{host}}/items`, of which reading stopped behind the hole: a map was over, and a text follows."""
    line_start, line_end = text.rfind("\n", 0, offset) + 1, text.find("\n", offset) % (len(text) + 1)
    for hole in _OTHER_HOLE.finditer(text, line_start, offset):
        if hole.end() == offset:
            start = hole.start()
            whole = len(text[start:line_end].partition(" #")[0].rstrip())
            return Stretch(start, _end(text, start) if in_brackets else start + whole, start)
    return None


def with_holes(text: str) -> str:
    """The text with holes as they are written here."""
    return _OTHER_HOLE.sub(r"${\1}", text)


def report_hole(source: Source, stretch: Stretch, out: Diagnostics, *, in_brackets: bool) -> None:
    text = source.text[stretch.start : stretch.end]
    hole, span, meant = _OTHER_HOLE.match(text), source.span(stretch.start, stretch.end), with_holes(text)
    assert hole is not None  # it begins with one
    edits: tuple[Edit, ...]
    value = quoted(meant) if in_brackets else meant
    fix, edits = f"write `{value}`", (Edit(span, value),)
    if in_brackets and _WHOLE.fullmatch(meant) and _in_json(source.text, stretch):
        fix, edits = f"write `{value}` to send a text, or `{meant}` on a line of its own to send a number", ()
    out.add("PS243", f"`{hole[0]}` is a map to YAML, and no hole", span, fix, edits=edits)
