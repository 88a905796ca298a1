"""The tables of the assessment service, as a list of steps that a database goes through once each, in order.

`schema_version` says how far a database is. Steps are never changed once they are out: a new one is added at the end.
The statements are understood by SQLite and PostgreSQL alike. Several services may start on one database at once: who
comes second waits for the first, in SQLite by the write lock and in PostgreSQL by an advisory lock.
"""

from sqlalchemy import Connection, text

from perfspec.base.errors import EnvironmentFailure

__all__ = ["MIGRATIONS", "migrate"]

MIGRATIONS = (
    (
        """CREATE TABLE assessment (
            id TEXT PRIMARY KEY, student TEXT NOT NULL, topic TEXT NOT NULL, level TEXT NOT NULL, kind TEXT NOT NULL,
            state TEXT NOT NULL, score INTEGER, made_at BIGINT NOT NULL, due_at BIGINT)""",
        """CREATE TABLE question (
            id TEXT PRIMARY KEY, assessment TEXT NOT NULL REFERENCES assessment (id), place INTEGER NOT NULL,
            text TEXT NOT NULL, expected TEXT NOT NULL)""",
        """CREATE TABLE answer (
            question TEXT PRIMARY KEY REFERENCES question (id), assessment TEXT NOT NULL REFERENCES assessment (id),
            given TEXT NOT NULL, made_at BIGINT NOT NULL)""",
    ),
    (
        "CREATE INDEX assessment_by_student ON assessment (student, state, made_at)",
        "CREATE INDEX question_by_assessment ON question (assessment, place)",
        "CREATE INDEX answer_by_assessment ON answer (assessment)",
    ),
)
_ADVISORY_LOCK = 4_107_001


def migrate(connection: Connection, up_to: int = len(MIGRATIONS)) -> int:
    """Bring a database up to date, in the transaction of `connection`; how many steps that took."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))
    connection.execute(text("CREATE TABLE IF NOT EXISTS schema_version (step INTEGER PRIMARY KEY)"))
    done: int = connection.execute(text("SELECT coalesce(max(step), 0) FROM schema_version")).scalar_one()
    if done > len(MIGRATIONS):
        message = f"the database is at step {done} of its tables; this version knows {len(MIGRATIONS)}"
        raise EnvironmentFailure(message, "use a newer perfspec, or another DATABASE_URL")
    for step in range(done + 1, up_to + 1):
        for statement in MIGRATIONS[step - 1]:
            connection.execute(text(statement))
        connection.execute(text("INSERT INTO schema_version (step) VALUES (:step)"), {"step": step})
    return max(0, up_to - done)
