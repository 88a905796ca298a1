"""The tab key on the command line: what the shells ask the installed program for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from perfspec.cli import COMMANDS

PROGRAM = Path(sys.executable).with_name("perfspec")


def completed(line: str) -> list[str]:
    """What bash is told for a line with the cursor at its end."""
    words = line.split(" ")
    asks = {"_PERFSPEC_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    told = subprocess.check_output([PROGRAM], env={**os.environ, **asks}, text=True)
    return [answer.partition(",")[2] for answer in told.splitlines()]


def test_commands_are_completed():
    assert set(completed("perfspec ")) == set(COMMANDS)
    assert completed("perfspec li") == ["lint"]


def test_options_and_their_values_are_completed():
    assert "--strict" in completed("perfspec lint --")
    assert completed("perfspec lint --format s") == ["sarif"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(shell):
    asks = {"_PERFSPEC_COMPLETE": f"{shell}_source"}
    script = subprocess.check_output([PROGRAM], env={**os.environ, **asks}, text=True)
    assert "_PERFSPEC_COMPLETE" in script
