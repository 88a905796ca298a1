"""From what a run folder holds to its result."""

from dataclasses import dataclass
from pathlib import Path

from perfspec.base.codec import Malformed, decode
from perfspec.base.errors import UsageFailure
from perfspec.engine.slicelog import NAME as LOG_NAME
from perfspec.engine.slicelog import read_log
from perfspec.plan.model import Plan
from perfspec.report.junit import to_junit
from perfspec.report.result import Result, make, to_json

__all__ = ["Finished", "report"]


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that happened, and where its files are."""

    result: Result
    folder: Path
    problems: tuple[str, ...] = ()
    """Files that could not be written."""


def report(folder: Path) -> Finished:
    """Make the result of what a run folder holds, and write its files. Raises UsageFailure if it holds no run."""
    try:
        plan = decode((folder / "plan.json").read_bytes(), Plan)
        with (folder / LOG_NAME).open("rb") as lines:
            log = read_log(lines)
    except (OSError, Malformed) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise UsageFailure(f"{folder} holds no run ({why})", "name a folder below results/") from error
    result = make(plan, log)
    problems = []
    for name, data in (("result.json", to_json(result)), ("junit.xml", to_junit(result))):
        try:
            _write_whole(folder / name, data)
        except OSError as error:
            problems.append(f"{folder / name} could not be written: {error}")
    return Finished(result, folder, tuple(problems))


def _write_whole(path: Path, data: bytes) -> None:
    """All or nothing: a reader never sees half a file."""
    half = path.with_suffix(path.suffix + ".part")
    half.write_bytes(data)
    half.replace(path)
