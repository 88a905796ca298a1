"""Where a run comes from: commit and branch of what is tested, and the class of the machine that tests it."""

import os
import platform
from pathlib import Path
from typing import NamedTuple

from perfspec.app.git import Repository
from perfspec.base.errors import UsageFailure

__all__ = ["Origin", "origin"]

COMMITS = ("PERFSPEC_COMMIT", "GITHUB_SHA", "CI_COMMIT_SHA", "GIT_COMMIT")
BRANCHES = (
    "PERFSPEC_BRANCH",
    "GITHUB_HEAD_REF",
    "GITHUB_REF_NAME",
    "CI_COMMIT_BRANCH",
    "CI_COMMIT_REF_NAME",
    "GIT_BRANCH",
)
"""As CI servers say it; the first that is set counts. A pull request's branch comes before what it is merged into."""


class Origin(NamedTuple):
    """Empty texts where nobody knows."""

    commit: str
    branch: str
    machine: str


def origin(spec: str) -> Origin:
    """Of a run of this spec, here and now."""
    commit, branch = _said(COMMITS), _said(BRANCHES)
    if not commit or not branch:
        try:
            repository = Repository(Path(spec).parent)
            commit, branch = commit or repository.commit("HEAD") or "", branch or repository.branch() or ""
        except UsageFailure:
            pass  # no repository, no git: nothing is known, and that is no failure
    cores = len(os.sched_getaffinity(0))
    return Origin(commit, branch, f"{platform.system()} {platform.machine()}, {cores} core{'' if cores == 1 else 's'}")


def _said(names: tuple[str, ...]) -> str:
    return next((value for name in names if (value := os.environ.get(name, "").strip())), "")
