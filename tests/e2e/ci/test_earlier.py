"""What earlier runs the action compares with: those of main, and nobody else may call theirs so."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
NAME = "perfspec-nightly"


@pytest.fixture
def taken(hub, tmp_path, not_checked_here):
    """`taken(most)`: the runs whose results the step of the action has fetched with the real `gh`."""
    if shutil.which("gh") is None:
        not_checked_here("gh is missing")
    steps = yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"]
    (script,) = (step["run"] for step in steps if step.get("id") == "earlier")

    def run(most: int) -> list[int]:
        outputs = tmp_path / "outputs"
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(tmp_path), "RUNNER_TEMP": str(tmp_path),
            "GITHUB_OUTPUT": str(outputs), "GH_TOKEN": "right-token", "GH_HOST": "github.localhost",
            "HTTP_PROXY": hub.url, "REPOSITORY": "o/r", "WORKFLOW": "perf", "EARLIER": str(most), "KEY": "nightly",
        }  # fmt: skip
        argv = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        folder = Path(outputs.read_text().splitlines()[-1].partition("=")[2])
        return sorted(int(path.parent.name) for path in folder.glob("*/result.json"))

    return run


def test_a_branch_of_a_fork_that_is_called_main_is_not_main(hub, tmp_path, taken) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "result.json").write_text("{}")
    events = ("push", "schedule", "pull_request", "push", "workflow_dispatch", "pull_request_target", "pull_request")
    runs = {hub.begin_run("perf", "main", event): event for event in events}
    for run in runs:
        hub.keep(run, NAME, kept)
    hub.keep(hub.begin_run("perf", "other", "push"), NAME, kept)
    ours = [run for run, event in runs.items() if not event.startswith("pull_request")]
    assert len(ours) == 4
    assert taken(10) == ours
    assert taken(2) == ours[-2:]  # whatever a fork has sent since
