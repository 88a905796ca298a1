"""`perfspec lint SPEC...`"""

from pathlib import Path

import click

from perfspec.app import lint as lint_case
from perfspec.base.errors import ExitCode, UsageFailure
from perfspec.cli import findings
from perfspec.cli.screen import say

__all__ = ["lint"]


@click.command("lint")
@click.argument("specs", nargs=-1, required=True, type=click.Path())
def lint(specs: tuple[str, ...]) -> int:
    """Check specs and the files they include. Folders are searched for *.yaml and *.yml."""
    code = ExitCode.PASS
    count = 0
    files = _files(specs)
    if not files:
        raise UsageFailure(
            f"there is no *.yaml file below {', '.join(specs)}", "name a spec, or a folder that holds specs"
        )
    for path in files:
        checked = lint_case.lint(path)
        findings.show(checked)
        count += 1
        if checked.has_errors:
            code = ExitCode.SPEC
    if code is ExitCode.PASS:
        say(f"{count} {'spec' if count == 1 else 'specs'} without errors")
    return code


def _files(names: tuple[str, ...]) -> list[str]:
    found: list[str] = []
    for name in names:
        path = Path(name)
        if path.is_dir():
            found += sorted(str(p) for p in path.rglob("*") if p.suffix in (".yaml", ".yml"))
        else:
            found.append(name)
    return list(dict.fromkeys(found))
