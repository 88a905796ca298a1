"""The smaller formats: what they say, what they leave out, and that nothing of an answer becomes more than text."""

import csv
import re
from io import StringIO

import pytest

from perfspec.base.units import BYTE_NS, NUMBER_NS
from perfspec.report.csv import to_csv
from perfspec.report.formats import FORMATS
from perfspec.report.github import to_github
from perfspec.report.markdown import MOST_BYTES, escaped, to_markdown
from perfspec.report.prometheus import many_to_prometheus

MS = 1_000_000
HOSTILE = "</script><img src=x onerror=alert(1)>|`%0A\n::error::x\u202e=1+1"


@pytest.fixture
def broken(result, piece):
    """`search` breaks both of its limits, one kind of error is a text of the service's own making."""
    return result(
        piece("search", 400, second=20, over={120 * MS: 60}, errors={f"check s.yaml:9 {HOSTILE}": 20}, answered=380),
        piece("job", 60, second=20, timer="wait", over={9000 * MS: 0}, ms=800),
    )


def test_every_format_can_say_one_run_and_several(result, good, broken) -> None:
    for name, form in FORMATS.items():
        one, two = form.render([result(*good)]), form.render([result(*good), broken])
        assert (len(two) > len(one)) or name == "github", name


def tables(text: str) -> list[list[dict[str, str]]]:
    return [list(csv.DictReader(StringIO(part))) for part in text.split("\n\n")]


def test_csv_has_a_table_of_verdicts_and_one_of_series(result, good) -> None:
    verdicts, series = tables(to_csv(result(*good)).decode())
    assert [(row["threshold"], row["outcome"], row["requests"], row["bad"]) for row in verdicts] == [
        ("search p95 at most 120ms", "PASS", "400", "3"),
        ("search errors under 1%", "PASS", "400", "0"),
        ("job wait p95 at most 9s", "PASS", "60", "0"),
    ]
    assert verdicts[0]["spec"] == "s.yaml:30:12"
    assert [row["strength"] for row in verdicts] == ["clear", "clear", "clear"]
    (search,) = (row for row in series if row["request"] == "search")
    assert (search["requests"], search["p95_ms"]) == ("400", "40.031")


def test_csv_has_the_words_of_the_table_for_how_sure_a_verdict_is(result, good, piece) -> None:
    few = piece("search", 40, second=20, over={120 * MS: 1})
    verdicts, _ = tables(to_csv(result(few, *good[1:])).decode())
    assert [row["strength"] for row in verdicts] == ["few requests", "few requests", "clear"]


@pytest.fixture
def with_numbers(result, piece):
    """A request whose answers are 1536 B and hold 7 tokens, beside its times."""
    return result(
        piece("search", 400, second=20, over={120 * MS: 3}, ms=40),
        piece("search", 400, second=20, timer="size", ms=1536 * BYTE_NS / MS),
        piece("search", 400, second=20, timer="tokens", ms=7 * NUMBER_NS / MS),
        piece("job", 60, second=20, timer="wait", answered=0, errors={"reset": 60}),
    )


def test_csv_has_milliseconds_of_times_alone(with_numbers) -> None:
    _, series = tables(to_csv(with_numbers).decode())
    columns = ("p95_ms", "mean_ms", "service_p95_ms", "p95", "mean")
    shown = {(row["timer"], row["unit"]): tuple(row[column] for column in columns) for row in series}
    assert shown["size", "bytes"] == ("", "", "", "1536.0", "1536.0")
    assert shown["tokens", "number"][:4] == ("", "", "", "7.0")
    assert float(shown["tokens", "number"][4]) == pytest.approx(7, rel=0.001)
    assert shown["", "ms"][0] == shown["", "ms"][3] == "40.031"
    assert shown["wait", "ms"] == ("",) * 5  # nobody was answered


def test_prometheus_has_seconds_of_times_alone(with_numbers) -> None:
    text = many_to_prometheus([with_numbers]).decode()
    assert {*re.findall(r'perfspec_response_seconds\{.*timer="(\w+)"', text)} == {"request"}
    found = dict(re.findall(r'perfspec_recorded_value\{.*timer="(\w+)".*percentile="p95"\} (\S+)', text))
    assert found == {"size": "1536.0", "tokens": "7.0"}


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t1"])
def test_no_spreadsheet_takes_a_text_for_a_formula(result, piece, text) -> None:
    assert f",{text}" not in to_csv(result(piece(text, second=20))).decode()


def test_markdown_begins_with_the_verdict_and_puts_what_broke_first(broken) -> None:
    lines = to_markdown(broken).decode().splitlines()
    assert lines[0] == "## shop smoke on local: FAIL (30s judged)".partition(" (")[0]
    rows = [line.split(" | ")[0] for line in lines if line.startswith(("| ✅", "| ❌"))]
    assert rows == ["| ❌ FAIL", "| ❌ FAIL", "| ✅ PASS"]


def test_a_comment_fits_whatever_a_run_brought(result, piece) -> None:
    many = [piece(f"request {n} {'x' * 200}", second=20, errors={"timeout": 1}) for n in range(2000)]
    text = to_markdown(result(*many))
    assert MOST_BYTES - 500 < len(text) <= MOST_BYTES
    assert text.decode().endswith("the whole report is in the run folder.\n")


def test_text_is_text_in_markdown(broken) -> None:
    assert re.search(r"(?<!\\)<(?!/?(details|summary)>)", to_markdown(broken).decode()) is None
    assert escaped("a|b\n`c` <img> @all") == r"a\|b \`c\` \<img\> \@all"


def test_github_marks_the_line_of_the_broken_limit(broken) -> None:
    lines = to_github(broken).decode().splitlines()
    place, _, text = lines[0].rpartition("::")
    assert place == "::error file=s.yaml,line=30,col=12,title=shop smoke%3A FAIL"
    assert text.startswith("search p95 at most 120ms: 15.0 %25 slower or failed")
    assert len(lines) == 2  # one per broken limit, whatever line breaks a text held


def test_github_shows_at_most_ten_of_a_kind(plan_of, result) -> None:
    spec = "environments: {local: {url: http://127.0.0.1:1}}\nflows: {f: {steps: [" + ", ".join(
        f"{{get: /{n}, name: r{n}}}" for n in range(20)
    )
    spec += "]}}\nstages: {smoke: {phases: [{for: 40s, users: 1}]}}\nthresholds:\n"
    plan = plan_of(spec + "".join(f"  r{n}: {{p95: at most 1ms}}\n" for n in range(20)))
    lines = to_github(result(of=plan)).decode().splitlines()
    assert len(lines) == 10
    assert lines[-1] == "::error::11 more; the report of the run has them all"


def test_nothing_is_said_to_github_where_all_is_well(result, good) -> None:
    assert to_github(result(*good)) == b""


def test_prometheus_text_has_each_family_once(result, good, broken) -> None:
    text = many_to_prometheus([result(*good), broken]).decode()
    types = re.findall(r"^# TYPE (\S+)", text, re.MULTILINE)
    assert len(types) == len(set(types)) == 8
    assert 'perfspec_run_outcome{service="shop",stage="smoke",environment="local",outcome="FAIL"} 1.0' in text
    assert re.search(r'perfspec_threshold_bad_share\{[^}]*threshold="search p95 at most 120ms"\} 0\.15\n', text)


def test_kinds_of_error_are_bounded_in_metrics(result, piece) -> None:
    errors = {f"check s.yaml:{n} x": 1 for n in range(300)}
    text = many_to_prometheus([result(piece("search", 400, second=20, errors=errors))]).decode()
    kinds = re.findall(r'perfspec_failed_requests\{.*kind="([^"]*)"\} ([\d.]+)', text)
    assert len(kinds) == 21
    assert kinds[-1] == ("other", "280.0")
