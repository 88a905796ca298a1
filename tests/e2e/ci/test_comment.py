"""The comment under a pull request, against a local server that speaks that part of GitHub's API."""

import json
import re
from typing import Any

import pytest

from perfspec.app.comment import Place, comment, place_of
from perfspec.app.report import read_result
from perfspec.base.errors import EnvironmentFailure, UsageFailure
from perfspec.report.comment import body, marker

SPEC = """perfspec: 1
service: shop
environments: {{local: {{url: "{url}"}}}}
flows: {{f: {{steps: [{{get: /x, name: look}}, {{pause: 50ms}}]}}}}
stages: {{smoke: {{phases: [{{for: 2s, users: 1}}]}}}}
thresholds: {{look: {{errors: under 1%}}}}
"""


@pytest.fixture
def post(hub):
    """Post a text; returns what came of it and how long it would have waited."""
    waits: list[float] = []

    def run(text: str = "one", token: str = "right-token") -> tuple[str, list[float]]:
        place = Place("o/r", 7, token, hub.url)
        return comment(place, "smoke", f"{marker('smoke')}\n{text}", wait=waits.append), waits

    return run


def test_one_comment_is_written_and_then_kept_up_to_date(hub, post) -> None:
    hub.comments += [{"id": 1, "body": "nice work"}, {"id": 2, "body": f"{marker('other')}\nanother"}]
    assert post("first")[0] == "written"
    assert post("second")[0] == "updated"
    assert [c["body"].rpartition("\n")[2] for c in hub.comments] == ["nice work", "another", "second"]


def test_our_comment_is_found_behind_hundreds_of_others(hub, post) -> None:
    hub.comments += [{"id": n, "body": "chat"} for n in range(1, 251)]
    assert post()[0] == "written"
    assert post("again")[0] == "updated"
    assert len(hub.comments) == 251


@pytest.mark.parametrize(
    ("trouble", "waited"),
    [
        ((500, {}), [1.0]),
        ((502, {}), [1.0]),
        ((429, {"Retry-After": "3"}), [3.0]),
        ((403, {"Retry-After": "900"}), [60.0]),
        ((403, {"X-RateLimit-Remaining": "0"}), [1.0]),
    ],
)
def test_what_passes_is_waited_for(hub, post, trouble, waited) -> None:
    hub.troubles.append(trouble)
    assert post() == ("written", waited)


def test_what_does_not_pass_is_an_error_after_four_tries(hub, post) -> None:
    hub.troubles += [(503, {})] * 4
    with pytest.raises(EnvironmentFailure, match="GitHub answered 503 to GET"):
        post()
    assert len(hub.asked) == 4


def test_a_rate_limit_that_lasts_is_no_missing_right(hub, post) -> None:
    hub.troubles += [(403, {"X-RateLimit-Remaining": "0"})] * 4
    with pytest.raises(EnvironmentFailure, match="GitHub answered 403 to GET"):
        post()


def test_a_comment_whose_answer_was_lost_is_not_written_twice(hub, post) -> None:
    hub.lost.append("POST")
    assert post("first") == ("written", [1.0])
    assert post("second")[0] == "updated"
    assert [c["body"].rpartition("\n")[2] for c in hub.comments] == ["second"]
    assert hub.asked.count("POST /repos/o/r/issues/7/comments") == 1


@pytest.mark.parametrize("status", [404, 403])
def test_where_ours_cannot_be_changed_a_new_one_is_written(hub, post, status) -> None:
    """Deleted in that moment; or a text that somebody else began as ours begins."""
    hub.comments.append({"id": 1, "body": f"{marker('smoke')}\nnot by us"})
    hub.refused[1] = status
    assert post("first")[0] == "written"
    assert hub.comments[-1]["body"].endswith("first")


def test_nobody_there_is_an_error() -> None:
    waits: list[float] = []
    with pytest.raises(EnvironmentFailure, match="GitHub cannot be reached"):
        comment(Place("o/r", 7, "x", "http://127.0.0.1:9"), "k", "text", wait=waits.append)
    assert waits == [1.0, 2.0, 4.0]


@pytest.mark.parametrize(("token", "may_write"), [("", True), ("wrong", True), ("right-token", False)])
def test_a_token_that_may_not_write_is_no_failure(hub, post, token, may_write) -> None:
    hub.may_write = may_write
    assert post(token=token)[0] == "not allowed"
    assert hub.comments == []


def test_the_place_is_what_github_says(tmp_path) -> None:
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 12}}))
    known = {"GITHUB_REPOSITORY": "o/r", "GITHUB_EVENT_PATH": str(event), "GITHUB_TOKEN": "t"}
    assert place_of(known, None, None) == Place("o/r", 12, "t", "https://api.github.com")
    assert place_of({**known, "GITHUB_API_URL": "http://hub"}, "a/b", 3) == Place("a/b", 3, "t", "http://hub")
    event.write_text("{}")
    with pytest.raises(UsageFailure, match="which pull request"):
        place_of(known, None, None)
    with pytest.raises(UsageFailure, match="which repository"):
        place_of({}, None, 3)


@pytest.fixture(scope="module")
def ended(new_folder, perfspec, refusing) -> Any:
    """A run against a service that refuses everything."""
    folder = new_folder("comment")
    (folder / "specs").mkdir()
    (folder / "specs/search.yaml").write_text(SPEC.format(url=refusing))
    return perfspec(folder)


def test_the_command_writes_the_verdict_with_the_line_of_the_spec(ended, perfspec, hub) -> None:
    known = {"GITHUB_REPOSITORY": "o/r", "GITHUB_TOKEN": "right-token", "GITHUB_API_URL": hub.url}
    words = ("comment", "out", "--pr", "7", "--link", "http://ci.test/run 1")
    first = perfspec.command(ended.folder.parent, *words, **known)
    assert (first.code, first.out) == (0, "the comment is written\n"), first.err
    assert perfspec.command(ended.folder.parent, *words, **known).out == "the comment is up to date\n"
    (only,) = hub.comments
    assert only["body"].startswith("<!-- perfspec:default -->\n\n## shop smoke on local: FAIL")
    assert "`specs/search.yaml:6`" in only["body"]
    assert only["body"].endswith("[The whole report](http://ci.test/run%201)\n")


def test_without_a_pull_request_the_comment_can_be_looked_at(ended, perfspec) -> None:
    shown = perfspec.command(ended.folder.parent, "comment", "out", "--print")
    assert (shown.code, shown.out.startswith("<!-- perfspec:default -->")) == (0, True)
    nowhere = perfspec.command(ended.folder.parent, "comment", "out")
    assert (nowhere.code, "add --repo OWNER/NAME" in nowhere.err) == (2, True)


def test_a_change_that_concerns_nothing_any_more_is_said_where_a_comment_is(ended, perfspec, hub) -> None:
    known = {"GITHUB_REPOSITORY": "o/r", "GITHUB_TOKEN": "right-token", "GITHUB_API_URL": hub.url}
    words = ("comment", "--pr", "7", "--instead", "No spec is concerned.")
    assert perfspec.command(ended.folder.parent, *words, **known).out == "there is no comment to bring up to date\n"
    assert hub.comments == []
    perfspec.command(ended.folder.parent, "comment", "out", "--pr", "7", **known)
    assert perfspec.command(ended.folder.parent, *words, **known).out == "the comment is up to date\n"
    assert [c["body"].split() for c in hub.comments] == [
        ["<!--", "perfspec:default", "-->", "No", "spec", "is", "concerned."]
    ]
    neither = perfspec.command(ended.folder.parent, "comment", "--pr", "7", **known)
    assert (neither.code, "name runs" in neither.err) == (2, True)


def test_a_folder_stands_for_the_runs_in_it(ended, perfspec) -> None:
    shown = perfspec.command(ended.folder.parent, "comment", ".", "--print")
    assert (shown.code, "## shop smoke on local: FAIL" in shown.out) == (0, True)


def test_what_cannot_be_compared_costs_no_comment(ended, perfspec) -> None:
    words = ("comment", "out", "--print", "--base", "nowhere")
    shown = perfspec.command(ended.folder.parent, *words, GIT_CEILING_DIRECTORIES=str(ended.folder.parent.parent))
    assert shown.code == 0, shown.err
    assert "## shop smoke on local: FAIL" in shown.out
    assert "is in no git repository" in shown.out


@pytest.mark.parametrize("runs", [0, 1, 80])
def test_a_comment_is_never_longer_than_github_takes(runs, ended) -> None:
    result = read_result(ended.folder)
    changes = "\n".join(f"| loosened | search | limit {n} {'x' * 90} | `specs/a.yaml:{n}` |" for n in range(300))
    text = body([result] * runs, "a --> b", "http://x/" + "y" * 100, changes, "nothing")
    assert text.startswith("<!-- perfspec:a -- b -->")
    assert len(text.encode()) < 60_000
    assert (len(text.encode()) > 50_000) is (runs == 80)
    assert text.endswith(f"[The whole report](http://x/{'y' * 100})\n")
    assert "limit 0 " in text
    assert "limit 299 " not in text
    assert re.search(r"… and \d+ more: `perfspec diff` tells them all", text)
    assert text.count("<details>") == text.count("</details>")
