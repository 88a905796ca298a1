"""Exit codes: one table, and which of several stands for all."""

from itertools import permutations

import pytest

from perfspec.base.errors import EnvironmentFailure, ExitCode, PerfspecError, UsageFailure, worst

ORDER = [5, 2, 4, 130, 143, 1, 3, 0]


def test_several_runs_end_with_the_worst_of_their_codes() -> None:
    for first, second in permutations(ORDER, 2):
        assert worst([ExitCode(first), ExitCode(second)]) == min(first, second, key=ORDER.index)
    assert worst(map(ExitCode, reversed(ORDER))) is ExitCode.BUG


def test_no_runs_are_no_failure() -> None:
    assert worst([]) is ExitCode.PASS


def test_the_numbers_never_change() -> None:
    assert {code.name: int(code) for code in ExitCode} == {
        "PASS": 0,
        "THRESHOLD_FAILED": 1,
        "SPEC": 2,
        "INCONCLUSIVE": 3,
        "ENVIRONMENT": 4,
        "BUG": 5,
        "INTERRUPTED": 130,
        "TERMINATED": 143,
    }


@pytest.mark.parametrize(("kind", "code"), [(PerfspecError, 5), (UsageFailure, 2), (EnvironmentFailure, 4)])
def test_an_error_for_the_user_has_words_a_hint_and_a_code(kind, code) -> None:
    error = kind("what happened", "what to do")
    assert (str(error), error.message, error.hint, error.exit_code) == (
        "what happened",
        "what happened",
        "what to do",
        code,
    )
    assert kind("alone").hint == ""
