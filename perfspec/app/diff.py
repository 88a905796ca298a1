"""What a change to specs means for the gate, between two commits or a commit and the files as they are."""

from collections.abc import Callable, Sequence
from pathlib import Path

from perfspec.app.git import Repository
from perfspec.app.lint import schema
from perfspec.base.errors import UsageFailure
from perfspec.diagnostics.diagnostic import Diagnostics, Severity
from perfspec.language.include import is_shared, load
from perfspec.spec.difference import Change, difference
from perfspec.spec.model import Spec
from perfspec.spec.reading import read

__all__ = ["diff", "since"]

SUFFIXES = (".yaml", ".yml")
Side = tuple[list[str], Callable[[str], str | None]]
"""The specs of one side, relative to the repository, and how their text is had."""


def diff(base: str, head: str | None, names: Sequence[str]) -> list[Change]:
    """Spec by spec. `head` None: the files as they are.

    Raises UsageFailure for a commit that git does not know and for a spec that has errors.
    """
    repository = Repository(Path.cwd())
    places = [repository.relative(name) for name in names]
    old = _at(repository, base, places)
    new = _now(repository, places) if head is None else _at(repository, head, places)
    there = {*old[0], *new[0]}
    for name, place in zip(names, places, strict=True):
        if not any(place in (".", path) or path.startswith(f"{place}/") for path in there):
            message = f"there is no spec below {name}, neither at {base} nor at {head or 'the files here'}"
            raise UsageFailure(message, "name a spec or a folder of specs: --specs PATH")
    found: list[Change] = []
    for path in dict.fromkeys((*new[0], *old[0])):
        before, after = (_spec(path, side, name) for side, name in ((old, base), (new, head or "the files here")))
        found += difference(before, after)
    return found


def since(base: str, names: Sequence[str]) -> list[Change]:
    """What the files as they are change since their branch left `base`: what happened there meanwhile is not ours.

    Raises UsageFailure as `diff` does.
    """
    return diff(Repository(Path.cwd()).merge_base(base) or base, None, names)


def _at(repository: Repository, name: str, places: Sequence[str]) -> Side:
    commit = repository.commit(name)
    if commit is None:
        raise UsageFailure(f"git knows no commit `{name}`", "name a branch, a tag or a commit; fetch it first")
    files = [path for place in places for path in repository.files(commit, place) if path.endswith(SUFFIXES)]
    return files, lambda path: repository.read(commit, path)


def _now(repository: Repository, places: Sequence[str]) -> Side:
    files: list[str] = []
    for place in places:
        whole = repository.top / place
        below = sorted(p for p in whole.rglob("*") if p.suffix in SUFFIXES) if whole.is_dir() else [whole]
        files += [repository.relative(path) for path in below if path.is_file()]

    def text(path: str) -> str | None:
        try:
            return (repository.top / path).read_bytes().decode()
        except (OSError, UnicodeDecodeError):
            return None

    return files, text


def _spec(path: str, side: Side, name: str) -> Spec | None:
    """None where the side has no such spec, or the file holds shared parts."""
    files, text = side
    if path not in files:
        return None
    out = Diagnostics()
    loaded = load(path, text, schema(), out)
    if loaded.merged is None or is_shared(loaded.merged):
        return None
    spec = read(path, loaded.merged, out)
    errors = [finding for finding in out.sorted() if finding.severity is Severity.ERROR]
    if errors:
        message = f"{path} cannot be compared: at {name} it has errors"
        raise UsageFailure(message, f"{errors[0].span}: {errors[0].message}")
    return spec
