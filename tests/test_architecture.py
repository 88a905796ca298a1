"""The house rules that a syntax tree can show: floors, import cycles, who may touch the world, sizes.

Every complaint is one sentence with file and line. There is no list of exceptions; only a size may be excused, with a
reason, in the table [tool.perfspec.size] of pyproject.toml. The tables in the lower half prove that each rule can fail.
"""

import ast
import builtins
import gc
import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
LONGEST_FILE, LONGEST_FUNCTION = 400, 50
BUILT_IN = frozenset(dir(builtins))
NO_FLOOR = "stands on no floor; FLOORS in tests/test_architecture.py lists them"
NO_WAIT = "the load path waits for nothing: callbacks, no `async` and no `await`"
FLOORS = {
    "__init__": -1,  # the version only: everybody may import it
    "base": 0,
    **dict.fromkeys(("diagnostics", "reference"), 1),
    "language": 2,
    **dict.fromkeys(("steps", "data", "load", "metrics"), 3),
    "spec": 4,
    **dict.fromkeys(("plan", "verdict", "slo"), 5),
    "engine": 6,
    **dict.fromkeys(("report", "history"), 7),
    "app": 8,
    "cli": 9,
}
LOAD_PATH = (
    "arrivals",
    "binding",
    "ceiling",
    "closed",
    "connection",
    "crew",
    "http1",
    "lanes",
    "load",
    "merging",
    "part",
    "pilot",
    "places",
    "pool",
    "reactor",
    "rounds",
    "sim",
    "timers",
    "wire",
)
LOOP = re.compile(r"^.*loop(?:\(\))?\.(create_task|time)$")
"""An event loop is reached in many ways."""


class Rule(NamedTuple):
    """Names that only some places may use. A name stands for all that is below it; `.name` is a method of anything."""

    names: str
    places: tuple[str, ...]
    complaint: str


RULES = (
    Rule(
        "open io.open io.FileIO codecs.open os nt posix pathlib.Path pathlib.PosixPath shutil tempfile glob fileinput "
        "linecache mmap fcntl ctypes socket socketserver ssl select selectors asyncio anyio httpx httpcore http.client "
        "http.server urllib.request ftplib smtplib subprocess multiprocessing threading concurrent signal resource "
        "platform sqlite3 dbm shelve pkgutil importlib.resources importlib.metadata logging getpass pty webbrowser "
        ".read_text .read_bytes .write_text .write_bytes .open .mkdir .rmdir .unlink .touch .exists .stat .lstat "
        ".is_file .is_dir .iterdir .glob .rglob .symlink_to .hardlink_to .chmod .expanduser",
        ("engine/", "history/", "reference/", "cli/", "app/"),
        "touches the world, which only engine/, history/, reference/, cli/ and app/ may",
    ),
    Rule(
        "time datetime.datetime.now datetime.datetime.utcnow datetime.datetime.today datetime.date.today os.times "
        "anyio.current_time loop.time",
        ("base/clock.py",),
        "reads time, which only base/clock.py may",
    ),
    Rule(
        "random os.urandom os.getrandom uuid.uuid1 uuid.uuid4 uuid.uuid6 uuid.uuid7",
        ("base/random.py",),
        "draws chance, which only base/random.py may",
    ),
    Rule(
        "secrets", ("app/run.py",), "draws chance that nobody can draw again, which only app/run.py may, to name a run"
    ),
    Rule(
        "print input breakpoint exit quit SystemExit os._exit os.abort sys.exit sys.argv sys.stdin sys.stdout "
        "sys.stderr click rich",
        ("cli/",),
        "prints, asks or exits, which only cli/ may",
    ),
    Rule(
        "asyncio.create_task asyncio.ensure_future asyncio.gather loop.create_task",
        (),
        "starts a task that nobody waits for: use a task group",
    ),
    Rule("exec eval compile", ("language/codegen.py",), "runs text, which only language/codegen.py may"),
)


class Import(NamedTuple):
    line: int
    target: str
    """The module, or the module and a name in it."""
    for_types: bool


def tree_of(text: str, path: str) -> ast.Module:
    """With nothing in between: before 3.11.9 and 3.12.3 a finalizer that parses something while a tree is built makes
    the interpreter fail (its issue 106905).
    """
    gc.disable()
    try:
        return ast.parse(text, path)
    finally:
        gc.enable()


class Module:
    """One source file. `path` is relative to the checkout."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self.tree = tree_of(text, path)
        parts = path.removesuffix(".py").split("/")
        self.is_package = parts[-1] == "__init__"
        self.name = ".".join(parts[:-1] if self.is_package else parts)
        self.folder = "cli" if parts[1] == "__main__" else parts[1]

    @cached_property
    def imports(self) -> list[Import]:
        """All of them, those in functions and under TYPE_CHECKING, and those by name at run time."""
        for_types = {
            inner
            for outer in ast.walk(self.tree)
            if isinstance(outer, ast.If) and (self.dotted(outer.test) or "").endswith("TYPE_CHECKING")
            for statement in outer.body
            for inner in ast.walk(statement)
        }
        found = []
        for node in ast.walk(self.tree):
            targets: list[str] = []
            if isinstance(node, ast.Import):
                targets = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                targets = [f"{self._origin(node)}.{alias.name}" for alias in node.names]
            elif isinstance(node, ast.Call) and self.dotted(node.func) in ("importlib.import_module", "__import__"):
                targets = [_written_out(node)]
            found += [Import(node.lineno, target, node in for_types) for target in targets]
        return found

    def _origin(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = self.name.split(".")
        package = package[: len(package) - node.level + self.is_package]
        return ".".join(filter(None, [*package, node.module]))

    @cached_property
    def _bound(self) -> dict[str, str]:
        """What a name stands for, by the module's imports."""
        bound = {}
        for node in ast.walk(self.tree):
            for alias in node.names if isinstance(node, (ast.Import, ast.ImportFrom)) else ():
                before = f"{self._origin(node)}." if isinstance(node, ast.ImportFrom) else ""
                full = before + alias.name if before or alias.asname else alias.name.split(".")[0]
                bound[alias.asname or full.removeprefix(before)] = full
        return bound

    def dotted(self, node: ast.AST) -> str | None:
        """The full name of an expression such as `path.join` after `from os import path`, if it is one."""
        if isinstance(node, ast.Name):
            return self._bound.get(node.id, node.id if node.id in BUILT_IN else f"own {node.id}")
        if isinstance(node, ast.Call):
            before = self.dotted(node.func)
            return before and f"{before}()"
        if isinstance(node, ast.Attribute):
            before = self.dotted(node.value)
            return before and LOOP.sub(r"loop.\1", f"{before}.{node.attr}")
        return None

    def used(self) -> Iterator[tuple[int, str]]:
        """Line and full name of all that is imported or called; outer expressions first."""
        for found in self.imports:
            yield found.line, found.target
        for node in ast.walk(self.tree):
            if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load):
                yield node.lineno, self.dotted(node) or ""
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                yield node.lineno, f".{node.func.attr}"

    def functions(self) -> Iterator[tuple[str, int, int]]:
        """Name (as a path through classes and functions), first line and number of lines of every function."""
        waiting: list[tuple[str, ast.AST]] = [("", self.tree)]
        for prefix, parent in waiting:
            for node in ast.iter_child_nodes(parent):
                inside = prefix
                if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                    inside = f"{prefix}{node.name}."
                    if not isinstance(node, ast.ClassDef):
                        yield prefix + node.name, node.lineno, (node.end_lineno or node.lineno) - node.lineno + 1
                waiting.append((inside, node))


def _written_out(call: ast.Call) -> str:
    """What an import at run time can bring: `perfspec.cli` for f"perfspec.cli.{command}"; `?` where nobody knows."""
    match call.args[:1]:
        case [ast.Constant(value=str(name))] if not name.startswith("."):
            return name
        case [ast.JoinedStr(values=[ast.Constant(value=str(begin)), *_])] if begin.count(".") > 1:
            return begin.rpartition(".")[0]
    return "?"


def floors(modules: list[Module]) -> Iterator[str]:
    """Folders import only lower floors."""
    for module in modules:
        own = FLOORS.get(module.folder)
        if own is None:
            yield f"{module.path}:1: {module.folder} {NO_FLOOR}"
            continue
        for found in module.imports:
            place = f"{module.path}:{found.line}"
            if found.target == "?":
                yield f"{place}: this imports a module whose name is not written out"
            if not found.target.startswith("perfspec.") or found.target == "perfspec.__version__":
                continue
            folder = found.target.split(".")[1]
            floor = FLOORS.get(folder)
            if floor is None:
                yield f"{place}: {folder} {NO_FLOOR}"
            elif folder != module.folder and floor == own:
                yield f"{place}: {module.folder} and {folder} share floor {own}, so neither imports the other"
            elif floor > own:
                yield f"{place}: {module.folder} (floor {own}) imports {folder} (floor {floor}), which is above it"


def cycles(modules: list[Module]) -> Iterator[str]:
    """No module imports itself by way of others; imports for types only do not count."""
    by_name = {module.name: module for module in modules}
    lines: dict[tuple[str, str], int] = {}
    graph: dict[str, set[str]] = {name: set() for name in by_name}
    for module in modules:
        for found in module.imports:
            target = found.target if found.target in by_name else found.target.rpartition(".")[0]
            if not found.for_types and target in by_name and target != module.name:
                graph[module.name].add(target)
                lines.setdefault((module.name, target), found.line)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        way = error.args[1][:0:-1]
        first = way.index(min(way))
        way = [*way[first:], *way[:first], way[first]]
        yield f"{by_name[way[0]].path}:{lines[way[0], way[1]]}: modules import each other: {' -> '.join(way)}"


def world(modules: list[Module]) -> Iterator[str]:
    """Who may touch the world, read time, draw chance, print, start tasks, wait."""
    for module in modules:
        inside = module.path.removeprefix("perfspec/")
        rules = [(set(rule.names.split()), rule) for rule in RULES if not inside.startswith(rule.places)]
        seen = set()
        for line, name in module.used():
            levels = [name[:at] for at in (*(dot.start() for dot in re.finditer(r"(?<!^)\.", name)), len(name))]
            for names, rule in rules:
                if not names.isdisjoint(levels) and (line, rule) not in seen:
                    seen.add((line, rule))
                    yield f"{module.path}:{line}: `{name}` {rule.complaint}"
        if inside.removeprefix("engine/").removesuffix(".py") in LOAD_PATH:
            for line in _waits(module.tree):
                yield f"{module.path}:{line}: {NO_WAIT}"


def _waits(tree: ast.AST) -> set[int]:
    waiting = (ast.Await, ast.AsyncFor, ast.AsyncWith, ast.AsyncFunctionDef)
    lines = {node.lineno for node in ast.walk(tree) if isinstance(node, waiting)}
    comprehensions = (node for node in ast.walk(tree) if isinstance(node, ast.comprehension))
    return lines | {node.target.lineno for node in comprehensions if node.is_async}


def sizes(modules: list[Module], excuses: Mapping[str, str]) -> Iterator[str]:
    """Files and functions that fit into a head, or a reason why not."""
    big: dict[str, str] = {}
    for module in modules:
        path = module.path
        if (length := len(module.text.splitlines())) > LONGEST_FILE:
            big[path] = f"{path}:1: the file has {length} lines; {LONGEST_FILE} is the most"
        for name, line, length in module.functions():
            if length > LONGEST_FUNCTION:
                big[f"{path}::{name}"] = f"{path}:{line}: {name} has {length} lines; {LONGEST_FUNCTION} is the most"
    for key, complaint in big.items():
        if not excuses.get(key, "").strip():
            yield f'{complaint} (or "{key}" = a reason, in [tool.perfspec.size])'
    for key in excuses.keys() - big.keys():
        yield f"pyproject.toml: [tool.perfspec.size] excuses {key}, which is not too big"


def package():
    files = sorted((ROOT / "perfspec").rglob("*.py"))
    return [Module(path.relative_to(ROOT).as_posix(), path.read_text()) for path in files]


@pytest.mark.parametrize("rule", [floors, cycles, world, sizes])
def test_the_package_keeps(rule):
    excuses = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["perfspec"]["size"]
    complaints = list(rule(package(), excuses) if rule is sizes else rule(package()))
    assert not complaints, "\n" + "\n".join(complaints)


def test_every_file_that_a_rule_names_is_there():
    named = [*(f"engine/{name}.py" for name in LOAD_PATH), *(place for rule in RULES for place in rule.places)]
    assert [path for path in named if path.endswith(".py") and not (ROOT / "perfspec" / path).is_file()] == []


WORLD, TIME, CHANCE, NAMED_CHANCE, SAYING, TASKS, TEXT = (rule.complaint for rule in RULES)
SPEC = "language (floor 2) imports spec (floor 4), which is above it"
APP = "base (floor 0) imports app (floor 8), which is above it"
SHARED = "steps and data share floor 3, so neither imports the other"
EXCUSE = "= a reason, in [tool.perfspec.size])"
LONG = "class C:\n    def f(self):\n" + "        pass\n" * 50
BY_NAME = "from importlib import import_module as get\n"
BAD = [
    ("language/a.py", "from perfspec.spec import model", f"1: {SPEC}"),
    ("language/a.py", "import perfspec.spec.model as m", f"1: {SPEC}"),
    ("language/a.py", "def f():\n    from perfspec import spec", f"2: {SPEC}"),
    ("language/a.py", "if TYPE_CHECKING:\n    import perfspec.spec", f"2: {SPEC}"),
    ("language/a.py", "from ..spec.model import Spec", f"1: {SPEC}"),
    ("language/deeper/a.py", "from ... import spec", f"1: {SPEC}"),
    ("language/__init__.py", "from ..spec import b", f"1: {SPEC}"),
    ("language/a.py", BY_NAME + "get(f'perfspec.spec.{x}')", f"2: {SPEC}"),
    ("base/a.py", "__import__('perfspec.app')", f"1: {APP}"),
    ("__init__.py", "import perfspec.base", "1: __init__ (floor -1) imports base (floor 0), which is above it"),
    ("steps/a.py", "from perfspec.data import b", f"1: {SHARED}"),
    ("cli/a.py", BY_NAME + "get(x)", "2: this imports a module whose name is not written out"),
    ("utils/a.py", "", f"1: utils {NO_FLOOR}"),
    ("helpers.py", "", f"1: helpers {NO_FLOOR}"),
    ("cli/a.py", "from perfspec import utils", f"1: utils {NO_FLOOR}"),
    ("plan/a.py", "text = open('x').read()", f"1: `open` {WORLD}"),
    ("plan/a.py", "def f(path):\n    return path.read_text()", f"2: `.read_text` {WORLD}"),
    ("report/a.py", "def f(path):\n    path.open('w')", f"2: `.open` {WORLD}"),
    ("plan/a.py", "from pathlib import Path", f"1: `pathlib.Path` {WORLD}"),
    ("plan/a.py", "import pathlib\npathlib.Path.cwd()", f"2: `pathlib.Path.cwd` {WORLD}"),
    ("plan/a.py", "from os import path", f"1: `os.path` {WORLD}"),
    ("spec/a.py", "def f():\n    import os.path as p", f"2: `os.path` {WORLD}"),
    ("verdict/a.py", "import socket", f"1: `socket` {WORLD}"),
    ("report/a.py", "import subprocess", f"1: `subprocess` {WORLD}"),
    ("steps/a.py", "from asyncio import open_connection", f"1: `asyncio.open_connection` {WORLD}"),
    ("engine/a.py", "import time", f"1: `time` {TIME}"),
    ("app/a.py", "from time import monotonic", f"1: `time.monotonic` {TIME}"),
    ("app/a.py", "from datetime import datetime as d\nd.now()", f"2: `datetime.datetime.now` {TIME}"),
    ("cli/a.py", "import datetime\ndatetime.date.today()", f"2: `datetime.date.today` {TIME}"),
    ("engine/a.py", "import asyncio\nasyncio.get_running_loop().time()", f"2: `loop.time` {TIME}"),
    ("data/a.py", "import random", f"1: `random` {CHANCE}"),
    ("reference/a.py", "from random import Random", f"1: `random.Random` {CHANCE}"),
    ("engine/a.py", "from uuid import uuid4", f"1: `uuid.uuid4` {CHANCE}"),
    ("engine/a.py", "import os\nos.urandom(3)", f"2: `os.urandom` {CHANCE}"),
    ("engine/a.py", "import secrets", f"1: `secrets` {NAMED_CHANCE}"),
    ("engine/a.py", "print('hello')", f"1: `print` {SAYING}"),
    ("app/a.py", "def f(say=print): ...", f"1: `print` {SAYING}"),
    ("report/a.py", "import click", f"1: `click` {SAYING}"),
    ("report/a.py", "from rich.table import Table", f"1: `rich.table.Table` {SAYING}"),
    ("app/a.py", "import sys\nsys.exit(1)", f"2: `sys.exit` {SAYING}"),
    ("app/a.py", "raise SystemExit", f"1: `SystemExit` {SAYING}"),
    ("engine/a.py", "import asyncio as a\na.create_task(f())", f"2: `asyncio.create_task` {TASKS}"),
    ("engine/a.py", "from asyncio import gather", f"1: `asyncio.gather` {TASKS}"),
    ("engine/a.py", "self.loop.create_task(f())", f"1: `loop.create_task` {TASKS}"),
    ("steps/a.py", "eval('1')", f"1: `eval` {TEXT}"),
    ("engine/a.py", "exec(compile('1', 'x', 'exec'))", f"1: `exec` {TEXT}"),
    ("engine/lanes.py", "async def f(): ...", f"1: {NO_WAIT}"),
    ("engine/wire.py", "def f():\n    return [x async for x in y]", f"2: {NO_WAIT}"),
    ("base/a.py", "#\n" * 401, f'1: the file has 401 lines; 400 is the most (or "perfspec/base/a.py" {EXCUSE}'),
    ("base/a.py", LONG, f'2: C.f has 51 lines; 50 is the most (or "perfspec/base/a.py::C.f" {EXCUSE}'),
]
GOOD = [
    ("spec/a.py", "from perfspec.language import nodes\nfrom . import b\nfrom perfspec import __version__"),
    ("steps/a.py", "from perfspec.base import random\nrandom.unit(1, 2)\nimport re\nre.compile('x')\nrun.exec()"),
    ("steps/a.py", "def f(time, select):\n    return time.of(select)"),
    ("base/clock.py", "from time import monotonic_ns\nfrom datetime import UTC, datetime\ndatetime.now(UTC)"),
    ("base/random.py", "import random"),
    ("plan/a.py", "from datetime import datetime, timedelta\nfrom pathlib import PurePosixPath\nfrom uuid import UUID"),
    ("engine/a.py", "import os\nfrom pathlib import Path\nPath('x').read_text()\nasync def f(): await g()"),
    ("engine/lanes.py", "def f(lane):\n    lane.now()\n    yield"),
    ("app/run.py", "from secrets import token_hex"),
    ("cli/a.py", BY_NAME + "import sys\nimport click\nget(f'perfspec.cli.{x}')\nsys.exit(print())"),
    ("__main__.py", "from perfspec.cli import main"),
    ("language/codegen.py", "exec(compile('1', 'x', 'exec'), {})"),
    ("base/a.py", "def f():\n" + "    pass\n" * 49 + "#\n" * 350),
]


def complaints_about(texts):
    modules = [Module(f"perfspec/{path}", text) for path, text in texts.items()]
    return [*floors(modules), *cycles(modules), *world(modules), *sizes(modules, {})]


@pytest.mark.parametrize(("path", "text", "complaint"), BAD)
def test_a_breach_is_named_with_file_and_line(path, text, complaint):
    assert complaints_about({path: text}) == [f"perfspec/{path}:{complaint}"]


@pytest.mark.parametrize(("path", "text"), GOOD)
def test_what_the_rules_allow_is_left_alone(path, text):
    assert complaints_about({path: text}) == []


def test_modules_that_import_each_other_are_named_in_turn():
    lazy = "def f():\n    from perfspec.spec.c import C"
    texts = {"spec/a.py": "import re\nfrom . import b", "spec/b.py": lazy, "spec/c.py": "from .a import A"}
    way = "perfspec.spec.a -> perfspec.spec.b -> perfspec.spec.c -> perfspec.spec.a"
    assert complaints_about(texts) == [f"perfspec/spec/a.py:2: modules import each other: {way}"]


def test_an_import_for_types_only_closes_no_circle():
    texts = {"spec/a.py": "from . import b", "spec/b.py": "if TYPE_CHECKING:\n    from .a import A"}
    assert complaints_about(texts) == []


def test_a_size_is_excused_by_a_reason_only_and_only_while_it_is_needed():
    modules, unneeded = [Module("perfspec/base/a.py", "#\n" * 401)], "excuses perfspec/b.py, which is not too big"
    assert list(sizes(modules, {"perfspec/base/a.py": "one table that is read from top to bottom"})) == []
    assert len(list(sizes(modules, {"perfspec/base/a.py": " "}))) == 1
    assert list(sizes([], {"perfspec/b.py": "old"})) == [f"pyproject.toml: [tool.perfspec.size] {unneeded}"]
