"""The table of what is measured without being asked for."""

import pytest

from perfspec.language.timers import ALWAYS, FIRST_OF_SEVERAL, OWN_TIMERS, label_of, unit_of
from perfspec.report.rows import PARTS
from perfspec.spec.timers import OF_STREAMS, OF_WAITS


@pytest.mark.parametrize(
    ("timer", "unit", "label"),
    [
        ("wait", "time", "until done"),
        ("group with pauses", "time", "group with pauses"),
        (FIRST_OF_SEVERAL, "time", "first byte of several reads"),
        ("first_event", "time", "first event"),
        ("events", "number", "events"),
        ("size", "size", "size"),
        ("tokens_in", "number", "tokens in"),
    ],
)
def test_a_timer_has_a_unit_and_a_name_in_reports(timer, unit, label) -> None:
    assert (unit_of(timer), label_of(timer)) == (unit, label)


def test_every_word_that_stands_for_a_timer_somewhere_is_in_the_table() -> None:
    assert {*ALWAYS, *OF_WAITS, *OF_STREAMS, *PARTS} < set(OWN_TIMERS)
