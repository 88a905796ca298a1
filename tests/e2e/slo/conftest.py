"""Prometheus and promtool, as Debian installs them (`.ci/setup`)."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def promtool(not_checked_here) -> Callable[..., str]:
    """What promtool says to a call that succeeds."""
    program = shutil.which("promtool") or not_checked_here("promtool is missing")

    def run(*words: str, stdin: str | None = None) -> str:
        done = subprocess.run([program, *words], input=stdin, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


@pytest.fixture(scope="session")
def slo() -> Callable[..., str]:
    """What `perfspec slo ...` prints; it must succeed."""

    def run(*words: str) -> str:
        command = [sys.executable, "-m", "perfspec", "slo", *words]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="session")
def shipped_rules(slo, tmp_path_factory) -> Path:
    """The rules of the specs that ship."""
    path = tmp_path_factory.mktemp("rules") / "slo.yml"
    path.write_text(slo("rules", "specs"))
    return path
