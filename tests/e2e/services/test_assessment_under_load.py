"""Assessment on a real PostgreSQL under load: answers are counted in SQL, and a PostgreSQL that dies loses none."""

import pytest

USERS = 100
SPEC = """\
perfspec: 1
service: assessment
random_seed: 4107
environments: {{local: {{url: '{url}', ready: /ready}}}}
secrets: {{test_password: {{from_env: ASSESSMENT_TEST_PASSWORD, when_local: perf-local-password}}}}
defaults: {{auth: 'bearer ${{token}}', timeout: 5s}}
flows:
  take-assessment:
    steps:
      - post: /v1/sessions
        name: sign-in
        auth: none
        json: {{user: 'perf-${{user.number}}@example.com', password: '${{secret.test_password}}', role: student}}
        capture: {{token: secret $.token}}
      - post: /v1/assessments
        name: create
        json: {{topic: fractions, kind: multiple-choice, questions: 6}}
        expect: {{status: 201}}
        capture: {{assessment: $.id, questions: 'all $.questions[*].id'}}
      - for_each: ${{questions}}
        as: question
        steps:
          - pause: {pause}
          - post: /v1/assessments/${{assessment}}/answers
            name: answer
            json: {{question: '${{question}}', choice: B}}
            expect: {{status: 201}}
      - post: /v1/assessments/${{assessment}}/grade
        name: grade
        expect: {{status: 202}}
stages:
  smoke: {{phases: [{{name: check, for: {seconds}s, users: {users}}}]}}
thresholds:
  all: {{errors: under 1%}}
"""


@pytest.fixture
def spec(new_folder):
    def write(url: str, *, seconds: int, users: int, pause: str):
        folder = new_folder("assessment")
        (folder / "specs").mkdir()
        text = SPEC.format(url=url, seconds=seconds, users=users, pause=pause)
        (folder / "specs/search.yaml").write_text(text)
        return folder

    return write


def answered(ended) -> int:
    """Answers that the load generator saw acknowledged, in judged time or not."""
    slices = [piece for piece in ended.slices() if piece["key"][0] == "answer" and not piece["key"][1]]
    return sum(piece["n"] - sum(piece["errors"].values()) for piece in slices)


def test_a_hundred_users_store_every_answer_exactly_once(postgresql, reference, perfspec, spec) -> None:
    with postgresql() as store, reference("assessment", DATABASE_URL=store.url) as assessment:
        seeded = store.ask("SELECT count(*) FROM answer")
        folder = spec(assessment.url, seconds=8, users=USERS, pause="500ms to 1500ms")
        ended = perfspec(folder, "--quiet")
        assert ended.summary("create")["n"] >= USERS / 2
        assert ended.errors() == {}
        stored = store.ask("SELECT count(*) FROM answer") - seeded
        assert stored == store.ask("SELECT count(DISTINCT question) FROM answer") - seeded
        # Each that was acknowledged is there, and no other: what the end of the run cut off was stored all the same.
        assert stored == assessment.counted("answer", 201)
        assert answered(ended) <= stored <= answered(ended) + USERS
        assert assessment.counted("answer", 200) == assessment.counted("answer", 409) == 0
        assert stored >= 3 * USERS
        print(f"{stored} answers of {USERS} users in 8 s, each stored once")


def test_a_postgresql_that_dies_in_mid_run_turns_readiness_and_the_verdict_red_and_loses_nothing(
    postgresql, reference, perfspec, spec
) -> None:
    with postgresql() as store, reference("assessment", DATABASE_URL=store.url) as assessment:
        seeded = store.ask("SELECT count(*) FROM answer")
        run = perfspec.begin(spec(assessment.url, seconds=6, users=10, pause="100ms"), "--quiet")
        run.wait_for_seconds(3)
        store.kill()
        run.wait_until(lambda: assessment.ready() == (503, {"postgresql": "down"}), "readiness turning red")
        ended = run.end()
        assert ended.code == 1, ended.out + ended.err
        assert ended.verdict("all errors under 1%")["outcome"] == "FAIL"
        assert any("503" in kind for kind in ended.errors()), ended.errors()
        assert sum(line["type"] == "second" for line in ended.log) >= 6
        store.begin()
        stored = store.ask("SELECT count(*) FROM answer") - seeded
        assert stored >= answered(ended) >= 20
        assert ended.junit.find(".//failure") is not None
