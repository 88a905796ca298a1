"""Write schema/result-1.schema.json from the types of the result document. A test keeps the two equal."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec

from perfspec.report.result import Result

TARGET = Path(__file__).parent.parent / "schema" / "result-1.schema.json"


def fraction(kind: type) -> dict[str, Any]:
    if kind is Fraction:
        return {"type": "string", "description": "an exact fraction: `1/20`", "pattern": "^-?[0-9]+(/[0-9]+)?$"}
    raise NotImplementedError(kind)


def schema() -> str:
    """The schema's text."""
    found = msgspec.json.schema(Result, schema_hook=fraction)
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "the result of a perfspec run, version 1",
        "description": "Times are int nanoseconds; a span is [file, line, column, end line, end column].",
    }
    return json.dumps(head | found, indent=2) + "\n"


if __name__ == "__main__":
    TARGET.write_text(schema())
