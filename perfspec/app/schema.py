"""The words of the language as their JSON Schema: what editors read, and what specs are checked by."""

from pathlib import Path

from perfspec.base.errors import PerfspecError

__all__ = ["NAME", "schema_text"]

NAME = "perfspec-1.schema.json"


def schema_text() -> bytes:
    """The file, inside the installed package or beside it in a checkout."""
    package = Path(__file__).parent.parent
    for folder in (package / "schema", package.parent / "schema"):
        if (folder / NAME).is_file():
            return (folder / NAME).read_bytes()
    raise PerfspecError(f"{NAME} is missing from this installation", "install perfspec again")
