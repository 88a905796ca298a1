"""The design effect: its vectors, and what it never does."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfspec.verdict import bounds
from perfspec.verdict.dependence import design_effect, student_t


@pytest.mark.parametrize(
    ("df", "t"), [(9, 1.833113), (19, 1.729133), (999, 1.646380), (1, 6.313752), (10**6, 1.644855)]
)
def test_students_t(df, t) -> None:
    assert student_t(df) == pytest.approx(t, abs=1.5e-6)


def test_students_t_is_that_of_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    for df in (1, 2, 3, 5, 9, 18, 29, 100, 12_345):
        assert student_t(df) == pytest.approx(stats.t.ppf(0.95, df), rel=1e-9)


@pytest.mark.parametrize(
    ("each", "bad", "deff", "n_e", "lower", "upper"),
    [
        (100, [0] * 5 + [10] * 5, 5.847953, 137.936, 0.023537, 0.092265),
        (100, [5] * 10, 1, 806.644, 0.038003, 0.064524),
        (6000, [310, 280, 295, 305, 420, 300, 290, 285, 300, 315], 5.480280, 8815.317, 0.047842, 0.055712),
    ],
)
def test_ten_windows_of_one_phase(each, bad, deff, n_e, lower, upper) -> None:
    effect = design_effect([[(k, each) for k in bad]])
    assert effect is not None
    assert effect.windows == 10
    assert effect.deff == pytest.approx(deff, abs=1e-6)
    assert effect.n == pytest.approx(n_e, abs=1e-3)
    assert bounds.lower_bound(effect.bad, effect.n) == pytest.approx(lower, abs=1e-6)
    assert bounds.upper_bound(effect.bad, effect.n) == pytest.approx(upper, abs=1e-6)


def test_a_difference_between_phases_is_no_dependence() -> None:
    """A peak that is twice as bad as the steady phase says nothing of how alike neighbours are."""
    apart = design_effect([[(5, 100)] * 5, [(10, 100)] * 5])
    mixed = design_effect([[(5, 100)] * 5 + [(10, 100)] * 5])
    assert apart is not None
    assert mixed is not None
    assert apart.deff == 1
    assert mixed.deff > apart.deff


@pytest.mark.parametrize(
    "windows", [[], [[]], [[(0, 10), (0, 10)]], [[(10, 10), (10, 10)]], [[(1, 10)]], [[(1, 10), (0, 0)]]]
)
def test_where_windows_tell_nothing_there_is_no_effect(windows) -> None:
    assert design_effect(windows) is None


@settings(derandomize=True, deadline=None, max_examples=200)
@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=10), min_size=1, max_size=3
    )
)
def test_it_only_widens(phases) -> None:
    """Whatever the windows hold, the range is never narrower than that of independent requests."""
    windows = [[(bad, bad + good) for bad, good in phase] for phase in phases]
    k = sum(bad for phase in windows for bad, _ in phase)
    n = sum(count for phase in windows for _, count in phase)
    effect = design_effect(windows)
    if effect is None:
        return
    assert effect.deff >= 1
    assert 0 < effect.n <= n
    assert bounds.lower_bound(effect.bad, effect.n) <= bounds.lower_bound(k, n) + 1e-12
    assert bounds.upper_bound(effect.bad, effect.n) >= bounds.upper_bound(k, n) - 1e-12
