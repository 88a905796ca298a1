"""When nobody is there any more, and when that cannot be said."""

import pytest

from perfspec.metrics.series import Key, Slice
from perfspec.verdict.silence import Silence


def said(*seconds):
    """What is said after each second, of (answers, errors)."""
    silence = Silence()
    return [
        silence.second(number, [Slice(Key("look"), number - 1, answers + sum(errors.values()), errors)])
        for number, (answers, errors) in enumerate(seconds, 1)
    ]


REFUSED = (0, {"refused": 20})


def test_ten_seconds_without_anybody_are_enough_and_what_few_met_is_not_named() -> None:
    assert said((20, {}), (0, {"reset": 1, "refused": 19}), *[REFUSED] * 9) == [""] * 10 + ["refused"]


@pytest.mark.parametrize("other", [(1, {"refused": 19}), (0, {"timeout": 1}), (0, {"status 503": 9, "refused": 9})])
def test_one_answer_or_a_slow_one_begins_it_anew(other) -> None:
    assert set(said(*[REFUSED] * 9, other, *[REFUSED] * 9)) == {""}
    assert said(other, *[REFUSED] * 10)[-1] == "refused"


def test_seconds_in_which_nobody_came_say_nothing_and_end_nothing() -> None:
    assert said(REFUSED, *[(0, {})] * 11) == [""] * 12
    assert said(REFUSED, *[(0, {})] * 11, REFUSED)[-1] == "refused"


def test_what_this_machine_could_not_ask_is_no_silence_of_the_service() -> None:
    assert set(said(*[(0, {"no ports": 20})] * 20)) == {""}
    assert set(said(*[(0, {"refused": 1})] + [(0, {})] * 12)) == {""}
