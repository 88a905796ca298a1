"""A database that is asked from an event loop: statements run in threads, as many as there are connections.

SQLite has one connection, so its transactions come one after the other; PostgreSQL has several. A transaction that
cannot be carried out because the database is gone or does not answer in time is `DatabaseDown`; it left nothing behind.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, InterfaceError, NoSuchModuleError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import StaticPool

from perfspec.base.errors import EnvironmentFailure

__all__ = ["IN_MEMORY", "Database", "DatabaseDown"]

IN_MEMORY = "sqlite://"
T = TypeVar("T")
_CONNECTIONS = 8
_PATIENCE_S = 2


class DatabaseDown(Exception):
    """Nobody knows when it will be back."""


class Database:
    """Raises EnvironmentFailure for an address that is none of SQLite or PostgreSQL."""

    def __init__(self, url: str = IN_MEMORY) -> None:
        address = _address(url)
        self.name = "postgresql" if address.get_backend_name() == "postgresql" else "sqlite"
        self._engine = _postgresql(address) if self.name == "postgresql" else _sqlite(address)
        count = _CONNECTIONS if self.name == "postgresql" else 1
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="database")

    async def run(self, work: Callable[[Connection], T]) -> T:
        """`work` in a transaction of its own; it is committed when this returns."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, self._transaction, work)
        except (OperationalError, InterfaceError, PoolTimeout) as error:
            raise DatabaseDown from error

    async def has(self, table: str) -> bool:
        """Does it answer, with that table in it?"""
        try:
            async with asyncio.timeout(_PATIENCE_S / 2):
                await self.run(lambda connection: connection.execute(text(f"SELECT count(*) FROM {table}")))  # noqa: S608
        except (DatabaseDown, ProgrammingError, TimeoutError):
            return False
        return True

    async def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)
        self._engine.dispose()

    def _transaction(self, work: Callable[[Connection], T]) -> T:
        with self._engine.begin() as connection:
            return work(connection)


def _address(url: str) -> URL:
    try:
        address = make_url(url.replace("postgres://", "postgresql://", 1))
        if address.get_backend_name() == "postgresql":
            return address.set(drivername="postgresql+psycopg")
    except (ArgumentError, NoSuchModuleError, ValueError):
        address = None
    if address is None or address.get_backend_name() != "sqlite":
        message = "DATABASE_URL is no address of a SQLite or a PostgreSQL database"
        raise EnvironmentFailure(message, "for example sqlite:///answers.db or postgresql://user@127.0.0.1/assessment")
    return address


def _postgresql(address: URL) -> Engine:
    patience_ms = _PATIENCE_S * 1000
    limits = f"-c statement_timeout={patience_ms} -c lock_timeout={patience_ms}"
    return create_engine(
        address,
        pool_size=_CONNECTIONS,
        max_overflow=0,
        connect_args={"connect_timeout": _PATIENCE_S, "options": limits, "tcp_user_timeout": patience_ms},
    )


def _sqlite(address: URL) -> Engine:
    engine = create_engine(
        address, poolclass=StaticPool, connect_args={"check_same_thread": False, "timeout": _PATIENCE_S}
    )

    # The driver would begin a transaction at the first change; ours take the write lock at their first statement, so
    # that none has to give up half way because another one wrote meanwhile.
    @event.listens_for(engine, "connect")
    def leave_transactions_to_us(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
