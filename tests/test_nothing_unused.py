"""Nothing is in the package for its tests alone: every function and class is named somewhere in it."""

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "perfspec"
CALLED_BY_OTHERS = {
    "http.server": {"do_GET", "log_message"},
    "httptools": {"on_header", "on_headers_complete", "on_body", "on_message_complete"},
    "asyncio": {"connection_made", "data_received", "connection_lost", "pause_writing", "resume_writing"},
    "click": {"list_commands", "get_command", "format_commands"},
    "yaml": {"ignore_aliases"},
    "uvicorn": {"capture_signals"},
    "report/formats.py, by its name": {"to_github", "to_junit"},
    "a simulated load": {"SimDriver"},
}
SPECIAL = frozenset().union(*CALLED_BY_OTHERS.values())


def named(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name):
                yield name
            case ast.alias(name=name):
                yield name.rpartition(".")[2]


def unused(trees: dict[str, ast.AST]) -> list[str]:
    """What is decorated is used by its decorator, but for a property."""
    names = {name for tree in trees.values() for name in named(tree)}
    return [
        f"{path}:{node.lineno} {node.name}"
        for path, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        and node.name not in names | SPECIAL
        and not node.name.startswith("__")
        and all(isinstance(each, ast.Name) and each.id == "property" for each in node.decorator_list)
    ]


def test_every_function_and_class_of_the_package_is_named_in_it() -> None:
    files = sorted(PACKAGE.rglob("*.py"))
    assert unused({str(path): ast.parse(path.read_text()) for path in files}) == []


def test_what_nobody_names_is_found() -> None:
    text = "def used():\n    pass\nclass A:\n    @property\n    def idle(self):\n        return used()\nA()\n"
    assert unused({"a.py": ast.parse(text)}) == ["a.py:5 idle"]
    assert unused({"a.py": ast.parse(text), "b.py": ast.parse("print(x.idle)")}) == []
