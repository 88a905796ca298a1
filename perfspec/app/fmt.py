"""A spec in its one layout."""

import difflib
from dataclasses import dataclass

from perfspec.app.lint import Checked, content_of, lint
from perfspec.diagnostics.source import Source
from perfspec.language.layout import laid_out

__all__ = ["Laid", "fmt"]


@dataclass(frozen=True, slots=True)
class Laid:
    path: str
    before: bytes
    after: bytes
    checked: Checked | None = None
    """Why there is no layout, where the text cannot be read; it stays as it is."""

    @property
    def differs(self) -> bool:
        return self.before != self.after

    def diff(self) -> str:
        """What the layout changes, as a patch."""
        old, new = (text.decode().splitlines(keepends=True) for text in (self.before, self.after))
        return "".join(difflib.unified_diff(old, new, self.path, self.path))


def fmt(path: str, content: bytes | None = None) -> Laid:
    """The file in its layout; nothing is written. Raises UsageFailure for a file that cannot be read."""
    before = content_of(path) if content is None else content
    try:
        text = before.decode()
    except UnicodeDecodeError:
        return Laid(path, before, before, lint(path, before))
    after = laid_out(Source(path, text))
    if after is None:
        return Laid(path, before, before, lint(path, before))
    return Laid(path, before, after.encode())
