"""The comment under a pull request: its marker, so that one comment is kept up to date, and its body.

GitHub takes 65 536 characters. What does not fit is cut at a whole line, and the link to the report stays.
"""

from collections.abc import Sequence
from urllib.parse import quote

from perfspec.report.markdown import MOST_BYTES, escaped, many_to_markdown
from perfspec.report.result import Result

__all__ = ["body", "marker"]

MOST_CHANGES = 10_000
_OF_A_LINK = ":/?#[]@!$&'*+,;=%"
"""What stays as it is in an address; brackets and line breaks would end the link."""


def marker(key: str) -> str:
    """What our comment begins with, unseen by readers. `key` tells several comments of one repository apart."""
    kept = "".join(char for char in key if char.isalnum() or char in "-_. ")
    return f"<!-- perfspec:{kept} -->"


def body(results: Sequence[Result], key: str, link: str = "", changes: str = "", instead: str = "") -> str:
    """`link`: where the whole report is. `changes`: what the pull request does to the specs, as Markdown.

    `instead`: what is said where there is no result.
    """
    tail = ""
    if changes:
        tail += f"<details><summary>What this change does to the specs</summary>\n\n{_cut(changes)}\n\n</details>\n\n"
    if link:
        tail += f"[The whole report]({quote(link, safe=_OF_A_LINK)})\n"
    head = f"{marker(key)}\n\n"
    room = MOST_BYTES - len(f"{head}\n{tail}".encode())
    said = many_to_markdown(results, room).decode() if results else f"{escaped(instead)}\n"
    return f"{head}{said}\n{tail}"


def _cut(changes: str) -> str:
    """As many whole lines as there is room for."""
    if len(changes.encode()) <= MOST_CHANGES:
        return changes
    kept = changes.encode()[:MOST_CHANGES].decode(errors="ignore").rpartition("\n")[0]
    return f"{kept}\n\n… and {changes.count(chr(10)) - kept.count(chr(10))} more: `perfspec diff` tells them all"
