"""Verdicts on one threshold."""

import msgspec
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


@pytest.fixture(scope="session")
def failing(piece):
    """A slice in which so many requests were answered fast and wrong."""

    def run(name: str, n: int, failed: int, ms: float = 10, **more):
        found = piece(name, n, errors={"status 500": failed} if failed else {}, ms=ms, **more)
        (bucket,) = found.response
        return msgspec.structs.replace(found, failed_response={bucket: failed} if failed else {})

    return run
