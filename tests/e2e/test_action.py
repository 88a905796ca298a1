"""The action and the workflows: valid by their schemas, and every step run in a real shell as GitHub would run it.

A repository with a service of its own is cloned and changed, and the action runs on the change. One that leaves the
service well is green; one that slows it down is red, and says which request, which limit and which line.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ACTION = ROOT / "action.yml"
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
SITE = next(path for path in sys.path if path.endswith("site-packages"))
SERVICE = """import os, sys
options = {options}
os.execv(sys.executable, [sys.executable, "-m", "perfspec", "serve", "search", "--port", sys.argv[1], *options])
"""
SPEC = """perfspec: 1
service: search
run_when_changed: [services/search/**]
environments:
  local:
    url: http://127.0.0.1:{port}
    ready: /health
    start: {{command: '"{python}" services/search/serve.py {port}', ready: /health, within: 30s}}
secrets: {{api_key: {{from_env: SEARCH_API_KEY, when_local: perf-local-key}}}}
defaults: {{auth: "bearer ${{secret.api_key}}"}}
flows:
  look:
    steps:
      - get: /v1/suggest?q=we
        name: suggest
      - pause: 20ms
stages:
  smoke: {{phases: [{{for: 4s, users: 4}}]}}
thresholds:
  suggest: {{p95: at most 300ms}}
"""
LIMIT_LINE = SPEC[: SPEC.index("  suggest: {{p95")].count("\n") + 1
IDENTITY = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")


NIGHTLY = {
    step["name"]: step
    for step in yaml.safe_load((ROOT / ".github/workflows/perf-nightly.yml").read_text())["jobs"]["load"]["steps"]
    if "run" in step
}


@dataclass
class Job:
    """A composite action as it is run: steps in their order, with their conditions, outputs and files."""

    folder: Path
    temporary: Path
    installed: Path
    """RUNNER_TEMP; what is installed into it once serves every job of this file."""
    inputs: dict[str, str]
    environment: dict[str, str]
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    log: str = ""
    code: int = 0
    used: list[str] = field(default_factory=list)

    def run(self) -> "Job":
        document = yaml.safe_load(ACTION.read_text())
        self.inputs = {name: str(each.get("default", "")) for name, each in document["inputs"].items()} | self.inputs
        for step in document["runs"]["steps"]:
            if not self.holds(step.get("if", "success()")):
                continue
            if step.get("name") == "Install perfspec" and (self.installed / "perfspec/bin/perfspec").exists():
                (self.temporary / "path").write_text(f"{self.installed}/perfspec/bin\n")
                continue
            if "uses" in step:
                self.used.append(step["uses"])
            else:
                self.step(step)
        self.result = {name: self.filled(each["value"]) for name, each in document["outputs"].items()}
        return self

    def step(self, step: dict[str, Any]) -> None:
        assert step["shell"] == "bash"
        assert "${{" not in step["run"], "what a pull request says must not become part of a script"
        paths = {name: self.temporary / name for name in ("output", "path", "summary")}
        for path in paths.values():
            path.touch()
        values = {name: self.filled(value) for name, value in step.get("env", {}).items()}
        added = ":".join(reversed(paths["path"].read_text().split()))
        ended = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.folder,
            env=self.environment | values | {
                "PATH": f"{added}:{self.environment['PATH']}" if added else self.environment["PATH"],
                "GITHUB_OUTPUT": str(paths["output"]),
                "GITHUB_PATH": str(paths["path"]),
                "GITHUB_STEP_SUMMARY": str(paths["summary"]),
                "RUNNER_TEMP": str(self.installed),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )  # fmt: skip
        self.log += ended.stdout
        if ended.returncode and not step.get("continue-on-error"):
            self.code = self.code or ended.returncode
        if "id" in step:
            pairs = (line.split("=", 1) for line in paths["output"].read_text().splitlines())
            self.outputs[step["id"]] = dict(pairs)

    @property
    def summary(self) -> str:
        return (self.temporary / "summary").read_text()

    def value(self, name: str) -> str:
        kind, _, rest = name.partition(".")
        if kind == "inputs":
            return self.inputs[rest]
        if kind == "steps":
            step, _, output = rest.partition(".outputs.")
            return self.outputs.get(step, {}).get(output, "")
        known = {"github.event_name": self.environment["GITHUB_EVENT_NAME"], "github.action_path": str(ROOT),
                 "github.token": "right-token", "github.server_url": "http://hub.test", "github.repository": "o/r",
                 "github.run_id": "11"}  # fmt: skip
        return known[name]

    def filled(self, text: object) -> str:
        return re.sub(r"\$\{\{(.*?)\}\}", lambda found: self.evaluated(found[1]), str(text))

    def evaluated(self, expression: str) -> Any:
        words = {"always()": "True", "success()": str(self.code == 0), "&&": " and ", "||": " or "}
        text = re.sub(r"\b(?:inputs|steps|github)\.[\w.-]+", lambda found: repr(self.value(found[0])), expression)
        for word, meaning in words.items():
            text = text.replace(word, meaning)
        return eval(text.strip(), {"__builtins__": {}})  # our own file, and nothing to call

    def holds(self, condition: str) -> bool:
        text = condition.strip().removeprefix("${{").removesuffix("}}")
        is_asked = self.evaluated(text)
        return bool(is_asked) and (self.code == 0 or "always()" in condition)


@pytest.fixture(scope="module")
def git() -> Callable[..., str]:
    def run(folder: Path, *words: str) -> str:
        command = ["git", "-C", str(folder), *IDENTITY, *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    return run


@pytest.fixture(scope="module")
def checkout(tmp_path_factory, git, free_port) -> Path:
    """A clone of a bare origin, as actions/checkout leaves it."""
    top = tmp_path_factory.mktemp("action")
    origin, clone = top / "origin.git", top / "clone"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(origin)], check=True)
    subprocess.run(["git", "clone", "-q", str(origin), str(clone)], check=True, capture_output=True)
    for path, text in (
        ("specs/search.yaml", SPEC.format(port=free_port(), python=sys.executable)),
        ("services/search/serve.py", SERVICE.format(options=[])),
        ("services/other.py", "pass\n"),
    ):
        (clone / path).parent.mkdir(parents=True, exist_ok=True)
        (clone / path).write_text(text)
    git(clone, "checkout", "-qb", "main")
    git(clone, "add", "-A")
    git(clone, "commit", "-qm", "first")
    git(clone, "push", "-q", "origin", "main")
    return clone


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("runner")


@pytest.fixture
def job(checkout, git, tmp_path, installed) -> Callable[..., Job]:
    """Run the action on a branch with one change."""

    def run(path: str, text: str, **inputs: str) -> Job:
        git(checkout, "checkout", "-q", "-B", "change", "main")
        git(checkout, "clean", "-qfd")
        (checkout / path).write_text(text)
        git(checkout, "add", "-A")
        git(checkout, "commit", "-qm", "change")
        surroundings = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            # The packages of this checkout stand in for what pip would fetch.
            "PYTHONPATH": SITE,
            "PIP_NO_DEPS": "1",
            "PIP_NO_BUILD_ISOLATION": "0",
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": "pull_request",
        }
        return Job(
            checkout, tmp_path, installed, {"base": "origin/main", "comment": "false", **inputs}, surroundings
        ).run()

    return run


def test_a_change_that_leaves_the_service_well_is_green(job) -> None:
    ended = job("services/search/serve.py", SERVICE.format(options=[]) + "# better\n")
    assert (ended.code, ended.result["verdict"], ended.result["exit-code"]) == (0, "PASS", "0"), ended.log
    assert "## search smoke on local: PASS" in ended.summary
    assert "::error" not in ended.log
    assert (ended.folder / ended.result["report"]).read_text().startswith("<!doctype html>")
    assert (ended.folder / "perfspec-results/all-runs.xml").is_file()
    assert [name.partition("@")[0] for name in ended.used] == ["actions/setup-python", "actions/upload-artifact"]


def test_a_change_that_slows_the_service_is_red_and_says_where(job) -> None:
    ended = job("services/search/serve.py", SERVICE.format(options=["--slow", "suggest=600ms"]))
    assert (ended.code, ended.result["verdict"]) == (1, "FAIL"), ended.log
    place = rf"^::error file=specs/search\.yaml,line={LIMIT_LINE},col=\d+,title=search smoke%3A FAIL::"
    said = r"suggest p95 at most 300ms: 100\.0 %25 slower"
    assert re.search(place + said, ended.log, re.MULTILINE), ended.log
    assert f"`specs/search.yaml:{LIMIT_LINE}`" in ended.summary
    assert ended.used[-1].startswith("actions/upload-artifact@")  # results are kept, above all when it failed


def test_a_change_that_concerns_no_service_runs_nothing_and_is_green(job) -> None:
    ended = job("services/other.py", "pass  # changed\n")
    assert (ended.code, ended.result["verdict"], ended.result["report"]) == (0, "NOTHING", ""), ended.log
    assert "No spec is concerned by this change." in ended.summary
    assert not (ended.folder / "perfspec-results").exists()


def test_a_spec_with_errors_is_red_and_says_so(job) -> None:
    ended = job("specs/search.yaml", "perfspec: 1\nservce: x\n")
    assert (ended.code, ended.result["verdict"], ended.result["exit-code"]) == (2, "ERROR", "2"), ended.log
    assert "PS101" in ended.log
    assert "Nothing was run: exit code 2" in ended.summary


def test_without_a_base_every_spec_of_the_folder_is_run(job) -> None:
    ended = job("services/other.py", "pass  # changed\n", base="", environment="nowhere")
    assert (ended.code, ended.result["verdict"]) == (2, "ERROR")
    assert "has no environment `nowhere`" in ended.log


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


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_has_few_rights_an_end_and_pinned_actions(path) -> None:
    document = yaml.safe_load(path.read_text())
    assert document["permissions"] == {"contents": "read"}
    assert "concurrency" in document
    for name, job in document["jobs"].items():
        assert job["timeout-minutes"] <= 90, name
        for step in job["steps"]:
            assert "${{" not in step.get("run", ""), f"{name}: an expression inside a script"
            uses = step.get("uses", "./")
            assert uses == "./" or re.fullmatch(r"[\w-]+/[\w./-]+@(v\d+(\.\d+)*|[0-9a-f]{40})", uses), uses


def test_every_step_of_the_workflows_is_one_that_is_run_here() -> None:
    """What the steps of workflows do themselves is little; each is run by this file or named here with what runs it."""
    known = {
        ".ci/setup": "the continuous integration of this project",
        "make test PYTHON=python ARGS=--junit-xml=results/tests.xml": "the same",
        'test "$RESULT" = success': "test_the_gate_reports_what_the_job_ended_with",
        'echo "service=$(basename "$SPEC" .yaml)" >> "$GITHUB_OUTPUT"': "test_the_service_of_a_spec_is_its_name",
        **{step["run"]: "the tests of the nightly workflow below" for step in NIGHTLY.values()},
    }
    steps = [
        step for path in WORKFLOWS for job in yaml.safe_load(path.read_text())["jobs"].values() for step in job["steps"]
    ]
    assert {step["run"] for step in steps if "run" in step} - known.keys() == set()


@pytest.mark.parametrize(("result", "code"), [("success", 0), ("failure", 1), ("cancelled", 1), ("skipped", 1)])
def test_the_gate_reports_what_the_job_ended_with(result, code) -> None:
    step = yaml.safe_load((ROOT / ".github/workflows/perf-smoke.yml").read_text())["jobs"]["gate"]["steps"][0]
    ended = subprocess.run(["bash", "-e", "-c", step["run"]], env={"RESULT": result}, check=False)
    assert ended.returncode == code


def test_the_service_of_a_spec_is_its_name(tmp_path) -> None:
    steps = yaml.safe_load((ROOT / ".github/workflows/perf-stress.yml").read_text())["jobs"]["stress"]["steps"]
    (step,) = (step for step in steps if "run" in step)
    environment = {"SPEC": "specs/search.yaml", "GITHUB_OUTPUT": str(tmp_path / "out"), "PATH": os.environ["PATH"]}
    subprocess.run(["bash", "-e", "-c", step["run"]], env=environment, check=True)
    assert (tmp_path / "out").read_text() == "service=search\n"


def test_the_comment_of_the_action_goes_to_the_pull_request(job) -> None:
    """A failing comment never decides: nobody answers here, and the verdict stays."""
    ended = job("services/search/serve.py", SERVICE.format(options=[]) + "# best\n", comment="true", token="")
    assert (ended.code, ended.result["verdict"]) == (0, "PASS"), ended.log
    assert "it is not known which repository" in ended.log


def nightly(
    step: str, folder: Path, programs: dict[str, str], **environment: str
) -> "subprocess.CompletedProcess[str]":
    """A step of the nightly workflow, with stand-ins for programs that reach the world."""
    tools = folder / "tools"
    tools.mkdir()
    for name, text in programs.items():
        (tools / name).write_text(f"#!/bin/bash\n{text}\n")
        (tools / name).chmod(0o755)
    path = f"{tools}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", NIGHTLY[step]["run"]],
        cwd=folder,
        env={"PATH": path, "GITHUB_STEP_SUMMARY": str(folder / "summary"), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


GH = """if [ "$2" = list ]; then printf '7\\n8\\n'; exit 0; fi
if [ "$3" = 8 ]; then exit 1; fi
mkdir -p "$9" && echo '{}' > "$9/result.json"
"""


def test_results_of_the_last_nights_are_taken_and_one_that_is_gone_does_not_matter(tmp_path) -> None:
    ended = nightly("Take the results of the last nights", tmp_path, {"gh": GH}, REPOSITORY="o/r", NIGHTS="10")
    assert (ended.returncode, ended.stdout) == (0, "night 8 left no results\n"), ended.stderr
    assert [path.parent.name for path in tmp_path.rglob("result.json")] == ["7"]


def test_the_first_night_has_no_trend_and_is_no_failure(tmp_path) -> None:
    ended = nightly("Trend", tmp_path, {})
    assert (ended.returncode, ended.stdout) == (0, "There is no trend yet.\n"), ended.stderr


@pytest.mark.parametrize(
    ("webhook", "said"),
    [("", "Nobody is told"), ("http://hook.test/x", '{"text": "Nightly load test: FAIL. http://run"}')],
)
def test_the_team_is_told_of_a_night_that_failed(tmp_path, webhook, said) -> None:
    curl = 'cat; echo; echo "${@: -1}"'
    ended = nightly("Tell the team", tmp_path, {"curl": curl}, WEBHOOK=webhook, VERDICT="FAIL", LINK="http://run")
    assert (ended.returncode, said in ended.stdout) == (0, True), ended.stdout + ended.stderr
    assert ended.stdout.endswith(f"{webhook}\n") or not webhook
