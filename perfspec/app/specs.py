"""From what was named to the specs: files as they are, of folders all that lies below."""

from collections.abc import Iterable
from pathlib import Path

from perfspec.base.errors import UsageFailure

__all__ = ["spec_files"]


def spec_files(names: Iterable[str]) -> list[str]:
    """Every file once, in the order named. Raises UsageFailure where a folder holds none."""
    found: list[str] = []
    for name in names:
        path = Path(name)
        if path.is_dir():
            below = sorted(str(p) for p in path.rglob("*") if p.suffix in (".yaml", ".yml"))
            if not below:
                raise UsageFailure(f"there is no *.yaml file below {name}", "name a spec, or a folder that holds specs")
            found += below
        else:
            found.append(name)
    return list(dict.fromkeys(found))
