"""The index over result files: SQLAlchemy Core, SQLite by default, PostgreSQL by URL.

A run is added whole or not at all, and adding it again replaces it, so any number of processes may add, in any order,
what any number of folders hold. Nothing is in here that is not in a result file: losing it loses nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec
import sqlalchemy as sql
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError, SQLAlchemyError

from perfspec.base.codec import decode, encode
from perfspec.base.errors import EnvironmentFailure
from perfspec.history.records import Judged, Run, Wanted
from perfspec.verdict.comparison import Measure, Numbers
from perfspec.verdict.trend import Met

__all__ = ["Store"]

T = TypeVar("T")
TRIES = 3
WAIT_S = 10
"""For another process that writes."""

_TABLES = sql.MetaData()
_RUNS = sql.Table(
    "runs",
    _TABLES,
    sql.Column("run_id", sql.String, primary_key=True),
    sql.Column("started_at", sql.String, nullable=False, index=True),
    sql.Column("service", sql.String, nullable=False, index=True),
    sql.Column("stage", sql.String, nullable=False),
    sql.Column("environment", sql.String, nullable=False),
    sql.Column("fingerprint", sql.String, nullable=False, index=True),
    sql.Column("commit_id", sql.String, nullable=False),
    sql.Column("branch", sql.String, nullable=False),
    sql.Column("outcome", sql.String, nullable=False),
    sql.Column("ended", sql.String, nullable=False),
    sql.Column("valid", sql.Boolean, nullable=False),
    sql.Column("accepted", sql.Boolean, nullable=False),
    sql.Column("path", sql.String, nullable=False),
)
_MEASURES = sql.Table(
    "measures",
    _TABLES,
    sql.Column("run_id", sql.String, primary_key=True),
    sql.Column("request", sql.String, primary_key=True),
    sql.Column("place", sql.Integer, nullable=False),
    sql.Column("measure", sql.LargeBinary, nullable=False),
)
_LIMITS = sql.Table(
    "limits",
    _TABLES,
    sql.Column("run_id", sql.String, primary_key=True),
    sql.Column("threshold", sql.String, primary_key=True),
    sql.Column("place", sql.Integer, nullable=False),
    sql.Column("outcome", sql.String, nullable=False),
)


class Store:
    """An index that is open. Raises EnvironmentFailure whenever the database cannot be used."""

    def __init__(self, url: str) -> None:
        self._url = _with_driver(url)
        try:
            self.shown = sql.engine.make_url(self._url).render_as_string(hide_password=True)
        except (sql.exc.ArgumentError, ValueError) as error:
            message = "the history's address cannot be read"
            raise EnvironmentFailure(message, "name a file, or postgresql://user@host:5432/database") from error
        with self._told():
            self._engine = sql.create_engine(self._url, **_options(self._url))
            if self._engine.dialect.name == "sqlite":
                sql.event.listen(self._engine, "connect", _write_ahead)
            self._again(self._create)

    def close(self) -> None:
        self._engine.dispose()

    def add(self, run: Run, numbers: Numbers, judged: Sequence[Judged]) -> None:
        """Whole or not at all; a run that is there already is replaced."""
        row = msgspec.structs.asdict(run)
        row["commit_id"] = row.pop("commit")
        measures = [
            {"run_id": run.run_id, "request": m.request, "place": place, "measure": encode(m)}
            for place, m in enumerate(numbers.measures)
        ]
        limits = [
            {"run_id": run.run_id, "threshold": each.threshold, "place": place, "outcome": each.outcome}
            for place, each in enumerate({each.threshold: each for each in judged}.values())
        ]

        def write() -> None:
            with self._engine.begin() as connection:
                for table in (_RUNS, _MEASURES, _LIMITS):
                    connection.execute(sql.delete(table).where(table.c.run_id == run.run_id))
                connection.execute(sql.insert(_RUNS), row)
                for table, rows in ((_MEASURES, measures), (_LIMITS, limits)):
                    if rows:
                        connection.execute(sql.insert(table), rows)

        with self._told():
            self._again(write)

    def runs(self, wanted: Wanted = Wanted(), newest: int = 0) -> tuple[Run, ...]:  # noqa: B008 - frozen
        """Oldest first; of many the `newest`."""
        query = sql.select(_RUNS).order_by(_RUNS.c.started_at.desc(), _RUNS.c.run_id.desc())
        for name in ("service", "stage", "environment", "fingerprint", "branch"):
            if value := getattr(wanted, name):
                query = query.where(_RUNS.c[name] == value)
        for name in ("accepted", "valid"):
            if getattr(wanted, name):
                query = query.where(_RUNS.c[name])
        if wanted.without:
            query = query.where(_RUNS.c.run_id != wanted.without)
        if wanted.before:
            query = query.where(_RUNS.c.started_at <= wanted.before)
        query = query.limit(newest) if newest else query
        with self._told(), self._engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
        return tuple(_run(dict(row)) for row in reversed(rows))

    def numbers(self, runs: Iterable[Run]) -> tuple[Numbers, ...]:
        """What can be compared of these runs, in their order."""
        asked = tuple(runs)
        found: dict[str, list[Measure]] = {run.run_id: [] for run in asked}
        query = sql.select(_MEASURES.c.run_id, _MEASURES.c.measure).order_by(_MEASURES.c.run_id, _MEASURES.c.place)
        with self._told(), self._engine.connect() as connection:
            for part in _parts(list(found)):
                for run_id, measure in connection.execute(query.where(_MEASURES.c.run_id.in_(part))):
                    found[run_id].append(decode(bytes(measure), Measure))
        return tuple(Numbers(run.run_id, run.started_at, run.commit, tuple(found[run.run_id])) for run in asked)

    def met(self, runs: Iterable[Run]) -> tuple[Met, ...]:
        """Every limit of these runs that was judged; a warning is a limit that was not met."""
        started = {run.run_id: run.started_at for run in runs}
        query = sql.select(_LIMITS.c.run_id, _LIMITS.c.threshold, _LIMITS.c.outcome)
        found = []
        with self._told(), self._engine.connect() as connection:
            for part in _parts(list(started)):
                rows = connection.execute(query.where(_LIMITS.c.run_id.in_(part)).order_by(_LIMITS.c.place))
                found += [
                    Met(threshold, started[run_id], outcome == "PASS")
                    for run_id, threshold, outcome in rows
                    if outcome in ("PASS", "FAIL", "WARN")
                ]
        return tuple(sorted(found, key=lambda each: each.started_at))

    def _create(self) -> None:
        with self._engine.begin() as connection:
            for table in _TABLES.sorted_tables:
                connection.execute(sql.schema.CreateTable(table, if_not_exists=True))
                for index in table.indexes:
                    connection.execute(sql.schema.CreateIndex(index, if_not_exists=True))

    def _again(self, write: Callable[[], T]) -> T:
        """Two that write the same at once: the second tries again."""
        for left in reversed(range(TRIES)):
            try:
                return write()
            except (IntegrityError, OperationalError, ProgrammingError):
                if not left:
                    raise
        raise AssertionError

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, msgspec.MsgspecError, ImportError) as error:
            why = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
            message = f"the history {self.shown} cannot be used: {why}"
            raise EnvironmentFailure(message, "the result files are whole; add them later: history import") from error


def _run(row: dict[str, object]) -> Run:
    row["commit"] = row.pop("commit_id")
    return Run(**row)  # type: ignore[arg-type]


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """As many as a statement may name."""
    for start in range(0, len(ids), 500):
        yield ids[start : start + 500]


def _with_driver(url: str) -> str:
    """A path is an SQLite file; `postgresql://` means the driver that is installed with perfspec."""
    if "://" not in url:
        return f"sqlite:///{Path(url)}"
    scheme, _, rest = url.partition("://")
    return f"postgresql+psycopg://{rest}" if scheme in ("postgresql", "postgres") else url


def _options(url: str) -> dict[str, object]:
    if not url.startswith("sqlite"):
        return {"pool_pre_ping": True}
    return {} if "timeout=" in url else {"connect_args": {"timeout": WAIT_S}}


def _write_ahead(connection: object, _record: object) -> None:
    """Readers and one writer at once."""
    cursor = connection.cursor()  # type: ignore[attr-defined]
    try:
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
    finally:
        cursor.close()
