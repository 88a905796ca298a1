"""Runs a workflow of `.github/workflows` as GitHub would: jobs in their order, steps with conditions, real shells.

A stand-in for GitHub's runner. It knows what the workflows here use: `needs`, a matrix, `if`, `continue-on-error`,
outputs, composite actions, expressions. Of actions it carries out what they do: a checkout fetches from a bare
repository just as actions/checkout does, an upload goes to the hub. What it does not know is an error, never skipped.
"""

import itertools
import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
ONCE = Lock()
SHELLS = {
    None: ["bash", "-e"],  # what GitHub takes where a step names none: without pipefail
    "bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail"],
}


@dataclass(frozen=True)
class Event:
    """Why a workflow runs, and on what."""

    name: str
    ref: str
    sha: str
    base: str = ""
    """Of a pull request: the branch it goes into."""
    head: str = ""
    document: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def ref_name(self) -> str:
        return self.ref.removeprefix("refs/heads/").removeprefix("refs/pull/")


@dataclass
class Job:
    """What became of a job."""

    result: str = "success"
    log: str = ""
    summary: str = ""
    used: list[str] = field(default_factory=list)
    ran: list[str] = field(default_factory=list)
    """Names of the steps that ran, of the action's too."""
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    """Of the workflow's own steps, by their id."""


@dataclass
class Runner:
    """`temporary` is kept from run to run, so that perfspec is installed once; everything else is new in each job."""

    origin: Path
    hub: Any
    token: str
    temporary: Path
    folder: Path
    environment: Mapping[str, str]
    secrets: Mapping[str, str] = field(default_factory=dict)

    def run(self, workflow: str, event: Event, **only: str) -> dict[str, Job]:
        """The jobs by name. `only`: one entry of a matrix."""
        document = yaml.safe_load((ROOT / f".github/workflows/{workflow}.yml").read_text())
        triggers = document[True]  # `on` is a truth value in YAML 1.1
        assert event.name in triggers, f"{workflow} is not started by {event.name}"
        run = self.hub.begin_run(document["name"], event.head or event.ref_name, event.name)
        inputs = dict(event.inputs)
        if event.name == "workflow_dispatch":
            known = triggers["workflow_dispatch"]["inputs"]
            inputs = {name: inputs.get(name, each.get("default", "")) for name, each in known.items()}
        context = {"github": self.github(document["name"], event, run), "inputs": inputs, "secrets": self.secrets}
        done: dict[str, Job] = {}
        for name, job in document["jobs"].items():
            needs = {each: {"result": done[each].result} for each in job.get("needs", [])}
            failed = any(each["result"] != "success" for each in needs.values())
            scope = Scope({**context, "needs": needs}, failed=failed)
            done[name] = Job("skipped")
            if scope.holds(job.get("if", "")):
                (matrix,) = matrices(job, scope, only)
                done[name] = self.job(job, {**scope.context, "matrix": matrix}, event, run)
        return done

    def github(self, workflow: str, event: Event, run: int) -> dict[str, Any]:
        return {
            "event_name": event.name, "event": event.document, "ref": event.ref, "ref_name": event.ref_name,
            "base_ref": event.base, "head_ref": event.head, "sha": event.sha, "repository": "o/r", "run_id": str(run),
            "server_url": "http://hub.test", "token": self.token, "workflow": workflow,
        }  # fmt: skip

    def job(self, job: Mapping[str, Any], context: dict[str, Any], event: Event, run: int) -> Job:
        workspace = self.folder / f"job-{len(list(self.folder.iterdir()))}"
        workspace.mkdir()
        state = Running(self, workspace, context, event, run)
        state.steps(job["steps"], Scope({**context, "steps": {}}))
        return state.job

    def variables(self, workspace: Path, context: Mapping[str, Any], event: Event) -> dict[str, str]:
        """The environment that GitHub gives every step."""
        described = workspace.parent / f"{workspace.name}-event.json"
        described.write_text(json.dumps(event.document))
        names = ("event_name", "ref", "ref_name", "base_ref", "head_ref", "sha", "repository", "run_id", "server_url",
                 "workflow")  # fmt: skip
        return {
            **self.environment,
            **{f"GITHUB_{name.upper()}": context["github"][name] for name in names},
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": self.hub.url,
            "GITHUB_EVENT_PATH": str(described),
            "GITHUB_WORKSPACE": str(workspace),
            "HOME": str(self.folder),
            "RUNNER_TEMP": str(self.temporary),
            # The real `gh` speaks plain HTTP with this host only, and finds it through a proxy: our hub.
            "GH_HOST": "github.localhost",
            "HTTP_PROXY": self.hub.url,
            "NO_PROXY": "127.0.0.1",
        }


@dataclass
class Running:
    """A job that runs."""

    runner: Runner
    workspace: Path
    context: dict[str, Any]
    event: Event
    run: int
    job: Job = field(default_factory=Job)
    path: str = ""
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def steps(self, steps: list[dict[str, Any]], scope: "Scope") -> None:
        for step in steps:
            if not scope.holds(step.get("if", "")):
                continue
            self.job.ran.append(step.get("name", step.get("id", step.get("uses", ""))))
            outputs: dict[str, str] = {}
            fine = self.step(step, scope, outputs)
            if "id" in step:
                scope.context["steps"][step["id"]] = {"outputs": outputs, "outcome": "success" if fine else "failure"}
            if not fine and not step.get("continue-on-error"):
                scope.failed = True
        if scope.failed:
            self.job.result = "failure"
        if "inputs" not in scope.context or scope.context["inputs"] is self.context["inputs"]:
            self.job.outputs = {name: each["outputs"] for name, each in scope.context["steps"].items()}

    def step(self, step: dict[str, Any], scope: "Scope", outputs: dict[str, str]) -> bool:
        if "run" in step:
            return self.shell(step, scope, outputs)
        given = {name: scope.filled(value) for name, value in step.get("with", {}).items()}
        self.job.used.append(step["uses"])
        if step["uses"] == "./":
            return self.composite(given, scope, outputs)
        actions: dict[str, Callable[[dict[str, str]], bool]] = {
            "actions/checkout": self.checkout,
            "actions/setup-python": lambda _: True,  # the Python of the tests is there
            "actions/upload-artifact": self.upload,
        }
        return actions[step["uses"].partition("@")[0]](given)

    def composite(self, given: dict[str, str], scope: "Scope", outputs: dict[str, str]) -> bool:
        document = yaml.safe_load((ROOT / "action.yml").read_text())
        assert given.keys() <= document["inputs"].keys(), f"the action has no such input: {given}"
        inputs = {
            name: given.get(name, scope.filled(each.get("default", ""))) for name, each in document["inputs"].items()
        }
        github = {**scope.context["github"], "action_path": str(ROOT)}
        inner = Scope({**scope.context, "inputs": inputs, "github": github, "steps": {}}, failed=scope.failed)
        self.steps(document["runs"]["steps"], inner)
        outputs |= {name: inner.filled(each["value"]) for name, each in document["outputs"].items()}
        return not inner.failed

    def shell(self, step: dict[str, Any], scope: "Scope", outputs: dict[str, str]) -> bool:
        if step.get("name") == "Install perfspec":
            with ONCE:  # jobs run side by side; the first one installs for all
                if (self.runner.temporary / "perfspec/bin/perfspec").exists():
                    self.path = f"{self.runner.temporary}/perfspec/bin:{self.path}"
                    return True
                return self.execute(step, scope, outputs)
        return self.execute(step, scope, outputs)

    def execute(self, step: dict[str, Any], scope: "Scope", outputs: dict[str, str]) -> bool:
        number = next(self.numbers)
        files = {name: self.workspace.parent / f"{self.workspace.name}-{number}-{name}"
                 for name in ("output", "path", "step_summary", "script")}  # fmt: skip
        for path in files.values():
            path.write_text("")
        files["script"].write_text(step["run"])
        variables = self.runner.variables(self.workspace, scope.context, self.event)
        ended = subprocess.run(
            [*SHELLS[step.get("shell")], str(files["script"])],
            cwd=self.workspace,
            env=variables
            | {f"GITHUB_{name.upper()}": str(files[name]) for name in ("output", "path", "step_summary")}
            | {"PATH": self.path + variables["PATH"]}
            | {name: scope.filled(value) for name, value in step.get("env", {}).items()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.job.log += ended.stdout
        self.job.summary += files["step_summary"].read_text()
        self.path = "".join(f"{line}:" for line in reversed(files["path"].read_text().split())) + self.path
        outputs |= dict(line.split("=", 1) for line in files["output"].read_text().splitlines())
        return ended.returncode == 0

    def checkout(self, given: dict[str, str]) -> bool:
        """As actions/checkout: the commit alone, unless the whole history is asked for; detached for a pull request."""
        sha, name = self.event.sha, self.event.ref_name
        place = f"refs/remotes/pull/{name}" if self.event.base else f"refs/remotes/origin/{name}"
        whole = given.get("fetch-depth") == "0"
        wanted = ["+refs/heads/*:refs/remotes/origin/*"] if whole else []
        wanted += [f"+{sha}:{place}"] if self.event.base or not whole else []
        depth = [] if whole else ["--depth=1"]
        git(self.workspace, "init", "-q")
        git(self.workspace, "remote", "add", "origin", self.runner.origin.as_uri())
        git(self.workspace, "fetch", "-q", "--no-tags", *depth, "origin", *wanted)
        where = ["--detach", place] if self.event.base else ["-B", name, place]
        git(self.workspace, "checkout", "-q", "--force", *where)
        return True

    def upload(self, given: dict[str, str]) -> bool:
        folder = self.workspace / given["path"]
        if folder.exists():
            self.runner.hub.keep(self.run, given["name"], folder)
        return folder.exists() or given.get("if-no-files-found", "warn") != "error"


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")
    command = ["git", "-C", str(folder), *identity, *words]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | {"LC_ALL": "C"}).stdout


def matrices(job: Mapping[str, Any], scope: "Scope", only: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Every combination, or the one that is asked for."""
    axes = {
        name: scope.value(values) if isinstance(values, str) else values
        for name, values in job.get("strategy", {}).get("matrix", {}).items()
    }
    for values in itertools.product(*axes.values()):
        found = dict(zip(axes, values, strict=True))
        if all(found[name] == value for name, value in only.items()):
            yield found


TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<name>[A-Za-z_][\w-]*(?:\.[\w-]+)*)|(?P<number>\d+)"
    r"|(?P<sign>&&|\|\||==|!=|[!(),]))"
)
SIGNS = {"&&": " and ", "||": " or ", "!": " not "}


@dataclass
class Scope:
    """What expressions may speak of."""

    context: dict[str, Any]
    failed: bool = False

    def holds(self, condition: str) -> bool:
        text = str(condition).strip().removeprefix("${{").removesuffix("}}").strip()
        asks = re.search(r"\b(always|failure|cancelled|success)\(\)", text)
        return bool(self.value(text) if text else True) and (bool(asks) or not self.failed)

    def filled(self, text: Any) -> str:
        plain = str(text).lower() if isinstance(text, bool) else str(text)
        return re.sub(r"\$\{\{(.*?)\}\}", lambda found: shown(self.value(found[1])), plain, flags=re.DOTALL)

    def value(self, expression: str) -> Any:
        text = expression.strip().removeprefix("${{").removesuffix("}}").strip()
        source, at = "", 0
        while at < len(text):
            found = TOKEN.match(text, at)
            assert found, f"not understood: {text[at:]}"
            at = found.end()
            source += self.python(found, is_call=text[at : at + 1] == "(")
        functions = {
            "always": lambda: True, "success": lambda: not self.failed, "failure": lambda: self.failed,
            "cancelled": lambda: False, "fromJSON": json.loads, "look": self.look,
            "format": lambda form, *values: form.format(*values),
        }  # fmt: skip
        return eval(source, {"__builtins__": {}}, functions)  # our own files, and nothing else to call

    def python(self, found: re.Match[str], *, is_call: bool) -> str:
        if found["text"]:
            return repr(found["text"][1:-1].replace("''", "'"))
        if found["sign"]:
            return SIGNS.get(found["sign"], found["sign"])
        if found["number"]:
            return found["number"]
        known = {"true": "True", "false": "False", "null": "None"}
        return found["name"] if is_call else known.get(found["name"], f"look({found['name']!r})")

    def look(self, path: str) -> Any:
        """What is not there is empty, as GitHub has it; a context that nobody knows is a mistake."""
        first, *rest = path.split(".")
        value: Any = self.context[first]
        for name in rest:
            value = value.get(name, "") if isinstance(value, Mapping) else ""
        return value


def shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)
