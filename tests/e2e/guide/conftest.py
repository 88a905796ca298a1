"""A reader of the documents: takes the shell commands of a page and gives them to a terminal, as they are written.

The terminal is a bash with a network of its own where the machine allows that, because the documents name ports: there
they are free, and whatever listens there is gone with the terminal.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[3]
LONGEST_S = 150
LOOPBACK = """import fcntl, socket, struct
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh", b"lo", 0x49))"""  # SIOCSIFFLAGS: up, loopback, running
LISTENS = "import socket; socket.create_connection(('127.0.0.1', {port})).close()"
PIPELINE = re.compile(r" +- ((?:pip|perfspec) .+)|.*\bsh '([^']+)'")
"""A command in the file of a build server."""
HEREDOC = re.compile(r"<<'(\w+)'")


class Ended(NamedTuple):
    code: int
    out: str


def commands(document: Path) -> list[str]:
    """Every command that a page shows, in its order. A here-document is part of its command."""
    found = []
    lines, language = iter(document.read_text().splitlines()), None
    for line in lines:
        if line.startswith("```"):
            language = line.removeprefix("```") if language is None else None
        elif language in ("", "sh", "bash", "console") and line.strip():
            found.append("\n".join((line.strip(), *_heredoc(line, lines))))
        elif language is None and line.startswith("    perfspec "):
            found.append(line.strip())
        elif language is not None and (said := PIPELINE.match(line)):
            found.append(said[1] or said[2])
    return found


def _heredoc(line: str, lines: Iterator[str]) -> Iterator[str]:
    if begun := HEREDOC.search(line):
        for more in lines:
            yield more
            if more == begun[1]:
                return


class Terminal:
    """One shell in one folder. Commands run one after another; `&` at their end lets them go on."""

    def __init__(self, folder: Path, home: Path, *, is_apart: bool) -> None:
        self.folder = folder
        self._home = home
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "PERFSPEC_"))}
        self._shell = subprocess.Popen(
            [*(("unshare", "--net", "--map-root-user") if is_apart else ()), "bash", "--norc", "--noprofile"],
            cwd=folder, env={**kept, "PATH": path, "HOME": str(home)}, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, start_new_session=True)  # fmt: skip
        if is_apart:
            assert self.run(f"{sys.executable} -c '{LOOPBACK}'").code == 0

    def run(self, command: str) -> Ended:
        (self._home / "command").write_text(command)
        said = self._home / "said"
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        script = f"timeout {LONGEST_S} bash {self._home}/command >{said} 2>&1 </dev/null"
        self._shell.stdin.write(f"{script}; echo $?\n")
        self._shell.stdin.flush()
        code = self._shell.stdout.readline()
        return Ended(int(code), said.read_text())

    def begin(self, command: str, port: int) -> None:
        """Start what goes on, and wait until it listens."""
        before = command.partition(" #")[0].rstrip(" &")
        assert self._shell.stdin is not None
        self._shell.stdin.write(f"{before} >>{self._home}/log 2>&1 </dev/null &\n")
        self._shell.stdin.flush()
        probe = f'{sys.executable} -c "{LISTENS.format(port=port)}"'
        until = time.monotonic() + 30
        while (ended := self.run(probe)).code:
            assert time.monotonic() < until, ended.out + (self._home / "log").read_text()
            time.sleep(0.1)

    def close(self) -> None:
        os.killpg(self._shell.pid, signal.SIGTERM)
        time.sleep(0.2)
        os.killpg(self._shell.pid, signal.SIGKILL)  # an interactive reader would close the window
        self._shell.wait(10)
        for pipe in (self._shell.stdin, self._shell.stdout):
            assert pipe is not None
            pipe.close()


class Page:
    """A document that is followed. Its commands are taken by how they begin; none may be left over."""

    def __init__(self, document: Path, terminal: Terminal, pace: str, foreign: Iterable[str]) -> None:
        self.text = document.read_text()
        self.terminal = terminal
        self.folder = terminal.folder
        self._pace = pace
        self.left = [command for command in commands(document) if not command.startswith(tuple(foreign))]

    @property
    def is_quick(self) -> bool:
        return bool(self._pace)

    def __call__(self, begins: str, code: int | tuple[int, ...] = 0) -> str:
        """Run the first command that begins so, as it is written; its output."""
        command = self._taken(begins)
        ended = self.terminal.run(command)
        assert ended.code in (code if isinstance(code, tuple) else (code,)), f"{command}\n{ended.out}"
        return ended.out

    def judged(self, begins: str) -> str:
        """The same for one whose exit code is the verdict of a run before it."""
        return self(begins, code=(0, 3) if self._pace else 0)

    def load(self, begins: str) -> str:
        """The same for one that sends load. A quick reader shortens its phases, and may get no verdict then."""
        command = self._taken(begins)
        words, mark, remark = command.partition(" #")
        ended = self.terminal.run(f"{words.rstrip()}{self._pace}{mark}{remark}")
        assert ended.code in ((0, 3) if self._pace else (0,)), f"{command}\n{ended.out}"
        return ended.out

    def begin(self, begins: str, port: int) -> None:
        self.terminal.begin(self._taken(begins), port)

    def _taken(self, begins: str) -> str:
        command = next(command for command in self.left if command.startswith(begins))
        self.left.remove(command)
        return command


@pytest.fixture(scope="session")
def is_apart() -> bool:
    """Can a shell have a network of its own here?"""
    command = ["unshare", "--net", "--map-root-user", "true"]
    return shutil.which("unshare") is not None and subprocess.run(command, check=False).returncode == 0


@pytest.fixture
def follow(tmp_path, is_apart, pace, foreign) -> Iterator[Callable[[str], Page]]:
    """Open a page beside a terminal in a new folder."""
    opened: list[Page] = []

    def run(name: str) -> Page:
        for new in ("reader", "home"):
            (tmp_path / new).mkdir()
        terminal = Terminal(tmp_path / "reader", tmp_path / "home", is_apart=is_apart)
        page = Page(ROOT / name, terminal, pace, foreign.get(name, ()))
        opened.append(page)
        return page

    yield run
    for page in opened:
        page.terminal.close()
        assert page.left == []


@pytest.fixture(params=[" --time-scale 0.05", pytest.param("", marks=pytest.mark.slow)], ids=["quick", "as written"])
def pace(request) -> str:
    """What a quick reader adds to commands that send load for half a minute."""
    return request.param


@pytest.fixture
def commands_of() -> Callable[[str], list[str]]:
    return lambda name: commands(ROOT / name)
