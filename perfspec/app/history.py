"""The history of runs: result files into the index, and out of it what a baseline, a list or a CSV needs."""

import csv
import io
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from perfspec.app.report import Finished, read_document
from perfspec.base.errors import EnvironmentFailure, PerfspecError, UsageFailure
from perfspec.history.records import Judged, Run, Wanted
from perfspec.metrics import histogram
from perfspec.metrics.histogram import Histogram
from perfspec.report.remarks import label
from perfspec.report.result import Result, Summary
from perfspec.verdict.comparison import QUANTILES, Measure, Numbers

if TYPE_CHECKING:
    from perfspec.history.store import Store

__all__ = ["Imported", "add_files", "as_csv", "default_url", "is_named", "numbers_of", "opened", "remember", "run_of"]

VARIABLE = "PERFSPEC_HISTORY"
DEFAULT = "results/history.sqlite"
DOCUMENT = "result.json"
TIMERS = ("", "wait", "group", "first_event", "event_gap")
"""Compared. A round holds pauses; connecting and the first byte are parts of a request."""


@dataclass(frozen=True, slots=True)
class Imported:
    added: tuple[str, ...]
    """Run ids."""
    problems: tuple[str, ...]
    """Files that hold no result."""


def default_url() -> str:
    """Where the index is if nobody says: the variable PERFSPEC_HISTORY, else a file beside the results."""
    return os.environ.get(VARIABLE, "").strip() or DEFAULT


def is_named() -> bool:
    """Does the variable say where the index is?"""
    return bool(os.environ.get(VARIABLE, "").strip())


@contextmanager
def opened(url: str | None) -> "Iterator[Store]":
    """The index. Raises EnvironmentFailure where it cannot be used."""
    from perfspec.history.store import Store  # noqa: PLC0415 - a tenth of a second that most runs need not pay

    wanted = url or default_url()
    if "://" not in wanted:
        try:
            Path(wanted).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            message = f"{Path(wanted).parent} cannot be made: {error.strerror}"
            raise EnvironmentFailure(message, "choose another --history") from error
    store = Store(wanted)
    try:
        yield store
    finally:
        store.close()


def add_files(paths: Iterable[Path], url: str | None) -> Imported:
    """Add every result in these files and folders, however deep. Raises UsageFailure where there is none at all."""
    documents = [found for path in paths for found in _documents(path)]
    if not documents:
        raise UsageFailure("there is no result in there", f"name folders that hold a {DOCUMENT}, such as results/")
    added: list[str] = []
    problems: list[str] = []
    with opened(url) as store:
        for document in documents:
            try:
                result = read_document(document)
            except UsageFailure as failure:
                problems.append(failure.message)
                continue
            if result.run_id:
                _add(store, result, document)
                added.append(result.run_id)
    return Imported(tuple(added), tuple(problems))


def _documents(path: Path) -> list[Path]:
    return sorted(path.rglob(DOCUMENT)) if path.is_dir() else [path]


def remember(finished: Finished, url: str | None) -> str:
    """Add a run that has just ended. Says what went wrong: a history that cannot be used loses no result."""
    try:
        with opened(url) as store:
            _add(store, finished.result, finished.folder / DOCUMENT)
    except PerfspecError as failure:
        return f"{failure.message}; {failure.hint}"
    return ""


def _add(store: "Store", result: Result, path: Path) -> None:
    judged = [Judged(verdict.threshold, verdict.outcome) for verdict in result.verdicts]
    store.add(run_of(result, path), numbers_of(result), judged)


def run_of(result: Result, path: Path) -> Run:
    valid = result.is_whole and not result.health.late
    return Run(
        run_id=result.run_id,
        started_at=result.started_at,
        service=result.service,
        stage=result.stage,
        environment=result.environment,
        fingerprint=result.fingerprint,
        commit=result.commit,
        branch=result.branch,
        outcome=result.outcome,
        ended=result.ended,
        valid=valid,
        accepted=valid and result.outcome == "PASS",
        path=path.as_posix(),
    )


def numbers_of(result: Result) -> Numbers:
    """What is compared: every request of the load, whichever flow sent it; of times, those of what did not fail."""
    counts: dict[str, Histogram] = {}
    seen: dict[str, list[int]] = {}
    for summary in result.summaries:
        if summary.key.part != "load" or summary.key.timer not in TIMERS:
            continue
        name = label(summary)
        histogram.add(counts.setdefault(name, {}), _went_well(summary))
        before = seen.setdefault(name, [0, 0])
        seen[name] = [before[0] + summary.n, before[1] + summary.failed]
    measures = tuple(
        Measure(name, seen[name][0], seen[name][1], response, _information(result, name))
        for name, response in counts.items()
    )
    return Numbers(result.run_id, result.started_at, result.commit, measures)


def _went_well(summary: Summary) -> Histogram:
    """The times of what did not fail, as far as the document tells them apart: where they are as good as the same as
    all, those of all. An error page is no fast answer.
    """
    if summary.failed == summary.n:
        return {}
    return (summary.ok_response or summary.response).histogram


def _information(result: Result, request: str) -> float:
    """The least that any limit on this request found: how much of an independent request one of these is worth."""
    shares = [
        verdict.n_effective / verdict.n
        for verdict in result.verdicts
        if verdict.row == request and verdict.n_effective is not None and verdict.n
    ]
    return min(shares, default=1.0)


def as_csv(wanted: Wanted, url: str | None) -> bytes:
    """The valid runs of one service, stage and environment as the table that Apache Otava reads: a line a run.

    Raises UsageFailure where there is no such run, or several kinds.
    """
    with opened(url) as store:
        runs = store.runs(wanted)
        runs = tuple(run for run in runs if run.valid)
        numbers = store.numbers(runs)
    kinds = {(run.service, run.stage, run.environment) for run in runs}
    if len(kinds) != 1:
        several = ", ".join("/".join(kind) for kind in sorted(kinds))
        hint = f"choose one with --service, --stage and --env: {several}" if kinds else "add runs: history import"
        raise UsageFailure(f"{len(kinds)} kinds of valid runs are in the history", hint)
    names = dict.fromkeys(measure.request for each in numbers for measure in each.measures)
    columns = [(name, statistic) for name in names for statistic in QUANTILES]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ["time", "commit", "run", *(f"{name}.{statistic}.ms".replace(" ", "_") for name, statistic in columns)]
    )
    for run, each in zip(runs, numbers, strict=True):
        values = [_value(each.of(name), statistic) for name, statistic in columns]
        writer.writerow([run.started_at, run.commit, run.run_id, *values])
    return text.getvalue().encode()


def _value(measure: Measure | None, statistic: str) -> str:
    if measure is None or not measure.response:
        return ""
    return f"{histogram.quantile(measure.response, QUANTILES[statistic]) / 1000:.3f}"
