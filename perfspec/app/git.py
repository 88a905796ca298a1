"""What git knows of the specs' repository: what changed since a base, and how files were at a commit."""

import subprocess
from pathlib import Path

from perfspec.base.errors import UsageFailure

__all__ = ["Repository"]

TIMEOUT_S = 60


class Repository:
    """The repository around a folder. Its paths are relative to its top, with `/`."""

    def __init__(self, folder: Path) -> None:
        """Raises UsageFailure where there is no repository, or no git."""
        self._folder = folder
        top = self._ask("rev-parse", "--show-toplevel")
        if top is None:
            raise UsageFailure(f"{folder.resolve()} is in no git repository", "run this inside a checkout")
        self.top = Path(top.strip())

    def merge_base(self, base: str) -> str | None:
        """Where this branch left `base`; None where that cannot be known: an unknown name, a shallow clone."""
        found = self._ask("merge-base", base, "HEAD")
        return found.strip() if found else None

    def commit(self, name: str) -> str | None:
        """The commit that a name stands for; None for an unknown one."""
        found = self._ask("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        return found.strip() if found else None

    def branch(self) -> str | None:
        """The branch that is checked out; None where there is none."""
        found = (self._ask("rev-parse", "--abbrev-ref", "HEAD") or "").strip()
        return found if found not in ("", "HEAD") else None

    def changed_since(self, commit: str) -> list[str] | None:
        """Files that differ from `commit`, uncommitted and new ones too; of a renamed file both names.

        None where git cannot tell.
        """
        differing = self._ask("diff", "--name-only", "--no-renames", "--no-relative", "-z", commit, "--")
        new = self._ask("ls-files", "--others", "--exclude-standard", "--full-name", "-z", ":/")
        if differing is None or new is None:
            return None
        return sorted({name for name in (differing + new).split("\0") if name})

    def read(self, commit: str, path: str) -> str | None:
        """A file's text as it was; None if it was not there, or was no text."""
        return self._ask("show", f"{commit}:{path}")

    def files(self, commit: str, below: str) -> list[str]:
        """All files below a folder as they were."""
        found = self._ask("ls-tree", "-r", "-z", "--name-only", "--full-tree", commit, "--", below or ".")
        return [name for name in (found or "").split("\0") if name]

    def relative(self, path: str | Path) -> str:
        """A path as git says it; one outside of the repository as it is."""
        whole = Path(path).resolve()
        return whole.relative_to(self.top).as_posix() if whole.is_relative_to(self.top) else Path(path).as_posix()

    def _ask(self, *words: str) -> str | None:
        """What git prints; None where it fails. Raises UsageFailure without git."""
        command = ["git", "-C", str(self._folder), *words]
        try:
            ended = subprocess.run(  # noqa: S603 - a fixed program; names come from the caller's own command line
                command, capture_output=True, check=False, timeout=TIMEOUT_S, stdin=subprocess.DEVNULL
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            message = f"git does not answer: {error}"
            raise UsageFailure(message, "install git, or call this in a smaller repository") from error
        if ended.returncode:
            return None
        try:
            return ended.stdout.decode()
        except UnicodeDecodeError:
            return None
