"""A row about a tag's value that the run did not keep apart: a part of its requests is in `other`."""

import msgspec
import pytest

from perfspec.engine.slicelog import End, Log, LoggedSecond
from perfspec.report.rejudge import rejudge
from perfspec.report.result import make
from perfspec.verdict.judge import Circumstances, judge

MS = 1_000_000
SECOND = 1_000_000_000
WINDOW = ((5 * SECOND, 60 * SECOND),)
SPEC = """
environments: {{local: {{url: http://127.0.0.1:1}}}}
data: {{model: {{choice: [a, b]}}, id: {{number: 1 to 1000}}}}
flows: {{f: {{steps: [{{get: /a, name: ask, tags: {{model: "${{model}}", id: "${{id}}"}}}}]}}}}
stages: {{smoke: {{phases: [{{for: 60s, users: 1}}]}}}}
thresholds: {{{limits}}}
"""
ROW = ("ask where model is a", "errors", "under 1%")


def tagged(piece, n, second=20, **tags):
    found = piece("ask", n, second=second)
    return msgspec.structs.replace(found, key=msgspec.structs.replace(found.key, tags=tuple(sorted(tags.items()))))


@pytest.mark.parametrize(
    ("kept", "outcome"), [(None, "PASS"), ({("model", "a")}, "PASS"), ({("model", "b"), ("id", "1")}, "INCONCLUSIVE")]
)
def test_a_part_of_a_row_is_not_judged(threshold, piece, kept, outcome) -> None:
    slices = [tagged(piece, 100, model="a", id="1"), tagged(piece, 900, model="other", id="other")]
    (verdict,) = judge([threshold(*ROW)], slices, WINDOW, Circumstances(kept=kept))
    assert (verdict.outcome, verdict.n) == (outcome, 100)
    assert ("900 requests as `model other`" in verdict.reason) is (outcome == "INCONCLUSIVE")


@pytest.mark.parametrize(
    "others",
    [
        pytest.param({"id": "other", "model": "b"}, id="another tag"),
        pytest.param({"id": "1", "model": "other", "second": 2}, id="before the judged time"),
    ],
)
def test_a_row_that_lost_nothing_is_judged(threshold, piece, others) -> None:
    slices = [tagged(piece, 100, model="a", id="1"), tagged(piece, 900, **others)]
    (verdict,) = judge([threshold(*ROW)], slices, WINDOW, Circumstances(kept=frozenset()))
    assert (verdict.outcome, verdict.n) == ("PASS", 100)


@pytest.mark.parametrize(
    "limits", ["ask where model is a: {errors: under 1%}", "rules: ['errors(ask where model is a) < 1%']"]
)
def test_a_run_is_judged_again_by_what_it_kept_apart(plan_of, piece, limits) -> None:
    slices = [tagged(piece, 100, model="a", id="1"), tagged(piece, 900, model="other", id="other")]
    asked, without = plan_of(SPEC.format(limits=limits)), plan_of(SPEC.format(limits="all: {errors: under 1%}"))
    log = Log(None, (LoggedSecond(21, 4, slices),), End("finished", 60 * SECOND))
    assert asked.tag_values() == {("model", "a")}
    assert [v.outcome for v in make(asked, log).verdicts] == ["PASS"]
    (again,) = rejudge(make(without, log), asked).verdicts
    assert (again.outcome, "re-run to judge it" in again.reason) == ("INCONCLUSIVE", True)
