"""Write the pages of the guide that are made from what the program knows: keys from the schema, codes from their
explanations, commands from their help. A test keeps pages and program equal. `python scripts/guide.py` writes them.
"""

import inspect
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import yaml

from perfspec.app.explain import explain
from perfspec.base.errors import ExitCode
from perfspec.cli import perfspec
from perfspec.diagnostics.codes import CODES

ROOT = Path(__file__).parent.parent
GUIDE = ROOT / "docs" / "guide"
SCHEMA = ROOT / "schema" / "perfspec-1.schema.json"
LONGEST_EXAMPLE = 110
PARTS = (
    ("", "A spec", "The keys at the left edge of a file."),
    ("environment", "`environments: {NAME: ...}`", "One place where the service runs."),
    ("secret", "`secrets: {NAME: ...}`", "Either the name of an environment variable alone, or these keys."),
    ("defaults", "`defaults`", "What every request has unless its step says otherwise."),
    ("generator", "`data: {NAME: ...}`", "A data generator has exactly one kind, and the options of that kind."),
    ("flow", "`flows: {NAME: ...}`", "What a virtual user does in a round."),
    ("step", "`steps`", "A step does one thing, and its other keys say how."),
    ("fragment", "`fragments: {NAME: ...}`", "Steps to share, called with `use`."),
    ("stage", "`stages: {NAME: ...}`", "A load shape, with its own limits and reasons to stop."),
    ("phase", "`phases`", "A stretch of a stage."),
    ("slo", "`slo`", "What production promises over a period."),
)
FAMILIES = {
    "PS0": ("File and YAML", "The text cannot be read, or reads differently from what it looks like."),
    "PS1": ("Structure", "A key is unknown, missing, or in the wrong place; files that include each other."),
    "PS2": ("Values and units", "Amounts, ranges, matchers, captures, data."),
    "PS3": ("Names", "What is read is not there, not yet, or not what it seems."),
    "PS4": ("Steps", "What a step does, and what may stand beside it."),
    "PS5": ("Load", "Phases, users, arrivals, environments that do not allow them."),
    "PS6": ("Thresholds", "Rows, cells and limits that could not be judged, or not as meant."),
    "PS7": ("Secrets", "Credentials that would be committed, printed or reported."),
    "PS8": ("Style", "What works, and is likely to be misread."),
    "PS9": ("Versions", "Words of another version of the language, or not built yet."),
}
MADE = "<!-- Made by scripts/guide.py; not to be edited by hand. -->\n"


def reference() -> str:
    document = json.loads(SCHEMA.read_text())
    lines = [
        MADE,
        "# Every key",
        "",
        "What a spec can hold, key by key, from the schema that editors and `perfspec lint` use. The words that stand",
        "behind the keys (limits, matchers, captures, functions) are in the [word list](words.md).",
    ]
    for name, heading, about in PARTS:
        schema = document if not name else document["definitions"].get(name) or document["properties"][name]
        lines += ["", f"## {heading}", "", about, "", "| key | meaning | example |", "|---|---|---|"]
        lines += [_row(*entry) for entry in _keys(document, schema, "")]
    return "\n".join(lines) + "\n"


def _keys(document: dict[str, Any], schema: dict[str, Any], prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key with its own schema, the keys of maps without a name of their own below them."""
    for key, below in schema.get("properties", {}).items():
        yield f"{prefix}{key}", below
        nested = below if "properties" in below else below.get("items", {})
        if "$ref" not in below and "properties" in nested and not (not prefix and schema is document):
            yield from _keys(document, nested, f"{prefix}{key}.")


def _row(key: str, schema: dict[str, Any]) -> str:
    shown = [_inline(example) for example in schema.get("examples", [])]
    examples = ", ".join(f"`{text}`" for text in shown[:2] if len(text) <= LONGEST_EXAMPLE)
    return f"| `{key}` | {_cell(schema.get('description', ''))} | {_cell(examples)} |"


def _inline(value: Any) -> str:
    """As one would write it behind its key."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000, allow_unicode=True, sort_keys=False)
    return text.removesuffix("\n").removesuffix("\n...")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def diagnostics() -> dict[str, str]:
    """Family -> its page."""
    families: dict[str, list[str]] = defaultdict(list)
    for code in CODES:
        families[code[:3]].append(code)
    pages = {}
    for family, codes in families.items():
        title, about = FAMILIES[family]
        lines = [MADE, f"# {family}: {title}", "", about, ""]
        for code in sorted(codes):
            found = explain(code)
            lines += [f"## {code}: {found.about}", "", found.text.strip(), "", "Not so:", "", "```text"]
            lines += [found.wrong.rstrip(), "```", "", "But:", "", "```text", found.right.rstrip(), "```", ""]
        pages[family] = "\n".join(lines).rstrip() + "\n"
    return pages


def codes_index() -> str:
    lines = [
        MADE,
        "# Codes",
        "",
        "Every finding of `perfspec lint` has a code. `perfspec explain CODE` says at length what it means.",
        "",
        "| code | what is wrong |",
        "|---|---|",
    ]
    for code, row in sorted(CODES.items()):
        anchor = "".join(char for char in f"{code}: {row.about}".lower() if char.isalnum() or char in " -_")
        lines.append(f"| [{code}]({code[:3]}.md#{anchor.replace(' ', '-')}) | {_cell(row.about)} |")
    return "\n".join(lines) + "\n"


def commands() -> str:
    lines = [
        MADE,
        "# Commands",
        "",
        "Every command has `--help`. Exit codes are the same for all:",
        "",
        "| exit code | |",
        "|---|---|",
        *(f"| {int(code)} | {_meaning(code)} |" for code in ExitCode),
    ]
    context = click.Context(perfspec, info_name="perfspec")
    for name in perfspec.list_commands(context):
        command = perfspec.get_command(context, name)
        assert command is not None
        lines += _command(command, click.Context(command, info_name=name, parent=context))
    return "\n".join(lines) + "\n"


def _meaning(code: ExitCode) -> str:
    """The sentence below the member, in the source of the enumeration."""
    source = inspect.getsource(ExitCode).split(f"    {code.name} = ")[1]
    return source.split('"""')[1]


def _command(command: click.Command, context: click.Context) -> Iterator[str]:
    yield from ("", f"## {context.command_path}", "")
    usage = " ".join(command.collect_usage_pieces(context))
    yield from (f"`{context.command_path} {usage}`", "", inspect.cleandoc(command.help or ""))
    rows = [row for param in command.get_params(context) if (row := param.get_help_record(context))]
    if rows:
        yield from ("", "| option | |", "|---|---|")
        yield from (
            f"| `{_cell(option)}` | {_cell(help_text)} |" for option, help_text in rows if "--help" not in option
        )
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from _command(below, click.Context(below, info_name=name, parent=context))


def pages() -> dict[Path, str]:
    """Every page that is made, with its text."""
    made = {GUIDE / "reference.md": reference(), GUIDE / "commands.md": commands()}
    made[GUIDE / "diagnostics" / "README.md"] = codes_index()
    made.update({GUIDE / "diagnostics" / f"{family}.md": text for family, text in diagnostics().items()})
    return made


if __name__ == "__main__":
    for path, text in pages().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        print(path.relative_to(ROOT))
