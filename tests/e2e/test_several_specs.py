"""`perfspec run` over several specs, and the script over it: one table at the end, the worst exit code, one JUnit."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

ROOT = Path(__file__).parents[2]
SPEC = """\
perfspec: 1
service: {service}
environments: {{local: {{url: '{url}', ready: {ready}}}}}
flows:
  look: {{steps: [{{get: /health, name: look, expect: {{status: {status}}}}}, {{pause: 20ms}}]}}
stages:
  smoke: {{phases: [{{name: check, for: 2s, users: 2}}]}}
thresholds:
  look: {{errors: under 10%}}
"""


@pytest.fixture(scope="module")
def ended(healthy, new_folder):
    """Three specs by the script, as people call it: one holds, one does not, one is not ready."""
    folder = new_folder("several")
    for name in ("scripts", "specs"):
        (folder / name).mkdir()
    shutil.copy(ROOT / "scripts/run-load-tests.sh", folder / "scripts")
    rows = {"a-holds": (200, "/ready"), "b-breaks": (418, "/ready"), "c-is-away": (200, "{get: /no, within: 100ms}")}
    for service, (status, ready) in rows.items():
        text = SPEC.format(service=service, url=healthy.url, status=status, ready=ready)
        (folder / f"specs/{service}.yaml").write_text(text)
    (folder / "specs/parts.yaml").write_text("perfspec: 1\nkind: shared\n")
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        command = [str(folder / "scripts/run-load-tests.sh"), *words]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)

    return folder, call, call()


def test_the_last_lines_are_one_table_with_a_line_per_spec(ended) -> None:
    _, _, all_of_them = ended
    table = all_of_them.stdout.split("\n\n")[-1].splitlines()
    assert table[0].split() == ["PASS", "a-holds", "smoke", "on", "local", "1", "of", "1", "limits", "held"]
    assert table[1].split() == ["FAIL", "b-breaks", "smoke", "on", "local", "0", "of", "1", "limits", "held"]
    assert table[2].split() == ["FAIL", "look", "errors", "under", "10%"]
    assert table[3].split() == ["NOT", "RUN", "specs/c-is-away.yaml", "see", "above"]
    assert "GET " in all_of_them.stderr
    assert "/no answered 404" in all_of_them.stderr


def test_the_exit_code_is_the_worst_and_one_junit_file_holds_all_runs(ended) -> None:
    folder, _, all_of_them = ended
    assert all_of_them.returncode == 4
    (junit,) = folder.glob("results/*-all-smoke/junit.xml")
    suites = [suite.get("name") for suite in ET.parse(junit).getroot().iter("testsuite")]
    assert {suite.split()[0] for suite in suites} == {"a-holds", "b-breaks", "c-is-away"}


def test_the_script_runs_one_service_and_passes_options_on(ended) -> None:
    folder, call, _ = ended
    one = call("smoke", "b-breaks", "--quiet", "--seed", "7")
    assert one.returncode == 1, one.stdout + one.stderr
    (junit,) = folder.glob("results/*-b-breaks-smoke/junit.xml")
    assert len(list(ET.parse(junit).getroot().iter("testcase"))) >= 1
    assert call("smoke", "no-such").returncode == 2


def test_results_of_a_folder_are_one_verdict_one_page_and_one_junit(ended, perfspec) -> None:
    """As people call it, with what else lies in results/: the index of runs, and what reports were written there."""
    folder, *_ = ended
    (run,) = folder.glob("results/*-all-smoke")
    (folder / "results/history.sqlite").write_bytes(b"no run")
    (folder / "results/empty").mkdir(exist_ok=True)
    names = [f"results/{name}" for name in (run.name, "history.sqlite", "empty")]
    page = perfspec.command(folder, "report", *names, "--format", "html", "--out", "results/all.html")
    assert page.code == 4
    assert [line for line in page.err.splitlines() if "left out" in line] == [
        "results/history.sqlite holds no run and is left out",
        "results/empty holds no run and is left out",
    ]
    html = (folder / "results/all.html").read_text()
    assert "<h1>3 runs: NOT STARTED, which is no pass</h1>" in html
    assert [html.count(f"<h1>{name} smoke on local</h1>") for name in ("a-holds", "b-breaks", "c-is-away")] == [1] * 3
    junit = perfspec.command(folder, "report", *names, "results/all.html", "--format", "junit")
    suites = ET.fromstring(junit.out.encode()).iter("testsuite")
    assert (junit.code, len({suite.get("name") for suite in suites})) == (4, 9)
    text = perfspec.command(folder, "report", "results")
    assert (text.code, text.out.split("\n\n")[-1].splitlines()[0].split()[:2]) == (4, ["PASS", "a-holds"])
    assert re.search(r"^\d runs: NOT STARTED, which is no pass$", text.out, re.MULTILINE)


def test_a_document_that_holds_no_result_is_never_left_out(ended, perfspec) -> None:
    folder, *_ = ended
    (run,) = folder.glob("results/*-all-smoke")
    (folder / "cut.json").write_text('{"version": 1, "run_')
    both = perfspec.command(folder, "report", str(run / "1"), "cut.json")
    assert (both.code, "cut.json is no result of version 1" in both.err) == (2, True)
    none = perfspec.command(folder, "report", "scripts", "specs")
    assert (none.code, "scripts, specs hold no run (" in none.err) == (2, True)
