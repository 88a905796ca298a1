"""The folder of a run: a new one below results/, or the one that was asked for.

What was asked for is what the newest run gets, for others read it by that name. A run that is in it already is moved
aside, never written over: from `out` to `out-1`, the next to `out-2`; where nothing can be moved out of the folder, as
it is mounted, to `earlier-1` in it. Anything that is no run stays where it is. A folder is locked from before the first
file of its run until after the last.
"""

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from perfspec.app.report import COMPARISON, EARLIER, read_document, runs_in
from perfspec.base.clock import utc_now
from perfspec.base.codec import Malformed, decode
from perfspec.base.errors import EnvironmentFailure, PerfspecError
from perfspec.engine.slicelog import NAME as LOG_NAME
from perfspec.plan.model import Plan
from perfspec.report.formats import OF_A_RUN

__all__ = ["is_held", "new_folder", "out_folder"]

MOST = 1000
FILES = (*(name for name, _ in OF_A_RUN), "plan.json", LOG_NAME, COMPARISON, "service.log")


@contextmanager
def new_folder(plan: Plan) -> Iterator[Path]:
    """One below results/ that nobody has, held. Raises EnvironmentFailure where none can be made."""
    base = Path("results") / f"{utc_now():%Y%m%d-%H%M%S}-{plan.service}-{plan.stage}"
    for number in range(1, MOST):
        folder = base if number == 1 else base.with_name(f"{base.name}-{number}")
        with suppress(FileExistsError):
            _make(folder)
            break
    else:
        raise EnvironmentFailure(f"{base} exists a thousand times", "choose an --out")
    with _held(folder):
        yield folder


@contextmanager
def out_folder(out: str, tell: Callable[[str], None], *, for_several: bool = False) -> Iterator[Path]:
    """That folder, without a run in it, held. `tell` hears where an earlier run has gone. `for_several`: runs come to
    lie in folders of their own below it. Raises EnvironmentFailure.
    """
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise EnvironmentFailure(f"{folder} is a file", "choose another --out")
    while True:
        with suppress(FileExistsError):
            _make(folder)
        with _held(folder) as is_still_there:
            if is_still_there:
                _emptied(folder, tell, for_several=for_several)
                yield folder
                return


def _emptied(folder: Path, tell: Callable[[str], None], *, for_several: bool) -> None:
    if run := _of_a_run(folder):
        aside = _moved_aside(folder, run)
        tell(f"{folder} held an earlier run, which is in {aside} now")
    elif not for_several and (foreign := [name for name in FILES if (folder / name).exists()]):
        message = f"{folder / foreign[0]} is there already, and of no run"
        raise EnvironmentFailure(message, f"choose a folder in it: --out {folder / 'NAME'}")


@contextmanager
def _held(folder: Path) -> Iterator[bool]:
    """Locked, so that no other run writes to it or moves it away. False: somebody has moved it before it was locked.
    Raises EnvironmentFailure if another run holds it.
    """
    lock = _lock(folder)
    try:
        yield lock is None or _is_at(folder, lock)
    finally:
        if lock is not None:
            os.close(lock)


def _lock(folder: Path) -> int | None:
    """The lock of a folder, until it is closed; None where there can be none."""
    try:
        lock = os.open(folder, os.O_RDONLY)
    except OSError:  # it may not be read; whether it can be written to is found out by writing
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        message = f"{folder} is being written by another run"
        raise EnvironmentFailure(message, "wait for its end, or choose another --out") from None
    except OSError:  # a file system without locks
        os.close(lock)
        return None
    return lock


def is_held(folder: Path) -> bool:
    """Is a run being written there?"""
    try:
        lock = _lock(folder)
    except EnvironmentFailure:
        return True
    if lock is not None:
        os.close(lock)
    return False


def _is_at(folder: Path, lock: int) -> bool:
    try:
        return os.path.samestat(os.fstat(lock), folder.stat())
    except FileNotFoundError:
        return False


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        raise
    except OSError as error:
        raise EnvironmentFailure(f"{folder} cannot be made: {error}", "choose another --out") from error


def _of_a_run(folder: Path) -> list[str]:
    """What is to be moved: the files of the run that it holds, and the folders that have numbers, as several specs in
    one call make them. Raises EnvironmentFailure where it is a place for runs with names of their own: those are not to
    be moved about.
    """
    numbered: list[str] = []
    if not _is_ours(folder):
        runs = [run.relative_to(folder) for run in runs_in([folder])[0] if _is_ours(run)]
        if named := [run for run in runs if not run.parts[0].isdigit() or len(run.parts) > 1]:
            message = f"{folder} holds runs in folders of their own, such as {named[0]}"
            raise EnvironmentFailure(message, f"choose a folder in it: --out {folder / 'NAME'}")
        if not runs:
            return []
        numbered = [run.name for run in runs]
    return [name for name in FILES if (folder / name).is_file()] + numbered


def _is_ours(folder: Path) -> bool:
    """Others call their files `plan.json` and `result.json`, too."""
    if (folder / LOG_NAME).is_file():
        return True
    with suppress(OSError, Malformed):
        decode((folder / "plan.json").read_bytes(), Plan)
        return True
    with suppress(PerfspecError):
        read_document(folder / "result.json")
        return True
    return False


def _moved_aside(folder: Path, run: Sequence[str]) -> Path:
    _not_in_use(folder)
    here = Path.cwd()
    if folder.resolve() in (here, *here.parents):
        raise EnvironmentFailure(f"{folder} holds a run and cannot be moved aside", "choose another --out")
    try:
        return _moved(folder, run, folder.with_name(f"{folder.name}-"))
    except OSError:
        pass  # mounted, or nobody may write beside it
    try:
        return _moved(folder, run, folder / EARLIER)
    except OSError as error:
        message = f"{folder} holds a run and cannot be moved aside: {error.strerror}"
        raise EnvironmentFailure(message, "choose another --out") from error


def _moved(folder: Path, run: Sequence[str], to: Path) -> Path:
    """All of it or nothing, to the first such name that is free. Raises OSError."""
    places = (to.with_name(f"{to.name}{number}") for number in range(1, MOST))
    aside = next((place for place in places if not place.exists()), to.with_name(f"{to.name}{MOST}"))
    aside.mkdir()
    moved: list[str] = []
    try:
        for name in run:
            (folder / name).rename(aside / name)
            moved.append(name)
    except OSError:
        for name in moved:
            (aside / name).rename(folder / name)
        aside.rmdir()
        raise
    return aside


def _not_in_use(folder: Path) -> None:
    """No run in it is being written; the folder itself is held by the caller. Raises EnvironmentFailure."""
    for run in runs_in([folder])[0]:
        if run != folder:
            with _held(run):
                pass
