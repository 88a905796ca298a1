"""Runs and their history, by the command line against a real service."""

import json
import sqlite3
from contextlib import closing

import pytest

SECONDS = 8


@pytest.fixture(scope="module")
def speeds(new_folder, perfspec, service, search_spec):
    """The same load twice, the second time on a `suggest` that takes far longer; every limit is wide.

    Both are kept in one history; the second is compared with the first, and fails by it.
    """
    folder = new_folder("history")

    def run(name, commit, branch, *options, slow=()):
        with service(*slow) as search:
            spec = search_spec(folder / name, search.url, seconds=SECONDS, users="12")
            words = ("--out", "../" + name + "-run", "--history", "../h.sqlite", *options)
            return perfspec(spec, *words, PERFSPEC_COMMIT=commit, PERFSPEC_BRANCH=branch)

    first = run("one", "aaaa111122223333", "main")
    compared = ("--baseline", "../one-run", "--fail-on-regression")
    slower = run("two", "bbbb111122223333", "feature", *compared, slow=("--slow", "suggest=150ms"))
    return folder, first, slower


def document(folder, name):
    return json.loads((folder / f"{name}-run" / "result.json").read_text())


def test_the_first_run_passed_and_is_a_baseline(speeds, perfspec) -> None:
    folder, first, _ = speeds
    assert first.code == 0, first.out + first.err
    result = document(folder, "one")
    assert (result["commit"], result["branch"], result["comparison"]) == ("aaaa111122223333", "main", None)
    assert "cores" in result["machine"] or "core" in result["machine"]
    known = perfspec.command(folder, "history", "--history", "h.sqlite")
    assert "main" in known.out
    assert "aaaa111122" in known.out


def test_a_regression_fails_the_run_that_every_limit_lets_pass(speeds) -> None:
    folder, _, slower = speeds
    result = document(folder, "two")
    assert {v["outcome"] for v in result["verdicts"]} <= {"PASS", "SKIPPED"}
    assert (slower.code, result["outcome"], result["exit_code"]) == (1, "FAIL", 1)
    regressed = [c for c in result["comparison"]["changes"] if c["state"] == "regressed"]
    assert {c["request"] for c in regressed} == {"suggest"}
    assert all(1.25 < c["low"] < c["ratio"] < c["high"] for c in regressed)
    assert "SLOWER  suggest p50" in slower.out
    assert "SLOWER  query" not in slower.out


def test_a_result_made_again_from_its_folder_keeps_its_comparison(speeds, perfspec) -> None:
    folder, _, _ = speeds
    before = (folder / "two-run" / "result.json").read_bytes()
    again = perfspec.command(folder, "report", "two-run")
    assert again.code == 1
    assert (folder / "two-run" / "result.json").read_bytes() == before


def test_compare_names_the_request_that_became_slower_with_its_likely_range(speeds, perfspec) -> None:
    folder, _, _ = speeds
    told = perfspec.command(folder, "compare", "one-run", "two-run", "--history", "h.sqlite")
    assert told.code == 0
    (line,) = [line for line in told.out.splitlines() if "suggest p50" in line]
    assert line.split()[0] == "SLOWER"
    assert "(likely +" in line
    assert "(commits aaaa111122..bbbb111122)" in told.out
    assert perfspec.command(folder, "compare", "one-run", "two-run", "--fail-on-regression").code == 1
    by_name = perfspec.command(folder, "compare", "main", "two-run", "--history", "h.sqlite", "--json")
    assert json.loads(by_name.out)["runs"] == [document(folder, "one")["run_id"]]


def test_a_run_that_failed_by_a_regression_is_no_baseline(speeds, perfspec) -> None:
    folder, _, _ = speeds
    told = perfspec.command(folder, "compare", "last", "two-run", "--history", "h.sqlite", "--json")
    assert json.loads(told.out)["runs"] == [document(folder, "one")["run_id"]]


def test_a_trend_shows_both_runs(speeds, perfspec) -> None:
    folder, _, _ = speeds
    told = perfspec.command(folder, "trend", "--history", "h.sqlite", "--weeks", "2")
    assert told.code == 0
    assert "search smoke on local: 2 runs" in told.out
    assert "2/2" in told.out  # every limit was met in both
    assert json.loads(perfspec.command(folder, "trend", "--history", "h.sqlite", "--json").out)[0]["runs"] == 2


def test_the_export_is_a_file_of_two_runs(speeds, perfspec) -> None:
    folder, _, _ = speeds
    told = perfspec.command(folder, "history", "--history", "h.sqlite", "export", "--out", "otava.csv")
    assert told.code == 0, told.err
    rows = (folder / "otava.csv").read_text().splitlines()
    assert rows[0].startswith("time,commit,run,")
    assert [row.split(",")[1] for row in rows[1:]] == ["aaaa111122223333", "bbbb111122223333"]


@pytest.mark.parametrize("kind", ["locked", "full", "garbage"])
def test_a_history_that_cannot_be_written_loses_no_result(new_folder, perfspec, healthy, search_spec, kind) -> None:
    folder = search_spec(new_folder(f"history-{kind}"), healthy.url, seconds=4)
    url = {"locked": "sqlite:///h.sqlite?timeout=0.2", "full": "sqlite:////dev/full", "garbage": "g.sqlite"}[kind]
    (folder / "g.sqlite").write_bytes(b"no database " * 400)
    with closing(sqlite3.connect(folder / "h.sqlite")) as other:
        other.execute("CREATE TABLE mine (x)")
        other.execute("BEGIN EXCLUSIVE")
        ended = perfspec(folder, "--history", url)
    assert ended.code == 0, ended.out + ended.err
    assert "cannot be used: " in ended.err
    assert "history import" in ended.err
    assert ended.result["outcome"] == "PASS"
    assert ended.result["ended"] == "finished"
    added = perfspec.command(folder, "history", "import", "out", "--history", "later.sqlite")
    assert added.out == "1 run added\n"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--fail-on-regression",), "--fail-on-regression needs a --baseline"),
        (("--baseline", "nowhere"), "there is no baseline `nowhere`"),
    ],
)
def test_a_slip_is_told_before_anything_is_sent(new_folder, perfspec, healthy, search_spec, options, said) -> None:
    folder = search_spec(new_folder("slip"), healthy.url)
    before = healthy.counts()
    ended = perfspec(folder, *options)
    assert ended.code == 2
    assert said in ended.err
    assert healthy.counts() == before


def test_a_gate_without_its_baseline_is_refused_before_anything_is_sent(
    new_folder, perfspec, healthy, search_spec
) -> None:
    """What cannot be read can never be compared with: a result of another version, a history that is no database."""
    folder = search_spec(new_folder("no-baseline"), healthy.url)
    (folder / "r.json").write_text('{"version": 99}')
    (folder / "g.sqlite").write_bytes(b"no database " * 400)
    before = healthy.counts()
    file = perfspec(folder, "--baseline", "r.json", "--fail-on-regression")
    index = perfspec(folder, "--baseline", "main", "--fail-on-regression", "--history", "g.sqlite")
    assert (file.code, index.code) == (2, 4), file.err + index.err
    assert "r.json" in file.err
    assert "cannot be used" in index.err
    assert healthy.counts() == before


def test_a_gate_that_loses_its_baseline_in_the_run_is_no_pass(new_folder, perfspec, healthy, search_spec) -> None:
    folder = search_spec(new_folder("lost-baseline"), healthy.url)
    assert perfspec(folder).code == 0
    (folder / "out").rename(folder / "before")
    begun = perfspec.begin(folder, "--baseline", "before/result.json", "--fail-on-regression")
    begun.wait_for_seconds(2)
    (folder / "before/result.json").write_text("{}")
    ended = begun.end()
    assert (ended.code, ended.result["outcome"]) == (3, "INCONCLUSIVE"), ended.err
    assert "no pass, for it could not be compared: before/result.json" in " ".join(ended.out.split())
