"""Segments: who has which index. Together they have each index once, and each its share of every prefix."""

from hypothesis import given, settings
from hypothesis import strategies as st

from perfspec.load import WHOLE, Segment

ALL = settings(derandomize=True, deadline=None, max_examples=60)
weights = st.lists(st.integers(1, 6), min_size=1, max_size=5).map(tuple)


def segments(weights: tuple[int, ...]) -> list[Segment]:
    return [Segment(index, weights) for index in range(len(weights))]


@ALL
@given(weights, st.integers(0, 300))
def test_every_index_has_one_owner_whose_share_counts_it(weights, total) -> None:
    parts = segments(weights)
    for index in range(total):
        assert sum(part.owns(index) for part in parts) == 1
    for part in parts:
        assert part.share(total) == sum(part.owns(index) for index in range(total))
    assert sum(part.share(total) for part in parts) == total


@ALL
@given(weights, st.integers(0, 300))
def test_every_prefix_is_split_within_one_of_its_exact_share(weights, total) -> None:
    for part in segments(weights):
        assert abs(part.share(total) - total * weights[part.index] / sum(weights)) <= 1


def test_one_process_has_everything() -> None:
    assert WHOLE.is_whole
    assert all(WHOLE.owns(index) for index in range(10))
    assert WHOLE.share(7) == 7
