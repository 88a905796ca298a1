"""`perfspec schema`"""

import click

from perfspec.app.schema import schema_text
from perfspec.cli.screen import say

__all__ = ["schema"]


@click.command("schema")
def schema() -> int:
    """Print the JSON Schema of the language, for editors: redirect it to a file and name that in `yaml.schemas`."""
    say(schema_text().decode().rstrip("\n"))
    return 0
