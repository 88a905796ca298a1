"""A hub, a runner for workflows, and a repository with a service of its own whose pull requests and nights are run."""

import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
import yaml

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
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
defaults: {{auth: "bearer ${{secret.api_key}}", timeout: 5s}}
flows:
  look:
    steps:
      - get: /v1/suggest?q=we
        name: suggest
      - pause: 80ms
stages:
  smoke: {{phases: [{{for: 3s, users: 20}}]}}
  load: {{phases: [{{for: 3s, users: 20}}]}}
  capacity: {{find_limit: {{users: 1 to 2, hold_each: 2s, precision: 50%}}}}
thresholds:
  suggest: {{p95: at most 1s}}
"""
LIMIT_LINE = SPEC[: SPEC.index("  suggest: {{p95")].count("\n") + 1


def _loaded(name: str) -> Any:
    spec = spec_from_file_location(name, HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


hubs = _loaded("hub")
steps = _loaded("runner")
scenes = _loaded("scenarios")


@pytest.fixture
def hub() -> Iterator[Any]:
    with hubs.listening() as found:
        yield found


@pytest.fixture(scope="session")
def hub_of() -> Iterator[Callable[[], Any]]:
    """A hub for longer than one test."""
    with ExitStack() as all_of_them:
        yield lambda: all_of_them.enter_context(hubs.listening())


@pytest.fixture(scope="session")
def scenarios(repository, hub_of, together, not_checked_here) -> Mapping[str, Any]:
    """`pulls`, `nights` and `week`, side by side."""
    missing = [name for name in ("gh", "curl", "git") if shutil.which(name) is None]
    if missing:
        not_checked_here(f"{', '.join(missing)} is missing")
    return together(
        **{name: partial(getattr(scenes, name), repository, hub_of(), SPEC) for name in ("pulls", "nights", "week")}
    )


@pytest.fixture(scope="session")
def runners() -> Any:
    """The module that runs workflows."""
    return steps


@pytest.fixture(scope="session")
def workflows() -> dict[str, Any]:
    """Every workflow's document by its name."""
    return {path.stem: yaml.safe_load(path.read_text()) for path in (ROOT / ".github/workflows").glob("*.yml")}


@pytest.fixture(scope="session")
def limit_line() -> int:
    """Where the limit of the repositories' spec stands."""
    return LIMIT_LINE


@pytest.fixture(scope="module")
def refusing() -> Iterator[str]:
    """The address of a service that refuses everything."""
    with hubs.serving(type("Refusing", (hubs.Api,), {"hub": hubs.Hub()})) as url:
        yield url


@dataclass
class Repository:
    """A bare origin, a clone to change it in, and the workflows that run on it."""

    clone: Path
    hub: Any
    runner: Any
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def commit(self, path: str, text: str) -> str:
        """On the branch that is checked out."""
        (self.clone / path).parent.mkdir(parents=True, exist_ok=True)
        (self.clone / path).write_text(text)
        steps.git(self.clone, "add", "-A")
        steps.git(self.clone, "commit", "-qm", f"change {path}")
        return steps.git(self.clone, "rev-parse", "HEAD").strip()

    def slowed(self, by: str = "") -> tuple[str, str]:
        """A change to the service, for `commit` and `pull_request`."""
        options = ["--slow", f"suggest={by}"] if by else []
        return "services/search/serve.py", SERVICE.format(options=options) + f"# change {next(self.numbers)}\n"

    def on_main(self, event: str, workflow: str, only: dict[str, str] | None = None, **inputs: str) -> dict[str, Any]:
        """Run a workflow on main as it is in the clone."""
        steps.git(self.clone, "push", "-q", "origin", "main")
        sha = steps.git(self.clone, "rev-parse", "main").strip()
        return self.runner.run(workflow, steps.Event(event, "refs/heads/main", sha, inputs=inputs), **(only or {}))

    def pull_request(self, path: str, text: str, workflow: str = "perf-smoke") -> dict[str, Any]:
        """Run a workflow on pull request 7, which has this one change: on what merging it would make."""
        git, clone = steps.git, self.clone
        git(clone, "checkout", "-q", "-B", "change", "main")
        self.commit(path, text)
        git(clone, "checkout", "-q", "--detach", "main")
        git(clone, "merge", "-q", "--no-ff", "-m", "merge", "change")
        sha = git(clone, "rev-parse", "HEAD").strip()
        git(clone, "push", "-q", "--force", "origin", "change", f"{sha}:refs/pull/7/merge")
        git(clone, "checkout", "-q", "main")
        document = {"pull_request": {"number": 7}}
        event = steps.Event("pull_request", "refs/pull/7/merge", sha, "main", "change", document)
        return self.runner.run(workflow, event)


@pytest.fixture(scope="session")
def repository(tmp_path_factory, free_port) -> Callable[[str, Any], Repository]:
    """`repository("name", hub)`: a new one. perfspec is installed once, by the first job of them all."""
    temporary = tmp_path_factory.mktemp("runner")

    def make(name: str, hub: Any, spec: str = SPEC, **secrets: str) -> Repository:
        top = tmp_path_factory.mktemp(name)
        origin, clone, jobs = top / "origin.git", top / "clone", top / "jobs"
        jobs.mkdir()
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(origin)], check=True)
        steps.git(origin, "config", "uploadpack.allowAnySHA1InWant", "true")
        subprocess.run(["git", "clone", "-q", str(origin), str(clone)], check=True, capture_output=True)
        steps.git(clone, "checkout", "-qb", "main")
        environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            # The packages of this checkout stand in for what pip would fetch.
            "PYTHONPATH": SITE,
            "PIP_NO_DEPS": "1",
            "PIP_NO_BUILD_ISOLATION": "0",
        }
        runner = steps.Runner(origin, hub, hubs.TOKEN, temporary, jobs, environment, secrets)
        made = Repository(clone, hub, runner)
        made.commit("specs/search.yaml", spec.format(port=free_port(), python=sys.executable))
        made.commit("services/other.py", "pass\n")
        made.commit(*made.slowed())
        steps.git(clone, "push", "-q", "origin", "main")
        return made

    return make
