"""The shipped specs on the embedded services, as `make run` and a nightly run use them."""

import re
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SPECS = sorted(path.name for path in (ROOT / "specs").glob("*.yaml"))


@pytest.fixture
def suite(new_folder, free_port):
    """The suite in a folder of its own, and its services at ports of their own."""
    folder = new_folder("suite")
    for name in ("specs", "fixtures"):
        shutil.copytree(ROOT / name, folder / name)
    for name in SPECS:
        path, port = folder / "specs" / name, str(free_port())
        text, count = re.subn(
            r"(127\.0\.0\.1:|--port )808\d", lambda found, port=port: found[1] + port, path.read_text()
        )
        assert count == 2
        path.write_text(text)
    return folder


def begin(perfspec, folder, name, *options):
    return perfspec.begin_command(folder, "run", f"specs/{name}", "--out", f"out-{name}", "--quiet", *options)


def ended(begun, folder, name, timeout=60):
    done = begun.end(timeout)
    return type(done)(done.code, done.out, done.err, folder / f"out-{name}", done.seconds)


def test_every_request_of_every_spec_is_answered_as_expected(suite, perfspec) -> None:
    shared = suite / "specs/shared/suite.yaml"
    text = shared.read_text()
    shared.write_text(text.replace("for: 30s", "for: 8s").replace("extend_to: 90s", "extend_to: 9s"))
    assert shared.read_text() != text
    runs = {name: begin(perfspec, suite, name) for name in SPECS}
    for name, begun in runs.items():
        run = ended(begun, suite, name)
        assert run.code in (0, 1, 3), run.out + run.err  # three runs at once on a busy machine may be slow
        assert run.errors() == {}, run.out
        named = set(re.findall(r"^ +name: ([\w-]+)$", (suite / "specs" / name).read_text(), re.MULTILINE))
        seen = {summary["key"][0] for summary in run.result["summaries"]}
        assert named <= seen, named - seen


@pytest.mark.slow
def test_the_smoke_of_all_specs_passes_and_ends_with_one_table(suite, perfspec) -> None:
    done = perfspec.begin_command(suite, "run", *(f"specs/{name}" for name in SPECS), "--quiet").end(timeout=400)
    assert done.code == 0, done.out + done.err
    table = done.out.split("\n\n")[-1].splitlines()
    assert [line.split()[:3] for line in table] == [["PASS", name.removesuffix(".yaml"), "smoke"] for name in SPECS]


@pytest.mark.slow
@pytest.mark.parametrize("name", SPECS)
def test_the_load_stage_at_a_tenth_of_its_time_passes(name, suite, perfspec) -> None:
    run = ended(begin(perfspec, suite, name, "--stage", "load", "--time-scale", "0.1"), suite, name, timeout=200)
    assert run.code == 0, run.out + run.err
    assert {verdict["outcome"] for verdict in run.result["verdicts"]} == {"PASS"}
