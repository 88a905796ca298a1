"""What people see: a live picture that leaves no trace on a terminal, plain lines in a pipe, or only the verdict."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from codecs import getincrementaldecoder
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

ROWS, COLUMNS = 24, 80
LONG = "a name that is longer than the terminal is wide, which some generated specifications do have, alas"
MANY = 30
PLAIN = """
flows:
  look:
    steps:
      - get: /v1/suggest?q=we
        name: suggest
      - pause: 50ms
stages:
  smoke:
    phases: [{name: steady, for: 5s, users: 3}]
thresholds:
  suggest: {errors: under 5%}
"""
CROWDED = (
    "flows:\n  look:\n    steps:\n"
    f"      - {{get: /v1/suggest?q=we, name: '{LONG}'}}\n"
    + "".join(f"      - {{get: /v1/suggest?q=we, name: suggest-{n}}}\n" for n in range(MANY))
    + PLAIN.partition("pause: 50ms\n")[2].replace("suggest:", "suggest-1:").replace("5s", "4s")
)
# Makes the terminal its own, so that Ctrl-C reaches it, and becomes perfspec.
FOREGROUND = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", *sys.argv[1:]])
"""


WRONG = PLAIN.replace("get:", "gte:")
UNREAD = {
    "lint": (("lint", "specs/search.yaml"), PLAIN, 0),
    "lint of mistakes": (("lint", "specs/search.yaml"), WRONG, 2),
    "plan": (("plan", "specs/search.yaml"), PLAIN, 0),
    "plan as json": (("plan", "specs/search.yaml", "--json"), PLAIN, 0),
}
"""What is called, on which spec, and its exit code."""


class Screen:
    """As much of a terminal as the live picture needs: `rows` is what is seen, `gone` what has scrolled away."""

    TOKEN = re.compile(r"\x1b\[(\??)([\d;]*)([A-Za-z])|([^\x1b])", re.DOTALL)
    UNFINISHED = re.compile(r"\x1b(\[[?\d;]*)?\Z")

    def __init__(self) -> None:
        self.rows = [""] * ROWS
        self.gone: list[str] = []
        self.at, self.column = 0, 0
        self.unknown: set[str] = set()
        self._rest = ""

    def feed(self, text: str) -> None:
        text = self._rest + text
        unfinished = self.UNFINISHED.search(text)
        self._rest = unfinished[0] if unfinished else ""
        text = text.removesuffix(self._rest)
        for question, numbers, command, character in self.TOKEN.findall(text):
            if character:
                self.put(character)
            elif command and not question:
                self.control(command, int(numbers.partition(";")[0] or 1))

    def put(self, character: str) -> None:
        if character == "\r":
            self.column = 0
        elif character == "\n":
            self.down()
        elif character >= " ":
            if self.column == COLUMNS:
                self.column = 0
                self.down()
            row = self.rows[self.at].ljust(self.column)
            self.rows[self.at] = row[: self.column] + character + row[self.column + 1 :]
            self.column += 1

    def down(self) -> None:
        if self.at == ROWS - 1:
            self.gone.append(self.rows.pop(0))
            self.rows.append("")
        else:
            self.at += 1

    def control(self, command: str, number: int) -> None:
        if command == "A":
            self.at = max(0, self.at - number)
        elif command == "K":  # as rich uses it: the whole line
            self.rows[self.at] = ""
        elif command not in "mhl":
            self.unknown.add(command)

    @property
    def text(self) -> list[str]:
        return [row.rstrip() for row in (*self.gone, *self.rows)]


class Watched:
    """A run on a terminal: what was written, and the screen after each piece of it."""

    def __init__(self, folder: Path, on_time: Callable[[float, subprocess.Popen[bytes], int], None]) -> None:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        environment = {
            k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES", "NO_COLOR", "SEARCH_API_KEY")
        }
        process = subprocess.Popen(
            [sys.executable, "-c", FOREGROUND, "perfspec", "run", "specs/search.yaml", "--out", "out"],
            cwd=folder,
            env=environment | {"TERM": "xterm-256color"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.screen = Screen()
        self.written = ""
        self.pictures: list[list[str]] = []
        self._read(ours, process, on_time)
        self.code = process.wait(timeout=20)
        os.close(ours)

    def _read(self, ours: int, process: subprocess.Popen[bytes], on_time: Any) -> None:
        begun = time.monotonic()
        decode = getincrementaldecoder("utf-8")().decode
        while time.monotonic() < begun + 60:
            on_time(time.monotonic() - begun, process, ours)
            if not select.select([ours], [], [], 0.1)[0]:
                continue
            try:
                data = os.read(ours, 65536)
            except OSError:  # the other end is closed
                return
            text = decode(data)
            self.written += text
            self.screen.feed(text)
            self.pictures.append(self.screen.text)
        process.kill()


@pytest.fixture(scope="module")
def runs(new_folder, perfspec, healthy, small_spec, together) -> Any:
    def on_terminal(name: str, body: str, on_time: Any = lambda *_: None) -> Any:
        return Watched(small_spec(new_folder(name), healthy.url, body), on_time)

    def interrupt(seconds: float, _: Any, terminal: int) -> None:
        """Ctrl-C as a terminal sends it, once the picture is there."""
        if seconds > 3 and not pressed:
            pressed.append(seconds)
            os.write(terminal, b"\x03")

    pressed: list[float] = []

    def in_pipe() -> Any:
        return perfspec(small_spec(new_folder("pipe"), healthy.url, PLAIN))

    def quietly() -> Any:
        """Without --out, too."""
        folder = small_spec(new_folder("quiet"), healthy.url, PLAIN)
        return perfspec.command(folder, "run", "specs/search.yaml", "--quiet"), folder

    def unread(*words: str, body: str = PLAIN) -> Any:
        """As in `perfspec run ... | true`."""
        folder = small_spec(new_folder("unread"), healthy.url, body)
        reader, writer = os.pipe()
        os.close(reader)
        command = [sys.executable, "-m", "perfspec", *words]
        process = subprocess.Popen(command, cwd=folder, stdout=writer, stderr=subprocess.PIPE, text=True)
        os.close(writer)
        try:
            _, err = process.communicate(timeout=30)
        finally:
            process.kill()
        return process.returncode, err, folder

    return together(
        crowded=lambda: on_terminal("crowded", CROWDED),
        interrupted=lambda: on_terminal("interrupted", PLAIN.replace("5s", "30s"), interrupt),
        plain=in_pipe,
        quiet=quietly,
        unread=lambda: unread("run", "specs/search.yaml", "--out", "out"),
        **{name: partial(unread, *words, body=body) for name, (words, body, _) in UNREAD.items()},
    )


def test_a_run_on_a_terminal_ends_with_the_verdict_table(runs) -> None:
    watched = runs["crowded"]
    assert watched.code == 0, watched.written
    text = watched.screen.text
    assert "Traceback" not in watched.written
    assert "search smoke on local: PASS, 1 of 1 limit not proven (4s judged)" in text
    assert any(row.startswith("PASS  suggest-1 errors under 5%") for row in text)
    assert not watched.screen.unknown


def test_the_live_picture_shows_the_run_while_it_lasts(runs) -> None:
    watched = runs["crowded"]
    lines = [row for picture in watched.pictures for row in picture]
    seconds = {match[1] for row in lines if (match := re.match(r"(\d) of 4 s  steady  3 users  \d+ sent", row))}
    assert {"2", "3"} <= seconds
    assert any(re.match(r"request +requests/s +p95 +failed", row) for row in lines)


def test_no_picture_leaves_a_trace(runs) -> None:
    """A line that were longer than the terminal would wrap, and the next picture would begin one row too low."""
    watched = runs["crowded"]
    headlines = [sum("search smoke on local (http" in row for row in picture) for picture in watched.pictures]
    assert max(headlines) == 1
    assert headlines[-1] == 0
    assert not any(" of 4 s  steady" in row for row in watched.screen.text)
    assert max(len(row) for picture in watched.pictures for row in picture) <= COLUMNS


def test_the_cursor_is_shown_again(runs) -> None:
    for name in ("crowded", "interrupted"):
        written = runs[name].written
        assert written.count("\x1b[?25l") == written.count("\x1b[?25h") > 0


def test_ctrl_c_on_a_terminal_ends_the_picture_and_reports(runs) -> None:
    watched = runs["interrupted"]
    assert watched.code == 128 + signal.SIGINT, watched.written
    assert "search smoke on local: INTERRUPTED: this is what was measured until then" in " ".join(watched.screen.text)
    assert not any(" of 30 s  steady" in row for row in watched.screen.text)


def test_a_pipe_gets_plain_lines(runs) -> None:
    ended = runs["plain"]
    assert ended.code == 0
    assert "\x1b" not in ended.out
    first, *rest = ended.out.splitlines()
    assert re.fullmatch(r"search smoke on local \(http://127\.0\.0\.1:\d+\), 5s", first)
    pattern = r"    5 s  steady: 3 users  \d+\.\d requests/s  0 of \d+ failed  suggest p95 \d[\d.]* ms"
    assert [bool(re.fullmatch(pattern, line)) for line in rest].count(True) == 1, ended.out


def test_quiet_says_the_verdict_only(runs) -> None:
    ended, _ = runs["quiet"]
    assert ended.code == 0
    assert "requests/s" not in ended.out
    first = next(line for line in ended.out.splitlines() if line)
    assert first.startswith("search smoke on local: PASS")


def test_without_out_the_run_folder_is_named_after_time_service_and_stage(runs) -> None:
    ended, folder = runs["quiet"]
    (found,) = (path for path in (folder / "results").iterdir() if path.is_dir())  # beside them lies the history
    assert re.fullmatch(r"\d{8}-\d{6}-search-smoke", found.name)
    assert f"results/{found.name}/: result.json, junit.xml, report.html, slices.jsonl, plan.json" in ended.out
    written = {path.name for path in found.iterdir()}
    assert written == {"result.json", "junit.xml", "report.html", "slices.jsonl", "plan.json"}


def test_a_reader_who_goes_away_changes_neither_verdict_nor_files(runs) -> None:
    code, err, folder = runs["unread"]
    assert (code, err) == (0, "")
    assert (folder / "out" / "result.json").is_file()


@pytest.mark.parametrize("called", UNREAD)
def test_a_reader_who_goes_away_changes_no_exit_code(runs, called) -> None:
    code, err, _ = runs[called]
    assert (code, err) == (UNREAD[called][2], "")


def test_a_plan_of_mistakes_exits_as_if_it_were_read(new_folder, perfspec, small_spec) -> None:
    folder = small_spec(new_folder("mistakes"), "http://127.0.0.1:1", WRONG)
    assert perfspec.command(folder, "lint", "specs/search.yaml").code == 2
    assert perfspec.command(folder, "plan", "specs/search.yaml").code == 2
