"""Slices added up by window: the same as all of them, late ones included, in room that hardly grows."""

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from perfspec.metrics.rows import Row, total
from perfspec.metrics.series import Key, Slice
from perfspec.verdict.samples import place, windows_of
from perfspec.verdict.sums import Sums

SECOND = 1_000_000_000
STRETCHES = ((5 * SECOND, 60 * SECOND), (70 * SECOND, 400 * SECOND))
CUT = windows_of(STRETCHES)


def piece(name: str, second: int, us: int, *, part: str = "load", late_ns: int = 0) -> Slice:
    return Slice(
        Key(name, part=part), second, 2, {"reset": 1}, 1, {10_000: 1}, {us: 1}, {us: 1}, {200: 1}, 1, {},
        late_ns=late_ns,
    )  # fmt: skip


PIECES = st.lists(
    st.builds(
        piece, st.sampled_from("ab"), st.integers(0, 420), st.integers(100, 2_000),
        part=st.sampled_from(("load", "setup")), late_ns=st.sampled_from((0, 50_000_000, 100_000_000)),
    ),
    max_size=60,
)  # fmt: skip


def window(found: Slice) -> tuple[Key, bool, object]:
    at = place(found.second * SECOND, STRETCHES, CUT) if found.key.part == "load" else None
    return found.key, found.late_ns, at


@given(PIECES)
def test_each_window_holds_the_sum_of_its_slices_in_whatever_order_they_came(pieces: list[Slice]) -> None:
    sums = Sums(STRETCHES)
    for each in pieces:
        sums.add([each])
    expected: dict[object, Row] = {}
    for each in pieces:
        expected.setdefault(window(each), Row()).add(each)
    assert {window(each): total([each]) for each in sums.slices} == expected
    assert len(sums.slices) == len(expected)


def test_a_window_that_is_over_takes_little_room() -> None:
    def held(seconds: int) -> int:
        sums = Sums([(0, 1_000 * SECOND)])
        tracemalloc.start()
        try:
            for second in range(seconds):
                values = range(3_000 + second % 7, 9_000, 7)
                sums.add([Slice(Key("a"), second, len(values), response=dict.fromkeys(values, 1))])
            return tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()

    assert held(1_000) - held(100) < 9 * 40_000  # nine windows of 6 000 buckets each: as dicts 500 kB each
