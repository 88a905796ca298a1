"""The hooks, run by the real pre-commit in a repository of their own: once they stop a commit, once they let it be.

The hooks say `language: python`, so that pre-commit installs perfspec for whoever uses them. That takes an index and
half a minute, and is done in `make test-long`. In `make test` the one under test is installed already, and `language:
system` in the configuration takes that.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SPEC = """perfspec: 1
service: shop
environments:
  local: {url: http://127.0.0.1:8080}
flows:
  look:
    steps:
      - {get: /products, name: products}
thresholds: {all: {errors: under 1%}}
"""


class Repository:
    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.environment = {**os.environ, "PATH": path, "PRE_COMMIT_HOME": str(home), "GIT_CONFIG_GLOBAL": os.devnull}
        folder.mkdir()
        self.git("init", "-q")

    def git(self, *arguments: str) -> str:
        who = ("-c", "user.name=perf", "-c", "user.email=perf@example.com", "-c", "commit.gpgsign=false")
        command = ["git", *who, *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def commit(self, **files: str) -> str:
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        self.git("add", "--all")
        self.git("commit", "-q", "--no-verify", "-m", "x")
        return self.git("rev-parse", "HEAD")

    def hooks(self) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pre_commit", "run", "--all-files", "--color=never"]
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=600, check=False
        )


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """Where pre-commit keeps what it has installed."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def whole(tmp_path_factory, home) -> tuple[Path, str]:
    """All that is needed to install perfspec, as a repository; its folder and revision."""
    hooks = Repository(tmp_path_factory.mktemp("hooks") / "hooks", home)
    for name in ("perfspec", "schema"):
        shutil.copytree(ROOT / name, hooks.folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    names = (".pre-commit-hooks.yaml", "pyproject.toml", "README.md", "LICENSE")
    return hooks.folder, hooks.commit(**{name: (ROOT / name).read_text() for name in names})


@pytest.fixture(params=["system", pytest.param("python", marks=pytest.mark.slow)])
def repository(request, tmp_path, home, not_checked_here) -> Repository:
    """A repository whose commits go through the hooks of this one."""
    if shutil.which("git") is None:
        not_checked_here("git is missing")
    if request.param == "python":
        folder, revision = request.getfixturevalue("whole")
        language = ""
    else:
        hooks = Repository(tmp_path / "hooks", home)
        folder = hooks.folder
        revision = hooks.commit(**{".pre-commit-hooks.yaml": (ROOT / ".pre-commit-hooks.yaml").read_text()})
        language = ", language: system"
    configuration = f"""repos:
  - repo: {folder}
    rev: {revision}
    hooks:
      - {{id: perfspec-lint{language}}}
      - {{id: perfspec-fmt{language}}}
"""
    shop = Repository(tmp_path / "shop", home)
    shop.commit(**{".pre-commit-config.yaml": configuration, "compose.yaml": "services:   {}\n"})
    return shop


def test_a_clean_repository_passes(request, repository, home):
    repository.commit(**{"specs/shop.yaml": SPEC})
    ended = repository.hooks()
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.count("Passed") == 2
    if request.node.callspec.params["repository"] == "python":
        assert list(home.rglob("py_env-*/bin/perfspec"))


def test_a_mistake_and_a_careless_layout_stop_a_commit(repository):
    repository.commit(**{"specs/shop.yaml": SPEC, "specs/bad.yaml": SPEC.replace("under 1%", "1%   ")})
    ended = repository.hooks()
    assert ended.returncode != 0
    assert "specs/bad.yaml:9:28 error PS601" in ended.stdout
    assert "files were modified by this hook" in ended.stdout
    assert (repository.folder / "specs/bad.yaml").read_text() == SPEC.replace("under 1%", "1%")
    assert (repository.folder / "compose.yaml").read_text() == "services:   {}\n"
