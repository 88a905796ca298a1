"""The reference service `assessment`: students create an assessment, answer it question by question, get a grade.

    POST /v1/sessions {user, password, role}            200 {token}, the bearer token of everything else
    POST /v1/assessments {topic, level, kind, questions}    201 {id, state, questions: [{id, text, choices}]}
    POST /v1/assessments/ID/answers {question, choice or text}   201, or 200 if it replaces an earlier answer
    POST /v1/assessments/ID/grade                       202 {id, state: grading}; 200 if it is graded already
    GET  /v1/assessments/ID                             200 {id, state, score, ...}; graded half a second later or so
    GET  /v1/assessments?state=graded                   200 {assessments, total}, the newest first
    GET  /v1/students/me/progress                       200 {taken, graded, mean_score, best}

Any user is known who has the password. A student sees and answers their own assessments; a teacher sees all of them.
Data is in SQLite, in memory, or where DATABASE_URL says (storing.py).
"""

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from hmac import compare_digest
from typing import Annotated, Literal, TypeVar

from msgspec import UNSET, Meta, Struct, UnsetType
from sqlalchemy import Connection
from starlette.applications import Starlette
from starlette.requests import Request

from perfspec.base.clock import MILLISECOND, SECOND
from perfspec.reference import storing
from perfspec.reference.application import Settings, application
from perfspec.reference.database import IN_MEMORY, Database, DatabaseDown
from perfspec.reference.grading import CHOICES, MULTIPLE_CHOICE, SHORT_ANSWER, questions
from perfspec.reference.latency import Latency, stream
from perfspec.reference.migrating import migrate
from perfspec.reference.openapi import Endpoint
from perfspec.reference.reading import read_body, read_query
from perfspec.reference.service import Reply, Surroundings, answer, refuse
from perfspec.reference.sessions import Session, read_token, sign_in

__all__ = ["DEFAULT_PASSWORD", "GRADING_TIME", "LATENCIES", "AssessmentService", "assessment_app", "from_environment"]

DEFAULT_PASSWORD = "perf-local-password"

LATENCIES = {
    "sign-in": Latency(50 * MILLISECOND, 0.35),
    "create": Latency(60 * MILLISECOND, 0.35),
    "answer": Latency(40 * MILLISECOND, 0.35),
    "grade": Latency(90 * MILLISECOND, 0.35),
    "grade-result": Latency(20 * MILLISECOND, 0.35),
    "list": Latency(40 * MILLISECOND, 0.35),
    "progress": Latency(35 * MILLISECOND, 0.35),
}
"""By endpoint. These names are also what faults go by."""
GRADING_TIME = Latency(500 * MILLISECOND, 0.5, at_most_ns=3 * SECOND)
"""From handing in to the grade."""

T = TypeVar("T")
_SEEDED_STUDENTS = 10
_SEEDED_EACH = 6

Name = Annotated[str, Meta(min_length=1, max_length=120, pattern=r"^[^\x00]*\S[^\x00]*$")]
Id = Annotated[str, Meta(min_length=1, max_length=60)]


class SignIn(Struct):
    user: Name
    password: Annotated[str, Meta(max_length=200)]
    role: Literal["student", "teacher"]


class SignedIn(Struct):
    token: str


class NewAssessment(Struct):
    topic: Name
    kind: Literal["multiple-choice", "short-answer"]
    level: Name = "beginner"
    questions: Annotated[int, Meta(ge=1, le=50)] = 5


class AskedQuestion(Struct):
    id: str
    text: str
    choices: list[str]


class Made(Struct):
    id: str
    state: Literal["open"]
    topic: str
    level: str
    kind: str
    questions: list[AskedQuestion]


class NewAnswer(Struct):
    question: Annotated[str, Meta(min_length=1, max_length=80)]
    choice: Literal["A", "B", "C", "D"] | UnsetType = UNSET
    text: Annotated[str, Meta(max_length=10_000, pattern=r"^[^\x00]*$")] | UnsetType = UNSET


class Stored(Struct):
    question: str
    state: Literal["stored", "replaced"]


class HandedIn(Struct):
    id: str
    state: Literal["grading", "graded"]


class Shown(Struct):
    id: str
    topic: str
    level: str
    kind: str
    state: Literal["open", "grading", "graded"]
    score: Annotated[int, Meta(ge=0, le=100)] | None


class ShownWhole(Shown):
    answered: int
    questions: list[AskedQuestion]


class ListQuery(Struct, forbid_unknown_fields=True):
    state: Literal["open", "grading", "graded"] | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


class Listed(Struct):
    assessments: list[Shown]
    total: int


class Progress(Struct):
    taken: int
    graded: int
    mean_score: float | None
    best: int | None


class AssessmentService:
    name = "assessment"
    about = "Students create an assessment, answer it question by question, get a grade"
    needed = "the token of a session"

    def __init__(self, *, seed: int, password: str, surroundings: Surroundings, database_url: str = IN_MEMORY) -> None:
        self._password = password
        self._chance = stream(seed, "grading")
        self._utc_now = surroundings.utc_now
        self._database = Database(database_url)
        self._prepared = False
        self._made = 0
        self._handed_in = 0

    def admit(self, token: str) -> Session | None:
        return read_token(token, self._password)

    async def open(self) -> None:
        """A database that is not there yet is waited for: /ready tries again."""
        await self._prepare()

    async def close(self) -> None:
        await self._database.close()

    async def dependencies(self) -> dict[str, bool]:
        self._prepared = self._prepared and await self._database.has("schema_version")
        return {self._database.name: self._prepared or await self._prepare()}

    async def _prepare(self) -> bool:
        def prepare(connection: Connection) -> None:
            migrate(connection)
            if storing.is_empty(connection):
                _seed(connection, self._now_ms())

        try:
            await self._database.run(prepare)
        except DatabaseDown:
            return False
        self._prepared = True
        return True

    def endpoints(self) -> Sequence[Endpoint]:
        row, paced = Endpoint, LATENCIES
        one = "/v1/assessments/{assessment}"
        lost = {404: None, 503: None}
        return [
            row("sign-in", "POST", "/v1/sessions", self.sign_in, paced["sign-in"], "Begin a session",
                {200: SignedIn, 401: None}, body=SignIn, open=True),
            row("create", "POST", "/v1/assessments", self.create, paced["create"], "Make an assessment",
                {201: Made, 403: None, 503: None}, body=NewAssessment),
            row("list", "GET", "/v1/assessments", self.newest, paced["list"], "The newest assessments",
                {200: Listed, 503: None}, query=ListQuery),
            row("grade-result", "GET", one, self.show, paced["grade-result"], "One assessment",
                {200: ShownWhole, **lost}),
            row("answer", "POST", f"{one}/answers", self.answer, paced["answer"], "Answer a question",
                {200: Stored, 201: Stored, 403: None, 409: None, **lost}, body=NewAnswer),
            row("grade", "POST", f"{one}/grade", self.grade, paced["grade"], "Hand in",
                {200: HandedIn, 202: HandedIn, 403: None, **lost}),
            row("progress", "GET", "/v1/students/me/progress", self.progress, paced["progress"], "How a student does",
                {200: Progress, 503: None}),
        ]  # fmt: skip

    async def sign_in(self, request: Request) -> Reply:
        asked = await read_body(request, SignIn)
        if not compare_digest(asked.password.encode("utf-8", "surrogatepass"), self._password.encode()):
            raise refuse("this user and this password do not belong together", 401)
        return answer({"token": sign_in(Session(asked.user, asked.role), self._password)})

    async def create(self, request: Request) -> Reply:
        student = _student(request)
        asked = await read_body(request, NewAssessment)
        now_ms = self._now_ms()
        self._made += 1
        name = f"{student} {now_ms} {self._made} {os.getpid()}"
        made = storing.NewAssessment(
            blake2b(name.encode(), digest_size=10).hexdigest(), student, asked.topic, asked.level, asked.kind, now_ms
        )
        drawn = list(questions(made.id, asked.topic, asked.kind, asked.questions))
        await self._run(lambda connection: storing.add(connection, made, drawn))
        shown = _shown([{"id": question.id, "text": question.text} for question in drawn], asked.kind)
        told = {"id": made.id, "state": storing.OPEN, "topic": asked.topic, "level": asked.level, "kind": asked.kind}
        return answer(told | {"questions": shown}, 201)

    async def answer(self, request: Request) -> Reply:
        student, assessment = _student(request), request.path_params["assessment"]
        asked = await read_body(request, NewAnswer)
        now_ms = self._now_ms()

        def store(connection: Connection) -> bool:
            kind = storing.find(connection, assessment, student, now_ms)["kind"]
            given = _given(asked, kind)
            return storing.store_answer(
                connection, student=student, assessment=assessment, question=asked.question, given=given, now_ms=now_ms
            )

        is_first = await self._run(store)
        return answer(
            {"question": asked.question, "state": "stored" if is_first else "replaced"}, 201 if is_first else 200
        )

    async def grade(self, request: Request) -> Reply:
        student, assessment = _student(request), request.path_params["assessment"]
        now_ms = self._now_ms()
        due_ms = now_ms + GRADING_TIME.draw_ns(self._chance, self._handed_in) // MILLISECOND
        self._handed_in += 1

        def hand_in(connection: Connection) -> str:
            storing.begin_grading(connection, student, assessment, due_ms)
            return str(storing.find(connection, assessment, student, now_ms)["state"])

        state = await self._run(hand_in)
        return answer({"id": assessment, "state": state}, 200 if state == storing.GRADED else 202)

    async def show(self, request: Request) -> Reply:
        assessment = request.path_params["assessment"]
        student = _whose(request)
        now_ms = self._now_ms()

        def look(connection: Connection) -> dict[str, object]:
            found = storing.find(connection, assessment, student, now_ms)
            return found | {"questions": _shown(storing.questions_of(connection, assessment), found["kind"])}

        return answer(await self._run(look))

    async def newest(self, request: Request) -> Reply:
        asked = read_query(request, ListQuery)
        student, state = _whose(request), asked.state or None
        now_ms = self._now_ms()
        rows, total = await self._run(
            lambda connection: storing.listing(connection, student, state, asked.limit, now_ms)
        )
        return answer({"assessments": rows, "total": total})

    async def progress(self, request: Request) -> Reply:
        student, now_ms = request.state.caller.user, self._now_ms()
        return answer(await self._run(lambda connection: storing.progress(connection, student, now_ms)))

    async def _run(self, work: Callable[[Connection], T]) -> T:
        try:
            if self._prepared or await self._prepare():
                return await self._database.run(work)
        except storing.Missing:
            raise refuse("there is no such assessment of yours", 404) from None
        except storing.Closed:
            raise refuse("the assessment is handed in already", 409) from None
        except storing.Mixed:
            raise refuse("the assessment has no such question") from None
        except DatabaseDown:
            pass
        raise refuse("the database is down", 503)

    def _now_ms(self) -> int:
        return _milliseconds(self._utc_now())


def _milliseconds(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)


def _student(request: Request) -> str:
    caller: Session = request.state.caller
    if caller.role != "student":
        raise refuse("only students take assessments", 403)
    return caller.user


def _whose(request: Request) -> str | None:
    caller: Session = request.state.caller
    return None if caller.role == "teacher" else caller.user


def _given(asked: NewAnswer, kind: str) -> str:
    given, other = (asked.choice, asked.text) if kind == MULTIPLE_CHOICE else (asked.text, asked.choice)
    if given is UNSET or other is not UNSET:
        wanted = "a `choice`" if kind == MULTIPLE_CHOICE else "a `text`"
        raise refuse(f"a {kind} question is answered with {wanted}, and with nothing else")
    return str(given)


def _shown(rows: Sequence[dict[str, object]], kind: str) -> Sequence[dict[str, object]]:
    choices = list(CHOICES) if kind == MULTIPLE_CHOICE else []
    return [row | {"choices": choices} for row in rows]


def _seed(connection: Connection, now_ms: int) -> None:
    """Students with a past, so that no list is empty."""
    for number in range(_SEEDED_STUDENTS * _SEEDED_EACH):
        kind = SHORT_ANSWER if number % 3 == 0 else MULTIPLE_CHOICE
        student = f"seed-{number % _SEEDED_STUDENTS + 1:02d}@example.com"
        made_ms = now_ms - (number + 1) * 3_600_000
        made = storing.NewAssessment(f"seed-{number + 1:03d}", student, "fractions", "beginner", kind, made_ms)
        drawn = list(questions(made.id, made.topic, kind, 4))
        storing.add(connection, made, drawn)
        for question in drawn[: 2 + number % 3]:
            given = question.expected if kind == SHORT_ANSWER else CHOICES[number % 4]
            storing.store_answer(
                connection, student=student, assessment=made.id, question=question.id, given=given, now_ms=made_ms
            )
        storing.begin_grading(connection, student, made.id, made_ms)
    storing.settle(connection, now_ms)


def from_environment(settings: Settings, variables: Mapping[str, str], key: str | None) -> Starlette:
    password = key or variables.get("ASSESSMENT_TEST_PASSWORD") or DEFAULT_PASSWORD
    return assessment_app(settings, password=password, database_url=variables.get("DATABASE_URL") or IN_MEMORY)


def assessment_app(settings: Settings, *, password: str = DEFAULT_PASSWORD, database_url: str = IN_MEMORY) -> Starlette:
    """The service as an ASGI application; its tables are made when the application starts."""
    service = AssessmentService(
        seed=settings.seed, password=password, surroundings=settings.surroundings, database_url=database_url
    )
    return application(service, settings)
