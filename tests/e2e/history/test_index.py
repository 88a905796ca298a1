"""The index over result files, on SQLite and on a real PostgreSQL."""

import csv
import io
import os
import subprocess
import sys

import pytest

from perfspec.app.compare import against, compare_runs
from perfspec.app.history import add_files, as_csv, opened
from perfspec.app.report import read_document
from perfspec.app.trend import trends
from perfspec.base.errors import EnvironmentFailure, UsageFailure
from perfspec.history.records import Wanted


@pytest.fixture
def filled(url, tmp_path, write_result):
    """Eight runs on main, two on a branch, one that was aborted, one with a late generator, one that failed."""
    for number in range(8):
        write_result(tmp_path / "ci" / str(number), number, 50 + number % 3)
    for number in (8, 9):
        write_result(tmp_path / "ci" / "deep" / str(number), number, 50, branch="feature")
    write_result(tmp_path / "other" / "10", 10, 51, ended="aborted")
    write_result(tmp_path / "other" / "11", 11, 52, late=True)
    write_result(tmp_path / "other" / "12", 12, 300)
    added = add_files([tmp_path / "ci", tmp_path / "other"], url)
    assert len(added.added) == 13
    return url


def ids(url, **wanted):
    with opened(url) as store:
        return [int(run.run_id[-3:]) for run in store.runs(Wanted(**wanted))]


def test_runs_come_in_the_order_in_which_they_were_made(filled) -> None:
    assert ids(filled) == list(range(13))
    with opened(filled) as store:
        assert [run.run_id for run in store.runs(newest=2)] == ["run-011", "run-012"]


def test_what_was_aborted_invalid_or_failed_never_becomes_a_baseline(filled) -> None:
    assert ids(filled, valid=True) == [*range(10), 12]
    assert ids(filled, accepted=True) == list(range(10))
    assert ids(filled, accepted=True, branch="main") == list(range(8))


def test_adding_again_changes_nothing_and_a_result_that_was_judged_anew_replaces_the_old(
    filled, tmp_path, write_result
) -> None:
    add_files([tmp_path / "ci"], filled)
    assert ids(filled) == list(range(13))
    write_result(tmp_path / "ci" / "3", 3, 300)
    add_files([tmp_path / "ci" / "3" / "result.json"], filled)
    assert 3 not in ids(filled, accepted=True)
    assert ids(filled) == list(range(13))


def test_an_index_made_again_from_the_files_is_the_same(filled, tmp_path) -> None:
    again = str(tmp_path / "again.sqlite")
    add_files([tmp_path / "other", tmp_path / "ci"], again)
    with opened(filled) as one, opened(again) as two:
        assert one.runs() == two.runs()
        assert one.numbers(one.runs()) == two.numbers(two.runs())
        assert one.met(one.runs()) == two.met(two.runs())


def test_main_is_the_last_ten_accepted_runs_there_and_last_the_last_one(filled, tmp_path, write_result) -> None:
    write_result(tmp_path / "now", 20, 80, branch="feature")
    now = read_document(tmp_path / "now" / "result.json")
    found = against(now, "main", filled)
    assert found.runs == tuple(f"run-{n:03d}" for n in range(8))
    assert {(c.request, c.statistic) for c in found.regressed} == {("suggest", "p50"), ("suggest", "p95")}
    assert found.commits == ("commit0007", "commit0020")
    assert against(now, "last", filled).runs == ("run-009",)


def test_what_came_later_and_the_run_itself_are_no_baseline(filled, tmp_path) -> None:
    third = read_document(tmp_path / "ci" / "3" / "result.json")
    assert against(third, "main", filled).runs == ("run-000", "run-001", "run-002")


def test_another_load_is_never_compared_by_name(filled, tmp_path, write_result) -> None:
    write_result(tmp_path / "now", 20, 80, service="gateway")
    assert against(read_document(tmp_path / "now" / "result.json"), "main", filled) is None
    with pytest.raises(UsageFailure, match="holds no accepted run"):
        compare_runs("main", str(tmp_path / "now"), filled)


def test_a_trend_names_the_step_and_the_commits_around_it(url, tmp_path, write_result) -> None:
    for number in range(14):
        write_result(tmp_path / str(number), number, 50 + number % 2 if number < 10 else 70 + number % 2)
    write_result(tmp_path / "g", 30, service="gateway")
    add_files([tmp_path], url)
    search, gateway = trends(Wanted(), url, weeks=500)
    assert (search.service, search.runs, search.others, gateway.service) == ("search", 14, 0, "gateway")
    steps = {(s.request, s.statistic): [(t.after.commit, t.since.commit) for t in s.steps] for s in search.series}
    assert steps["suggest", "p95"] == [("commit0009", "commit0010")]
    assert steps["query", "p95"] == []
    (suggest,) = (row for row in search.compliance if row.threshold == "suggest p95 at most 120ms")
    assert [met for met in suggest.periods if met] == [(4, 4), (7, 7), (3, 3)] or sum(
        met[1] for met in suggest.periods if met
    ) == 14
    with pytest.raises(UsageFailure, match="no such run"):
        trends(Wanted(service="nobody"), url, weeks=4)


def test_the_csv_is_a_line_a_valid_run_with_a_column_a_number(filled) -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(Wanted(), filled).decode())))
    assert [row["run"] for row in rows] == [f"run-{n:03d}" for n in (*range(10), 12)]
    assert list(rows[0])[:3] == ["time", "commit", "run"]
    assert float(rows[0]["suggest.p95.ms"]) == pytest.approx(54, rel=0.01)
    assert rows[0]["time"] == "2026-10-01T10:00:00+00:00"


def test_a_csv_is_about_one_kind_of_run(filled, tmp_path, write_result) -> None:
    write_result(tmp_path / "g", 30, service="gateway")
    add_files([tmp_path / "g"], filled)
    with pytest.raises(UsageFailure, match="2 kinds"):
        as_csv(Wanted(), filled)
    assert as_csv(Wanted(service="gateway"), filled).count(b"\n") == 2


def test_two_processes_that_add_at_once_lose_nothing(url, tmp_path, write_result) -> None:
    """Each adds fifteen runs of its own and the same five, all into an index that neither finds there."""
    for number in range(35):
        for writer in range(2):
            if number < 5 or number % 2 == writer:
                write_result(tmp_path / f"w{writer}" / str(number), number)
    environment = os.environ | {"PERFSPEC_HISTORY": url}
    command = [sys.executable, "-m", "perfspec", "history", "import"]
    writers = [
        subprocess.Popen([*command, f"w{w}"], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True)
        for w in range(2)
    ]
    assert [(w.communicate()[0], w.returncode) for w in writers] == [("20 runs added\n", 0)] * 2
    assert ids(url) == list(range(35))
    with opened(url) as store:
        assert {len(n.measures) for n in store.numbers(store.runs())} == {2}
        assert len(store.met(store.runs())) == 70


@pytest.mark.parametrize("text", ["{}", "[", '{"version": 99}', ""])
def test_a_file_that_is_no_result_is_told_and_the_others_are_added(tmp_path, write_result, text) -> None:
    write_result(tmp_path / "a", 1)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "result.json").write_text(text)
    found = add_files([tmp_path], str(tmp_path / "h.sqlite"))
    assert found.added == ("run-001",)
    assert len(found.problems) == 1


def test_a_folder_without_a_result_is_a_slip(tmp_path) -> None:
    with pytest.raises(UsageFailure, match="no result"):
        add_files([tmp_path], str(tmp_path / "h.sqlite"))


@pytest.mark.parametrize(
    "bad", ["nosuch://x/y", "postgresql://nobody@127.0.0.1:1/x?connect_timeout=1", "sqlite:////nowhere/at/all/x.db"]
)
def test_an_index_that_cannot_be_used_is_told_in_a_sentence(bad) -> None:
    with pytest.raises(EnvironmentFailure, match="cannot be used") as told, opened(bad):
        pass
    assert "result files are whole" in told.value.hint


def test_a_file_that_is_no_database_is_told(tmp_path) -> None:
    (tmp_path / "h.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(EnvironmentFailure, match="cannot be used"), opened(str(tmp_path / "h.sqlite")):
        pass


def test_a_password_is_never_shown() -> None:
    with pytest.raises(EnvironmentFailure) as told, opened("postgresql://ann:geheim@127.0.0.1:1/x?connect_timeout=1"):
        pass
    assert "geheim" not in told.value.message
    assert "***" in told.value.message


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ({"late": True}, ", whose load generator was late, so that its times are in doubt"),
        ({"ended": "aborted"}, ", which was aborted and is no baseline"),
        ({}, ""),
    ],
)
def test_a_file_that_the_history_would_not_offer_is_compared_with_and_said_to_be_so(
    tmp_path, write_result, made, said
) -> None:
    write_result(tmp_path / "before", 1, **made)
    write_result(tmp_path / "now", 2, 60)
    found = against(read_document(tmp_path / "now" / "result.json"), str(tmp_path / "before"), None)
    assert found.baseline == f"run run-001 of 2026-10-02{said}"
