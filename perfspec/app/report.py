"""From what a run folder holds, or a result document, to a result; from results to reports."""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from msgspec import Struct

from perfspec.base.clock import SECOND
from perfspec.base.codec import Malformed, decode
from perfspec.base.errors import EnvironmentFailure, UsageFailure
from perfspec.base.units import format_duration
from perfspec.engine.slicelog import NAME as LOG_NAME
from perfspec.engine.slicelog import NOTHING_UNWRITTEN, Unwritten, read_outline, read_seconds
from perfspec.plan.model import Plan
from perfspec.report.formats import FORMATS, OF_A_RUN
from perfspec.report.result import VERSION, Result, make
from perfspec.verdict.comparison import Comparison

__all__ = [
    "COMPARISON",
    "EARLIER",
    "Finished",
    "judged",
    "read_document",
    "read_result",
    "render",
    "report",
    "runs_in",
    "so_far",
    "write_whole",
    "written",
]

COMPARISON = "comparison.json"
"""In the run folder: what became of the numbers since earlier runs."""
EARLIER = "earlier-"
"""Folders in a run folder, with numbers behind it: runs that it held before, and that are no part of what it holds."""


class _Versioned(Struct):
    """What every version of a result document has."""

    version: int


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that happened, and where its files are."""

    result: Result
    folder: Path
    problems: tuple[str, ...] = ()
    """Files that could not be written."""


def report(
    folder: Path,
    junit: str = "",
    unwritten: Unwritten = NOTHING_UNWRITTEN,
    comparison: Comparison | None = None,
) -> Finished:
    """Make the result of what a run folder holds, and write its files. Raises UsageFailure if it holds no run.

    `junit`: the format of its junit.xml; else the one that it has. `unwritten`: what the folder's log could not take.
    `comparison`: where the folder could not take it.
    """
    result = judged(folder, unwritten, comparison)
    return written(result, folder, junit, filter(None, (unwritten.problem,)))


def written(result: Result, folder: Path, junit: str, before: Iterable[str] = ()) -> Finished:
    """With the files of a run. `before`: problems that there were already."""
    problems = list(before)
    junit = junit or _dialect(folder / "junit.xml")
    for name, form in OF_A_RUN:
        try:
            write_whole(folder / name, FORMATS[junit if form == "junit" else form].render([result]))
        except OSError as error:
            problems.append(f"{folder / name} could not be written: {error}")
    return Finished(result, folder, tuple(problems))


def _dialect(junit: Path) -> str:
    """Of a JUnit file that is there; the usual one where there is none."""
    try:
        return "junit-file-attr" if re.search(rb"<testcase [^>]*file=", junit.read_bytes()) else "junit"
    except OSError:
        return "junit"


def judged(folder: Path, unwritten: Unwritten = NOTHING_UNWRITTEN, comparison: Comparison | None = None) -> Result:
    """The result of what a run folder holds. Writes nothing. Raises UsageFailure if it holds no run."""
    try:
        plan = decode((folder / "plan.json").read_bytes(), Plan)
        with (folder / LOG_NAME).open("rb") as lines:
            outline = read_outline(lines, unwritten)
            lines.seek(0)
            comparison = comparison or _comparison(folder)
            return make(plan, outline, comparison, seconds=read_seconds(lines, unwritten))
    except (OSError, Malformed) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise UsageFailure(f"{folder} holds no run ({why})", "name a folder below results/") from error


def _comparison(folder: Path) -> Comparison | None:
    """What the run was compared with when it ended."""
    try:
        return decode((folder / COMPARISON).read_bytes(), Comparison)
    except (OSError, Malformed):
        return None


def so_far(folder: Path) -> str:
    """How long a run that is still being written has been sending."""
    try:
        with (folder / LOG_NAME).open("rb") as lines:
            seconds = read_outline(lines).seconds
    except OSError:
        return "nothing sent yet"
    return f"{format_duration(seconds[-1].second * SECOND)} so far" if seconds else "nothing sent yet"


def runs_in(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """The runs that these hold, however deep, and those of the paths that hold none.

    A document is a run whatever it holds: what cannot be read there is an error, not nothing.
    """
    runs: list[Path] = []
    without: list[Path] = []
    for path in paths:
        if path.is_dir():
            found = [path] if _is_run(path) else sorted(_below(path), key=_natural)
        else:
            found = [path] if path.suffix == ".json" or not path.exists() else []
        runs += found
        without += [] if found else [path]
    return list(dict.fromkeys(runs)), without


def _below(path: Path) -> Iterator[Path]:
    for folder in path.rglob("*/"):
        first = folder.relative_to(path).parts[0]
        if _is_run(folder) and not (first.startswith(EARLIER) and first.removeprefix(EARLIER).isdigit()):
            yield folder


def _is_run(folder: Path) -> bool:
    return any((folder / name).is_file() for name in ("plan.json", "result.json", LOG_NAME))


def _natural(path: Path) -> list[tuple[int, str]]:
    """Run 10 after run 9."""
    return [(int(part or 0), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", path.as_posix())]


def read_result(path: Path) -> Result:
    """The result of a run: of its folder, made anew from its log where that is there, or of its `result.json`.

    Raises UsageFailure if there is none.
    """
    if path.is_dir() and (path / LOG_NAME).is_file():
        return judged(path)
    return read_document(path / "result.json" if path.is_dir() else path)


def read_document(document: Path) -> Result:
    """The result that a file holds. Raises UsageFailure if it holds none."""
    try:
        content = document.read_bytes()
        version = decode(content, _Versioned).version
        result = decode(content, Result) if version == VERSION else None
    except OSError as error:
        message = f"{document} holds no result ({error.strerror})"
        raise UsageFailure(message, "name a run folder or a result.json") from error
    except Malformed as error:
        message = f"{document} is no result of version {VERSION} ({error})"
        raise UsageFailure(message, "name a run folder or the result.json of one") from error
    if result is None:
        raise UsageFailure(f"{document} is a result of version {version}", f"this perfspec reads version {VERSION}")
    return result


def render(results: Sequence[Result], form: str, out: Path | None) -> bytes:
    """A report in one of the formats, written to `out` if that is named. Raises EnvironmentFailure if it cannot be."""
    data = FORMATS[form].render(results)
    if out is not None:
        try:
            write_whole(out, data)
        except OSError as error:
            raise EnvironmentFailure(f"{out} could not be written: {error.strerror}", "choose another --out") from error
    return data


def write_whole(path: Path, data: bytes) -> None:
    """All or nothing: a reader never sees half a file, and none is left behind. Raises OSError."""
    half = path.with_suffix(path.suffix + ".part")
    try:
        half.write_bytes(data)
        half.replace(path)
    except OSError:
        with suppress(OSError):
            half.unlink()
        raise
