"""Write .ci/requirements.lock: every package that a checkout installs, its version and the hashes of all its files.

Run by `make lock`, with the oldest supported Python: what only an old Python needs is then in the lock, and a newer one
installs it without harm. Settings of pip on this machine are left out, so only the package index decides.
"""

import os
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / ".ci" / "requirements.lock"
HEAD = "# Made by `make lock` from pyproject.toml; not to be edited by hand.\n"
EDITABLE = "editables"
"""What the build back end wants for an editable installation, and declares only while it builds one."""


def wanted() -> list[str]:
    """Everything that pyproject.toml asks for: to run, to serve, to develop, to build."""
    document = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project = document["project"]
    oldest = project["requires-python"].removeprefix(">=")
    if oldest != f"{sys.version_info.major}.{sys.version_info.minor}":
        sys.exit(f"the lock is made with Python {oldest}, the oldest supported one: make lock PYTHON=python{oldest}")
    groups = [*project["optional-dependencies"].values(), *document["dependency-groups"].values()]
    build = document["build-system"]["requires"]
    return sorted({*project["dependencies"], *(name for group in groups for name in group), *build, EDITABLE})


def main() -> None:
    requirements = wanted()
    surroundings = {name: value for name, value in os.environ.items() if not _chooses_an_index(name)}
    surroundings["PIP_CONFIG_FILE"] = os.devnull
    with tempfile.TemporaryDirectory() as folder:
        # pip-compile writes the name of its input into the lock: a relative one keeps paths of this machine out.
        Path(folder, "pyproject.in").write_text("\n".join(requirements) + "\n")
        previous = LOCK.read_text() if LOCK.exists() and "--upgrade" not in sys.argv else ""
        Path(folder, "requirements.lock").write_text(previous)
        venv.create(Path(folder, "venv"), with_pip=True)
        python = str(Path(folder, "venv", "bin", "python"))
        subprocess.run([python, "-m", "pip", "install", "--quiet", "pip-tools"], check=True)
        options = ["--generate-hashes", "--allow-unsafe", "--strip-extras", "--no-header", "--annotation-style=line"]
        options += ["--no-emit-index-url", "--no-emit-trusted-host", "--no-emit-find-links", "--quiet"]
        command = [python, "-m", "piptools", "compile", *options, "--output-file=requirements.lock", "pyproject.in"]
        subprocess.run(command, check=True, cwd=folder, env=surroundings)
        LOCK.write_text(HEAD + Path(folder, "requirements.lock").read_text().removeprefix(HEAD))
    print(f"{LOCK.relative_to(ROOT)} is written")


def _chooses_an_index(name: str) -> bool:
    return name in {"PIP_FIND_LINKS", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX"}


if __name__ == "__main__":
    main()
