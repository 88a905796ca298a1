"""What an environment allows is nobody's failure: who finds no place for it fails no service, and ends no run."""

import pytest

from perfspec.base.clock import MILLISECOND, SECOND
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.engine.sim import Reply, Service
from perfspec.plan.estimates import estimate
from perfspec.plan.little import check_users
from perfspec.report.remarks import remarks
from perfspec.report.schedule import lines

SPEC = """perfspec: 1
service: shop
environments: {local: {url: "http://sim" ENVIRONMENT}}
flows: {look: {steps: [{get: /look, name: look}]}}
stages:
  smoke:
    phases: [{for: 30s, arrivals: 50/s AT_MOST}]
    abort: [errors threshold fails]
thresholds:
  all: {errors: under 1%, p95: at most 2s, goodput: at least 90%}
"""
ALLOWS, FEW = ", limits: {users: 20}", ", limits: {users: 4}"


@pytest.fixture
def judged(result_of):
    def run(environment: str, at_most: str, service: Service):
        return result_of(SPEC.replace("ENVIRONMENT", environment).replace("AT_MOST", at_most), service)

    return run


def slow(**more) -> Service:
    return Service(lambda _: SECOND, **more)


def test_people_for_whom_the_environment_has_no_place_fail_no_limit(judged) -> None:
    """Twenty at a time for a second each are twenty a second, of fifty that come."""
    result = judged(ALLOWS, "", slow())
    assert (result.ended, result.outcome, result.exit_code) == ("finished", "INCONCLUSIVE", 3)
    assert {v.outcome for v in result.verdicts} == {"INCONCLUSIVE"}
    reason = result.verdicts[0].reason
    assert reason.startswith("the 20 users at a time that the environment allows left no place for ")
    assert reason.endswith(" people: ask for less load, or raise its limit")
    assert "all 20 users that the environment allows were busy" in " ".join(remarks(result))


def test_what_the_spec_itself_allows_at_a_time_is_part_of_what_is_asked(judged) -> None:
    for environment in ("", ALLOWS):
        result = judged(environment, ", at_most: 20 users", slow())
        assert (result.outcome, result.ended) == ("FAIL", "aborted")
        assert "all 20 users of `at_most` were busy" in " ".join(remarks(result))


def test_what_the_service_breaks_itself_fails_beside_them(judged) -> None:
    result = judged(ALLOWS, "", slow(reply=lambda _call, _wire, at: Reply(500 if at % 2 else 200)))
    assert result.outcome == "INCONCLUSIVE"
    wrong = judged(ALLOWS, "", slow(reply=lambda *_: Reply(500)))
    assert wrong.outcome == "FAIL"
    outcomes = {v.threshold: v.outcome for v in wrong.verdicts}
    assert outcomes["all errors under 1%"] == "FAIL"


@pytest.mark.parametrize("load", ["phases: [{for: 30s, arrivals: 50/s}]", "find_limit: {arrivals: 5/s to 50/s}"])
@pytest.mark.parametrize(("environment", "allowed"), [("", "500 users at a time"), (FEW, "4 users at a time, as")])
def test_the_plan_says_how_many_there_may_be_and_who_says_so(plan_of, load, environment, allowed) -> None:
    spec = SPEC.replace("phases: [{for: 30s, arrivals: 50/s AT_MOST}]", load).replace("ENVIRONMENT", environment)
    planned = plan_of(spec)
    text = "\n".join(lines(planned, estimate(planned, {})))
    assert f"at most {allowed}" in text
    assert ("as the environment allows" in text) is bool(environment)
    out = Diagnostics()
    check_users(planned, estimate(planned, {}), out)
    found = [(each.message, each.help) for each in out.sorted()]
    if environment:
        ((message, fix),) = found
        assert message.endswith("users at a time; environment `local` allows 4")
        assert fix == "let fewer come, or raise `users` in its `limits`"
    else:
        assert found == []


def test_a_cap_that_turns_nobody_away_changes_nothing(judged) -> None:
    result = judged(ALLOWS, "", Service(lambda _: 100 * MILLISECOND))
    assert result.outcome == "PASS"
