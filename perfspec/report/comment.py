"""The comment under a pull request: its marker, so that one comment is kept up to date, and its body.

GitHub takes 65 536 characters. What does not fit is cut at a whole line, and the link to the report stays.
"""

from collections.abc import Sequence
from urllib.parse import quote

from perfspec.report.markdown import MOST_BYTES, many_to_markdown
from perfspec.report.result import Result

__all__ = ["body", "marker"]

MOST_CHANGES = 10_000
_OF_A_LINK = ":/?#[]@!$&'*+,;=%"
"""What stays as it is in an address; brackets and line breaks would end the link."""


def marker(key: str) -> str:
    """What our comment begins with, unseen by readers. `key` tells several comments of one repository apart."""
    kept = "".join(char for char in key if char.isalnum() or char in "-_. ")
    return f"<!-- perfspec:{kept} -->"


def body(results: Sequence[Result], key: str, link: str = "", changes: str = "") -> str:
    """`link`: where the whole report is. `changes`: what the pull request does to the specs, as Markdown."""
    tail = ""
    if changes and len(changes) < MOST_CHANGES:
        tail += f"<details><summary>What this change does to the specs</summary>\n\n{changes}\n\n</details>\n\n"
    if link:
        tail += f"[The whole report]({quote(link, safe=_OF_A_LINK)})\n"
    head = f"{marker(key)}\n\n"
    room = MOST_BYTES - len(f"{head}\n{tail}".encode())
    return f"{head}{many_to_markdown(results, room).decode()}\n{tail}"
