"""The use cases behind the commands, as far as they go without a network."""

import errno
import os
import resource
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
from click.testing import CliRunner

from perfspec.app import folder as folders
from perfspec.app import run as running
from perfspec.app.folder import is_held, new_folder, out_folder
from perfspec.app.lint import Checked, SpecFailure, lint
from perfspec.app.plan import plan
from perfspec.app.report import report, runs_in
from perfspec.app.run import Means, run, secrets_of
from perfspec.base.clock import SECOND
from perfspec.base.codec import decode, pretty
from perfspec.base.errors import EnvironmentFailure, ExitCode, UsageFailure
from perfspec.cli.report import report as report_command
from perfspec.cli.report import results_of
from perfspec.engine.signals import ENDING
from perfspec.engine.slicelog import NOTHING_UNWRITTEN, Beginning, End, LoggedSecond, SliceLog
from perfspec.plan.build import Choice
from perfspec.plan.fingerprint import fingerprint
from perfspec.report.result import Result

SPEC = """perfspec: 1
service: shop
environments:
  local: {url: "http://127.0.0.1:9"}
  remote: {url: "http://shop.test"}
  live: {url: "http://shop.test", stages: [other], confirm: this is production}
  asked: {url: "http://127.0.0.1:9", confirm: really}
  tls: {url: "https://shop.test"}
secrets: {key: {from_env: SHOP_KEY, when_local: local-key}}
defaults: {auth: "bearer ${secret.key}"}
flows:
  buy:
    steps:
      - {get: /a, name: a}
stages:
  smoke: {phases: [{name: steady, for: 10s, users: 1}]}
  other: {phases: [{name: steady, for: 10s, users: 1}]}
thresholds:
  a: {errors: under 1%}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """Everything happens in an empty folder, without the environment of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SHOP_KEY", raising=False)
    return tmp_path


@pytest.fixture
def spec(folder) -> str:
    (folder / "shop.yaml").write_text(SPEC)
    return "shop.yaml"


def agree(_: str) -> bool:
    return True


def codes(checked: Checked) -> list[str]:
    return [finding.code for finding in checked.findings]


def test_a_spec_is_checked_with_its_sources(spec) -> None:
    checked = lint(spec)
    assert (checked.findings, checked.has_errors, checked.path) == ([], False, "shop.yaml")
    assert checked.spec is not None
    assert checked.sources["shop.yaml"].text == SPEC


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ('headers: {X-A: "漢"}', "a header cannot hold `漢`"),
        ('headers: {X-A: "a\\nb"}', "a line break in a header value"),
    ],
)
@pytest.mark.parametrize("until", ["", ", until: {status: 200}"])
def test_a_request_that_cannot_be_sent_is_found_before_any_load(folder, options, why, until) -> None:
    (folder / "a.yaml").write_text(SPEC.replace("name: a}", f"name: a, {options}{until}}}"))
    (found,) = lint("a.yaml").findings
    assert (found.code, found.message) == ("PS113", f"this request cannot be sent: {why}")
    assert (found.span.line, found.help) == (14, "look at its headers and body")


@pytest.mark.parametrize("path", ["gone.yaml", "."])
def test_a_file_that_is_not_there_is_a_mistake_of_the_caller(path) -> None:
    with pytest.raises(UsageFailure, match="cannot be read") as caught:
        lint(path)
    assert caught.value.exit_code == ExitCode.SPEC


def test_a_file_that_is_no_text_says_where(folder) -> None:
    (folder / "a.yaml").write_bytes(b"service: \xff")
    (finding,) = (each for each in lint("a.yaml").findings if each.code == "PS012")
    assert (str(finding.span), finding.help) == ("a.yaml:1:10", "save the file as UTF-8")


def test_shared_parts_are_checked_but_cannot_run(folder) -> None:
    (folder / "parts.yaml").write_text("perfspec: 1\nkind: shared\nthresholds: {all: {errors: under 1%}}\n")
    checked = lint("parts.yaml")
    assert (checked.findings, checked.spec) == ([], None)
    with pytest.raises(UsageFailure) as caught:
        plan("parts.yaml", Choice("smoke"))
    assert caught.value.message == "parts.yaml holds shared parts and cannot be run"


def test_what_is_wrong_with_a_spec_ends_planning_with_all_of_it(folder) -> None:
    (folder / "a.yaml").write_text(SPEC.replace("errors: under 1%", "errors: under 1ms, p95: 5"))
    with pytest.raises(SpecFailure) as caught:
        plan("a.yaml", Choice("smoke"))
    assert codes(caught.value.checked) == ["PS606", "PS601"]
    assert (caught.value.exit_code, caught.value.message) == (ExitCode.SPEC, "a.yaml has errors")


def test_a_stage_that_an_environment_does_not_allow_is_refused_for_safety(spec) -> None:
    with pytest.raises(SpecFailure) as caught:
        plan(spec, Choice("smoke", "live"))
    assert (codes(caught.value.checked), caught.value.exit_code) == (["PS503"], ExitCode.ENVIRONMENT)


def test_a_plan_comes_with_its_estimate_and_data(folder) -> None:
    text = SPEC.replace("flows:", "data: {who: {csv: who.csv}}\nflows:").replace("get: /a", 'get: "/a?n=${who.name}"')
    (folder / "a.yaml").write_text(text)
    (folder / "who.csv").write_text("name\nada\n")
    planned = plan("a.yaml", Choice("smoke"))
    assert {name: list(rows) for name, rows in planned.rows.items()} == {"who": [{"name": "ada"}]}
    assert planned.estimate is not None
    assert planned.estimate.rounds["buy"] > 0
    (folder / "who.csv").unlink()
    assert codes(lint("a.yaml")) == ["PS212"]


@pytest.mark.parametrize(
    ("environment", "value", "message"),
    [
        ("remote", None, "the secret `key` is read from SHOP_KEY, which is not set"),
        ("remote", "", "the secret `key` is read from SHOP_KEY, which is not set"),
        ("remote", "short", "the secret `key` is shorter than 6 characters and could not be masked"),
        ("local", "short", "the secret `key` is shorter than 6 characters and could not be masked"),
    ],
)
def test_a_secret_that_is_missing_or_short_ends_the_run_before_any_load(
    spec, folder, monkeypatch, environment, value, message
) -> None:
    if value is not None:
        monkeypatch.setenv("SHOP_KEY", value)
    with pytest.raises(EnvironmentFailure) as caught:
        run(plan(spec, Choice("smoke", environment)), confirm=agree)
    assert caught.value.message == message
    assert not (folder / "results").exists()


def test_the_local_secret_counts_on_this_machine_and_the_environment_wins_over_it(spec, monkeypatch) -> None:
    planned = plan(spec, Choice("smoke", "local"))
    assert secrets_of(planned.checked.spec, planned.plan) == {"key": "local-key"}
    monkeypatch.setenv("SHOP_KEY", "from-outside")
    assert secrets_of(planned.checked.spec, planned.plan) == {"key": "from-outside"}


def test_an_environment_that_asks_is_left_alone_without_a_yes(spec, folder) -> None:
    asked = []
    with pytest.raises(EnvironmentFailure, match="wants to be confirmed: really"):
        run(plan(spec, Choice("smoke", "asked")), confirm=lambda text: bool(asked.append(text)))
    assert asked == ["asked: really"]
    assert not (folder / "results").exists()


def test_a_data_file_that_is_no_text_is_said(folder) -> None:
    text = SPEC.replace("flows:", "data: {who: {csv: who.csv}}\nflows:")
    (folder / "a.yaml").write_text(text)
    (folder / "who.csv").write_bytes(b"name\n\xff\n")
    (found,) = lint("a.yaml").findings
    assert (found.code, found.message, found.help) == ("PS212", "`who.csv` is not UTF-8 text", "save the file as UTF-8")


@pytest.mark.usefixtures("folder")
def test_run_folders_never_collide(spec) -> None:
    built = plan(spec, Choice("smoke")).plan
    with new_folder(built) as first, new_folder(built) as second, new_folder(built) as third:
        pass
    assert len({first, second, third}) == 3
    assert all(path.parent == Path("results") and "-shop-smoke" in path.name for path in (first, second, third))


def a_run(folder: Path, word: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "slices.jsonl").write_text(word)


def test_the_newest_run_gets_the_folder_that_was_asked_for_and_no_other_is_lost(folder) -> None:
    told: list[str] = []
    for word in ("first", "second", "third"):
        with out_folder("out/here", told.append) as out:
            assert out == Path("out/here")
            assert not list(out.iterdir())
            a_run(out, word)
    assert (folder / "out/here/slices.jsonl").read_text() == "third"
    assert (folder / "out/here-1/slices.jsonl").read_text() == "first"
    assert (folder / "out/here-2/slices.jsonl").read_text() == "second"
    assert told == [f"out/here held an earlier run, which is in out/here-{n} now" for n in (1, 2)]


def test_the_runs_of_several_specs_are_moved_together(folder) -> None:
    for name in ("1", "2"):
        a_run(folder / "out" / name, name)
    (folder / "out/junit.xml").write_text("of both")
    with out_folder("out", print) as out:
        assert not list(out.iterdir())
    assert sorted(path.name for path in (folder / "out-1").iterdir()) == ["1", "2", "junit.xml"]


@pytest.mark.parametrize(
    ("made", "out", "message"),
    [
        ("results/20260101-shop/slices.jsonl", "results", "results holds runs in folders of their own, such as 2026"),
        ("slices.jsonl", ".", ". holds a run and cannot be moved aside"),
        ("out/junit.xml", "out", "out/junit.xml is there already, and of no run"),
        ("out/report.html", "out", "out/report.html is there already, and of no run"),
        ("taken", "taken", "taken is a file"),
        ("taken", "taken/below", "taken/below cannot be made: "),
    ],
)
def test_what_cannot_be_moved_is_left_alone(folder, made, out, message) -> None:
    (folder / made).parent.mkdir(parents=True, exist_ok=True)
    (folder / made).write_text("mine")
    with pytest.raises(EnvironmentFailure) as caught, out_folder(out, print):
        pass
    assert str(caught.value.message).startswith(message)
    assert caught.value.hint
    assert (folder / made).read_text() == "mine"


@pytest.mark.usefixtures("folder")
def test_a_run_that_is_being_written_is_not_moved_away() -> None:
    """Neither by its name, before its first file and after, nor by that of the folder around it."""
    for holds_run, other in ((False, "out/1"), (True, "out/1"), (True, "out")):
        with out_folder("out/1", lambda _: None) as held:
            if holds_run:
                a_run(held, "mine")
            with pytest.raises(EnvironmentFailure, match="out/1 is being written"), out_folder(other, print):
                pass
            assert list(held.iterdir()) == [held / "slices.jsonl"] * holds_run
        shutil.rmtree("out")
    with out_folder("out", print), pytest.raises(EnvironmentFailure, match="out is being"), out_folder("out", print):
        pass


def test_a_run_that_goes_on_is_not_reported_on_and_nothing_of_it_is_written(spec, folder) -> None:
    planned = plan(spec, Choice("smoke")).plan
    assert planned is not None
    with out_folder("out", print) as held:
        (held / "plan.json").write_bytes(pretty(planned))
        with pytest.raises(EnvironmentFailure, match="out is still running, nothing sent yet"):
            results_of([held])
        log = SliceLog(held)
        log.write(LoggedSecond(10, (), 1))
        log.close()
        before = sorted(held.iterdir())
        for form in ("text", "json"):
            said = CliRunner().invoke(report_command, ["out", "--format", form])
            assert isinstance(said.exception, EnvironmentFailure)
            assert said.exception.message == "out is still running, 10s so far"
        assert sorted(held.iterdir()) == before
    assert not is_held(folder / "out")


@pytest.mark.parametrize("fails", [False, True])
def test_nobody_writes_to_a_folder_or_ends_the_run_while_its_result_is_made(spec, folder, monkeypatch, fails) -> None:
    """Told to end by a terminal that is closed, say; and another run is begun with the same name."""

    async def carry_out(*given: object) -> None:
        if fails:
            raise EnvironmentFailure("setup failed")
        given[3].write(End("finished", 10 * SECOND))

    made: list[Path] = []

    def reported(folder: Path, *rest: object):
        for number in ENDING:
            os.kill(os.getpid(), number)
        with pytest.raises(EnvironmentFailure, match="is being written by another run"), out_folder("out", print):
            pass
        made.append(folder)
        return report(folder, *rest)

    monkeypatch.setattr(running, "engine_run", carry_out)
    monkeypatch.setattr(running, "report", reported)
    means = Means("out")
    with pytest.raises(EnvironmentFailure, match="setup failed") if fails else nullcontext():
        run(plan(spec, Choice("smoke")), means=means, confirm=lambda _: True)
    assert made == [Path("out")]
    assert (folder / "out/result.json").exists()
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL


@pytest.mark.usefixtures("folder")
def test_a_folder_that_is_moved_before_it_is_held_is_made_again(monkeypatch) -> None:
    """As by another run that had it a moment before."""
    lock, moved = folders._lock, []

    def late(at: Path) -> int | None:
        found = lock(at)
        if not moved:
            moved.append(at.rename("elsewhere"))
        return found

    monkeypatch.setattr(folders, "_lock", late)
    with out_folder("out", print) as out:
        assert out.is_dir()
    assert moved


def test_what_is_no_run_stays_where_it_is(folder) -> None:
    (folder / "out").mkdir()
    (folder / "out/mine.txt").write_text("mine")
    with out_folder("out", print) as out:
        assert out == Path("out")
    assert (folder / "out/mine.txt").read_text() == "mine"
    a_run(folder / "out", "first")
    with out_folder("out", lambda _: None) as out:
        assert [path.name for path in out.iterdir()] == ["mine.txt"]
    assert [path.name for path in (folder / "out-1").iterdir()] == ["slices.jsonl"]


def test_files_that_are_called_like_those_of_a_run_make_none(folder) -> None:
    for name in ("junit.xml", "report.html", "plan.json", "result.json", "terraform/plan.json"):
        (folder / "reports" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "reports" / name).write_text('{"version": 1}')
    with pytest.raises(EnvironmentFailure, match=r"is there already, and of no run"), out_folder("reports", print):
        pass
    with out_folder("reports", print, for_several=True) as out:
        assert out == Path("reports")
    assert len(list((folder / "reports").iterdir())) == 5
    assert not (folder / "reports-1").exists()


def test_a_folder_that_stays_a_mount_keeps_the_earlier_runs_in_it(folder, monkeypatch) -> None:
    """What is beside a mount is another file system."""
    out, rename = folder / "out", Path.rename

    def across(path: Path, to: Path) -> Path:
        if Path(to).absolute().is_relative_to(out) != path.absolute().is_relative_to(out):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return rename(path, to)

    monkeypatch.setattr(Path, "rename", across)
    told: list[str] = []
    for word in ("first", "second", "third"):
        with out_folder("out", told.append, for_several=True):
            a_run(out / "1", word)
            a_run(out / "2", word)
    assert told == [f"out held an earlier run, which is in out/earlier-{n} now" for n in (1, 2)]
    assert (out / "earlier-1/2/slices.jsonl").read_text() == "first"
    assert runs_in([Path("out")]) == ([Path("out/1"), Path("out/2")], [])
    assert not (folder / "out-1").exists()


@pytest.fixture
def run_folder(spec, folder) -> Path:
    """What a run leaves behind."""
    target = folder / "results" / "one"
    target.mkdir(parents=True)
    built = plan(spec, Choice("smoke", "local")).plan
    (target / "plan.json").write_bytes(pretty(built))
    log = SliceLog(target)
    log.write(Beginning("r1", "2026-01-02T03:04:05+00:00", built.hash, "0.1.0"))
    log.write(LoggedSecond(1, 1, []))
    log.write(End("finished", 10 * SECOND))
    log.close()
    return target


def test_a_result_is_made_of_the_run_folder_again_and_again(run_folder) -> None:
    first = report(run_folder)
    assert (first.result.ended, first.result.outcome, first.problems) == ("finished", "INCONCLUSIVE", ())
    written = {path.name: path.read_bytes() for path in run_folder.iterdir()}
    assert sorted(written) == ["junit.xml", "plan.json", "report.html", "result.json", "slices.jsonl"]
    assert decode(written["result.json"], Result) == first.result
    assert report(run_folder).result == first.result
    assert {path.name: path.read_bytes() for path in run_folder.iterdir()} == written


def test_a_log_that_was_torn_makes_a_result(run_folder) -> None:
    log = run_folder / "slices.jsonl"
    log.write_bytes(log.read_bytes()[:-20])
    assert (report(run_folder).result.ended, report(run_folder).result.exit_code) == ("torn", 3)


@contextmanager
def no_more_room(path: Path) -> Iterator[None]:
    """No file of this process may be larger than that one and a few bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 10, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_what_the_log_cannot_take_is_in_the_result(run_folder) -> None:
    log_file = run_folder / "slices.jsonl"
    log_file.unlink()
    log = SliceLog(run_folder)
    log.write(Beginning("r1", "2026-01-02T03:04:05+00:00", "h", "0.1.0"))
    with no_more_room(log_file):
        log.write(LoggedSecond(1, 1, []))
        log.write(End("finished", 10 * SECOND))
        unwritten = log.unwritten
        assert log_file.read_bytes().count(b"\n") == 1  # no half a line after it
    found = report(run_folder, unwritten=unwritten)
    assert (found.result.ended, len(found.result.seconds)) == ("finished", 1)
    said = "slices.jsonl could not be written any further: File too large; 1 s of this result stand in no log"
    assert (found.problems, found.result.notes) == ((said,), (said,))
    log.close()  # there is room again: nothing is lost
    assert log.unwritten == NOTHING_UNWRITTEN
    whole = report(run_folder)
    assert (whole.result.ended, len(whole.result.seconds), whole.problems) == ("finished", 1, ())


def test_half_a_report_is_not_left_behind(run_folder) -> None:
    with no_more_room(run_folder / "slices.jsonl"):
        problems = report(run_folder).problems
    assert any("result.json could not be written" in problem for problem in problems)
    assert not list(run_folder.glob("*.part"))


def test_a_report_that_cannot_be_written_is_told_and_the_others_are(run_folder) -> None:
    (run_folder / "result.json").mkdir()
    (problem,) = report(run_folder).problems
    assert problem.startswith(f"{run_folder / 'result.json'} could not be written:")
    assert (run_folder / "junit.xml").is_file()


@pytest.mark.parametrize("lost", ["plan.json", "slices.jsonl"])
def test_a_folder_without_a_run_is_a_mistake_of_the_caller(run_folder, lost) -> None:
    (run_folder / lost).unlink()
    with pytest.raises(UsageFailure, match="holds no run") as caught:
        report(run_folder)
    assert caught.value.hint == "name a folder below results/"


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b"\xff"])
def test_a_plan_that_cannot_be_read_is_no_run(run_folder, text) -> None:
    (run_folder / "plan.json").write_bytes(text)
    with pytest.raises(UsageFailure, match="holds no run"):
        report(run_folder)


UPLOAD = SPEC.replace("{get: /a, name: a}", "{post: /a, name: a, form: {picture: {file: p.jpg}, text: {file: t.txt}}}")


def test_another_content_of_an_uploaded_file_is_another_plan(folder) -> None:
    """Large ones too, which are never held as a whole."""
    assert UPLOAD != SPEC
    (folder / "shop.yaml").write_text(UPLOAD)
    (folder / "t.txt").write_text("text")
    large = bytearray(3_000_000)
    found = []
    for last in (b"a", b"b", b"a"):
        large[-1:] = last
        (folder / "p.jpg").write_bytes(large)
        made = plan("shop.yaml", Choice("smoke")).plan
        assert made is not None
        assert [(file.path, file.n_bytes) for file in made.uploads] == [("p.jpg", 3_000_000), ("t.txt", 4)]
        found.append((made.hash, fingerprint(made, "")))
    assert found[0] == found[2]
    assert all(one != other for one, other in zip(found[0], found[1], strict=True))
