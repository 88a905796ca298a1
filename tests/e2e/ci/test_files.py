"""The action and the workflows as files: valid by their schemas, few rights, pinned actions, no step that nobody runs.

What else the documentation gives to copy is run as well: the snippets for GitLab and Jenkins.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml

ROOT = Path(__file__).parents[3]
ACTION = ROOT / "action.yml"
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
GUIDE = ROOT / "docs/guide/ci.md"
SPEC = """perfspec: 1
service: search
environments: {{local: {{url: "{url}"}}}}
flows: {{look: {{steps: [{{get: /health, name: look}}, {{pause: 50ms}}]}}}}
stages: {{smoke: {{phases: [{{for: 1s, users: 1}}]}}}}
thresholds: {{look: {{errors: under 1%}}}}
"""


def schema_check(not_checked_here, kind: str, *files: Path) -> None:
    program = Path(sys.executable).with_name("check-jsonschema")
    if not program.exists():
        not_checked_here("check-jsonschema is missing")
    ended = subprocess.run([str(program), "--builtin-schema", kind, *map(str, files)], capture_output=True, text=True,
                           check=False)  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_action_and_workflows_keep_to_their_published_schemas(not_checked_here) -> None:
    schema_check(not_checked_here, "vendor.github-actions", ACTION)
    schema_check(not_checked_here, "vendor.github-workflows", *WORKFLOWS)


def test_there_are_the_four_workflows() -> None:
    assert [path.stem for path in WORKFLOWS] == ["ci", "perf-nightly", "perf-smoke", "perf-stress"]


def scripts() -> list[tuple[str, str]]:
    """Every `run:` of the action and the workflows, with where it stands."""
    action = yaml.safe_load(ACTION.read_text())["runs"]["steps"]
    found = [("action", step) for step in action]
    for path in WORKFLOWS:
        for name, job in yaml.safe_load(path.read_text())["jobs"].items():
            found += [(f"{path.stem} {name}", step) for step in job["steps"]]
    return [(where, step["run"]) for where, step in found if "run" in step]


@pytest.mark.parametrize(("where", "script"), scripts())
def test_no_script_holds_an_expression(where, script) -> None:
    """What a pull request says must not become part of a script: inputs come through the environment."""
    assert "${{" not in script, where


@pytest.mark.parametrize("path", [ACTION, *WORKFLOWS], ids=lambda path: path.stem)
def test_actions_are_pinned_to_a_release(path) -> None:
    used = re.findall(r"^ *(?:- )?uses: (\S+)", path.read_text(), re.MULTILINE)
    assert used
    for name in used:
        assert name == "./" or re.fullmatch(r"actions/[a-z-]+@v\d+\.\d+\.\d+", name), name


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_has_few_rights_an_end_and_no_second_run_beside_it(path) -> None:
    document = yaml.safe_load(path.read_text())
    assert document["permissions"] == {"contents": "read"}
    assert "github.workflow" in document["concurrency"]["group"]
    may_write = {(name, right) for name, job in document["jobs"].items() for right, level in
                 job.get("permissions", {}).items() if level == "write"}  # fmt: skip
    assert may_write == ({("smoke", "pull-requests")} if path.stem == "perf-smoke" else set())
    for name, job in document["jobs"].items():
        assert job["timeout-minutes"] <= 90, name
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout"):
                assert step["with"]["persist-credentials"] is False, name


def test_every_step_is_run_by_a_test() -> None:
    """Those of the action, the smoke, the night and the week by the tests beside this one; the rest is here."""
    whole = {"action", "perf-smoke smoke", "perf-smoke gate", "perf-nightly load", "perf-stress stress"}
    here = {("ci test", ".ci/setup"), ("ci test", MAKE), ("ci required", 'test "$RESULT" = success')}
    assert {(where, script) for where, script in scripts() if where not in whole} == here


MAKE = "make test PYTHON=python ARGS=--junit-xml=results/tests.xml"


def test_the_own_tests_are_style_types_and_tests_with_a_junit_file(tmp_path) -> None:
    """`make test` in a copy whose programs only say how they are called; the installation is there."""
    programs = tmp_path / ".venv/bin"
    programs.mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / ".ci").mkdir()
    for path in (tmp_path / ".ci/requirements.lock", tmp_path / "pyproject.toml"):
        path.write_text("")
    for name in ("ruff", "mypy", "python"):
        (programs / name).write_text(f'#!/bin/sh\necho {name} "$@"\n')
        (programs / name).chmod(0o755)
    (tmp_path / f".venv/.installed-{sys.version_info[0]}.{sys.version_info[1]}").write_text("")
    environment = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    ended = subprocess.run(["bash", "-e", "-c", MAKE], cwd=tmp_path, env=environment, capture_output=True, text=True,
                           check=False)  # fmt: skip
    assert ended.stdout.splitlines() == [
        "ruff check .", "ruff format --check .", "mypy",
        "python -m pytest --cov --cov-report=term --junit-xml=results/tests.xml",
    ], ended.stderr  # fmt: skip


def test_setup_asks_for_the_packages_of_what_is_missing_and_never_fails(tmp_path) -> None:
    """With an apt-get that says how it is called, and one that fails."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "id", "env", "sudo"):
        if found := shutil.which(name):
            (tools / name).symlink_to(found)
    for code in (0, 1):
        (tools / "apt-get").write_text(f'#!/bin/sh\necho "apt-get $*" >&2\nexit {code}\n')
        (tools / "apt-get").chmod(0o755)
        ended = subprocess.run([str(tools / "bash"), str(ROOT / ".ci/setup")], env={"PATH": str(tools)}, text=True,
                               capture_output=True, check=False)  # fmt: skip
        assert ended.returncode == 0, ended.stderr
        if os.geteuid() == 0:
            assert re.search(r"apt-get install .* gh\b", ended.stderr), ended.stderr
            assert ("could not be installed" in ended.stdout) is bool(code)


@pytest.mark.parametrize(("result", "code"), [("success", 0), ("failure", 1), ("cancelled", 1), ("skipped", 1)])
@pytest.mark.parametrize("job", ["ci required", "perf-smoke gate"])
def test_the_one_check_that_a_branch_rule_names_reports_what_the_job_ended_with(job, result, code) -> None:
    (script,) = (script for where, script in scripts() if where == job)
    ended = subprocess.run(["bash", "-e", "-c", script], env={"RESULT": result}, check=False)
    assert ended.returncode == code


@pytest.mark.parametrize(("workflow", "job"), [("ci", "required"), ("perf-smoke", "gate")])
def test_that_check_is_never_skipped(workflow, job, workflows) -> None:
    assert workflows[workflow]["jobs"][job]["if"] == "${{ always() }}"


# what the guide gives to copy


def snippet(language: str, part: str) -> str:
    (found,) = (text for text in re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text(), re.DOTALL) if part in text)
    return found


@pytest.fixture(scope="module")
def folder(new_folder, healthy) -> Path:
    """A checkout with one spec."""
    found = new_folder("servers")
    (found / "specs").mkdir()
    (found / "specs/search.yaml").write_text(SPEC.format(url=healthy.url))
    return found


def call(folder: Path, command: str) -> None:
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    ended = subprocess.run(["bash", "-e", "-c", command], cwd=folder, env=environment, capture_output=True, text=True,
                           check=False)  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_snippet_for_gitlab_runs_and_leaves_what_it_names(folder, tmp_path, not_checked_here) -> None:
    text = snippet("yml", "junit-file-attr")
    path = tmp_path / ".gitlab-ci.yml"
    path.write_text(text)
    schema_check(not_checked_here, "vendor.gitlab-ci", path)
    (job,) = yaml.safe_load(text).values()
    install, *script = job["script"]
    assert install.startswith("pip install ")
    for command in script:
        call(folder, command.replace("--out out", "--out gitlab"))
    report = folder / job["artifacts"]["reports"]["junit"].replace("out/", "gitlab/")
    files = {case.get("file") for case in ET.parse(report).getroot().iter("testcase")}
    assert files == {"specs/search.yaml"}
    assert job["artifacts"]["when"] == "always"


def test_the_snippet_for_jenkins_runs_and_leaves_what_it_names(folder) -> None:
    text = snippet("groovy", "junit")
    (command,) = re.findall(r"sh '([^']+)'", text)
    call(folder, command.replace("--out out", "--out jenkins"))
    (report,) = re.findall(r"junit '([^']+)'", text)
    assert ET.parse(folder / report.replace("out/", "jenkins/")).getroot().tag == "testsuites"


def test_the_five_lines_of_the_guide_name_inputs_that_the_action_has() -> None:
    steps = yaml.safe_load(snippet("yml", "OWNER/perfspec"))
    known = yaml.safe_load(ACTION.read_text())["inputs"]
    (given,) = (step["with"] for step in steps if step["uses"].startswith("OWNER/perfspec@"))
    assert given.keys() <= known.keys()
    rows = (line.split("|")[1] for line in GUIDE.read_text().splitlines() if line.startswith("| `"))
    assert {name for row in rows for name in re.findall(r"`([a-z-]+)`", row)} == known.keys()
