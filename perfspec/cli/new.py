"""`perfspec new URL`"""

import sys
from pathlib import Path

import click

from perfspec.app import new as new_case
from perfspec.app.schema import NAME, schema_text
from perfspec.base.errors import UsageFailure
from perfspec.cli.screen import say

__all__ = ["new"]


@click.command("new")
@click.argument("url", required=False)
@click.option("--service", help="What reports call the service; else a word of its address.")
@click.option("--get", "paths", multiple=True, metavar="PATH", help="A path to ask for; may be given several times.")
@click.option("--p95", help="How long 19 of 20 answers may take.  [default: 500ms]")
@click.option("--users", type=click.IntRange(2, 50), default=10, show_default=True, help="Of the stage `load`.")
@click.option("--owner", default="", help="The team to ask when the spec fails.")
@click.option("--out", type=click.Path(path_type=Path), help="The file; specs/SERVICE.yaml if left out.")
def new(
    url: str | None,
    service: str | None,
    paths: tuple[str, ...],
    p95: str | None,
    users: int,
    owner: str,
    out: Path | None,
) -> int:
    """Write a first spec for a service, with comments, and the schema for editors beside it.

    On a terminal, what no flag says is asked for.
    """
    asks = sys.stdin.isatty()
    url = url or (click.prompt("Address of the service", default="http://127.0.0.1:8080") if asks else None)
    if url is None:
        raise UsageFailure("the address of the service is missing", "perfspec new http://127.0.0.1:8080")
    name = service or new_case.service_name(url)
    if asks:
        name = service or click.prompt("Name of the service", default=name)
        paths = paths or (click.prompt("A path to ask for", default="/"),)
        p95 = p95 or click.prompt("How long may 19 of 20 answers take", default="500ms")
    path = out or Path("specs") / f"{name}.yaml"
    wishes = new_case.Wishes(url, name, paths or ("/",), p95 or "500ms", users, owner)
    _write(path, new_case.new(wishes, path.as_posix()))
    say(f"{path} written; next: perfspec lint {path}, perfspec try {path}")
    return 0


def _write(path: Path, text: str) -> None:
    """The spec and the schema beside it; nothing that is there is overwritten."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
        schema = path.with_name(NAME)
        if not schema.exists():
            schema.write_bytes(schema_text())
    except FileExistsError as error:
        raise UsageFailure(f"{path} is there already", "name another file with --out") from error
    except OSError as error:
        raise UsageFailure(f"{path} cannot be written: {error.strerror}", "name another file with --out") from error
