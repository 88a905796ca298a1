"""Assessments in SQL. Every function is one transaction's work on a connection (database.py runs them).

What holds however many callers come at once, and however a process dies:

- An answer is acknowledged after its transaction is committed, so none is lost. A question has one answer: giving
  another one replaces it.
- Whatever changes an assessment first updates its row where it is still open. Both databases let one transaction at a
  time past that, so nobody answers an assessment whose grading has begun.
- Grading is due at an instant that is stored. Whoever looks at an assessment that is due grades it (`settle`), also
  after a restart; two who do it at once reach the same score.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Column, Connection, Integer, MetaData, Row, Table, Text, func, insert, select, update
from sqlalchemy.sql import ColumnElement

from perfspec.reference.grading import Question, score

__all__ = ["GRADED", "GRADING", "OPEN", "Closed", "Missing", "Mixed", "NewAssessment", "add", "begin_grading", "find",
           "is_empty", "listing", "progress", "questions_of", "settle", "store_answer"]  # fmt: skip

OPEN, GRADING, GRADED = "open", "grading", "graded"

_tables = MetaData()
_assessment = Table(
    "assessment", _tables,
    Column("id", Text, primary_key=True), Column("student", Text), Column("topic", Text), Column("level", Text),
    Column("kind", Text), Column("state", Text), Column("score", Integer), Column("made_at", BigInteger),
    Column("due_at", BigInteger),
)  # fmt: skip
_question = Table(
    "question", _tables,
    Column("id", Text, primary_key=True), Column("assessment", Text), Column("place", Integer), Column("text", Text),
    Column("expected", Text),
)  # fmt: skip
_answer = Table(
    "answer", _tables,
    Column("question", Text, primary_key=True), Column("assessment", Text), Column("given", Text),
    Column("made_at", BigInteger),
)  # fmt: skip
_SHOWN = ("id", "topic", "level", "kind", "state", "score")
_SHOWN_COLUMNS = [_assessment.c[name] for name in _SHOWN]


class Missing(Exception):
    """There is no such assessment, or it is another student's; the two cannot be told apart."""


class Closed(Exception):
    """The assessment is handed in already."""


class Mixed(Exception):
    """The question belongs to another assessment, or to none."""


class NewAssessment(NamedTuple):
    id: str
    student: str
    topic: str
    level: str
    kind: str
    made_at: int
    """Instants are milliseconds since 1970."""


def is_empty(connection: Connection) -> bool:
    return connection.execute(select(func.count()).select_from(_assessment)).scalar_one() == 0


def add(connection: Connection, new: NewAssessment, asked: Sequence[Question]) -> None:
    connection.execute(insert(_assessment), new._asdict() | {"state": OPEN})
    rows = [
        {"id": question.id, "assessment": new.id, "place": place, "text": question.text, "expected": question.expected}
        for place, question in enumerate(asked, 1)
    ]
    connection.execute(insert(_question), rows)


def store_answer(
    connection: Connection, *, student: str, assessment: str, question: str, given: str, now_ms: int
) -> bool:
    """Whether it is the first one to the question; raises Missing, Closed or Mixed."""
    _keep_open(connection, student, assessment, {"state": OPEN})
    belongs = select(_question.c.id).where(_question.c.id == question, _question.c.assessment == assessment)
    if connection.execute(belongs).first() is None:
        raise Mixed
    again = update(_answer).where(_answer.c.question == question).values(given=given, made_at=now_ms)
    if connection.execute(again).rowcount:
        return False
    row = {"question": question, "assessment": assessment, "given": given, "made_at": now_ms}
    connection.execute(insert(_answer), row)
    return True


def begin_grading(connection: Connection, student: str, assessment: str, due_ms: int) -> bool:
    """Hand in; False if that was done before. Raises Missing."""
    try:
        _keep_open(connection, student, assessment, {"state": GRADING, "due_at": due_ms})
    except Closed:
        return False
    return True


def _keep_open(connection: Connection, student: str, assessment: str, change: Mapping[str, Any]) -> None:
    own = (_assessment.c.id == assessment, _assessment.c.student == student)
    if connection.execute(update(_assessment).where(*own, _assessment.c.state == OPEN).values(change)).rowcount == 0:
        raise Missing if connection.execute(select(_assessment.c.id).where(*own)).first() is None else Closed


def settle(connection: Connection, now_ms: int, *which: ColumnElement[bool]) -> None:
    """Grade what is due."""
    due = select(_assessment.c.id, _assessment.c.kind).where(
        _assessment.c.state == GRADING, _assessment.c.due_at <= now_ms, *which
    )
    for assessment, kind in connection.execute(due).all():
        expected = select(_question.c.id, _question.c.expected).where(_question.c.assessment == assessment)
        given = select(_answer.c.question, _answer.c.given).where(_answer.c.assessment == assessment)
        answers = dict(_pairs(connection.execute(given).all()))
        reached = score(kind, list(_pairs(connection.execute(expected).all())), answers)
        change = update(_assessment).where(_assessment.c.id == assessment, _assessment.c.state == GRADING)
        connection.execute(change.values(state=GRADED, score=reached))


def _pairs(rows: Iterable[Any]) -> Iterable[tuple[str, str]]:
    return ((first, second) for first, second in rows)


def find(connection: Connection, assessment: str, student: str | None, now_ms: int) -> dict[str, Any]:
    """One assessment, graded if it is due; `student` None means anybody's. Raises Missing."""
    settle(connection, now_ms, _assessment.c.id == assessment)
    own = _of(student)
    row = connection.execute(select(*_SHOWN_COLUMNS).where(_assessment.c.id == assessment, *own)).first()
    if row is None:
        raise Missing
    answered = select(func.count()).select_from(_answer).where(_answer.c.assessment == assessment)
    return _shown(row) | {"answered": connection.execute(answered).scalar_one()}


def questions_of(connection: Connection, assessment: str) -> list[dict[str, Any]]:
    asked = select(_question.c.id, _question.c.text).where(_question.c.assessment == assessment)
    return [{"id": id_, "text": text} for id_, text in connection.execute(asked.order_by(_question.c.place))]


def listing(
    connection: Connection, student: str | None, state: str | None, limit: int, now_ms: int
) -> tuple[list[dict[str, Any]], int]:
    """The newest, and how many there are in all."""
    own = _of(student)
    settle(connection, now_ms, *own)
    which = [*own, *([_assessment.c.state == state] if state else [])]
    rows = connection.execute(
        select(*_SHOWN_COLUMNS).where(*which).order_by(_assessment.c.made_at.desc(), _assessment.c.id).limit(limit)
    )
    total = connection.execute(select(func.count()).select_from(_assessment).where(*which)).scalar_one()
    return [_shown(row) for row in rows], total


def progress(connection: Connection, student: str, now_ms: int) -> dict[str, Any]:
    own = _of(student)
    settle(connection, now_ms, *own)
    seen = select(
        func.count(), func.count(_assessment.c.score), func.avg(_assessment.c.score), func.max(_assessment.c.score)
    )
    taken, graded, mean, best = connection.execute(seen.where(*own)).one()
    return {
        "taken": taken,
        "graded": graded,
        "mean_score": None if mean is None else round(float(mean), 1),
        "best": best,
    }


def _shown(row: Row[Any]) -> dict[str, Any]:
    return dict(zip(_SHOWN, row, strict=True))


def _of(student: str | None) -> list[ColumnElement[bool]]:
    return [] if student is None else [_assessment.c.student == student]
