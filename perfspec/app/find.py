"""Which files a call means: files as they are named, folders searched for specs."""

import re
from pathlib import Path
from typing import NamedTuple

__all__ = ["Found", "find"]

_SPEC_WORD = re.compile(
    rb"^(?:\xef\xbb\xbf)?(?:perfspec|flows|thresholds|fragments|stages|environments|each_user)\s*:", re.MULTILINE
)
"""A key at the left edge that only specs have."""


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
