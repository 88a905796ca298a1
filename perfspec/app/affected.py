"""The specs that a change concerns, by what git says has changed."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from perfspec.app.find import find
from perfspec.app.git import Repository
from perfspec.app.lint import Checked, lint
from perfspec.spec.affected import Affected, Guard, affected

__all__ = ["Concerned", "concerned"]


class Concerned(NamedTuple):
    specs: list[Affected]
    """What to run, in the order of the specs."""
    known: int
    """How many specs there are."""
    doubt: str
    """Why all of them are concerned; empty: that was not so."""


def concerned(names: Sequence[str], base: str) -> Concerned:
    """The specs that differ from `base` in what they guard. All of them where git cannot tell what changed.

    Raises UsageFailure without a repository.
    """
    repository = Repository(Path.cwd())
    checked = [lint(path) for path in find(tuple(names)).specs]
    guards = [guard for each in checked if (guard := _guard(each, repository)) is not None]
    commit = repository.merge_base(base)
    changed = None if commit is None else repository.changed_since(commit)
    if changed is None:
        why = "this clone does not reach back to it" if repository.commit(base) else f"this clone has no `{base}`"
        doubt = f"nobody knows what changed since {base}: {why}"
        return Concerned([Affected(g.spec, g.service, doubt) for g in guards], len(guards), doubt)
    return Concerned(affected(guards, changed), len(guards), "")


def _guard(checked: Checked, repository: Repository) -> Guard | None:
    """None for a file of shared parts: it is concerned through the specs that include it."""
    files = tuple(repository.relative(path) for path in (*checked.sources, *checked.files))
    if checked.spec is None:
        broken = "it cannot be read" if checked.has_errors else ""
        return Guard(checked.path, Path(checked.path).stem, (), files, broken) if broken else None
    doubt = "it has errors" if checked.has_errors else ""
    return Guard(checked.path, checked.spec.service, checked.spec.run_when_changed, files, doubt)
