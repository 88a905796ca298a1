"""Which files a call means: files as they are named, folders searched for specs."""

import re
from pathlib import Path
from typing import NamedTuple

from perfspec.base.errors import UsageFailure

__all__ = ["Found", "find", "runnable"]

_SPEC_WORD = re.compile(
    rb"^(?:\xef\xbb\xbf)?(?:perfspec|flows|thresholds|fragments|stages|environments|each_user)\s*:", re.MULTILINE
)
"""A key at the left edge that only specs have."""

_SHARED = re.compile(rb"^kind\s*:\s*shared\b", re.MULTILINE)


class Found(NamedTuple):
    specs: list[str]
    others: list[str]
    """YAML files in the folders that are not about perfspec."""


def find(names: tuple[str, ...]) -> Found:
    """Specs named, or somewhere below the folders named. Hidden folders are left out."""
    specs: dict[str, None] = {}
    others: dict[str, None] = {}
    for name in names:
        if not Path(name).is_dir():
            specs[name] = None
            continue
        for path in sorted(Path(name).rglob("*")):
            if path.suffix in (".yaml", ".yml") and path.is_file() and not _is_hidden(path.relative_to(name)):
                (specs if _SPEC_WORD.search(path.read_bytes()) else others)[str(path)] = None
    return Found(list(specs), list(others))


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def runnable(names: tuple[str, ...]) -> list[str]:
    """The same without the files of shared parts that lie in the folders. Raises UsageFailure where nothing is left."""
    named = [name for name in names if not Path(name).is_dir()]
    found = [path for path in find(names).specs if path in named or not _SHARED.search(Path(path).read_bytes())]
    if not found:
        raise UsageFailure(f"there is no spec below {', '.join(names)}", "name a spec, or a folder that holds specs")
    return found
