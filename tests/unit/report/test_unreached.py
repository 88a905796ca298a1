"""A limit without data says what kept everybody from its row."""

import pytest

SPEC = """
service: shop
environments: {local: {url: "http://127.0.0.1:1"}}
each_user:
  first: [{post: /in, name: login, json: {a: b}, capture: {token: $.t}}]
flows:
  buy: {steps: [{get: /a, name: search, capture: {id: $.id}}, {get: "/b/${id}", name: cart}]}
stages: {smoke: {phases: [{for: 40s, users: 4}]}}
thresholds: {cart: {p95: at most 1s}, search: {errors: under 1%}}
"""


@pytest.fixture(scope="module")
def verdicts(plan_of, result):
    def run(*slices):
        return {v.threshold: v for v in result(*slices, of=plan_of(SPEC)).verdicts}

    return run


def test_who_never_got_through_what_each_user_does_first_is_the_reason(verdicts, piece) -> None:
    found = verdicts(piece("login", 22, part="each_user", errors={"status 401": 22}))
    why = (
        "nobody got through `login` (22 x status 401 in the whole run), so no request of this row was due; "
        "no data is never a pass"
    )
    assert {(v.outcome, v.reason) for v in found.values()} == {("NO_DATA", why)}


def test_somebody_who_got_through_is_no_reason(verdicts, piece) -> None:
    found = verdicts(piece("login", 22, part="each_user", errors={"status 401": 21}))
    assert (
        found["cart p95 at most 1s"].reason
        == "no request of this row was due in the judged time; no data is never a pass"
    )


def test_rounds_that_all_ended_before_are_the_reason(verdicts, piece) -> None:
    search = piece("search", 40, flow="buy", errors={"status 500": 40})
    rounds = piece("flow buy", 40, timer="round", flow="buy", errors={"status 500": 40})
    found = verdicts(search, rounds)
    assert found["cart p95 at most 1s"].reason == (
        "every round of flow buy ended before it (40 x status 500 in the whole run), so no request of this row was "
        "due; no data is never a pass"
    )
    assert found["search errors under 1%"].outcome == "FAIL"
    one = piece("flow buy", 40, timer="round", flow="buy", errors={"status 500": 39})
    assert "in the judged time" in verdicts(search, one)["cart p95 at most 1s"].reason
