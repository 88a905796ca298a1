"""Verdicts on one threshold."""

import pytest

from perfspec.verdict.judge import Circumstances, Verdict, judge

SECOND = 1_000_000_000
WINDOW = ((5 * SECOND, 60 * SECOND),)


@pytest.fixture(scope="session")
def one(threshold):
    """The verdict on one threshold."""

    def run(limit: tuple[str, str, str], *slices, windows=WINDOW, **circumstances) -> Verdict:
        (verdict,) = judge([threshold(*limit)], slices, windows, Circumstances(**circumstances))
        return verdict

    return run
