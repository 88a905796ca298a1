"""What the page says of each of several processes."""

import re

from perfspec.engine.slicelog import Beginning, End, Log, LoggedSecond
from perfspec.metrics.vitals import Lost, OfWorker
from perfspec.report.html.page import to_html
from perfspec.report.result import make

SECOND = 1_000_000_000


def text_of(page: bytes) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", page.decode()).split())


def test_what_each_of_several_processes_did_is_shown_with_who_was_lost(plan, good) -> None:
    workers = (OfWorker(1, 2, 300, SECOND // 2, 900), OfWorker(3, 2, 160, SECOND // 4, 40_000))
    lost = (Lost(2, 3, 20, "ended by signal 9"),)
    seconds = (LoggedSecond(21, 4, list(good), workers=workers, lost=lost),)
    beginning = Beginning("r1", "2026-01-02T03:04:05+00:00", "", "0.1.0", workers=3)
    result = make(plan, Log(beginning, seconds, End("finished", 40 * SECOND)))
    assert result.outcome == "INCONCLUSIVE"
    text = text_of(to_html(result))
    table = text[text.index("What each process did in the judged time") :]
    assert "1 300 50% 0.90 ms 2 0 0% 0.00 ms lost after 20 s: ended by signal 9 3 160 25% 40.0 ms" in table
    assert "processes that sent 3, 1 of them lost" in text


def test_one_process_needs_no_table_of_processes(result, good) -> None:
    text = text_of(to_html(result(*good)))
    assert "processes that sent 1" in text
    assert "What each process did" not in text
