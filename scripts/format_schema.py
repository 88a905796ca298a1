"""Write the language's schema in its one form: what fits on a line stands on a line. `--check` only compares."""

import json
import sys
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parent.parent / "schema" / "perfspec-1.schema.json"
WIDTH = 118


def form(value: Any, indent: int, used: int) -> str:
    """`used`: characters on the line before the value."""
    line = json.dumps(value, ensure_ascii=False)
    if len(line) + used <= WIDTH or not isinstance(value, (dict, list)) or not value:
        return line
    pad = " " * (indent + 2)
    if isinstance(value, dict):
        rows = []
        for key, below in value.items():
            head = f"{pad}{json.dumps(key, ensure_ascii=False)}: "
            rows.append(head + form(below, indent + 2, len(head) + 1))
        return "{\n" + ",\n".join(rows) + "\n" + " " * indent + "}"
    return "[\n" + ",\n".join(pad + form(each, indent + 2, len(pad) + 1) for each in value) + "\n" + " " * indent + "]"


def main() -> int:
    written = TARGET.read_text()
    wanted = form(json.loads(written), 0, 0) + "\n"
    if "--check" in sys.argv:
        return int(written != wanted)
    TARGET.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
