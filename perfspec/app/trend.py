"""Services over time: changes of level by commit range, and how often each limit was met."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from perfspec.app.history import opened
from perfspec.base.clock import utc_now
from perfspec.base.errors import UsageFailure
from perfspec.history.records import Run, Wanted
from perfspec.verdict.trend import Compliance, Series, compliance, series

if TYPE_CHECKING:
    from perfspec.history.store import Store

__all__ = ["Trend", "trends"]

MOST_RUNS = 200


class Trend(msgspec.Struct, frozen=True):
    """One service in one stage and environment."""

    service: str
    stage: str
    environment: str
    runs: int
    """Valid runs that can be compared with the newest one."""
    others: int
    """Valid runs of another load, environment or machine: they are in no series."""
    series: tuple[Series, ...]
    weeks: tuple[str, ...]
    """Their Mondays."""
    compliance: tuple[Compliance, ...]


def trends(wanted: Wanted, url: str | None, weeks: int) -> tuple[Trend, ...]:
    """Every kind of run that was asked for. Raises UsageFailure where the history holds none."""
    with opened(url) as store:
        runs = [run for run in store.runs(wanted) if run.valid]
        kinds = dict.fromkeys((run.service, run.stage, run.environment) for run in runs)
        if not kinds:
            raise UsageFailure("the history holds no such run", "add runs: perfspec history import FOLDER")
        return tuple(
            _trend(store, [run for run in runs if (run.service, run.stage, run.environment) == kind], weeks)
            for kind in kinds
        )


def _trend(store: "Store", runs: list[Run], weeks: int) -> Trend:
    newest = runs[-1]
    alike = [run for run in runs if run.fingerprint == newest.fingerprint][-MOST_RUNS:]
    periods = _weeks(weeks)
    return Trend(
        service=newest.service,
        stage=newest.stage,
        environment=newest.environment,
        runs=len(alike),
        others=len(runs) - len([run for run in runs if run.fingerprint == newest.fingerprint]),
        series=series(store.numbers(alike)),
        weeks=tuple(start for start, _ in periods),
        compliance=compliance(store.met(runs), periods),
    )


def _weeks(count: int) -> list[tuple[str, str]]:
    """The last weeks as ISO dates, from Monday to the Monday after."""
    today = utc_now().date()
    monday = datetime(today.year, today.month, today.day, tzinfo=UTC) - timedelta(days=today.weekday())
    starts = [monday - timedelta(weeks=count - 1 - number) for number in range(count)]
    return [(f"{start:%Y-%m-%d}", f"{start + timedelta(weeks=1):%Y-%m-%d}") for start in starts]
