"""What it costs to lint a spec, start of the program included: it has to be run on every save."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = Path(sys.executable).with_name("perfspec")
MOST_CPU_S = 0.4


def test_one_spec_is_linted_in_a_moment():
    spent = []
    for _ in range(3):
        before = os.times()
        subprocess.run([PROGRAM, "lint", "specs/search.yaml"], cwd=ROOT, capture_output=True, check=True)
        after = os.times()
        spent.append(after.children_user + after.children_system - before.children_user - before.children_system)
    assert min(spent) < MOST_CPU_S, spent
