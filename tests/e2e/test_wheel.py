"""The wheel works away from the checkout: it carries its schema and its data, and nothing leans on files beside it.

The fresh environment borrows the packages that are installed here, so no network is needed. It finds them by a line in
a `.pth` file: a folder named that way is searched, but its own `.pth` files are not read, so the editable installation
of the checkout stays out of sight.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parents[2]
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]


def run(*words, cwd):
    """A program with nothing of this process's surroundings that could lead back to the checkout."""
    surroundings = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COVERAGE", "COV_"))}
    return subprocess.run(
        [str(w) for w in words], cwd=cwd, env=surroundings, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def wheel(new_folder):
    folder = new_folder("wheel")
    built = run(*PIP, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT, cwd=folder)
    assert built.returncode == 0, built.stderr
    (found,) = folder.glob("perfspec-*.whl")
    return found


@pytest.fixture(scope="module")
def away(wheel, new_folder):
    """A folder with specs and data files, and the programs of an environment that has only the wheel."""
    folder = new_folder("away")
    for name in ("specs", "fixtures"):
        shutil.copytree(ROOT / name, folder / name)
    environment = folder / "venv"
    made = run(sys.executable, "-m", "venv", "--without-pip", environment, cwd=folder)
    assert made.returncode == 0, made.stderr
    python = environment / "bin" / "python"
    installed = run(*PIP, "--python", python, "install", "--no-deps", "--no-index", wheel, cwd=folder)
    assert installed.returncode == 0, installed.stderr
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


def perfspec(away, *words):
    return run(away / "venv" / "bin" / "perfspec", *words, cwd=away)


def test_the_wheel_holds_the_schema_the_data_and_the_licence(wheel):
    names = ZipFile(wheel).namelist()
    assert "perfspec/schema/perfspec-1.schema.json" in names
    assert "perfspec/reference/data/search.json" in names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"perfspec"}


def test_the_package_that_runs_is_the_wheel(away):
    found = run(away / "venv" / "bin" / "python", "-c", "import perfspec; print(perfspec.__file__)", cwd=away)
    assert Path(found.stdout.strip()).is_relative_to(away / "venv"), found


def test_the_installed_command_says_its_version(away, wheel):
    done = perfspec(away, "--version")
    assert (done.returncode, wheel.name.split("-")[1]) == (0, done.stdout.split()[-1]), done


def test_the_installed_command_checks_the_shipped_specs(away):
    done = perfspec(away, "lint", "specs/search.yaml")
    assert done.returncode == 0, done


def test_the_installed_command_plans_a_shipped_stage(away):
    done = perfspec(away, "plan", "specs/search.yaml", "--stage", "smoke")
    assert done.returncode == 0, done
    assert "smoke" in done.stdout
