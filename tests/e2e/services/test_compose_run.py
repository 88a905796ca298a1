"""`scripts/compose-run.sh` where there is no engine, no image, no build, and where all goes well: it says which.

The engine is a stand-in that says what it is asked; podman itself was tried by hand (docs/guide/test-environment.md).
"""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
COMPOSE = """case "$*" in
  *config) printf '    image: %s\\n' kong:3.9.0 redis:7.4.1 redis:7.4.1 perfspec-reference-search:local ;;
  *build) exit ${BUILD:-0} ;;
  *"up -d") touch is-up ;;
esac
echo "compose $*" >> asked
"""
PODMAN = """echo "podman $*" >> asked
case "$*" in "image inspect kong"*) exit ${NO_KONG:-0} ;; *redis*) exit 0 ;; *) exit 1 ;; esac
"""
PERFSPEC = """echo "perfspec $*" >> asked
[ -n "${READY:-}" ] && [ -e is-up ]
"""


@pytest.fixture
def call(tmp_path):
    """The script in a folder of its own, with these programs and no others but those of a shell."""
    tools = tmp_path / "tools"
    for folder in ("tools", "scripts", "specs", ".venv/bin"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(ROOT / "scripts/compose-run.sh", tmp_path / "scripts")
    (tmp_path / "specs/a.yaml").write_text("")
    for name in ("bash", "sed", "sort", "seq", "sleep", "touch", "dirname"):
        (tools / name).symlink_to(shutil.which(name))

    def run(*programs: str, **environment: str) -> tuple[int, str, list[str]]:
        texts = {"podman": PODMAN, "podman-compose": COMPOSE, "perfspec": PERFSPEC}
        for name in programs:
            (tools / name).write_text(f"#!/bin/bash\n{texts[name]}")
            (tools / name).chmod(0o755)
        ended = subprocess.run(
            [str(tools / "bash"), str(tmp_path / "scripts/compose-run.sh")],
            env={"PATH": str(tools), "COMPOSE_TRIES": "2", "COMPOSE_PAUSE": "0", **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        asked = tmp_path / "asked"
        return ended.returncode, ended.stdout + ended.stderr, asked.read_text().splitlines() if asked.exists() else []

    return run


ALL = ("podman", "podman-compose", "perfspec")


@pytest.mark.parametrize("there", [(), ("podman",), ("podman-compose",)])
def test_without_an_engine_it_says_so_and_what_works_without_one(call, there) -> None:
    code, said, _ = call(*there)
    assert code == 4
    assert said.startswith("not started: neither podman with podman-compose nor docker with its compose plugin")
    assert "perfspec serve all" in said


def test_images_that_nobody_gives_are_named_before_anything_starts(call) -> None:
    code, said, asked = call(*ALL, NO_KONG="1")
    assert code == 4
    assert said.startswith("not started: podman has no such image, and no registry that it can reach gives it:\n")
    assert said.splitlines()[1:-1] == ["    kong:3.9.0"]
    assert "POSTGRES_IMAGE=" in said
    assert "podman pull --quiet kong:3.9.0" in asked
    assert [line for line in asked if "search" in line or " up " in line or "build" in line] == []


def test_a_build_that_fails_starts_nothing(call) -> None:
    code, said, asked = call(*ALL, BUILD="1")
    assert (code, "SEARCH_IMAGE=..." in said) == (4, True)
    assert [line for line in asked if " up " in line] == []


def test_all_that_is_ready_is_said_with_how_to_stop_it(call) -> None:
    code, said, asked = call(*ALL, READY="1")
    assert code == 0, said
    assert said == "all is ready; to stop: podman-compose -f docker-compose.test.yml down\n"
    assert asked[-2:] == ["compose -f docker-compose.test.yml up -d", "perfspec ready specs/a.yaml --env compose"]
    assert asked.count("podman image inspect redis:7.4.1") == 1


def test_what_does_not_become_ready_is_a_failure(call) -> None:
    code, said, asked = call(*ALL)
    assert (code, "not ready within 0 s" in said) == (4, True)
    assert asked.count("perfspec ready specs/a.yaml --env compose") == 2
    assert asked[-1] == "compose -f docker-compose.test.yml ps"
