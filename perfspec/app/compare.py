"""A run beside a baseline: other runs of the history, or one result file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from perfspec.app.history import numbers_of, opened
from perfspec.app.report import read_result
from perfspec.base.errors import UsageFailure
from perfspec.history.records import Wanted
from perfspec.report.result import Result
from perfspec.verdict.comparison import Comparison, Numbers, compare

__all__ = ["against", "check", "compare_runs", "is_known"]

MOST_RUNS = 10
KNOWN = ("main", "last")


@dataclass(frozen=True, slots=True)
class Baseline:
    runs: Sequence[Numbers]
    words: str
    same_shape: bool


def is_known(name: str) -> bool:
    """Can a baseline be looked up by this name, or is there such a file?"""
    return name in KNOWN or Path(name).exists()


def check(name: str, url: str | None) -> None:
    """Can it be compared with, as far as that is known before the run? Raises as `against` does."""
    if name not in KNOWN:
        read_result(Path(name))
        return
    with opened(url) as store:
        store.runs(Wanted(accepted=True), newest=1)


def against(result: Result, name: str, url: str | None) -> Comparison | None:
    """`name`: `main` (the last ten accepted runs there), `last` (the last accepted run), or a result file or folder.

    None where the history holds nothing to compare with yet. Raises UsageFailure for an unknown name or a file that is
    no result, EnvironmentFailure if the history cannot be used.
    """
    found = _of_file(result, Path(name)) if name not in KNOWN else _of_history(result, name, url)
    if found is None:
        return None
    return compare(numbers_of(result), found.runs, found.words, same_shape=found.same_shape)


def compare_runs(before: str, now: str, url: str | None) -> tuple[Result, Comparison]:
    """Two runs, or a run and a baseline by name. Raises UsageFailure where there is nothing to compare."""
    result = read_result(Path(now))
    found = against(result, before, url)
    if found is None:
        message = f"the history holds no accepted run that could be compared with {now} (`{before}`)"
        raise UsageFailure(message, "add earlier runs: perfspec history import FOLDER")
    return result, found


def _of_file(result: Result, path: Path) -> Baseline | None:
    if not path.exists():
        there = "name `main`, `last`, or the result file or folder of a run"
        raise UsageFailure(f"there is no baseline `{path}`", there)
    other = read_result(path)
    words = f"run {other.run_id} of {other.started_at[:10]}{_doubt(other)}"
    return Baseline([numbers_of(other)], words, other.fingerprint == result.fingerprint)


def _doubt(other: Result) -> str:
    """Whoever names a run is served, and told why the history would not have offered it."""
    if other.ended != "finished":
        return f", which was {other.ended} and is no baseline"
    return ", whose load generator was late, so that its times are in doubt" if other.health.late else ""


def _of_history(result: Result, name: str, url: str | None) -> Baseline | None:
    branch = "main" if name == "main" else ""
    wanted = Wanted(
        fingerprint=result.fingerprint, branch=branch, accepted=True, without=result.run_id, before=result.started_at
    )
    with opened(url) as store:
        runs = store.runs(wanted, newest=MOST_RUNS if name == "main" else 1)
        numbers = store.numbers(runs)
    if not runs:
        return None
    if name == "last":
        return Baseline(numbers, f"the last accepted run, {runs[-1].run_id}", same_shape=True)
    words = f"the median of {len(runs)} runs on main" if len(runs) > 1 else f"the one run on main, {runs[0].run_id}"
    return Baseline(numbers, words, same_shape=True)
