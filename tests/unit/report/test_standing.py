"""How the limits stand while the run lasts."""

import pytest

from perfspec.cli.progress import RECENT_SECONDS, Picture
from perfspec.engine.slicelog import LoggedSecond
from perfspec.report.standing import EARLY, Stand, Standing

MS = 1_000_000


@pytest.fixture
def stands(plan):
    def after(*slices) -> dict[str, Stand]:
        standing = Standing(plan)
        standing.add(LoggedSecond(21, 4, list(slices)))
        return {stand.threshold: stand for stand in standing.now()}

    return after


def test_nothing_is_said_before_the_first_judged_request(stands, piece) -> None:
    too_soon = piece("search", 500, second=3, over={120 * MS: 500})
    assert {(s.word, s.seen) for s in stands(too_soon).values()} == {(EARLY, "no requests yet")}


@pytest.mark.parametrize(
    ("n", "slow", "word", "seen"),
    [
        (58, 0, EARLY, "58 of 59 requests"),
        (59, 0, "holds", "0.0 % of 59, 5.0 % allowed"),
        (100, 5, "holds", "5.0 % of 100, 5.0 % allowed"),
        (100, 6, "broken", "6.0 % of 100, 5.0 % allowed"),
    ],
)
def test_a_share_stands_as_it_would_be_judged_once_there_are_enough(stands, piece, n, slow, word, seen) -> None:
    stand = stands(piece("search", n, second=20, over={120 * MS: slow}))["search p95 at most 120ms"]
    assert (stand.word, stand.seen) == (word, seen)


def test_seconds_add_up(plan, piece) -> None:
    standing = Standing(plan)
    for second in range(20, 23):
        standing.add(LoggedSecond(second + 1, 4, [piece("search", 40, second=second, errors={"status 500": 1})]))
    assert standing.now()[1] == Stand("search errors under 1%", EARLY, "120 of 299 requests")


def test_who_was_not_served_is_told_while_the_run_lasts_and_rates_are_of_the_last_seconds(plan, piece) -> None:
    picture = Picture(plan)
    assert picture.missing == ""
    for second in range(20):
        lost = piece("arrivals", 3, timer="arrival", second=second, errors={"dropped": 2, "not sent": 1})
        picture.add(LoggedSecond(second + 1, 4, [piece("search", 10 * second, second=second), lost]))
    assert (picture.missing, picture.sent, picture.failed) == ("40 dropped, 20 not sent", 1900, 0)
    ((_, rate, _, _),) = picture.rows()
    assert (RECENT_SECONDS, rate) == (5, (150 + 160 + 170 + 180 + 190) / 5)
