"""What a threshold is about: rows and cells over slices, phases and windows."""

import msgspec
import pytest

from perfspec.verdict.samples import bad_and_total, over_by_histogram, sample, windows_of

S = 1_000_000_000
MS = 1_000_000


@pytest.mark.parametrize(
    ("stretches", "windows"),
    [
        ([(5, 30)], (10,)),
        ([(0, 360), (360, 540)], (7, 3)),
        ([(0, 600), (600, 610)], (10, 2)),
        ([(0, 4)], (4,)),
        ([(0, 0.5)], (1,)),
        ([(0, 5), (5, 5.5), (5.5, 5.9)], (5, 1, 1)),
        ([], ()),
    ],
)
def test_the_judged_time_is_cut_into_about_ten_windows_of_whole_seconds(stretches, windows) -> None:
    assert windows_of([(int(a * S), int(b * S)) for a, b in stretches]) == windows


def test_every_second_lies_in_one_window_of_its_phase(threshold, piece) -> None:
    p95 = threshold("suggest", "p95", "at most 120ms")
    slices = [piece(n=1 + second, second=second) for second in range(40)]
    found = sample(slices, p95.row, p95.cell, [(5 * S, 25 * S), (30 * S, 40 * S)])
    assert [len(stretch) for stretch in found.stretches] == [7, 3]
    assert [window.n for window in found.stretches[1]] == [31 + 32 + 33 + 34, 35 + 36 + 37, 38 + 39 + 40]
    assert found.in_stretch(0).n == sum(range(6, 26))
    assert found.row.n == sum(range(6, 26)) + sum(range(31, 41))


def test_setup_is_judged_whole_and_lies_in_no_window(threshold, piece) -> None:
    p95 = threshold("suggest", "p95", "at most 120ms")
    found = sample([piece(n=3, part="setup", second=0)], p95.row, p95.cell, [(5 * S, 25 * S)])
    assert found.row.n == 3
    assert found.in_stretch(0).n == 0


def test_goodput_is_about_rounds_and_a_status_about_single_answers(threshold, piece) -> None:
    stretch = [(0, 60 * S)]
    slices = [
        piece("browse", 10, timer="round", flow="browse"),
        piece("buy", 5, timer="round", flow="buy"),
        piece("suggest", 100, flow="browse"),
        piece("job", 4, timer="wait", flow="buy"),
        piece("job", 9, timer="poll", flow="buy"),
    ]

    def n(row, cell, limit):
        found = threshold(row, cell, limit)
        return sample(slices, found.row, found.cell, stretch).row.n

    assert n("all", "goodput", "at least 95%") == 15
    assert n("flow buy", "goodput", "at least 95%") == 5
    assert n("all", "status 429", "under 1%") == 109
    assert n("job", "status 429", "under 1%") == 9
    assert n("flow buy", "status 429", "under 1%") == 9
    assert n("all", "errors", "under 1%") == 104


def test_a_limit_thought_of_later_counts_fast_failures_as_bad(threshold, piece) -> None:
    """While the run lasts a failed request is over every limit; asked again, its time alone must not save it."""
    one = piece(n=10, ms=5, errors={"status 500": 3})
    (bucket,) = one.response
    one = msgspec.structs.replace(one, failed_response={bucket: 3})
    found = threshold("suggest", "p95", "at most 120ms")
    row = sample([one], found.row, found.cell, [(0, 60 * S)]).row
    assert over_by_histogram(row, 120 * MS) == (3, 3)
    assert bad_and_total(found, row) == (3, 10)
