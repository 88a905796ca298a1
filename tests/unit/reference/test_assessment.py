"""The assessment service: who may do what, grading, and what stands in the database."""

import asyncio

import pytest
from sqlalchemy import text

from perfspec.base.clock import SECOND
from perfspec.base.errors import EnvironmentFailure
from perfspec.reference import storing
from perfspec.reference.database import Database
from perfspec.reference.grading import CHOICES, Question, points, score
from perfspec.reference.migrating import MIGRATIONS, migrate
from perfspec.reference.sessions import Session, read_token, sign_in

NEW = {"topic": "fractions", "level": "beginner", "kind": "multiple-choice", "questions": 4}


def signed_in(call, user="ada@example.com", role="student"):
    body = {"user": user, "password": "perf-local-password", "role": role}
    call.headers = {"Authorization": f"Bearer {call('POST', '/v1/sessions', json=body).json()['token']}"}
    return call


def create(call, **changes):
    return call("POST", "/v1/assessments", json=NEW | changes).json()


def answer(call, assessment, question, **given):
    return call("POST", f"/v1/assessments/{assessment}/answers", json={"question": question} | given)


def hand_in(call, assessment):
    return call("POST", f"/v1/assessments/{assessment}/grade")


# --- from the first question to the grade ------------------------------------------------------------------------


def test_a_student_answers_every_question_and_gets_a_grade(visit_assessment) -> None:
    call = signed_in(visit_assessment())
    made = create(call)
    assert [question["choices"] for question in made["questions"]] == [list(CHOICES)] * 4
    for question in made["questions"]:
        stored = answer(call, made["id"], question["id"], choice="A")
        assert (stored.status_code, stored.json()["state"]) == (201, "stored")
    graded = hand_in(call, made["id"])
    assert (graded.status_code, graded.json()) == (202, {"id": made["id"], "state": "grading"})
    shown = call.get(f"/v1/assessments/{made['id']}").json()
    assert (shown["state"], shown["score"], shown["answered"]) == ("grading", None, 4)
    call.clock.instant_ns += 4 * SECOND
    shown = call.get(f"/v1/assessments/{made['id']}").json()
    assert shown["state"] == "graded"
    assert shown["score"] in {0, 25, 50, 75, 100}
    assert shown["questions"] == made["questions"]
    assert hand_in(call, made["id"]).status_code == 200


def test_what_is_handed_in_early_counts_as_not_answered(visit_assessment) -> None:
    call = signed_in(visit_assessment())
    made = create(call, kind="short-answer", questions=2)
    good = "because this example shows how to measure and compare the first result of the rule and the reason why part"
    answer(call, made["id"], made["questions"][0]["id"], text=good + " and whole")
    hand_in(call, made["id"])
    call.clock.instant_ns += 4 * SECOND
    assert call.get(f"/v1/assessments/{made['id']}").json()["score"] == 50


def test_lists_and_progress_tell_of_graded_assessments_only_of_the_student(visit_assessment) -> None:
    call = visit_assessment()
    for user in ("ada@example.com", "bob@example.com"):
        signed_in(call, user)
        for _ in range(3):
            hand_in(call, create(call)["id"])
        create(call)
    assert call.get("/v1/assessments", state="graded").json() == {"assessments": [], "total": 0}
    call.clock.instant_ns += 4 * SECOND
    listed = call.get("/v1/assessments", state="graded", limit=2).json()
    assert (len(listed["assessments"]), listed["total"]) == (2, 3)
    assert call.get("/v1/assessments").json()["total"] == 4
    assert call.get("/v1/students/me/progress").json() == {"taken": 4, "graded": 3, "mean_score": 0.0, "best": 0}


def test_there_are_students_with_a_past_and_teachers_see_them(visit_assessment) -> None:
    call = signed_in(visit_assessment(), "seed-03@example.com")
    progress = call.get("/v1/students/me/progress").json()
    assert (progress["taken"], progress["graded"]) == (6, 6)
    signed_in(call, "head@example.com", "teacher")
    assert call.get("/v1/assessments", state="graded", limit=100).json()["total"] == 60
    assert call.get("/v1/assessments/seed-003").json()["state"] == "graded"


def test_an_answer_may_be_replaced_until_it_is_handed_in(visit_assessment) -> None:
    call = signed_in(visit_assessment())
    made = create(call, kind="short-answer", questions=1)
    question = made["questions"][0]["id"]
    assert answer(call, made["id"], question, text="one").status_code == 201
    replaced = answer(call, made["id"], question, text="two")
    assert (replaced.status_code, replaced.json()) == (200, {"question": question, "state": "replaced"})
    hand_in(call, made["id"])
    late = answer(call, made["id"], question, text="three")
    assert (late.status_code, late.json()) == (409, {"error": "the assessment is handed in already"})


# --- refusals ----------------------------------------------------------------------------------------------------


def test_a_wrong_password_and_a_forged_token_let_nobody_in(visit_assessment) -> None:
    call = visit_assessment()
    wrong = {"user": "ada@example.com", "password": "guess", "role": "student"}
    assert call("POST", "/v1/sessions", json=wrong).status_code == 401
    for token in ("", "x", "x.y", sign_in(Session("ada@example.com", "teacher"), "another key")):
        refused = call("GET", "/v1/assessments", headers={"Authorization": f"Bearer {token}"})
        assert (refused.status_code, refused.json()) == (401, {"error": "the token of a session is needed"})


def test_a_token_says_who_it_belongs_to_for_as_long_as_the_key_is_the_same() -> None:
    session = Session("zoë@example.com", "student")
    assert read_token(sign_in(session, "key"), "key") == session
    assert read_token(sign_in(session, "key") + "0", "key") is None


def test_nobody_sees_or_answers_what_belongs_to_another_student(visit_assessment) -> None:
    call = signed_in(visit_assessment())
    made = create(call)
    signed_in(call, "eve@example.com")
    for refused in (
        call.get(f"/v1/assessments/{made['id']}"),
        answer(call, made["id"], made["questions"][0]["id"], choice="A"),
        hand_in(call, made["id"]),
        hand_in(call, "nothing"),
    ):
        assert (refused.status_code, refused.json()) == (404, {"error": "there is no such assessment of yours"})
    signed_in(call, "tom@example.com", "teacher")
    assert call("POST", "/v1/assessments", json=NEW).status_code == 403
    assert call.get(f"/v1/assessments/{made['id']}").status_code == 200


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"text": "long"}, "a multiple-choice question is answered with a `choice`, and with nothing else"),
        ({"choice": "A", "text": "a"}, "a multiple-choice question is answered with a `choice`, and with nothing else"),
        ({}, "a multiple-choice question is answered with a `choice`, and with nothing else"),
        ({"choice": "E"}, "`choice`: invalid enum value 'E'"),
        ({"question": "x", "choice": "A"}, "the assessment has no such question"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused(visit_assessment, given, message) -> None:
    call = signed_in(visit_assessment())
    made = create(call)
    refused = answer(call, made["id"], **{"question": made["questions"][0]["id"]} | given)
    assert (refused.status_code, refused.json()) == (400, {"error": message})
    assert call.get(f"/v1/assessments/{made['id']}").json()["answered"] == 0


# --- grading -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "expected", "given", "worth"),
    [
        ("multiple-choice", "B", "B", 1),
        ("multiple-choice", "B", "A", 0),
        ("short-answer", "rule part", "", 0),
        ("short-answer", "rule part", "a b c d", 0.25),
        ("short-answer", "rule part", "a b c d e f g h i", 0.5),
        ("short-answer", "rule part", "The rule says that this is one of them", 0.75),
        ("short-answer", "rule part", "Part of the RULE says that it is so", 1),
    ],
)
def test_what_an_answer_is_worth(kind, expected, given, worth) -> None:
    assert points(kind, expected, given) == worth


def test_the_score_is_the_mean_over_all_questions() -> None:
    expected = [("q1", "A"), ("q2", "B"), ("q3", "C")]
    assert score("multiple-choice", expected, {"q1": "A", "q2": "A"}) == 33
    assert score("multiple-choice", expected, {}) == 0


# --- the database ------------------------------------------------------------------------------------------------


def test_a_database_of_an_older_version_keeps_its_data(runner, tmp_path) -> None:
    database = Database(f"sqlite:///{tmp_path}/old.db")
    new = storing.NewAssessment("a1", "ada@example.com", "fractions", "beginner", "multiple-choice", 5)

    def begin(connection):
        assert migrate(connection, up_to=1) == 1
        storing.add(connection, new, [Question("q1", "Why?", "A")])

    def go_on(connection):
        assert migrate(connection) == len(MIGRATIONS) - 1
        assert migrate(connection) == 0
        return storing.find(connection, "a1", "ada@example.com", 9)

    runner.run(database.run(begin))
    assert runner.run(database.run(go_on))["topic"] == "fractions"
    runner.run(database.close())


def test_a_database_of_a_newer_version_is_left_alone(runner, tmp_path) -> None:
    database = Database(f"sqlite:///{tmp_path}/new.db")

    def become_newer(connection):
        migrate(connection)
        connection.execute(text("INSERT INTO schema_version (step) VALUES (99)"))

    runner.run(database.run(become_newer))
    with pytest.raises(EnvironmentFailure, match="is at step 99 of its tables"):
        runner.run(database.run(migrate))
    runner.run(database.close())


@pytest.mark.parametrize("url", ["", "mysql://x/y", "nonsense", "oracle://x", "postgresql://x:y:z"])
def test_an_address_of_no_database_is_refused_without_being_repeated(url) -> None:
    with pytest.raises(EnvironmentFailure) as caught:
        Database(url)
    assert caught.value.message == "DATABASE_URL is no address of a SQLite or a PostgreSQL database"


def test_a_database_that_is_not_there_yet_is_waited_for(visit_assessment, tmp_path) -> None:
    folder = tmp_path / "later"
    call = visit_assessment(database_url=f"sqlite:///{folder}/answers.db")
    down = call.get("/ready")
    assert (down.status_code, down.json()["dependencies"]) == (503, {"sqlite": "down"})
    signed_in(call)
    assert call.get("/v1/assessments").json() == {"error": "the database is down"}
    folder.mkdir()
    assert call.get("/ready").json() == {"status": "ready", "dependencies": {"sqlite": "up"}}
    assert call.get("/v1/assessments").status_code == 200


def test_answers_and_grades_outlive_the_process(visit_assessment, tmp_path) -> None:
    url = f"sqlite:///{tmp_path}/answers.db"
    call = signed_in(visit_assessment(database_url=url))
    made = create(call)
    answer(call, made["id"], made["questions"][0]["id"], choice="A")
    hand_in(call, made["id"])
    again = visit_assessment(database_url=url)
    again.headers = call.headers
    again.clock.instant_ns += 10 * SECOND
    shown = again.get(f"/v1/assessments/{made['id']}").json()
    assert (shown["state"], shown["answered"]) == ("graded", 1)


def test_of_many_who_answer_at_once_each_is_stored_once(runner, visit_assessment, tmp_path) -> None:
    """Two services on one database, and grading begun in between: every acknowledged answer stands, no other one."""
    url = f"sqlite:///{tmp_path}/answers.db"
    calls = [signed_in(visit_assessment(database_url=url)) for _ in range(2)]
    made = create(calls[0], kind="short-answer", questions=30)
    path = f"/v1/assessments/{made['id']}"

    async def all_at_once():
        sends = [
            calls[number % 2]._send(
                "POST",
                f"{path}/answers",
                {"json": {"question": question["id"], "text": f"answer {number}"}, "headers": calls[0].headers},
            )
            for number, question in enumerate(made["questions"])
        ]
        sends.insert(20, calls[0]._send("POST", f"{path}/grade", {"headers": calls[0].headers}))
        return await asyncio.gather(*sends)

    codes = [answer.status_code for answer in runner.run(all_at_once())]
    assert set(codes) <= {201, 202, 409}
    assert codes.count(202) == 1
    assert calls[1].get(path).json()["answered"] == codes.count(201) >= 1
