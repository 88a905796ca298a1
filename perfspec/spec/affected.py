"""Which specs a change concerns: their globs, their own file, what they include, the data they read.

In doubt a spec is concerned: one without globs guards everything. Paths are relative to the repository, with `/`.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

__all__ = ["Affected", "Guard", "affected", "matches"]


class Guard(NamedTuple):
    """A spec and what it guards."""

    spec: str
    service: str
    globs: tuple[str, ...]
    files: tuple[str, ...]
    """The spec itself, what it includes, its data files."""
    doubt: str = ""
    """Why it is concerned whatever changed; empty: it is not."""


class Affected(NamedTuple):
    spec: str
    service: str
    because: str


def affected(guards: Sequence[Guard], changed: Iterable[str]) -> list[Affected]:
    """Those that the changed files concern, each with its first reason, in their order."""
    paths = sorted(changed)
    found = []
    for guard in guards:
        because = _reason(guard, paths)
        if because:
            found.append(Affected(guard.spec, guard.service, because))
    return found


def _reason(guard: Guard, paths: Sequence[str]) -> str:
    if guard.doubt:
        return guard.doubt
    for path in paths:
        if path in guard.files:
            return f"{path} is part of it"
        for glob in guard.globs:
            if matches(glob, path):
                return f"{path} matches {glob}"
    if not guard.globs and paths:
        return "it names no `run_when_changed`"
    return ""


def matches(glob: str, path: str) -> bool:
    """`**` stands for any folders, also none; `*` and `?` stay within a name; a folder stands for all that is in it."""
    return _pattern(glob).fullmatch(path) is not None


@cache
def _pattern(glob: str) -> re.Pattern[str]:
    parts = glob.strip("/").removeprefix("./").split("/")
    pattern = ""
    for number, part in enumerate(parts):
        is_last = number == len(parts) - 1
        if part == "**":
            pattern += ".*" if is_last else "(?:[^/]+/)*"
        else:
            pattern += _name(part) + ("" if is_last else "/")
    return re.compile(pattern if parts[-1] == "**" else f"{pattern}(?:/.*)?", re.DOTALL)


def _name(part: str) -> str:
    found = {"*": "[^/]*", "?": "[^/]"}
    return "".join(found.get(char, re.escape(char)) for char in part)
